package main_test

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	processes "proxy409/examples/process"
)

// file writes a configuration to a file.
func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "proxy409.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// setup is what the tests vary in a configuration.
type setup struct {
	upstream string
	redis    string // its URL; "": the embedded store
	timeouts string // "": short ones, whose sum is the grace period of a new Redis
	grace    string // "": that; "0s" for tests in which Redis forgets nothing
	more     string // further keys of the file
}

func (s setup) yaml() string {
	text := "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nupstream: " + s.upstream + "\n"
	patience := "900ms"
	if s.timeouts == "" {
		patience = "1800ms" // on a busy machine Redis is slow, and that is not what is tried
	}
	text += "timeouts: " + cmp.Or(s.timeouts, "{write: 2s, settle: 200ms, busy_wait: 1s}") + "\n"
	if s.redis != "" {
		text += "store: {grace: " + cmp.Or(s.grace, "auto") + ", redis: {url: " + s.redis + ", timeout: " + patience + "}}\n"
	}
	return text + s.more
}

// pair starts two replicas and waits until both are ready.
func (s setup) pair(t testing.TB) [2]*replica {
	t.Helper()
	a, b := serve(t, s.yaml()), serve(t, s.yaml())
	return [2]*replica{a.ready(), b.ready()}
}

// freeAddress is a loopback address that nobody listens on, for programs that cannot be told to choose one.
func freeAddress(t testing.TB) string {
	t.Helper()
	addr, err := processes.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
