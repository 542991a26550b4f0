package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// Attacks on the promises at the level of HTTP. Those that succeed are skipped, with their story, until they fail.

// told is an Observer that keeps what it is told.
type told struct {
	mu      sync.Mutex
	events  []string
	started func()
}

func (o *told) add(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, fmt.Sprintf(format, args...))
}

func (o *told) count(event string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		if e == event {
			n++
		}
	}
	return n
}

func (o *told) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.events)
}

func (o *told) Request(_, method string, status int, _, _, _ time.Duration) {
	o.add("request %s %d", method, status)
}

func (o *told) Decision(_ string, _ proxy.Mode, d proxy.Decision, reason string) {
	o.add("decision %s %s", d, reason)
}

func (o *told) WriteStarted() {
	o.add("started")
	if o.started != nil {
		o.started()
	}
}
func (o *told) WriteEnded()            { o.add("ended") }
func (o *told) LeaseExpired(string)    { o.add("expired") }
func (o *told) Drift(string)           { o.add("drift") }
func (o *told) RecordUnwritten(string) { o.add("unwritten") }
func (o *told) Unguarded(string)       { o.add("unguarded") }
func (o *told) MalformedETag(string)   { o.add("malformed") }
func (o *told) Probe(_, how string)    { o.add("probe %s", how) }

// roundTrips is a transport made of a function.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// byLength tags a text by its length, as nginx does by time and size: tags come back.
func byLength(_, text string) string { return fmt.Sprintf(`"%d"`, len(text)) }

func TestTheBackendsRefusalOfAProbeReachesTheCallerWhole(t *testing.T) {
	page := strings.Repeat("who are you? ", 100_000)
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, page)
		return true
	})
	c := newFleet(t, b).replica()
	req, _ := http.NewRequest(http.MethodPut, c.url+"/a", strings.NewReader("x"))
	req.Header.Set("If-Match", `"v-one"`)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || string(got) != page {
		t.Errorf("%d of %d bytes: %v", len(got), len(page), err)
	}
}

func TestAReplicaThatWasFrozenPastItsLeaseSendsNothing(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts = proxy.Timeouts{Write: 200 * time.Millisecond, Settle: 50 * time.Millisecond, BusyWait: time.Second}
	other := f.replica()
	o := &told{}
	f.cfg.Observer = o
	frozen := f.replica()
	for round := range 20 {
		tag := other.get("/a").etag()
		frozen.get("/a")
		o.started = func() {
			time.Sleep(500 * time.Millisecond) // SIGSTOP, a page fault, a long pause of the collector
			other.put("/a", fmt.Sprintf("theirs-%d", round), other.get("/a").etag()).want(t, 204)
		}
		frozen.put("/a", fmt.Sprintf("late-%d", round), tag)
	}
	for _, w := range b.writes() {
		if strings.Contains(w, "late") {
			t.Fatalf("a write was sent after the end of its lease and the settle time, over a later one: %q", b.writes())
		}
	}
}

func TestAWaitingClientThatHangsUpLeavesTheStoreAlone(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts.BusyWait = 1500 * time.Millisecond
	c := f.replica()
	tag := c.get("/a").etag()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			close(arrived)
			<-goOn
		}
		return false
	})
	var first sync.WaitGroup
	first.Go(func() { c.put("/a", "first", tag) })
	<-arrived
	ctx, hangUp := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", strings.NewReader("second"))
	req.Header.Set("If-Match", tag)
	time.AfterFunc(200*time.Millisecond, hangUp)
	_, _ = (&http.Transport{}).RoundTrip(req)
	before, _ := f.store.trips()
	time.Sleep(500 * time.Millisecond)
	after, _ := f.store.trips()
	close(goOn)
	first.Wait()
	if after-before > 20 {
		t.Errorf("half a second after its client hung up, a waiting write had asked the store %d times", after-before)
	}
}

// checksIfMatch makes the backend one that can check If-Match itself, as Apache's mod_dav does.
func checksIfMatch(b *backend) {
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		match := r.Header.Get("If-Match")
		b.mu.Lock()
		tag := b.tagOf(r.URL.Path, b.texts[r.URL.Path])
		b.mu.Unlock()
		if match == "" || match == tag {
			return false
		}
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusPreconditionFailed)
		return true
	})
}

func TestObserveMakesTheBackendRefuseNothing(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	checksIfMatch(b)
	f := newFleet(t, b)
	f.cfg.Routes[0].Mode = proxy.Observe
	c := f.replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	tag := c.get("/a").etag() // qualified
	c.put("/a", "six", tag).want(t, 204)
	// The backend, which calls every one of these texts "3", would admit this; the proxy only says that it would not.
	c.put("/a", "ten", tag).want(t, 204)
}

func TestWhatAProbeShowsIsNotedAsWhatItAskedFor(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.RawQuery == "short" {
			w.Header().Set("ETag", `"short"`)
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "o")
			return true
		}
		return false
	})
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	tag := c.get("/a").etag()
	c.do("PUT", "/a?short", "x", "If-Match", `"unseen"`).want(t, 409, refusal.Stale) // asks for /a
	c.get("/a?short")
	if o.count("drift") != 0 {
		t.Error("a drift was reported, though nobody wrote")
	}
	c.put("/a", "two", tag).want(t, 204)
}

func TestAWriterBeforeAMaskRetiresNothing(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			http.NotFound(w, r)
			return true
		}
		return false
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].VerifyAlways = true
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	tag := c.get("/a", "Authorization", "me").etag()
	c.put("/a", "x", tag).want(t, 409, refusal.Absent) // a stranger, to whom the backend shows nothing
	if o.count("drift") != 0 {
		t.Error("a drift was reported, though nobody wrote")
	}
	c.do("PUT", "/a", "two", "If-Match", tag, "Authorization", "me").want(t, 204)
}

// oneBad is a store that cannot give one record.
type oneBad struct {
	etagcache.Store
	bad atomic.Pointer[etagcache.Key]
}

func (s *oneBad) Get(ctx context.Context, k etagcache.Key) (etagcache.Reply, error) {
	reply, err := s.Store.Get(ctx, k)
	if bad := s.bad.Load(); err == nil && bad != nil && *bad == k {
		reply.Value = []byte{255, 255} // of an encoding that a newer replica knows
	}
	return reply, err
}

func TestARecordThatCannotBeReadBlindsNoReadOfAnother(t *testing.T) {
	b := newBackend(t)
	b.texts["/bad"] = "bad"
	f := newFleet(t, b)
	f.cache.LocalFor = 0
	s := &oneBad{Store: f.store.Store}
	f.store.Store = s
	c := f.replica()
	var bad etagcache.Key
	f.store.Store = keySpy{s, func(k etagcache.Key) { bad = k }}
	c.get("/bad")
	f.store.Store = s
	s.bad.Store(&bad)
	c.get("/bad")
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
}

// keySpy tells which keys are asked for.
type keySpy struct {
	etagcache.Store
	saw func(etagcache.Key)
}

func (s keySpy) Get(ctx context.Context, k etagcache.Key) (etagcache.Reply, error) {
	s.saw(k)
	return s.Store.Get(ctx, k)
}

func TestABusyRecordFromBeforeTheUploadRefusesNothing(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Timeouts.Settle = 200 * time.Millisecond
	c := f.replica()
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	c.do("PUT", "/new", "x", "If-None-Match", "*").want(t, 502)
	b.intercept(nil)
	upload, end := io.Pipe()
	req, _ := http.NewRequest(http.MethodPut, c.url+"/new", upload)
	req.Header.Set("If-None-Match", "*")
	go func() {
		_, _ = io.WriteString(end, "slow ")
		time.Sleep(time.Second) // far longer than lease margin and settle time
		_, _ = io.WriteString(end, "upload")
		end.Close()
	}()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 204 {
		t.Errorf("refused by what was true before the upload: %d %s", res.StatusCode, body)
	}
}

// TestAnUnsafeRequestInTheFormOfASafeOneIsNeverReplayed: http.Transport replays bodiless GETs on broken connections.
func TestAnUnsafeRequestInTheFormOfASafeOneIsNeverReplayed(t *testing.T) {
	var seen atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if req.Header.Get("X-HTTP-Method-Override") != "" {
						seen.Add(1)
						return
					}
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	f := newFleet(t, newBackend(t))
	f.cfg.Upstream = &url.URL{Scheme: "http", Host: l.Addr().String()}
	c := f.replica()
	tag := c.get("/a").etag() // leaves an idle connection
	c.do("GET", "/a", "", "If-Match", tag, "X-HTTP-Method-Override", "DELETE").want(t, 502, refusal.Backend)
	if n := seen.Load(); n != 1 {
		t.Errorf("the write was sent %d times", n)
	}
}

func TestTheHostsSpellingLeadsRoundNoGuard(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "api.example.com/"
	c := f.replica()
	for _, host := range []string{"api.example.com", "api.example.com:80", "API.example.com", "api.example.com."} {
		req, _ := http.NewRequest(http.MethodPut, c.url+"/a", strings.NewReader("x"))
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 409 {
			t.Errorf("Host %s: %d", host, res.StatusCode)
		}
	}
}

func TestAMoveThatNobodyJudgesMovesItsDestinationToo(t *testing.T) {
	for _, how := range []string{"passed", "observed while the source is busy"} {
		t.Run(how, func(t *testing.T) {
			b := newBackend(t)
			b.texts["/b"] = "two"
			b.tag = byLength
			moved := func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != "MOVE" {
					return false
				}
				b.set("/b", "six")
				w.WriteHeader(204)
				return true
			}
			b.intercept(moved)
			f := newFleet(t, b)
			if how == "passed" {
				f.cfg.Routes[0].Pass = []string{"MOVE"}
			} else {
				f.cfg.Routes[0].Mode = proxy.Observe
			}
			c := f.replica()
			f.cfg.Routes[0].Mode = proxy.Enforce
			judge := f.replica()
			tag := judge.get("/b").etag()
			if how != "passed" {
				inDoubt := func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPut {
						panic(http.ErrAbortHandler)
					}
					return false
				}
				b.intercept(inDoubt)
				judge.put("/a", "x", judge.get("/a").etag()).want(t, 502)
				b.intercept(moved)
			}
			c.do("MOVE", "/a", "", "Destination", c.url+"/b").want(t, 204)
			judge.put("/b", "new", tag).want(t, 409, refusal.Stale)
		})
	}
}

func TestObserveSaysWhatItWouldHaveRefused(t *testing.T) {
	for _, tc := range []struct {
		name, method, path string
		header             []string
		down               bool
	}{
		{"a passed POST to an ambiguous path", "POST", "//a", nil, false},
		{"a passed POST that contradicts itself", "POST", "/a", []string{"X-HTTP-Method-Override", "PUT", "X-Method-Override", "DELETE"}, false},
		{"a read with Connection: If-None-Match", "GET", "/a", []string{"Connection", "If-None-Match"}, false},
		{"a passed POST without the store", "POST", "/a", nil, true},
		{"a PUT to an ambiguous path", "PUT", "//a", nil, false},
		{"a PUT without the store", "PUT", "/a", []string{"If-Match", `"v-one"`}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBackend(t)
			f := newFleet(t, b)
			decision := func(mode proxy.Mode) []string {
				f.cfg.Routes[0].Mode = mode
				o := &told{}
				f.cfg.Observer = o
				if f.store.fail(nil); tc.down {
					f.store.fail(errors.New("down"))
				}
				f.replica().do(tc.method, tc.path, "x", tc.header...)
				return slices.DeleteFunc(o.all(), func(e string) bool { return !strings.HasPrefix(e, "decision") })
			}
			enforced, observed := decision(proxy.Enforce), decision(proxy.Observe)
			want := make([]string, len(enforced))
			for i, e := range enforced {
				want[i] = strings.Replace(e, "refused", "would_refuse", 1)
			}
			if !slices.Equal(observed, want) {
				t.Errorf("enforced %q, observed %q", enforced, observed)
			}
		})
	}
}

func TestAConditionalReadMayUseTheTagThatItWasGiven(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	checksIfMatch(b)
	c := newFleet(t, b).replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	tag := c.get("/a").etag()
	if got := c.get("/a", "If-Match", tag); got.StatusCode != 200 {
		t.Errorf("If-Match: %s, which is current: %d", tag, got.StatusCode)
	}
}

func TestTheQueryReachesTheBackendAsItCame(t *testing.T) {
	b := newBackend(t)
	var got atomic.Value
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool { got.Store(r.URL.RawQuery); return false })
	f := newFleet(t, b)
	f.cfg.Routes[0].Match = "/guarded/"
	c := f.replica()
	for _, query := range []string{"a=1;b=2", "page=2&sort=a;b", "q=100%", "plain=1"} {
		c.get("/a?" + query)
		if got.Load() != query {
			t.Errorf("?%s came as ?%s", query, got.Load())
		}
	}
}

func TestWhatComesBeforeAProbesAnswerStaysHere(t *testing.T) {
	b := newBackend(t)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			w.Header().Set("Link", "</secret.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
		}
		return false
	})
	f := newFleet(t, b)
	f.cfg.Disclose = false
	c := f.replica()
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hints = append(hints, h.Get("Link")); return nil },
	})
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, c.url+"/a", strings.NewReader("x"))
	req.Header.Set("If-Match", `"other"`)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(hints) != 0 {
		t.Errorf("the client of a PUT got the probe's %q, before %d", hints, res.StatusCode)
	}
}

func TestABodyThatTakesLongHoldsUpNoProbe(t *testing.T) {
	b := newBackend(t)
	end := make(chan struct{})
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("ETag", `"v-one"`)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
		}
		return true
	})
	f := newFleet(t, b)
	f.cfg.Timeouts.Write = time.Second
	c := f.replica()
	defer close(end)
	start := time.Now()
	c.put("/a", "two", `"v-one"`).want(t, 204)
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}

func TestVerifyAlwaysNoticesAWriteBehindWhateverWasRead(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].VerifyAlways = true
	c := f.replica()
	tag := c.get("/a?expand=all").etag()
	b.set("/a", "behind")
	c.put("/a", "lost", tag).want(t, 409, refusal.Stale)
}

func TestADriftThatAWritersProbeFindsIsCounted(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	c.get("/a")
	b.set("/a", "behind")
	c.put("/a", "two", `"v-behind"`).want(t, 204)
	if o.count("drift") != 1 {
		t.Errorf("told: %q", o.all())
	}
}

func TestAPassedClientThatHangsUpIsNotTheBackendsFailure(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	arrived := make(chan struct{})
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		close(arrived)
		<-r.Context().Done()
		return false
	})
	ctx, hangUp := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/a", nil)
	go func() { <-arrived; hangUp() }()
	_, _ = (&http.Transport{}).RoundTrip(req)
	for range 100 {
		if o.count("request POST 499") > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if o.count("decision passed backend") != 0 {
		t.Errorf("told: %q", o.all())
	}
}

func TestAClientThatHangsUpInItsBodyWasNotRefused(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	tag := c.get("/a").etag()
	u, _ := url.Parse(c.url)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PUT /a HTTP/1.1\r\nHost: x\r\nIf-Match: %s\r\nContent-Length: 10\r\n\r\nhalf", tag)
	time.Sleep(50 * time.Millisecond)
	conn.Close()
	for range 100 {
		if len(o.all()) > 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	if o.count("decision refused malformed") != 0 || o.count("request PUT 400") != 0 {
		t.Errorf("told: %q", o.all())
	}
}

func TestATagThatNobodyNotedLeavesBareOnNoAnswer(t *testing.T) {
	b := newBackend(t)
	b.tag = byLength
	checksIfMatch(b)
	c := newFleet(t, b).replica()
	failed := c.get("/a", "If-Match", `"none"`)
	failed.want(t, 412)
	tag := failed.etag() // names the state "one"
	c.do("POST", "/a", "two").want(t, 204)
	c.put("/a", "new", tag).want(t, 409, refusal.Stale)
}

func TestEveryAnswerOfTheBackendIsClosed(t *testing.T) {
	for _, mode := range []proxy.Mode{proxy.Enforce, proxy.Observe} {
		t.Run(string(mode), func(t *testing.T) {
			b := newBackend(t)
			var asked atomic.Int32
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && asked.Add(1) > 1 {
					w.WriteHeader(http.StatusForbidden)
					return true
				}
				return false
			})
			f := newFleet(t, b)
			f.cfg.Routes[0].Mode = mode
			var open atomic.Int32
			next := proxy.NewTransport()
			f.cfg.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
				res, err := next.RoundTrip(r)
				if err == nil {
					open.Add(1)
					res.Body = &once{ReadCloser: res.Body, closed: func() { open.Add(-1) }}
				}
				return res, err
			})
			c := f.replica()
			// The first probe, before the body, shows a version; another write makes the claim ask again.
			upload, end := io.Pipe()
			req, _ := http.NewRequest(http.MethodPut, c.url+"/a", upload)
			req.Header.Set("If-Match", `"v-one"`)
			go func() {
				_, _ = io.WriteString(end, "x")
				for asked.Load() == 0 {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(20 * time.Millisecond)
				c.do("POST", "/a", "one")
				end.Close()
			}()
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			time.Sleep(50 * time.Millisecond)
			if asked.Load() < 2 {
				t.Fatal("it was to ask twice")
			}
			if n := open.Load(); n != 0 {
				t.Errorf("%d answers were never closed", n)
			}
		})
	}
}

type once struct {
	io.ReadCloser
	o      sync.Once
	closed func()
}

func (o *once) Close() error {
	o.o.Do(o.closed)
	return o.ReadCloser.Close()
}
