package proxy_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// edited is a route of documents at /docs/1.
func edited(change ...func(*proxy.Route)) proxy.Route {
	r := enforced("docs", "/docs/{id}", "PUT", "PATCH", "DELETE")
	for _, c := range change {
		c(&r)
	}
	return r
}

// tag reads a document through the first proxy.
func (u *ruled) tag(path string, header ...string) string {
	u.Helper()
	a := u.send("GET", path, "", header...)
	a.want(u, 200)
	return a.etag()
}

// replayed fails the test unless this is that answer given again.
func (a answer) replayed(t testing.TB, of answer) {
	t.Helper()
	if a.StatusCode != of.StatusCode || a.body != of.body {
		t.Errorf("%s %s: got %d %q, the first time %d %q", a.Request.Method, a.Request.URL, a.StatusCode, a.body, of.StatusCode, of.body)
	}
	for _, name := range []string{"Etag", "Location", "Content-Type", "Content-Encoding", "X-Revision"} {
		got, _, unnoted := strings.Cut(a.Header.Get(name), ";p409-")
		want, _, first := strings.Cut(of.Header.Get(name), ";p409-") // one of which nobody took note has another name each time
		if got != want || unnoted != first {
			t.Errorf("%s %s: %s: %q, the first time %q", a.Request.Method, a.Request.URL, name, got, want)
		}
	}
	a.marked(t, "replayed")
}

func (a answer) marked(t testing.TB, details string) {
	t.Helper()
	if got := strings.Join(a.Header["Proxy-Status"], ", "); !strings.Contains(got, `details="`+details+`"`) {
		t.Errorf("%s %s: %d: Proxy-Status: %q, want details=%q; %s", a.Request.Method, a.Request.URL, a.StatusCode, got, details, a.body)
	}
}

func TestAWriteThatIsRepeatedWordForWordGetsItsFirstAnswer(t *testing.T) {
	ways := map[string]struct {
		route proxy.Route
		local time.Duration
	}{
		"etag":            {route: edited()},
		"reread":          {route: edited(func(r *proxy.Route) { r.Version.Reread = true })},
		"trusted":         {route: edited(func(r *proxy.Route) { r.Version.TrustWrites = true })},
		"qualified":       {route: edited(func(r *proxy.Route) { r.Version.Qualify = 2 })},
		"verified always": {route: edited(func(r *proxy.Route) { r.VerifyAlways = true })},
		"body":            {route: edited(func(r *proxy.Route) { r.Version.Source.From = "body"; r.Version.Reread = true })},
		"json": {route: edited(func(r *proxy.Route) {
			r.Version.Source.From = "json"
			r.Version.Source.Pointer = "/version"
			r.Version.TrustWrites = true
		})},
		"history": {route: edited(func(r *proxy.Route) { r.History = proxy.History{Keep: 64 << 10, For: time.Hour} })},
	}
	for how, way := range ways {
		for _, write := range []struct{ name, method, path, body string }{
			{"PUT", "PUT", "/docs/1", `{"title":"B"}`},
			{"PATCH", "PATCH", "/docs/1", `{"title":"B"}`},
			{"DELETE", "DELETE", "/docs/1", ``},
			{"creation", "PUT", "/docs/2", `{"title":"new"}`},
		} {
			t.Run(how+"/"+write.name, func(t *testing.T) {
				underRules(t, func(u *ruled) {
					u.api.has("/docs/1", `{"title":"A"}`)
					other := u.replica()
					cond := []string{"If-Match", u.tag("/docs/1"), "Authorization", "Bearer a"}
					if write.name == "creation" {
						cond = []string{"If-None-Match", "*", "Authorization", "Bearer a"}
					}
					first := u.send(write.method, write.path, write.body, cond...)
					if first.StatusCode >= 300 {
						t.Fatal(first.StatusCode, first.body)
					}
					u.untouched(func() {
						u.send(write.method, write.path, write.body, cond...).replayed(t, first)
						time.Sleep(time.Minute)
						ask(other, write.method, write.path, write.body, append([]string{"X-Request-Id", "x", "Traceparent", "y"}, cond...)...).replayed(t, first)
					})
					if n := u.told.count("decision replayed "); n != 2 {
						t.Errorf("%d decisions say replayed: %q", n, u.told.all())
					}
					if write.name == "DELETE" {
						return
					}
					if first.etag() == "" {
						t.Fatal("the answer has no tag")
					}
					again := u.send(write.method, write.path, write.body, cond...)
					u.send("PUT", write.path, `{"title":"C"}`, "If-Match", again.etag()).want(t, 200)
				}, way.route)
			})
		}
	}
}

func TestWhatIsNotTheSameRequestIsNotAnsweredAgain(t *testing.T) {
	base := map[string]string{
		"Authorization": "Bearer a", "Cookie": "session=1", "X-Api-Key": "k", "X-Forwarded-User": "anna", "X-Tenant": "t",
		"Cf-Access-Authenticated-User-Email": "a@example.com", "X-Forwarded-Email": "a@example.com",
	}
	other := []struct {
		name               string
		method, path, body string
		field, value       string
	}{
		{name: "Authorization", field: "Authorization", value: "Bearer b"},
		{name: "no Authorization", field: "Authorization"},
		{name: "Cookie", field: "Cookie", value: "session=2"},
		{name: "X-Api-Key", field: "X-Api-Key", value: "l"},
		{name: "X-Forwarded-User", field: "X-Forwarded-User", value: "berta"},
		{name: "X-Forwarded-Email", field: "X-Forwarded-Email", value: "b@example.com"},
		{name: "Cloudflare's user", field: "Cf-Access-Authenticated-User-Email", value: "b@example.com"},
		{name: "X-Tenant", field: "X-Tenant", value: "u"},
		{name: "body", body: `{"title":"C"}`},
		{name: "body of the same length", body: `{"title":"D"}`},
		{name: "method", method: "PATCH"},
		{name: "query", path: "/docs/1?x=1"},
		{name: "precondition", field: "If-Match", value: `"v1", "v1"`},
		{name: "media type", field: "Content-Type", value: "text/plain"},
	}
	for _, tc := range other {
		t.Run(tc.name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.restart(func(c *proxy.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
				u.api.has("/docs/1", `{"title":"A"}`)
				fields := func(with bool) (list []string) {
					all := map[string]string{"If-Match": u.tag("/docs/1")}
					all["If-Match"] = `"v1"`
					for name, value := range base {
						all[name] = value
					}
					if with && tc.field != "" {
						delete(all, tc.field)
						if tc.value != "" {
							all[tc.field] = tc.value
						}
					}
					for name, value := range all {
						list = append(list, name, value)
					}
					return list
				}
				u.send("PUT", "/docs/1", `{"title":"B"}`, fields(false)...).want(t, 200)
				or := func(a, b string) string {
					if a != "" {
						return a
					}
					return b
				}
				u.untouched(func() {
					a := u.send(or(tc.method, "PUT"), or(tc.path, "/docs/1"), or(tc.body, `{"title":"B"}`), fields(true)...)
					a.want(t, 409, refusal.Stale)
				})
			}, edited())
		})
	}
}

func TestOnlyTheLatestWriteIsAnsweredAgain(t *testing.T) {
	for name, next := range map[string]func(u *ruled){
		"another write": func(u *ruled) { u.send("PUT", "/docs/1", `{"title":"C"}`, "If-Match", u.tag("/docs/1")).want(u, 200) },
		"one that is not judged": func(u *ruled) {
			u.api.says("POST", "/docs/1", 200, "")
			u.send("POST", "/docs/1", "").want(u, 200)
		},
		"one past the proxy": func(u *ruled) {
			u.tag("/docs/1")
			u.api.has("/docs/1", `{"title":"C"}`)
			u.tag("/docs/1")
		},
		"the same content again": func(u *ruled) {
			u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", u.tag("/docs/1"), "X-User", "other").want(u, 200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/docs/1", `{"title":"A"}`)
				was := u.tag("/docs/1")
				u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).want(t, 200)
				next(u)
				u.untouched(func() { u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).want(t, 409, refusal.Stale) })
			}, edited())
		})
	}
}

func TestARetryWaitsForTheFirstOne(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		was, other := u.tag("/docs/1"), u.replica()
		g := u.api.hold("PUT", "/docs/1")
		first := u.start(u.one, "PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		u.at(g, 1)
		here := u.start(u.one, "PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		there := u.start(other, "PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		here.waits(t)
		there.waits(t)
		g.release()
		a := first.answer()
		a.want(t, 200)
		here.answer().replayed(t, a)
		there.answer().replayed(t, a)
		u.wrote(`PUT /docs/1 {"title":"B"}`)
	}, edited())
}

// The backend is asked for the second before the first is claimed, and shows what the first has done.
func TestARetryThatComesBeforeTheFirstIsNoStranger(t *testing.T) {
	underRules(t, func(u *ruled) {
		other, asked, goOn := u.replica(), make(chan struct{}), make(chan struct{})
		var once sync.Once
		u.api.on("GET", "/docs/2", func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Traceparent") != "" {
				once.Do(func() { close(asked) })
				<-goOn
			}
			return false
		})
		second := u.start(other, "PUT", "/docs/2", `{"title":"new"}`, "If-None-Match", "*", "Traceparent", "the second")
		<-asked
		first := u.send("PUT", "/docs/2", `{"title":"new"}`, "If-None-Match", "*")
		first.want(t, 201)
		close(goOn)
		second.answer().replayed(t, first)
		u.wrote(`PUT /docs/2 {"title":"new"}`)
		u.untouched(func() {
			u.send("PUT", "/docs/2", `{"title":"other"}`, "If-None-Match", "*").want(t, 409, refusal.Exists)
		})
	}, edited())
}

func TestWhatTheBackendHasRefusedIsSentAgain(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409, 412, 422, 500} {
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", `{"title":"A"}`)
			was := u.tag("/docs/1")
			u.api.says("PUT", "", status, "no")
			u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).want(t, status)
			u.api.off()
			a := u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
			switch status {
			case 400, 403, 422:
				a.want(t, 200)
			default: // the backend says that the record is wrong, or may have changed something
				a.want(t, 409, refusal.Stale)
				u.wrote(`PUT /docs/1 {"title":"B"}`)
			}
		}, edited())
	}
}

func TestReplayCanBeTurnedOffAndIsNoneWhereNothingIsRefused(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		was := u.tag("/docs/1")
		u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).want(t, 200)
		u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).want(t, 409, refusal.Stale)
		u.wrote(`PUT /docs/1 {"title":"B"}`)
	}, edited(func(r *proxy.Route) { r.NoReplay = true }))
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		was := u.tag("/docs/1")
		for range 2 {
			a := u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
			a.want(t, 200)
			if said := a.Header.Get("Proxy-Status"); said != "" {
				t.Error(said)
			}
		}
		if n := len(u.api.writes()); n != 2 {
			t.Errorf("%d writes", n)
		}
		for _, e := range u.told.all() {
			if strings.HasPrefix(e, "decision would_refuse") && e != "decision would_refuse stale" {
				t.Errorf("%q", e)
			}
		}
	}, edited(func(r *proxy.Route) { r.Mode = proxy.Observe }))
}

// lost makes a write whose answer never comes; applied says what became of it.
func (u *ruled) lost(applied bool, method, path, body string, header ...string) {
	u.Helper()
	done := false
	u.api.on(method, path, func(w http.ResponseWriter, r *http.Request) bool {
		if done {
			return false
		}
		done = true
		if applied {
			u.api.mu.Lock()
			if method == "DELETE" {
				delete(u.api.docs, path)
			} else {
				u.api.write(w, r, []byte(body))
			}
			u.api.mu.Unlock()
		}
		panic(http.ErrAbortHandler)
	})
	a := u.send(method, path, body, header...)
	if a.StatusCode != 502 && a.StatusCode != 504 {
		u.Fatalf("%d %s", a.StatusCode, a.body)
	}
	u.api.off()
	u.api.forget()
}

func TestAWriteInDoubtIsRecognisedWhenItWasApplied(t *testing.T) {
	for _, tc := range []struct {
		method, body string
		status       int
	}{{"PUT", `{"title":"B"}`, 200}, {"PATCH", `{"title":"B"}`, 200}, {"DELETE", "", 204}} {
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", `{"title":"A","size":1}`)
			was := u.tag("/docs/1")
			u.lost(true, tc.method, "/docs/1", tc.body, "If-Match", was)
			u.send(tc.method, "/docs/1", tc.body, "If-Match", was).want(t, 409, refusal.Busy)
			time.Sleep(6 * time.Second)
			a := u.send(tc.method, "/docs/1", tc.body, "If-Match", was)
			a.want(t, tc.status)
			a.marked(t, "replayed")
			u.wrote()
			if tc.method == "DELETE" {
				return
			}
			u.send("PUT", "/docs/1", `{"title":"C"}`, "If-Match", a.etag()).want(t, 200)
		}, edited())
	}
}

func TestAWriteInDoubtThatWasNotAppliedIsJudged(t *testing.T) {
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		body := `{"title":"B"}`
		if method == "DELETE" {
			body = ""
		}
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", `{"title":"A"}`)
			was := u.tag("/docs/1")
			u.lost(false, method, "/docs/1", body, "If-Match", was)
			time.Sleep(6 * time.Second)
			a := u.send(method, "/docs/1", body, "If-Match", was)
			a.want(t, 409, refusal.Stale) // what names the version now tells that nothing has come of the first one
			var p problem
			if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.CurrentETag == "" {
				t.Fatal(a.body)
			}
			next := u.send(method, "/docs/1", body, "If-Match", p.CurrentETag)
			if next.StatusCode >= 300 {
				t.Fatal(next.StatusCode, next.body)
			}
			u.untouched(func() { u.send(method, "/docs/1", body, "If-Match", p.CurrentETag).replayed(t, next) })
		}, edited())
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", `{"title":"A"}`)
			was := u.tag("/docs/1")
			u.lost(false, method, "/docs/1", body, "If-Match", was)
			time.Sleep(6 * time.Second)
			u.send("PUT", "/docs/1", `{"title":"C"}`, "If-Match", u.tag("/docs/1")).want(t, 200)
			u.untouched(func() { u.send(method, "/docs/1", body, "If-Match", was).want(t, 409, refusal.Stale) })
		}, edited())
	}
}

func TestAReplicaThatDiedLeavesAWriteInDoubt(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		was := u.tag("/docs/1")
		dying := u.replica()
		g := u.api.hold("PUT", "/docs/1")
		first := u.start(dying, "PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		u.at(g, 1)
		u.api.off()
		u.api.has("/docs/1", `{"title":"B"}`)
		// What it says at its end does not reach the store before the lease has run out.
		time.Sleep(17 * time.Second)
		first.answer()
		a := u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		a.want(t, 200)
		a.marked(t, "replayed")
	}, edited())
}

func TestTheStoreMayBeAwayWhenAWriteEnds(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		was := u.tag("/docs/1")
		g := u.api.hold("PUT", "/docs/1")
		first := u.start(u.one, "PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		u.at(g, 1)
		u.store.fail(errBroken)
		g.release()
		a := first.answer()
		a.want(t, 200)
		u.store.fail(nil)
		retry := u.start(u.one, "PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		again := retry.answer()
		again.want(t, 200)
		again.marked(t, "replayed")
		if again.body != a.body {
			t.Error(again.body)
		}
		u.send("PUT", "/docs/1", `{"title":"C"}`, "If-Match", again.etag()).want(t, 200)
		synctest.Wait()
	}, edited())
}

func TestACreationInDoubtIsRecognised(t *testing.T) {
	for _, applied := range []bool{true, false} {
		underRules(t, func(u *ruled) {
			u.lost(applied, "PUT", "/docs/2", `{"title":"new"}`, "If-None-Match", "*")
			time.Sleep(6 * time.Second)
			a := u.send("PUT", "/docs/2", `{"title":"new"}`, "If-None-Match", "*")
			if applied {
				a.want(t, 200)
				a.marked(t, "replayed")
				u.wrote()
			} else {
				a.want(t, 201)
				// The answer to this one may get lost, too.
				u.untouched(func() { u.send("PUT", "/docs/2", `{"title":"new"}`, "If-None-Match", "*").replayed(t, a) })
			}
		}, edited())
	}
}
