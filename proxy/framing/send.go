package framing

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// errStalled is the error of a Write to a client that has taken nothing for Options.Send.
var errStalled = errors.New("framing: the client takes nothing of what is sent to it")

// sender is a connection whose Write gives up when the client takes nothing for limit. It has no ReadFrom on purpose: with
// sendfile and splice, nobody would see whether the client takes anything.
type sender struct {
	net.Conn
	limit time.Duration

	mu      sync.Mutex
	own     time.Time // the deadline of those above, or zero
	until   time.Time // when the wait under way looks around; zero if the deadline below is not ours
	stalled bool
}

// Write writes all of b, unless the client takes nothing for limit or a deadline of those above has passed. It looks around four times
// in that time, for neither the kernel nor a large Write says how they get on.
func (s *sender) Write(b []byte) (int, error) {
	now := time.Now()
	w := wait{since: now}
	for n := 0; ; {
		if err := s.arm(now, w.since); err != nil {
			return n, err
		}
		m, err := s.Conn.Write(b[n:])
		n += m
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		now = time.Now()
		if s.expired(now) {
			return n, err
		}
		if moved := w.moved(s.Conn); moved || m > 0 {
			w.since = now
		}
		if now.Sub(w.since) >= s.limit {
			return n, s.stall()
		}
	}
}

// wait is one wait for a client to take something.
type wait struct {
	since  time.Time
	queued int // bytes that the client had not acknowledged when somebody last looked
	known  bool
}

// moved says whether the client may have taken something of what the kernel holds since somebody last looked. A Write does
// not show it: the kernel takes more only once a good part of its buffer, which may be megabytes, is free.
func (w *wait) moved(c net.Conn) bool {
	queued, ok := queued(c)
	if !ok {
		return false
	}
	moved := !w.known || queued < w.queued
	w.queued, w.known = queued, true
	return moved
}

// arm sets the deadline below to when Write looks around next: after a quarter of limit, or a little less if it has been set a
// moment ago, but when limit has passed since then at the latest.
func (s *sender) arm(now, since time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled {
		return errStalled
	}
	step := s.limit / 4
	if s.until.Sub(now) > step-step/4 {
		return nil
	}
	s.until = earlier(now.Add(step), since.Add(s.limit))
	return s.Conn.SetWriteDeadline(earlier(s.own, s.until))
}

// expired says whether the deadline of those above has passed.
func (s *sender) expired(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.own.IsZero() && !now.Before(s.own)
}

func (s *sender) stall() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = true
	// The kernel should not keep for a while what nobody takes.
	if tcp, ok := s.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return errStalled
}

// SetWriteDeadline sets the deadline of those above; it holds beside limit, also for a Write that is under way.
func (s *sender) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.IsZero() && s.own.IsZero() {
		return nil
	}
	s.own = t
	return s.Conn.SetWriteDeadline(earlier(s.own, s.until))
}

// SetDeadline sets both deadlines.
func (s *sender) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// CloseWrite ends what is sent, where the connection can.
func (s *sender) CloseWrite() error {
	if c, ok := s.Conn.(closeWriter); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// earlier is the earlier of two deadlines, of which zero means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
