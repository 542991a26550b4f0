package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// rack runs the command, and returns what it said.
func rack(t *testing.T, args ...string) (good bool, said string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long")
	}
	var out, errs bytes.Buffer
	good, err := run(t.Context(), append(args, "-keep", t.TempDir()), &out, &errs)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, &out, &errs)
	}
	return good, out.String()
}

func TestNothingIsLostUnderTorture(t *testing.T) {
	if _, err := findRedis(); err != nil {
		if os.Getenv("PROXY409_REQUIRE_REDIS") != "" {
			t.Fatal(err)
		}
		t.Skip("NOT CHECKED: nothing is tortured, because there is no redis-server")
	}
	good, said := rack(t, "-duration", "15s", "-seed", "409")
	t.Log(said)
	for line := range strings.Lines(said) {
		if strings.Contains(line, "VIOLATED") {
			t.Errorf("%s", line)
		}
	}
	if !good {
		t.Error("not all is well")
	}
	for _, kind := range []string{"kill", "backend-reset", "redis-"} {
		if !strings.Contains(said, kind) {
			t.Errorf("no %s has happened", kind)
		}
	}
}

// TestWithoutAProxyUpdatesAreLost is the disease. If the judges did not find it, they would find nothing.
func TestWithoutAProxyUpdatesAreLost(t *testing.T) {
	good, said := rack(t, "-duration", "10s", "-proxy", withoutProxy)
	t.Log(said)
	for _, judge := range []string{"writes were applied over something", "histories are not those of a compare-and-set register"} {
		for line := range strings.Lines(said) {
			if strings.Contains(line, judge) && !strings.Contains(line, "VIOLATED") {
				t.Errorf("not found: %s", line)
			}
		}
	}
	if good {
		t.Error("all is well")
	}
}
