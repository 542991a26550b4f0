// Command mutants judges the judges: it breaks the shipped code in one line at a time, as a person might, and runs the tests
// that are there to notice. A test that passes on broken code is a failure here.
//
//	go run ./.ci/mutants [-only PART-OF-NAME]
//
// The code itself is never touched: each mutant is an overlay (go help build), so it needs no copy of the tree.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mutant is one way to break the code.
type mutant struct {
	name     string
	file     string
	old, new string   // old stands in the file once
	judges   []string // each must fail: "PACKAGE TESTS FLAG...", as go test has them
}

func main() {
	only := flag.String("only", "", "run those whose name has this in it")
	flag.Parse()
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(only string) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var errs []error
	for _, m := range mutants {
		if !strings.Contains(m.name, only) {
			continue
		}
		overlay, err := m.overlay(dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
			continue
		}
		for _, judge := range m.judges {
			start := time.Now()
			verdict, err := try(overlay, judge)
			fmt.Printf("%-45s %-60s %s, %.1f s\n", m.name, judge, verdict, time.Since(start).Seconds())
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", m.name, judge, err))
			}
		}
	}
	return errors.Join(errs...)
}

// overlay writes the broken file, and the file that tells the go command of it.
func (m mutant) overlay(dir string) (string, error) {
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(text, []byte(m.old)); n != 1 {
		return "", fmt.Errorf("what it replaces stands %d times in %s; the code has changed, and the mutant must follow: %q", n, m.file, m.old)
	}
	broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: broken}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(
		os.WriteFile(broken, bytes.Replace(text, []byte(m.old), []byte(m.new), 1), 0o600),
		os.WriteFile(overlay, replace, 0o600),
	)
}

// failed is a test that found something, or the whole of them that did not end. A build that fails proves nothing.
var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^panic: (test timed out)`)

// try runs the tests of one judge on the broken code, and wants them to fail.
func try(overlay, judge string) (verdict string, err error) {
	args := strings.Fields(judge)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-failfast", "-timeout=4m", "-overlay="+overlay)
	cmd.Args = append(cmd.Args, args[0], "-run", args[1])
	cmd.Args = append(cmd.Args, args[2:]...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch found := failed.FindSubmatch(out); {
	case err == nil && bytes.Contains(out, []byte("no tests to run")):
		return "NO TESTS", errors.New("there are no such tests")
	case err == nil:
		return "SURVIVED", errors.New("the tests pass on broken code")
	case errors.As(err, &exit) && found != nil:
		return "caught by " + string(found[1]) + string(found[2]), nil
	default:
		return "DID NOT RUN", fmt.Errorf("%w\n%s", err, out)
	}
}
