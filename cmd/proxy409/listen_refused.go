package main

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"
)

// framingRefused returns what is told of connections that were refused for their framing. It counts each. Whoever connects
// can cause them as often as they like, and yet an operator has to find the old client that no longer works: each problem is
// said once in a minute, with one who has it, and beyond that only at debug.
func (in *instance) framingRefused(log *slog.Logger) func(remote net.Addr, problem string) {
	var said seldom
	return func(remote net.Addr, problem string) {
		in.metrics.FramingRefused()
		level := slog.LevelDebug
		if said.now(problem, time.Now()) {
			level = slog.LevelInfo
		}
		log.Log(context.Background(), level, "a client's connection was refused for its HTTP/1 framing, and it got 400; "+
			"of each problem this is said once in a minute, the metric counts each connection", "problem", problem, "client", host(remote))
	}
}

// host is an address without its port, which says nothing once the connection is closed.
func host(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// seldom lets each of a few messages through once in a minute. The zero value has let none through.
type seldom struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (s *seldom) now(message string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.last[message]; ok && now.Sub(last) < time.Minute {
		return false
	}
	if s.last == nil {
		s.last = make(map[string]time.Time)
	}
	s.last[message] = now
	return true
}
