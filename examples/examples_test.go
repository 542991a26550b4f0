package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"proxy409/config"
)

// env is what examples/compose/compose.yaml puts into the environment of a replica.
func env(name string) (string, bool) {
	if name != "REDIS_PASSWORD" {
		return "", false
	}
	return "only-to-try-it", true
}

// earned are the warnings that examples are meant to give, by folder and key.
var earned = map[string]string{
	"compose": "admin.listen",              // of a container, which Prometheus has to reach
	"caldav":  "routes[0].version.qualify", // its tags are hashes of the content, and clients know them from lists
	// Its steps are judged by the state, and by no version.
	"conflicts": "routes[0].missing",
	// Keys are for Redis; one process is easier to try.
	"retries": "routes[0].idempotency routes[1].idempotency",
}

func TestEveryConfigurationIsGoodAndFreeOfSurprises(t *testing.T) {
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "proxy409") || filepath.Ext(path) != ".yaml" {
			return err
		}
		found++
		_, warnings, err := config.Load(path, env)
		if err != nil {
			t.Errorf("%s cannot be used:\n%v", path, err)
		}
		for _, w := range warnings {
			if !slices.Contains(strings.Fields(earned[filepath.Dir(path)]), w.Path) {
				t.Error(w)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 2 {
		t.Fatalf("found %d configurations; the quickstart's and the compose example's are missing", found)
	}
}

func TestComposeNamesOnlyWhatThereIs(t *testing.T) {
	compose := read(t, "compose/compose.yaml")
	mounts := regexp.MustCompile(`(?m)^\s+- (\.\.?/[^:\s]+):`).FindAllStringSubmatch(compose, -1)
	if len(mounts) < 3 {
		t.Fatalf("found %d mounted files; the proxy's, Redis's and Prometheus's are expected", len(mounts))
	}
	for _, m := range mounts {
		if info, err := os.Stat(filepath.Join("compose", m[1])); err != nil || info.IsDir() {
			t.Errorf("compose.yaml mounts %s, which is no file here (Docker would make a directory of it)", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\s+context: (\S+)$`).FindAllStringSubmatch(compose, -1) {
		if _, err := os.Stat(filepath.Join("compose", m[1], "Dockerfile")); err != nil {
			t.Errorf("compose.yaml builds %s: %v", m[1], err)
		}
	}
	dockerfile := read(t, "../Dockerfile")
	for _, m := range regexp.MustCompile(`(?m)^\s+target: (\S+)$`).FindAllStringSubmatch(compose, -1) {
		if !strings.Contains(dockerfile, " AS "+m[1]+"\n") {
			t.Errorf("compose.yaml builds the target %s, which the Dockerfile does not have", m[1])
		}
	}
}

func TestPrometheusScrapesTheReplicasOfCompose(t *testing.T) {
	compose := read(t, "compose/compose.yaml")
	targets := regexp.MustCompile(`(?m)^\s+- ([\w-]+):9409$`).FindAllStringSubmatch(read(t, "prometheus/prometheus.yml"), -1)
	if len(targets) != 2 {
		t.Fatalf("prometheus.yml names %d replicas, want 2", len(targets))
	}
	for _, m := range targets {
		if !strings.Contains(compose, "\n  "+m[1]+":\n") {
			t.Errorf("prometheus.yml scrapes %s, which is no service of compose.yaml", m[1])
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
