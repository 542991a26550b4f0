package proxy_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
)

// Mongoose's findByIdAndUpdate and others answer a write with what was there before it, and Express tags the answer with a hash
// of it: the tag of the old state.
func TestAttackTheTagOnTheAnswerToAWriteIsNoProofWithinTheLag(t *testing.T) {
	l, f := newLagging(t, time.Hour)
	serveOld(t, l, f)
	f.cfg.Routes[0].Missing = proxy.MissingAllow
	c := f.replica()
	c.do("PUT", "/a", "two").want(t, 200)
	old := c.get("/a") // from a replica that lags
	if old.body != "one" {
		t.Fatalf("the replica shows %q", old.body)
	}
	got := c.put("/a", "lost", old.etag())
	if got.StatusCode == 200 {
		t.Errorf("a write from the old state, with the tag %s, was admitted: %q", old.etag(), l.overwrites)
	}
}

// serveOld makes the backend answer writes with what was there before.
func serveOld(t *testing.T, l *lagging, f *fleet) {
	t.Helper()
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		shown := l.shown
		if r.Method != http.MethodGet {
			shown = l.text
			l.overwrites = append(l.overwrites, fmt.Sprintf("%s -> %s", l.text, body))
			l.text = string(body)
		}
		w.Header().Set("ETag", fmt.Sprintf("%q", shown))
		_, _ = io.WriteString(w, shown)
		return true
	})
	f.cfg.Upstream, _ = url.Parse(b.URL)
}

// Tags of time and size come back. Nobody had read the state before the write, so the record does not know its tag.
func TestAttackATagThatComesBackIsNotGoodBecauseALaggingReplicaShowedIt(t *testing.T) {
	t.Skip("LIMIT: with lag, tags must not come back at once: assumption 4 in the README")
	const lag = 300 * time.Millisecond
	b := newBackend(t)
	text, shown := "one", "one"
	var overwrites []string
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		if r.Method != http.MethodGet {
			overwrites = append(overwrites, fmt.Sprintf("%s -> %s", text, body))
			text = string(body)
			w.WriteHeader(http.StatusNoContent)
			return true
		}
		w.Header().Set("ETag", fmt.Sprintf(`"second-%d"`, len(shown)))
		_, _ = io.WriteString(w, shown)
		return true
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Version.Lag = lag
	f.cfg.Routes[0].Missing = proxy.MissingAllow
	c := f.replica()
	c.do("PUT", "/a", "two").want(t, 204)
	old := c.get("/a")
	if old.body != "one" {
		t.Fatalf("the replica shows %q", old.body)
	}
	b.mu.Lock()
	shown = text
	b.mu.Unlock()
	time.Sleep(2 * lag)
	if got := c.put("/a", "lost", old.etag()); got.StatusCode == 204 {
		t.Errorf("who read %q, with the tag %s, has overwritten what came after it: %q", old.body, old.etag(), overwrites)
	}
}

// A route without a rule of its own takes some paths out of one that has a key of its own.
func TestAttackAPlainRouteInAKeyedOneMakesOtherKeys(t *testing.T) {
	keyed := proxy.Route{Name: "keyed", Match: "/shop/", Mode: proxy.Enforce, Key: proxy.Key{Query: map[string]string{"id": "^[0-9]+$"}}}
	plain := proxy.Route{Name: "plain", Match: "/shop/item", Mode: proxy.Enforce}
	narrow := keyed
	narrow.Match, narrow.When = "/shop/item", map[string]string{"a": "1"}
	other := narrow
	other.When, other.Key = map[string]string{"b": "1"}, proxy.Key{Query: map[string]string{"sku": "^[0-9]+$"}}
	for what, c := range map[string]struct{ one, two []proxy.Route }{
		"a plain route within a keyed one": {[]proxy.Route{keyed}, []proxy.Route{keyed, plain}},
		"another order of when":            {[]proxy.Route{narrow, other}, []proxy.Route{other, narrow}},
	} {
		if equal(t, c.one, c.two) {
			t.Errorf("%s: the settings are the same, and the keys are not", what)
		}
	}
}

// These make the same keys, and must not shut replicas out.
func TestAttackWhatMakesNoOtherKeysShutsNobodyOut(t *testing.T) {
	keyed := func(match, name string) proxy.Route {
		return proxy.Route{Name: "keyed", Match: match, Mode: proxy.Enforce, Key: proxy.Key{Path: map[string]string{name: "^[0-9]+"}}}
	}
	for what, c := range map[string]struct{ one, two []proxy.Route }{
		"another name of a wildcard": {[]proxy.Route{keyed("/x/{id}", "id")}, []proxy.Route{keyed("/x/{nr}", "nr")}},
		"a side door is closed":      {nil, []proxy.Route{{Name: "door", Match: "intern.example/", Mode: proxy.Closed}}},
	} {
		if !equal(t, c.one, c.two) {
			t.Errorf("%s: the settings differ", what)
		}
	}
}

func equal(t *testing.T, one, two []proxy.Route) bool {
	t.Helper()
	u, _ := url.Parse("http://a")
	a, err := (&proxy.Config{Upstream: u, Routes: one}).KeySettings()
	if err != nil {
		t.Fatal(err)
	}
	b, err := (&proxy.Config{Upstream: u, Routes: two}).KeySettings()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// What a read, and a write, of a resource that everybody knows costs is the same with settings.
func TestAttackSettingsCostNoTripPerRequest(t *testing.T) {
	trips := func(settings map[string]string) (gets, swaps int) {
		f := newFleet(t, newBackend(t))
		f.cache = etagcache.Options{LocalFor: time.Second, Grace: 0, Settings: settings}
		c := f.replica()
		tag := c.get("/a").etag()
		g, s := f.store.trips()
		c.get("/a")
		c.put("/a", "two", tag).want(t, 204)
		g2, s2 := f.store.trips()
		return g2 - g, s2 - s
	}
	g, s := trips(nil)
	g2, s2 := trips(map[string]string{"a": "b"})
	if g2 > g+1 || s2 > s+1 { // an enrolment that was due in between, on a slow machine
		t.Errorf("%d gets and %d swaps, without settings %d and %d", g2, s2, g, s)
	}
}

// A hop that cannot make sense of what its own backend answered resets the stream with PROTOCOL_ERROR (Envoy does), after the write
// was applied. net/http takes that for a stream that was never begun, and sends a request without a body again.
func TestAttackAWriteWithoutABodyIsNotReplayedOverHTTP2(t *testing.T) {
	for name, code := range map[string]uint32{"PROTOCOL_ERROR": 1, "INTERNAL_ERROR": 2} {
		t.Run(name, func(t *testing.T) {
			own := httptest.NewTLSServer(nil) // for its certificate
			defer own.Close()
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: own.TLS.Certificates, NextProtos: []string{"h2"}})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var requests atomic.Int32
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go resetAll(conn, code, &requests)
				}
			}()
			f := newFleet(t, newBackend(t))
			f.cfg.Upstream = &url.URL{Scheme: "https", Host: l.Addr().String()}
			transport := proxy.NewTransport()
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			defer transport.CloseIdleConnections()
			f.cfg.Transport = transport
			f.cfg.Routes[0].Missing = proxy.MissingAllow
			f.cfg.Timeouts.Write = 500 * time.Millisecond
			c := f.replica()
			for _, method := range []string{"DELETE", "POST"} { // one is judged, the other only passes
				requests.Store(0)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				req, err := http.NewRequestWithContext(ctx, method, c.url+"/a", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				if res, err := http.DefaultTransport.RoundTrip(req); err != nil {
					t.Errorf("%s: no answer within a second: %v", method, err)
				} else {
					_ = res.Body.Close()
				}
				cancel()
				if n := requests.Load(); n != 1 {
					t.Errorf("%s: the backend got it %d times", method, n)
				}
			}
		})
	}
}

// resetAll speaks just enough HTTP/2 to reset every stream.
func resetAll(conn net.Conn, code uint32, requests *atomic.Int32) {
	defer conn.Close()
	_, _ = conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // SETTINGS
	if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		size := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, conn, size); err != nil {
			return
		}
		if head[3] == 1 { // HEADERS
			requests.Add(1)
			reset := append([]byte{0, 0, 4, 3, 0}, head[5:9]...)
			_, _ = conn.Write(binary.BigEndian.AppendUint32(reset, code))
		}
	}
}
