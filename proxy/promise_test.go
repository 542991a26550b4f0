package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
)

// byLength tags a text by its length, as nginx does by time and size: tags come back.
func byLength(_, text string) string { return fmt.Sprintf(`"%d"`, len(text)) }

// flaky is a store that sometimes gives no answer, before or after it did what was asked.
type flaky struct {
	etagcache.Store
	n atomic.Uint32
}

var errFlaky = errors.New("no reply")

func (s *flaky) Get(ctx context.Context, k etagcache.Key) (etagcache.Reply, error) {
	if s.n.Add(1)%41 == 0 {
		return etagcache.Reply{}, errFlaky
	}
	return s.Store.Get(ctx, k)
}

func (s *flaky) Swap(ctx context.Context, k etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	n := s.n.Add(1)
	if n%37 == 0 {
		return etagcache.Reply{}, errFlaky
	}
	reply, err := s.Store.Swap(ctx, k, c)
	if n%31 == 0 {
		return etagcache.Reply{}, errFlaky
	}
	return reply, err
}

// TestNoUpdateIsLostWhateverFails lets editors at three replicas work on one resource whose few tags come back, while the
// backend fails and the store gives no replies. Each says which text it edited; the backend knows whether that was the last.
func TestNoUpdateIsLostWhateverFails(t *testing.T) {
	for name, change := range map[string]func(*proxy.Route){
		"by default":     func(*proxy.Route) {},
		"reread":         func(r *proxy.Route) { r.Version.Reread = true },
		"verify: always": func(r *proxy.Route) { r.VerifyAlways = true },
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); editTogether(t, change) })
	}
}

func editTogether(t *testing.T, change func(*proxy.Route)) {
	b := newBackend(t)
	b.texts["/a"] = "0"
	b.tag = func(_, text string) string { return fmt.Sprintf(`"%d"`, len(text)+int(text[len(text)-1])%2) }
	var (
		writes, lost atomic.Int32
		n            atomic.Uint32
		overlap      sync.RWMutex // nothing is promised to a judged write that overlaps one which nobody judged
	)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			if n.Add(1)%7 == 0 {
				time.Sleep(3 * time.Millisecond) // late reads
			}
			return false
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return true
		}
		k := n.Add(1)
		if k%11 == 0 {
			w.WriteHeader(422)
			return true
		}
		if k%13 == 0 {
			panic(http.ErrAbortHandler)
		}
		b.mu.Lock()
		if base := r.Header.Get("X-Base"); base != "" && base != b.texts["/a"] {
			lost.Add(1)
			b.t.Errorf("a write made from %q was applied to %q", base, b.texts["/a"])
		}
		b.texts["/a"] = string(body)
		writes.Add(1)
		b.mu.Unlock()
		switch {
		case k%17 == 0:
			panic(http.ErrAbortHandler)
		case k%19 == 0:
			w.WriteHeader(500)
		default:
			w.WriteHeader(204)
		}
		return true
	})
	f := newFleet(t, b)
	change(&f.cfg.Routes[0])
	f.store.Store = &flaky{Store: f.store.Store}
	f.cache.LocalFor = 30 * time.Millisecond
	f.cfg.Timeouts = proxy.Timeouts{Write: 300 * time.Millisecond, Settle: 10 * time.Millisecond, BusyWait: 50 * time.Millisecond}
	replicas := []*client{f.replica(), f.replica(), f.replica()}
	var serial atomic.Int32
	var editors sync.WaitGroup
	end := time.Now().Add(1500 * time.Millisecond)
	for i := range 9 {
		editors.Go(func() {
			c, tag, base := replicas[i%3], "", ""
			for time.Now().Before(end) || writes.Load() < 3 && time.Now().Before(end.Add(10*time.Second)) { // a busy machine
				if serial.Add(1)%29 == 0 {
					overlap.Lock()
					c.do("POST", "/a", fmt.Sprint(serial.Load()))
					overlap.Unlock()
				}
				var got answer
				if tag != "" && i%2 == 0 {
					got = c.get("/a", "If-None-Match", tag)
				} else {
					got = c.get("/a")
				}
				switch got.StatusCode {
				case 200:
					tag, base = got.etag(), got.body
				case 304:
					tag = got.etag()
				default:
					continue
				}
				overlap.RLock()
				text := fmt.Sprint(serial.Add(1))
				put := c.do("PUT", "/a", text, "If-Match", tag, "X-Base", base)
				if next := put.etag(); put.StatusCode == 204 && next != "" { // the tag that came with a re-read
					c.do("PUT", "/a", fmt.Sprint(serial.Add(1)), "If-Match", next, "X-Base", text)
				}
				overlap.RUnlock()
			}
		})
	}
	editors.Wait()
	if writes.Load() < 3 {
		t.Errorf("only %d writes were applied", writes.Load())
	}
	t.Logf("%d writes, %d lost", writes.Load(), lost.Load())
}
