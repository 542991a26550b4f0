package proxy_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// orders is a route of orders that are created by POST, with a key that tells one request from another.
func orders(change ...func(*proxy.Route)) proxy.Route {
	r := enforced("orders", "/orders/", "POST", "PUT", "PATCH", "DELETE")
	r.Missing = proxy.MissingAllow
	r.Idempotency = proxy.Idempotency{TTL: 24 * time.Hour}
	for _, c := range change {
		c(&r)
	}
	return r
}

const order = `{"item":"book"}`

func TestARequestWithAKeyIsCarriedOutOnce(t *testing.T) {
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
	}{
		{name: "POST", method: "POST", path: "/orders/", body: order},
		{name: "PUT without a precondition", method: "PUT", path: "/orders/7", body: order},
		{name: "PUT", method: "PUT", path: "/orders/7", body: order, header: []string{"If-Match", `"v1"`}},
		{name: "PATCH", method: "PATCH", path: "/orders/7", body: order, header: []string{"If-Match", `"v1"`}},
		{name: "DELETE", method: "DELETE", path: "/orders/7", header: []string{"If-Match", `"v1"`}},
		{name: "creation", method: "PUT", path: "/orders/8", body: order, header: []string{"If-None-Match", "*"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/orders/7", `{"item":"pen"}`)
				u.tag("/orders/7")
				other := u.replica()
				with := func(key string) []string { return append([]string{"Idempotency-Key", key}, tc.header...) }
				first := u.send(tc.method, tc.path, tc.body, with("k")...)
				if first.StatusCode >= 300 {
					t.Fatal(first.StatusCode, first.body)
				}
				u.untouched(func() {
					u.send(tc.method, tc.path, tc.body, with("k")...).replayed(t, first)
					ask(other, tc.method, tc.path, tc.body, with(`"k"`)...).replayed(t, first) // quoted or bare, it is one key
					time.Sleep(25 * time.Minute)
					if a := ask(other, tc.method, tc.path, tc.body, with("k")...); a.StatusCode != first.StatusCode || a.body != first.body {
						t.Error(a.StatusCode, a.body)
					}
				})
				for event, n := range map[string]int{"idempotency first": 1, "idempotency replayed": 3, "decision replayed ": 3} {
					if got := u.told.count(event); got != n {
						t.Errorf("%s: %d times, want %d: %q", event, got, n, u.told.all())
					}
				}
				time.Sleep(10 * time.Minute)
				u.api.forget()
				ask(other, tc.method, tc.path, tc.body, with("k")...)
				if tc.method == "POST" && len(u.api.writes()) != 1 {
					t.Error("after ttl the key is still known")
				}
			}, orders(func(r *proxy.Route) { r.Idempotency.TTL = 30 * time.Minute }))
		})
	}
}

func TestTheTagOfAnAnswerByKeyMakesTheNextWrite(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"item":"pen"}`)
		write := []string{"Idempotency-Key", "k", "If-Match", u.tag("/orders/7")}
		first := u.send("PUT", "/orders/7", order, write...)
		again := u.send("PUT", "/orders/7", order, write...)
		again.replayed(t, first)
		u.send("PUT", "/orders/7", `{"item":"cup"}`, "If-Match", again.etag()).want(t, 200)
		// From now on it is an earlier version's.
		late := u.send("PUT", "/orders/7", order, write...)
		late.want(t, 200)
		u.untouched(func() { u.send("PUT", "/orders/7", order, "If-Match", late.etag()).want(t, 409, refusal.Stale) })
	}, orders())
}

func TestOfManyWithOneKeyOneIsCarriedOut(t *testing.T) {
	underRules(t, func(u *ruled) {
		g := u.api.hold("POST", "")
		replicas := []*proxy.Proxy{u.one, u.replica(), u.replica()}
		var all []*pending
		for i := range 10 {
			all = append(all, u.start(replicas[i%3], "POST", "/orders/", order, "Idempotency-Key", "k"))
		}
		u.at(g, 1)
		time.Sleep(3 * time.Second)
		busy := 0
		for _, p := range all {
			if p.over() {
				a := p.answer()
				a.want(t, 409, refusal.Busy)
				if a.Header.Get("Retry-After") == "" {
					t.Error("busy, and no Retry-After")
				}
				busy++
			}
		}
		if busy != 9 || u.told.count("idempotency busy") != 9 {
			t.Errorf("%d are told that it is busy: %q", busy, u.told.all())
		}
		late := u.start(replicas[1], "POST", "/orders/", order, "Idempotency-Key", "k")
		late.waits(t)
		g.release()
		a := late.answer()
		a.want(t, 201)
		a.marked(t, "replayed")
		ask(replicas[2], "POST", "/orders/", order, "Idempotency-Key", "k").replayed(t, a)
		u.wrote("POST /orders/ " + order)
	}, orders())
}

func TestAKeyIsOfOneRequest(t *testing.T) {
	for _, tc := range []struct{ name, method, path, body, field, value string }{
		{name: "body", body: `{"item":"cup"}`},
		{name: "method", method: "PUT"},
		{name: "target", path: "/orders/5"},
		{name: "query", path: "/orders/?x=1"},
		{name: "caller", field: "Authorization", value: "Bearer b"},
		{name: "cookie", field: "Cookie", value: "b=1"},
		{name: "precondition", field: "If-None-Match", value: "*"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				method, path, body, header := "POST", "/orders/", order, []string{"Idempotency-Key", "k"}
				g := u.api.hold("POST", "")
				first := u.start(u.one, method, path, body, header...)
				u.at(g, 1)
				if tc.method != "" {
					method = tc.method
				}
				if tc.path != "" {
					path = tc.path
				}
				if tc.body != "" {
					body = tc.body
				}
				if tc.field != "" {
					header = append(header, tc.field, tc.value)
				}
				u.untouched(func() {
					u.send(method, path, body, header...).want(t, 422, refusal.Reused) // while it runs
					g.release()
					first.answer().want(t, 201)
					u.send(method, path, body, header...).want(t, 422, refusal.Reused)
					ask(u.replica(), method, path, body, header...).want(t, 422, refusal.Reused)
				})
				if n := u.told.count("idempotency reused"); n != 3 {
					t.Error(u.told.all())
				}
				if n := u.told.count("decision refused reused"); n != 3 {
					t.Error(u.told.all())
				}
				u.send("POST", "/orders/", order, "Idempotency-Key", "k").marked(t, "replayed")
			}, orders())
		})
	}
}

func TestKeysThatAreNone(t *testing.T) {
	underRules(t, func(u *ruled) {
		for _, key := range []string{"", " ", `""`, `"`, `"a`, `a"`, `a"b`, `"a\"b"`, "a b", `a\b`, "ü", "a\x7f", strings.Repeat("k", 256), `"k1", "k2"`} {
			u.send("POST", "/orders/", order, "Idempotency-Key", key).want(t, 400, refusal.Malformed)
		}
		u.send("POST", "/orders/", order, "Idempotency-Key", "a", "Idempotency-Key", "a").want(t, 400, refusal.Malformed)
		u.wrote()
		for _, key := range []string{strings.Repeat("k", 255), "8e03978e-40d5-43dd-bc93-6894a57f9324", `"a,b;c=d"`, "a=b"} {
			u.send("POST", "/orders/", order, "Idempotency-Key", key).want(t, 201)
		}
	}, orders())
}

func TestAKeyMayBeRequired(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", order)
		u.send("POST", "/orders/", order).want(t, 400, refusal.Malformed)
		u.send("PUT", "/orders/7", order, "If-Match", u.tag("/orders/7")).want(t, 400, refusal.Malformed)
		u.wrote()
		if n := u.told.count("idempotency missing"); n != 2 {
			t.Error(u.told.all())
		}
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").want(t, 201)
	}, orders(func(r *proxy.Route) { r.Idempotency.Required = true }))
	underRules(t, func(u *ruled) {
		u.send("POST", "/orders/", order).want(t, 201)
		u.send("POST", "/orders/", order, "Idempotency-Key", "").want(t, 201)
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").want(t, 201)
		a := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
		if a.want(t, 201); a.Header.Get("Proxy-Status") != "" {
			t.Error(a.Header)
		}
	}, orders(func(r *proxy.Route) { r.Idempotency.Required, r.Mode = true, proxy.Observe }))
}

func TestWhatTheBackendSaysToAKey(t *testing.T) {
	for status, again := range map[int]bool{400: true, 401: true, 403: true, 422: true, 429: true, 404: false, 409: false, 500: false} {
		underRules(t, func(u *ruled) {
			u.api.says("POST", "", status, `{"no":true}`)
			first := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
			first.want(t, status)
			u.api.off()
			u.api.forget()
			a := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
			if again {
				a.want(t, 201)
				u.send("POST", "/orders/", order, "Idempotency-Key", "k").replayed(t, a)
				u.wrote("POST /orders/ " + order)
				return
			}
			a.replayed(t, first)
			u.wrote()
		}, orders())
	}
}

// A 4xx that came to nothing frees its key, also for another request.
func TestARefusalFreesItsKey(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.says("POST", "", 422, "no")
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").want(t, 422)
		u.api.off()
		u.send("POST", "/orders/", `{"item":"cup"}`, "Idempotency-Key", "k").want(t, 201)
		// So does one of the proxy.
		u.api.has("/orders/7", order)
		u.tag("/orders/7")
		u.send("PUT", "/orders/7", order, "If-Match", `"v0"`, "Idempotency-Key", "l").want(t, 409, refusal.Stale)
		u.send("PUT", "/orders/7", order, "If-Match", `"v1"`, "Idempotency-Key", "l").want(t, 200)
	}, orders())
}

func TestAPostInDoubtIsNeitherSentAgainNorAnsweredAsIfItWereDone(t *testing.T) {
	for _, applied := range []bool{true, false} {
		underRules(t, func(u *ruled) {
			u.lost(applied, "POST", "/orders/", order, "Idempotency-Key", "k")
			busy := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
			busy.want(t, 409, refusal.Busy)
			if busy.Header.Get("Retry-After") == "" {
				t.Error(busy.Header)
			}
			u.send("POST", "/orders/", `{"item":"cup"}`, "Idempotency-Key", "k").want(t, 422, refusal.Reused)
			time.Sleep(6 * time.Second)
			for range 2 {
				a := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
				a.want(t, 409, refusal.InDoubt)
				if a.Header.Get("Retry-After") != "" {
					t.Error(a.Header)
				}
			}
			u.send("POST", "/orders/", `{"item":"cup"}`, "Idempotency-Key", "k").want(t, 422, refusal.Reused)
			u.wrote()
			if n := u.told.count("idempotency in_doubt"); n != 2 {
				t.Error(u.told.all())
			}
			u.send("POST", "/orders/", order, "Idempotency-Key", "l").want(t, 201)
		}, orders())
	}
}

func TestAPostInDoubtIsAskedForWhereItMustBeUnique(t *testing.T) {
	route := orders(func(r *proxy.Route) {
		r.Rules.Unique = []proxy.Unique{{Fields: []string{"/item"}, Ask: "/orders?item={/item}"}}
	})
	for _, applied := range []bool{true, false} {
		underRules(t, func(u *ruled) {
			u.lost(applied, "POST", "/orders/", order, "Idempotency-Key", "k")
			time.Sleep(6 * time.Second)
			a := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
			if applied {
				a.want(t, 409, refusal.Duplicate)
				u.wrote()
				return
			}
			a.want(t, 201)
			a.Header.Del("ETag") // names no version of the list
			again := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
			again.Header.Del("ETag")
			again.replayed(t, a)
			u.wrote("POST /orders/ " + order)
		}, route)
	}
}

func TestAPutOrDeleteInDoubtIsAskedFor(t *testing.T) {
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		applied                  bool
		status                   int
	}{
		{name: "PUT", method: "PUT", path: "/orders/7", body: order, applied: true, status: 200},
		{name: "PUT, not applied", method: "PUT", path: "/orders/7", body: order, status: 200},
		{name: "PUT of a new one", method: "PUT", path: "/orders/8", body: order, applied: true, status: 200},
		{name: "PUT of a new one, not applied", method: "PUT", path: "/orders/8", body: order, status: 201},
		{name: "creation", method: "PUT", path: "/orders/8", body: order, header: []string{"If-None-Match", "*"}, applied: true, status: 200},
		{name: "creation, not applied", method: "PUT", path: "/orders/8", body: order, header: []string{"If-None-Match", "*"}, status: 201},
		{name: "DELETE", method: "DELETE", path: "/orders/7", applied: true, status: 204},
		{name: "DELETE, not applied", method: "DELETE", path: "/orders/7", status: 204},
	} {
		t.Run(tc.name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/orders/7", `{"item":"pen"}`)
				header := append([]string{"Idempotency-Key", "k"}, tc.header...)
				u.lost(tc.applied, tc.method, tc.path, tc.body, header...)
				time.Sleep(6 * time.Second)
				a := u.send(tc.method, tc.path, tc.body, header...)
				a.want(t, tc.status)
				if tc.applied {
					a.marked(t, "replayed")
					u.wrote()
					return
				}
				u.wrote(strings.TrimSpace(tc.method + " " + tc.path + " " + tc.body))
				u.send(tc.method, tc.path, tc.body, header...).replayed(t, a)
				u.wrote(strings.TrimSpace(tc.method + " " + tc.path + " " + tc.body))
			}, orders())
		})
	}
}

// Two that repeat a request in doubt at the same time have both been told that it was not applied.
func TestOfTwoThatRepeatARequestInDoubtOneIsSent(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"item":"pen"}`)
		u.lost(false, "PUT", "/orders/7", order, "Idempotency-Key", "k")
		time.Sleep(6 * time.Second)
		asked := u.api.hold("GET", "/orders/7")
		one := u.start(u.one, "PUT", "/orders/7", order, "Idempotency-Key", "k")
		two := u.start(u.replica(), "PUT", "/orders/7", order, "Idempotency-Key", "k")
		u.at(asked, 2)
		written := u.api.hold("PUT", "/orders/7")
		asked.release()
		u.at(written, 1)
		written.release()
		a, b := one.answer(), two.answer()
		a.want(t, 200)
		b.want(t, 200)
		u.wrote("PUT /orders/7 " + order)
	}, orders())
}

func TestAKeyWhoseReplicaDiedIsInDoubt(t *testing.T) {
	underRules(t, func(u *ruled) {
		dying := u.replica()
		g := u.api.hold("POST", "")
		first := u.start(dying, "POST", "/orders/", order, "Idempotency-Key", "k")
		u.at(g, 1)
		u.api.off()
		u.store.fail(errBroken) // what it says at its end does not come
		time.Sleep(10500 * time.Millisecond)
		first.answer()
		time.Sleep(10 * time.Second)
		u.store.fail(nil)
		u.api.forget()
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").want(t, 409, refusal.InDoubt)
		u.wrote()
		synctest.Wait()
	}, orders())
}

func TestTheStoreMayLoseItsRepliesToAKey(t *testing.T) {
	underRules(t, func(u *ruled) {
		s := &forgetful{Store: u.store.Store}
		u.store.Store = s
		for n := range 8 { // the reply to the nth swap is lost
			key := strings.Repeat("k", n+1)
			u.api.forget()
			s.lose(n)
			var last answer
			for range 20 {
				last = u.send("POST", "/orders/", order, "Idempotency-Key", key)
				if last.StatusCode == 201 {
					break
				}
				time.Sleep(time.Second)
			}
			if n := len(u.api.writes()); n != 1 {
				t.Errorf("%s: it was sent %d times; at last: %d %s", key, n, last.StatusCode, last.body)
			}
			s.lose(-1)
		}
	}, orders())
}

func TestAKeyNeedsTheStore(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.store.fail(errBroken)
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").want(t, 503, refusal.Store)
		u.wrote()
		u.store.fail(nil)
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").want(t, 201)
	}, orders())
}

func TestKeysOfTwoBackendsAreTwo(t *testing.T) {
	other := orders(func(r *proxy.Route) {
		r.Name, r.Match = "other", "/others/"
		r.Upstream = mustURL("http://other")
	})
	underRules(t, func(u *ruled) {
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").want(t, 201)
		u.send("POST", "/others/", order, "Idempotency-Key", "k").want(t, 201)
		u.wrote("POST /orders/ "+order, "POST /others/ "+order)
	}, orders(), other)
}

func TestAKeyGoesToTheBackendAndIntoNoQuestion(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"item":"pen"}`)
		u.send("PUT", "/orders/7", order, "Idempotency-Key", "k", "If-Match", `"v1"`).want(t, 200)
		for _, c := range u.api.asked() {
			got := ""
			for name, values := range c.header { // in whatever spelling
				if strings.EqualFold(name, "Idempotency-Key") {
					got += strings.Join(values, ",")
				}
			}
			if (got == "k") != (c.method == http.MethodPut) {
				t.Errorf("%s: Idempotency-Key: %q", c.said(), got)
			}
		}
	}, orders())
}

// The answer comes before the state that the request has left.
func TestAnAnswerByKeyComesBeforeEverythingElse(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"item":"pen"}`)
		write := []string{"Idempotency-Key", "k", "If-Match", u.tag("/orders/7")}
		first := u.send("PUT", "/orders/7", order, write...)
		first.want(t, 200)
		u.send("PUT", "/orders/7", `{"item":"cup"}`, "If-Match", first.etag()).want(t, 200)
		u.untouched(func() {
			a := u.send("PUT", "/orders/7", order, write...)
			a.want(t, 200)
			a.marked(t, "replayed")
			if a.body != first.body {
				t.Error(a.body)
			}
		})
	}, orders())
}

// forgetful is a store that loses replies.
type forgetful struct {
	etagcache.Store
	mu sync.Mutex
	in int
}

func (s *forgetful) lose(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = n + 1
}

func (s *forgetful) Swap(ctx context.Context, k etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	reply, err := s.Store.Swap(ctx, k, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in > 0 {
		if s.in--; s.in == 0 {
			return etagcache.Reply{}, errBroken
		}
	}
	return reply, err
}

func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

func TestRequestsWithTwoKeysDoNotWaitForEachOther(t *testing.T) {
	t.Skip("BUG: a POST of a guarded method takes the lease of its collection, so that all of them wait for each other, and after one in doubt for settle")
	for _, header := range [][]string{nil, {"Idempotency-Key", "other"}} {
		underRules(t, func(u *ruled) {
			g := u.api.hold("POST", "")
			first := u.start(u.one, "POST", "/orders/", order, "Idempotency-Key", "k")
			second := u.start(u.one, "POST", "/orders/", order, header...)
			u.at(g, 2)
			g.release()
			first.answer().want(t, 201)
			second.answer().want(t, 201)
		}, orders())
	}
}

func TestAnAnswerThatPromisesTheOutcomeIsGivenAgain(t *testing.T) {
	t.Skip("BUG: a 202 counts as an outcome in doubt, and its answer, which the backend gave, is not kept under the key")
	underRules(t, func(u *ruled) {
		u.api.says("POST", "", 202, `{"job":7}`, "Location", "/jobs/7")
		first := u.send("POST", "/orders/", order, "Idempotency-Key", "k")
		first.want(t, 202)
		time.Sleep(6 * time.Second)
		u.send("POST", "/orders/", order, "Idempotency-Key", "k").replayed(t, first)
	}, orders())
}
