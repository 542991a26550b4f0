package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// A write that no precondition judges needs no lease. A rule does: what the backend says of it is only true while others are kept out.
func TestARuleIsNeverDecidedWithoutTheLeaseThatSomebodyElseHas(t *testing.T) {
	for _, tt := range []struct {
		name        string
		rules       proxy.Rules
		first, next string // where POSTs go, with one value
		exists      string // what there must be for the rule to hold
	}{
		{
			name: "unique", first: "/users", next: "/users",
			rules: proxy.Rules{Unique: []proxy.Unique{{Fields: []string{"/email"}, Ask: "/found/{/email}"}}},
		},
		{
			name: "resource", first: "/orders/1/approve", next: "/orders/1/cancel", exists: "/orders/1",
			rules: proxy.Rules{Resource: "/orders/{id}", Require: []proxy.Require{{That: "current.body.status == 'pending'"}}},
		},
		{
			name: "leases", first: "/orders", next: "/orders", exists: "/customers/7",
			rules: proxy.Rules{Leases: []string{"/customers/7"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t)
			b.set(tt.exists, `{"status":"pending"}`)
			there, goOn, held := make(chan struct{}), make(chan struct{}), atomic.Bool{}
			b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost && held.CompareAndSwap(false, true) {
					close(there)
					<-goOn
				}
				return false
			})
			f := newFleet(t, b)
			f.cfg.Timeouts.BusyWait = 20 * time.Millisecond
			all := route()
			ruled := proxy.Route{
				Name: "ruled", Match: tt.first, Mode: proxy.Enforce, Missing: proxy.MissingAllow, Guard: []string{"POST"}, Rules: tt.rules,
			}
			ruled.Match = strings.Replace(ruled.Match, "/1/approve", "/{id}/{step}", 1)
			f.cfg.Routes = []proxy.Route{all, ruled}
			one, two := f.replica(), f.replica()
			const body = `{"email":"ada@example.com"}`
			first := make(chan int)
			go func() {
				res, err := http.Post(one.url+tt.first, "application/json", strings.NewReader(body))
				if err != nil {
					first <- 0
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				first <- res.StatusCode
			}()
			<-there
			next := two.do(http.MethodPost, tt.next, body, "Content-Type", "application/json")
			close(goOn)
			next.want(t, http.StatusConflict, refusal.Busy)
			if status := <-first; status != http.StatusNoContent {
				t.Errorf("the first write got %d", status)
			}
			if writes := b.writes(); len(writes) != 1 {
				t.Errorf("the backend has applied %q, want one write", writes)
			}
		})
	}
}

func TestWhoMayNotLookIsNotToldThatSomebodyIsAtWhatARuleIsAbout(t *testing.T) {
	b := newBackend(t)
	b.set("/orders/1", `{"status":"pending"}`)
	there, goOn := make(chan struct{}), make(chan struct{})
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		if r.Method == http.MethodPost {
			close(there)
			<-goOn
		}
		return false
	})
	f := newFleet(t, b)
	f.cfg.Timeouts.BusyWait = 20 * time.Millisecond
	f.cfg.Routes = []proxy.Route{route(), {
		Name: "step", Match: "/orders/{id}/{step}", Mode: proxy.Enforce, Missing: proxy.MissingAllow, Guard: []string{"POST"},
		Rules: proxy.Rules{Resource: "/orders/{id}", Require: []proxy.Require{{That: "current.body.status == 'pending'"}}},
	}}
	c := f.replica()
	done := make(chan answer)
	go func() {
		a, _ := c.attempt(http.MethodPost, "/orders/1/approve", "", "Authorization", "clerk")
		done <- a
	}()
	<-there
	stranger := c.do(http.MethodPost, "/orders/1/cancel", "")
	clerk := c.do(http.MethodPost, "/orders/2/cancel", "", "Authorization", "clerk")
	close(goOn)
	<-done
	stranger.want(t, http.StatusForbidden)
	clerk.want(t, http.StatusConflict, refusal.Absent)
}
