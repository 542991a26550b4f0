package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Steppable is a server whose wall clock can be set while it runs.
type Steppable struct {
	*Server

	offset time.Duration
	file   string // libfaketime reads the offset from it
}

// StartSteppable is [Start] with Debian's libfaketime. Where there is none, or where redis-server does not start with it, the
// test is skipped.
func StartSteppable(t testing.TB, args ...string) *Steppable {
	t.Helper()
	requireRedis(t)
	found, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if len(found) == 0 {
		t.Skip("redistest: there is no libfaketime (Debian: apt-get install faketime), so no server's clock can be stepped")
	}
	s := &Steppable{file: filepath.Join(t.TempDir(), "offset")}
	s.write(t)
	s.Server = start(t, []string{
		// libfaketime and jemalloc need each other while they start, so malloc is glibc's.
		"LD_PRELOAD=" + found[0] + " libc.so.6",
		"FAKETIME_TIMESTAMP_FILE=" + s.file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
	}, args)
	if s.Server == nil {
		t.Skip("redistest: this redis-server does not start with libfaketime")
	}
	return s
}

// Step sets the clock forward, or back.
func (s *Steppable) Step(by time.Duration) {
	s.t.Helper()
	s.offset += by
	s.write(s.t)
}

// write replaces the file, so that the server never reads half of it.
func (s *Steppable) write(t testing.TB) {
	t.Helper()
	next := s.file + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%+.3f\n", s.offset.Seconds()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, s.file); err != nil {
		t.Fatal(err)
	}
}
