package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
)

// lossyStore makes some swaps and loses their replies, and does not make others.
type lossyStore struct{ etagcache.Store }

var errLost = errors.New("the reply is lost")

func (s lossyStore) Swap(ctx context.Context, k etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	switch rand.N(100) {
	case 0:
		return etagcache.Reply{}, errLost
	case 1:
		_, _ = s.Store.Swap(ctx, k, c)
		return etagcache.Reply{}, errLost
	}
	return s.Store.Swap(ctx, k, c)
}

// TestNoDuplicateComesOfClientsThatHangUpAndAStoreThatLosesReplies lets many clients create one user at a time, by whatever spelling, and judges by
// the backend's log.
func TestNoDuplicateComesOfClientsThatHangUpAndAStoreThatLosesReplies(t *testing.T) {
	b := newRegistry(t)
	b.intercept(func(http.ResponseWriter, *http.Request) bool {
		time.Sleep(time.Duration(rand.N(int64(30 * time.Millisecond))))
		return false
	})
	f := ruledFleet(t, b, on("/users", []string{"POST"}, proxy.Rules{Unique: []proxy.Unique{emailRule("")}}),
		on("/orders/{id}", []string{"PUT", "PATCH"}, proxy.Rules{Transitions: workflow()}),
		on("/orders/{id}/approve", []string{"POST"}, proxy.Rules{
			Resource: "/orders/{id}", Require: []proxy.Require{{That: "current.body.status == 'pending'"}},
		}))
	f.store.Store = lossyStore{f.store.Store}
	f.cfg.Timeouts = proxy.Timeouts{Write: 300 * time.Millisecond, Settle: 2 * time.Second, BusyWait: 40 * time.Millisecond}
	replicas := []*client{f.replica(), f.replica(), f.replica()}
	const rounds, clients = 30, 12
	var all sync.WaitGroup
	for round := range rounds {
		b.put(fmt.Sprintf("/orders/%d", round), "status", "pending")
		for range clients {
			all.Go(func() {
				c := replicas[rand.N(len(replicas))]
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.N(int64(800*time.Millisecond))))
				defer cancel()
				method, path, body := "POST", "/users", fmt.Sprintf(`{"email":"%su%d@x"}`, []string{"", " "}[rand.N(2)], round)
				switch rand.N(4) {
				case 0:
					method, path, body = "PATCH", fmt.Sprintf("/orders/%d", round), `{"status":"cancelled"}`
				case 1:
					path, body = fmt.Sprintf("/orders/%d/approve", round), ""
				}
				req, _ := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				res, err := http.DefaultTransport.RoundTrip(req)
				if err == nil {
					res.Body.Close()
				}
			})
		}
	}
	all.Wait()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	users, orders := map[string]string{}, map[string]string{}
	writes := b.writes()
	for _, line := range writes {
		fields := strings.Fields(strings.ReplaceAll(line, `" `, `"`))
		if fields[1] == "/users" {
			if before, twice := users[fields[2]]; twice {
				t.Errorf("%s came after %s", line, before)
			}
			users[fields[2]] = line
			continue
		}
		order := strings.TrimSuffix(fields[1], "/approve")
		if before, twice := orders[order]; twice && (fields[0] == "POST" || !strings.HasPrefix(before, "PATCH")) {
			t.Errorf("%s came after %s", line, before)
		}
		orders[order] = line
	}
	t.Logf("%d of %d were forwarded: %d users, %d orders", len(writes), rounds*clients, len(users), len(orders))
}
