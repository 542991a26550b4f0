package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// environment is what testdata finds set.
var environment = map[string]string{
	"HOST": "backend.example", "REDIS": "redis://:hunter2@127.0.0.1:6379/1", "WRITE": "10", "TAGS": "7",
	"NAME": "articles", "MODE": "observe", "INJECT": "${HOST},mode:off", "EMPTY": "", "PASSWORD": "hunter2",
}

func testEnv(name string) (string, bool) {
	v, ok := environment[name]
	return v, ok
}

// each runs a test for each YAML file of a folder, and compares what it returns with the text file beside it.
func each(t *testing.T, folder string, got func(t *testing.T, name string, data []byte) string) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", got(t, filepath.Base(file), data)+"\n")
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\n got:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestBadFilesAreRefusedWithEveryProblem(t *testing.T) {
	each(t, "bad", func(t *testing.T, name string, data []byte) string {
		c, warnings, err := Parse(name, data, testEnv)
		if err == nil || c != nil || warnings != nil {
			t.Fatalf("got %v, %v, %v", c, warnings, err)
		}
		if _, ok := err.(Problems); !ok {
			t.Errorf("the error is a %T", err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error has a secret in it: %v", err)
		}
		return err.Error()
	})
}

func TestSuspiciousFilesAreWarnedAbout(t *testing.T) {
	each(t, "warn", func(t *testing.T, name string, data []byte) string {
		_, warnings, err := Parse(name, data, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		lines := make([]string, len(warnings))
		for i, w := range warnings {
			lines[i] = w.String()
		}
		return strings.Join(lines, "\n")
	})
}
