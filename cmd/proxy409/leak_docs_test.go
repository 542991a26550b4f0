package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// SECURITY.md names tests that there are, and keys that the README describes, with the same defaults.
func TestSecurityPageNamesWhatThereIs(t *testing.T) {
	raw, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	tests := testsOf(t, "../..")
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(page, -1)
	for _, m := range names {
		if !tests[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
	keys := regexp.MustCompile(`(?m)^\| .* \| ([0-9]+) ?([a-zA-Z]*)[^|]* \| .((?:limits|timeouts|store)\.[a-z_.]+).`).FindAllStringSubmatch(page, -1)
	for _, m := range keys {
		number, unit, key := m[1], strings.NewReplacer("min", "m", "days", "").Replace(m[2]), m[3]
		if key == "store.ttl" {
			number, unit = "720", "h"
		}
		if row := "| `" + key + "` | `" + number + unit + "` |"; !strings.Contains(readme(t), row) {
			t.Errorf("the README has no %s", row)
		}
	}
	if len(names) < 30 || len(keys) < 14 {
		t.Errorf("%d tests and %d limits: what is tested?", len(names), len(keys))
	}
	for _, bad := range []string{"@", "T" + "ODO"} {
		if strings.Contains(page, bad) {
			t.Errorf("it has %q", bad)
		}
	}
}

// testsOf lists the tests below a folder.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
