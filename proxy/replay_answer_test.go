package proxy_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
)

// answering lets the backend answer writes with contents that come as the reader has them.
func (u *ruled) answering(header http.Header, length int64, content func() io.ReadCloser) {
	u.restart(func(c *proxy.Config) {
		c.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
			res, err := u.api.RoundTrip(r)
			if err == nil && r.Method != http.MethodGet {
				for name, values := range header {
					res.Header[name] = values
				}
				res.Header.Del("Content-Length")
				res.ContentLength, res.Body = length, content()
			}
			return res, err
		})
	})
}

// spy is a store that keeps all that was ever written to it.
type spy struct {
	etagcache.Store
	mu    sync.Mutex
	wrote bytes.Buffer
}

func (s *spy) Swap(ctx context.Context, k etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	s.mu.Lock()
	s.wrote.Write(c.New)
	s.mu.Unlock()
	return s.Store.Swap(ctx, k, c)
}

func TestALargeAnswerIsGivenAgainWithoutItsContent(t *testing.T) {
	for _, size := range []int{1 << 10, 3 << 10, 1 << 20} {
		for _, chunked := range []bool{false, true} {
			underRules(t, func(u *ruled) {
				u.api.has("/docs/1", `{"title":"A"}`)
				length := int64(size)
				if chunked {
					length = -1
				}
				content := strings.Repeat("x", size)
				u.answering(http.Header{"Location": {"/elsewhere"}, "Content-Type": {"text/plain"}}, length,
					func() io.ReadCloser { return io.NopCloser(strings.NewReader(content)) })
				cond := []string{"If-Match", u.tag("/docs/1")}
				first := u.send("PUT", "/docs/1", `{"title":"B"}`, cond...)
				if first.want(t, 200); first.body != content {
					t.Fatalf("the answer has %d bytes, want %d", len(first.body), size)
				}
				again := u.send("PUT", "/docs/1", `{"title":"B"}`, cond...)
				if size > 2<<10 {
					first.body = ""
					first.Header.Del("Content-Type")
					first.Header.Del("X-Revision")
				}
				again.replayed(t, first)
				if again.Header.Get("Location") != "/elsewhere" {
					t.Error(again.Header)
				}
				u.send("PUT", "/docs/1", `{"title":"C"}`, "If-Match", again.etag()).want(t, 200)
			}, edited())
		}
	}
}

func TestACompressedAnswerIsGivenAgainAsItCame(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		fmt.Fprint(z, `{"title":"B"}`)
		_ = z.Close()
		u.answering(http.Header{"Content-Encoding": {"gzip"}}, -1, func() io.ReadCloser { return io.NopCloser(bytes.NewReader(b.Bytes())) })
		cond := []string{"If-Match", u.tag("/docs/1"), "Accept-Encoding", "gzip"}
		first := u.send("PUT", "/docs/1", `{"title":"B"}`, cond...)
		if first.body != b.String() {
			t.Fatal("the first answer is another one")
		}
		u.send("PUT", "/docs/1", `{"title":"B"}`, cond...).replayed(t, first)
	}, edited())
}

// flow is a client that sees when what comes.
type flow struct {
	header http.Header
	mu     sync.Mutex
	got    string
	ended  bool
}

func (f *flow) Header() http.Header { return f.header }
func (f *flow) WriteHeader(int)     {}
func (f *flow) Flush()              {}
func (f *flow) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got += string(b)
	return len(b), nil
}

func (f *flow) seen() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got, f.ended
}

func TestAnAnswerThatDoesNotEndHoldsNothingUp(t *testing.T) {
	for _, kind := range []string{"application/json", "text/plain", "text/event-stream"} {
		for _, key := range []string{"", "k"} {
			underRules(t, func(u *ruled) {
				u.api.has("/docs/1", `{"title":"A"}`)
				var out *io.PipeWriter
				u.answering(http.Header{"Content-Type": {kind}}, -1, func() io.ReadCloser {
					in, w := io.Pipe()
					if out == nil {
						out = w
					} else {
						u.Cleanup(func() { _ = w.Close() })
					}
					return in
				})
				was := u.tag("/docs/1")
				r := httptest.NewRequest("PUT", "/docs/1", strings.NewReader(`{"title":"B"}`))
				r.Header.Set("If-Match", was)
				if key != "" {
					r.Header.Set("Idempotency-Key", key)
				}
				ctx, hangUp := context.WithCancel(u.Context())
				f := &flow{header: http.Header{}}
				go func() {
					defer func() { _ = recover() }() // the answer breaks off
					defer func() { f.mu.Lock(); f.ended = true; f.mu.Unlock() }()
					u.one.ServeHTTP(f, r.WithContext(ctx))
				}()
				synctest.Wait()
				_, _ = io.WriteString(out, "one\n")
				time.Sleep(time.Second)
				if got, ended := f.seen(); got != "one\n" || ended {
					t.Errorf("%s: the client has %q of it", kind, got)
				}
				// The write is over, and the next one need not wait for the content.
				next := u.start(u.one, "PATCH", "/docs/1", `{"title":"C"}`, "If-Match", u.tag("/docs/1"))
				if time.Sleep(time.Second); u.api.at("/docs/1", "title") != "C" {
					t.Errorf("%s: the next write waits", kind)
				}
				_ = next
				hangUp()
				synctest.Wait()
				if _, ended := f.seen(); !ended {
					_, _ = io.WriteString(out, "two\n") // a pipe knows of no context
					out.CloseWithError(errBroken)
					synctest.Wait()
				}
				if _, ended := f.seen(); !ended {
					t.Errorf("%s: the answer does not end", kind)
				}
			}, edited(func(r *proxy.Route) { r.Idempotency.TTL = time.Hour }))
		}
	}
}

func TestAnAnswerThatBreaksOffIsNotGivenAgainAsIfItWereWhole(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		u.answering(http.Header{}, 100, func() io.ReadCloser {
			return io.NopCloser(io.MultiReader(strings.NewReader(`{"title":`), iotestErr{}))
		})
		was := u.tag("/docs/1")
		func() {
			defer func() { _ = recover() }()
			u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		}()
		again := u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		again.want(t, 200)
		if again.marked(t, "replayed"); again.body != "" {
			t.Error(again.body)
		}
	}, edited())
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestNoCredentialIsKept(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		s := &spy{Store: u.store.Store}
		u.store.Store = s
		u.api.on("PUT", "", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Set-Cookie", "session=SECRETANSWER")
			w.Header().Set("Authentication-Info", "nextnonce=SECRETNONCE")
			w.Header().Set("WWW-Authenticate", "SECRETCHALLENGE")
			return false
		})
		header := []string{"Authorization", "Bearer SECRETBEARER", "Cookie", "c=SECRETCOOKIE", "X-Api-Key", "SECRETKEY", "Idempotency-Key", "SECRETNAME"}
		was := u.tag("/docs/1", header...)
		write := append([]string{"If-Match", was}, header...)
		first := u.send("PUT", "/docs/1", `{"title":"B"}`, write...)
		first.want(t, 200)
		again := u.send("PUT", "/docs/1", `{"title":"B"}`, write...)
		again.replayed(t, first)
		if again.Header.Get("Set-Cookie") != "" {
			t.Error(again.Header)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !bytes.Contains(s.wrote.Bytes(), []byte(`"title":"B"`)) {
			t.Error("the answer is not kept in plain text: this test sees nothing")
		}
		if i := bytes.Index(s.wrote.Bytes(), []byte("SECRET")); i >= 0 {
			t.Errorf("the store has %q", s.wrote.Bytes()[i:min(i+40, s.wrote.Len())])
		}
	}, edited(func(r *proxy.Route) {
		r.Idempotency.TTL = time.Hour
		r.Private, r.History = true, proxy.History{Keep: 64 << 10, For: time.Hour}
	}))
}
