package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeDoor is a door behind which nothing is but one function, and no network.
type fakeDoor struct {
	mu      sync.Mutex
	present map[string]version
	refuse  func(path string, match string) string // the reason, or ""
}

func (f *fakeDoor) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := req.URL.Path
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req, ProtoMajor: 1, ProtoMinor: 1}
	text := ""
	switch reason := f.refuse(path, req.Header.Get("If-Match")); {
	case req.Method == http.MethodGet:
		b, _ := json.Marshal(body{Version: f.present[path]})
		text = string(b)
		res.Header.Set("ETag", fmt.Sprintf(`"%d"`, f.present[path]))
	case reason != "":
		res.StatusCode, text = http.StatusConflict, fmt.Sprintf(`{"reason":%q}`, reason)
	default:
		id, _ := strconv.ParseInt(req.Header.Get(headerID), 10, 64)
		f.present[path] = version(id)
		res.Header.Set(headerOrigin, "1")
	}
	res.Body = io.NopCloser(strings.NewReader(text))
	return res, nil
}

// fakeStand is a stand of two doors that lead to the same.
func fakeStand(refuse func(path, match string) string) *stand {
	f := &fakeDoor{present: make(map[string]version), refuse: refuse}
	client := &http.Client{Transport: f}
	return &stand{
		options: options{writers: 4, resources: 2, replicas: 2}, history: newHistory(time.Now()),
		doors: []door{{"replica 1", "http://one", client}, {"replica 2", "http://two", client}},
	}
}

func never(string, string) string { return "" }

func TestWhoIsNeverRefusedIsNotStuckAndNotFalselyRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeStand(never)
		if h := s.heal(context.Background()); len(h.stuck) != 0 || h.longest != 0 {
			t.Errorf("stuck: %v, after %s", h.stuck, h.longest)
		}
		tries, refusals := s.calm(context.Background())
		if tries != 8 || len(refusals) != 0 {
			t.Errorf("%d tries, refused: %q", tries, refusals)
		}
		if ops := s.history.take(); len(ops) == 0 {
			t.Error("the histories know nothing of it")
		}
	})
}

func TestAResourceThatOpensInTimeIsNotStuckAndOneThatDoesNotIs(t *testing.T) {
	for _, tc := range []struct {
		closed time.Duration
		stuck  bool
	}{{leaseTime, false}, {leaseTime + slack + 100*time.Millisecond, true}, {time.Hour, true}} {
		t.Run(tc.closed.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opens := time.Now().Add(tc.closed)
				s := fakeStand(func(path, _ string) string {
					if path == pathOf(1) && time.Now().Before(opens) {
						return "busy"
					}
					return ""
				})
				h := s.heal(context.Background())
				if (len(h.stuck) > 0) != tc.stuck {
					t.Errorf("stuck: %q, after %s", h.stuck, h.longest)
				}
				for _, text := range h.stuck {
					if !strings.Contains(text, pathOf(1)) || !strings.Contains(text, "busy") {
						t.Errorf("%q does not say what and why", text)
					}
				}
			})
		})
	}
}

func TestARefusalInQuietIsFalse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeStand(func(path, _ string) string {
			if path == pathOf(0) {
				return "stale"
			}
			return ""
		})
		tries, refusals := s.calm(context.Background())
		if tries != 8 || len(refusals) != 4 || !strings.Contains(refusals[0], "stale") {
			t.Errorf("%d tries, refused: %q", tries, refusals)
		}
	})
}

// TestTheStoreMayBeSilentForAMomentAndNotForLong since a machine that stands still is not the proxy's fault, and a proxy
// that always blames the store is at fault.
func TestTheStoreMayBeSilentForAMomentAndNotForLong(t *testing.T) {
	for _, tc := range []struct {
		silent time.Duration
		fails  bool
	}{{500 * time.Millisecond, false}, {time.Hour, true}} {
		t.Run(tc.silent.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var speaks time.Time
				s := fakeStand(func(string, string) string {
					if time.Now().Before(speaks) {
						return "store"
					}
					return ""
				})
				speaks = time.Now().Add(tc.silent)
				if losers := s.rounds(context.Background(), 1); (len(losers) > 0) != tc.fails {
					t.Errorf("rounds: %q", losers)
				}
				speaks = time.Now().Add(tc.silent)
				if _, refusals := s.calm(context.Background()); (len(refusals) > 0) != tc.fails {
					t.Errorf("quiet: %q", refusals)
				}
			})
		})
	}
}

func TestARoundThatNobodyWinsIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeStand(func(path, match string) string {
			if path == pathOf(1) && match != `"0"` { // one round is won there
				return "stale"
			}
			return ""
		})
		losers := s.rounds(context.Background(), 3)
		if len(losers) != 2 || !strings.Contains(losers[0], pathOf(1)) || !strings.Contains(losers[0], "stale") {
			t.Errorf("%q", losers)
		}
	})
}
