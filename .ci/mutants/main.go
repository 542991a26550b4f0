// Command mutants judges the judges: it breaks the shipped code in one line at a time, as a person might, and runs the tests
// that are there to notice. A test that passes on broken code is a failure here.
//
//	go run ./.ci/mutants [-only PART-OF-NAME]
//
// The code itself is never touched: each mutant is an overlay (go help build), so it needs no copy of the tree.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mutant is one way to break the code.
type mutant struct {
	name     string
	file     string
	old, new string   // old stands in the file once
	judges   []string // each must fail: "[NAME=VALUE] PACKAGE TESTS FLAG...", as go test has them
}

func main() {
	only := flag.String("only", "", "run those whose name has this in it")
	flag.Parse()
	if err := run(*only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// atOnce is how many mutants are judged at once: a judge is busy by half, and a build likewise.
const atOnce = 2

func run(only string) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	errs := make([]error, len(mutants))
	turn := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, m := range mutants {
		if !strings.Contains(m.name, only) {
			continue
		}
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if err := m.judge(filepath.Join(dir, strconv.Itoa(i))); err != nil {
				errs[i] = fmt.Errorf("%s: %w", m.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// judge brings the mutant before its judges, one after another. dir is its own.
func (m mutant) judge(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	overlay, err := m.overlay(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, judge := range m.judges {
		args, start, setting := strings.Fields(judge), time.Now(), ""
		if strings.Contains(args[0], "=") {
			setting, args = args[0], args[1:]
		}
		verdict, binary := "DID NOT RUN", filepath.Join(dir, path.Base(args[0])+".test")
		err := build(binary, overlay, args[0])
		if err == nil {
			verdict, err = try(binary, setting, args)
		}
		fmt.Printf("%-45s %-60s %s, %.1f s\n", m.name, judge, verdict, time.Since(start).Seconds())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", judge, err))
		}
	}
	return errors.Join(errs...)
}

// overlay writes the broken file, and the file that tells the go command of it.
func (m mutant) overlay(dir string) (string, error) {
	file, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(text, []byte(m.old)); n != 1 {
		return "", fmt.Errorf("what it replaces stands %d times in %s; the code has changed, and the mutant must follow: %q", n, m.file, m.old)
	}
	broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: broken}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(
		os.WriteFile(broken, bytes.Replace(text, []byte(m.old), []byte(m.new), 1), 0o600),
		os.WriteFile(overlay, replace, 0o600),
	)
}

// build makes the tests of a package on the broken code, unless they are there.
func build(binary, overlay, pkg string) error {
	if _, err := os.Stat(binary); err == nil {
		return nil
	}
	out, err := exec.CommandContext(context.Background(), "go", "test", "-c", "-overlay="+overlay, "-o", binary, pkg).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// failed is a test that found something, or the whole of them that did not end. A build that fails proves nothing.
var failed = regexp.MustCompile(`^\s*--- FAIL: (\S+)|^panic: (test timed out)`)

// try runs the tests of one judge, "PACKAGE TESTS FLAG...", and wants them to fail. It ends them when the first has.
func try(binary, setting string, judge []string) (verdict string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.run="+judge[1], "-test.v", "-test.timeout=4m")
	cmd.Args = append(cmd.Args, judge[2:]...)
	cmd.Dir, cmd.Env = judge[0], os.Environ()
	if setting != "" {
		cmd.Env = append(cmd.Env, setting)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return "DID NOT RUN", err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return "DID NOT RUN", err
	}
	text, found := until(said, failed)
	if found != nil {
		cancel()
		_ = cmd.Wait() // it was ended
		return "caught by " + found[1] + found[2], nil
	}
	switch err := cmd.Wait(); {
	case err == nil && strings.Contains(text, "no tests to run"):
		return "NO TESTS", errors.New("there are no such tests")
	case err == nil:
		return "SURVIVED", errors.New("the tests pass on broken code")
	default:
		return "DID NOT RUN", fmt.Errorf("%w\n%s", err, text)
	}
}

// until reads to the first line that matches, or to the end. It returns what it read, and what matched.
func until(r io.Reader, expr *regexp.Regexp) (text string, found []string) {
	var b strings.Builder
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		b.WriteString(line)
		if found = expr.FindStringSubmatch(line); found != nil || err != nil {
			return b.String(), found
		}
	}
}
