package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// freeze stops the process as it is, and waits until it stands still.
func (p *process) freeze() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	p.t.Cleanup(p.thaw) // or it could not be ended in order
	eventually(p.t, 5*time.Second, func() error {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			return err
		}
		// The state is the word after the name, which is in parentheses.
		if !bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" T")) {
			return errors.New("the process is not stopped yet")
		}
		return nil
	})
}

func (p *process) thaw() { _ = p.cmd.Process.Signal(syscall.SIGCONT) } // it may have exited

// TestAReplicaThatIsFrozenForLessThanItsLeaseLosesNothing stops one in the course of a write, while what it waits for
// comes.
func TestAReplicaThatIsFrozenForLessThanItsLeaseLosesNothing(t *testing.T) {
	long(t)
	t.Parallel()
	const patient = "{write: 20s, settle: 1s, busy_wait: 200ms}"
	for name, hold := range map[string]func(*stage) *trap{
		"while it waits for its claim": func(s *stage) *trap { return s.toRedis.holdRequest(isClaim) },
		"between claim and send":       func(s *stage) *trap { return s.toRedis.holdReply(isClaim) },
		"while the backend works":      func(s *stage) *trap { return s.toBackend.holdRequest(isPut) },
		"before the answer comes":      func(s *stage) *trap { return s.toBackend.holdReply(isPut) },
		"before the outcome is known":  func(s *stage) *trap { return s.toRedis.holdReply(isConclusion) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, patient, "10s", "")
			held := hold(s)
			write := background("PUT", s.here, "first", "If-Match", s.tag)
			within(t, 5*time.Second, "the write comes to this point", held.arrived)
			s.first.freeze()
			held.release()
			within(t, 5*time.Second, "what was held is answered", held.answered)
			refusal := put(t, s.there, "lost", s.tag)
			if refusal.status != 409 || name != "before the outcome is known" && refusal.reason() != "busy" {
				t.Errorf("meanwhile another write from the same version: %d %s", refusal.status, refusal.reason())
			}
			select {
			case a := <-write:
				t.Fatalf("the frozen replica answered: %v %d", a.err, a.status)
			default:
			}
			s.first.thaw()
			if a := await(t, write); a.err != nil || a.status != 204 {
				t.Fatalf("the write: %v %d %s", a.err, a.status, a.body)
			}
			put(t, s.there, "lost", s.tag).want(t, 409, "stale")
			put(t, s.here, "lost", s.tag).want(t, 409, "stale")
			put(t, s.there, "second", get(t, s.here).etag()).done(t)
			if got, n := s.origin.text("/doc"), s.origin.writes(); got != "second" || n != 2 {
				t.Errorf("the backend has %q after %d writes, want 2", got, n)
			}
		})
	}
}

// TestAReplicaThatIsFrozenForLongerThanItsLeaseSendsNothingLate stops one that holds the lease and is about to send, or has
// sent.
func TestAReplicaThatIsFrozenForLongerThanItsLeaseSendsNothingLate(t *testing.T) {
	long(t)
	t.Parallel()
	for name, tc := range map[string]struct {
		more string
		hold func(*stage) *trap
		sent int
	}{
		"while it waits for its claim": {hold: func(s *stage) *trap { return s.toRedis.holdReply(isClaim) }},
		"while it verifies": {
			more: "defaults: {verify: always}\n", hold: func(s *stage) *trap { return s.toBackend.holdReply(isGet) },
		},
		"before the answer comes": {hold: func(s *stage) *trap { return s.toBackend.holdReply(isPut) }, sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, hasty, "900ms", tc.more)
			held := tc.hold(s)
			write := background("PUT", s.here, "first", "If-Match", s.tag)
			within(t, 5*time.Second, "the write comes to this point", held.arrived)
			s.first.freeze()
			held.release()
			within(t, 5*time.Second, "what was held is answered", held.answered)
			if closed := s.refused(hastyLease + slack); !closed {
				t.Error("another write did not find the lease")
			}
			s.cycle(s.there, "second", slack)
			s.first.thaw()
			a := await(t, write)
			if a.err != nil || a.status != 503 && a.status != 504 && (tc.sent == 0 || a.status != 204) {
				t.Errorf("the write that woke up too late: %v %d %s", a.err, a.status, a.body)
			}
			put(t, s.here, "lost", s.tag).want(t, 409, "stale")
			s.cycle(s.here, "third", slack)
			if got, n := s.origin.text("/doc"), s.origin.writes(); got != "third" || n != tc.sent+2 {
				t.Errorf("the backend has %q after %d writes, want %d", got, n, tc.sent+2)
			}
		})
	}
}
