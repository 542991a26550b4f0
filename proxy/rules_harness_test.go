package proxy_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// ruled is a fleet of proxies before an api, in virtual time.
type ruled struct {
	*testing.T
	api   *api
	store *faultyStore
	told  *told
	logs  *syncBuffer
	cfg   proxy.Config
	cache etagcache.Options
	one   *proxy.Proxy // the first of them
}

// underRules runs a test with a fleet that has these routes.
func underRules(t *testing.T, test func(u *ruled), routes ...proxy.Route) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u := &ruled{T: t, api: newAPI(t), told: &told{}, logs: &syncBuffer{}, store: &faultyStore{Store: memstore.New(memstore.Options{})}}
		at, _ := url.Parse("http://backend")
		u.cfg = proxy.Config{
			Upstream: at, Routes: routes, Transport: u.api, Observer: u.told,
			Timeouts: proxy.Timeouts{Write: 10 * time.Second, Settle: 5 * time.Second, BusyWait: 2 * time.Second},
			Limits:   proxy.Limits{Body: 1 << 20, Representation: 64 << 10, Tags: 64, Waiters: 200},
			Refusals: proxy.Refusals{Disclose: true},
			Logger:   slog.New(slog.NewTextHandler(u.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		u.cache = etagcache.Options{LocalFor: time.Second}
		u.one = u.replica()
		stuck := time.AfterFunc(time.Hour, func() {
			t.Error("after an hour something still waits for the backend")
			u.api.end()
		})
		t.Cleanup(func() { stuck.Stop(); u.api.end() }) // what is held up yet must come to its end
		test(u)
	})
}

// replica starts one more proxy. What a test has changed in the configuration counts from here on.
func (u *ruled) replica() *proxy.Proxy {
	u.Helper()
	cfg := u.cfg
	cfg.Cache = etagcache.New(u.store, u.cache)
	p, err := proxy.New(cfg)
	if err != nil {
		u.Fatal(err)
	}
	u.Cleanup(func() {
		if err := p.Drain(context.Background()); err != nil {
			u.Error(err)
		}
	})
	return p
}

// restart makes the first proxy anew, with another configuration.
func (u *ruled) restart(change func(*proxy.Config)) {
	u.Helper()
	change(&u.cfg)
	u.one = u.replica()
}

// send sends a request to the first proxy. A body is JSON unless the header says otherwise.
func (u *ruled) send(method, path, body string, header ...string) answer {
	u.Helper()
	return ask(u.one, method, path, body, header...)
}

func ask(p *proxy.Proxy, method, path, body string, header ...string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Content-Type" {
			r.Header.Del("Content-Type")
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return answer{res, w.Body.String()}
}

// pending is a request that is under way.
type pending struct{ answered chan answer }

// start sends a request, and waits until nothing more happens: it has been answered, or is held up.
func (u *ruled) start(p *proxy.Proxy, method, path, body string, header ...string) *pending {
	w := &pending{make(chan answer, 1)}
	go func() { w.answered <- ask(p, method, path, body, header...) }()
	synctest.Wait()
	return w
}

// startAndHangUp is start for a client that goes away when the function is called that is returned.
func (u *ruled) startAndHangUp(method, path, body string) (hangUp func()) {
	ctx, hangUp := context.WithCancel(u.Context())
	go func() {
		r := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(ctx)
		r.Header.Set("Content-Type", "application/json")
		u.one.ServeHTTP(httptest.NewRecorder(), r)
	}()
	synctest.Wait()
	return hangUp
}

func (w *pending) over() bool { return len(w.answered) > 0 }

func (w *pending) answer() answer { return <-w.answered }

// waits fails the test if the request has been answered.
func (w *pending) waits(t testing.TB) {
	t.Helper()
	if w.over() {
		a := w.answer()
		t.Fatalf("%s %s does not wait: %d %s", a.Request.Method, a.Request.URL, a.StatusCode, a.body)
	}
}

// at is how many requests have come to a gate; it fails the test if it is not so many.
func (u *ruled) at(g *gate, want int) {
	u.Helper()
	synctest.Wait()
	if got := g.here(); got != want {
		u.Fatalf("%d requests are held up at the backend, want %d", got, want)
	}
}

// wrote fails the test unless these are the writes that the backend got since it was last forgotten.
func (u *ruled) wrote(want ...string) {
	u.Helper()
	if got := u.api.writes(); !slices.Equal(got, append([]string{}, want...)) {
		u.Errorf("the backend got the writes %q, want %q", got, want)
	}
}

// was fails the test unless these were the questions.
func (u *ruled) was(want ...string) {
	u.Helper()
	if got := u.api.questions(); !slices.Equal(got, append([]string{}, want...)) {
		u.Errorf("the backend was asked %q, want %q", got, want)
	}
}

// untouched fails the test if the backend gets a write meanwhile.
func (u *ruled) untouched(during func()) {
	u.Helper()
	before := len(u.api.writes())
	during()
	if got := u.api.writes(); len(got) > before {
		u.Errorf("the backend got %q", got[before:])
	}
}

// problem is the body of a refusal.
type problem struct {
	Status                                  int
	Reason, Rule, Message, Detail, Location string
	Fields                                  []string
	CurrentETag                             string          `json:"current_etag"`
	CurrentVersion                          json.RawMessage `json:"current_version"`
	ExpectedVersion                         json.RawMessage `json:"expected_version"`
	CurrentState                            string          `json:"current_state"`
	RequestedState                          string          `json:"requested_state"`
	AllowedStates                           []string        `json:"allowed_states"`
}

// refused checks status, reason and rule, and returns what else there is.
func (a answer) refused(t testing.TB, status int, reason refusal.Reason, rule string) problem {
	t.Helper()
	a.want(t, status, reason)
	var p problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatal(err)
	}
	if p.Rule != rule {
		t.Errorf("%s %s: the rule is %q, want %q: %s", a.Request.Method, a.Request.URL, p.Rule, rule, a.body)
	}
	return p
}

// enforced is a route that refuses; methods are those that it judges.
func enforced(name, match string, methods ...string) proxy.Route {
	r := proxy.Route{Name: name, Match: match, Mode: proxy.Enforce, Missing: proxy.MissingReject, Guard: methods, Pass: []string{"POST"}}
	if slices.Contains(methods, http.MethodPost) {
		r.Pass, r.Missing = nil, proxy.MissingAllow
	}
	return r
}
