package main_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// bomb is a gigabyte of zeros, compressed to a megabyte, as it is made once.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	return b.Bytes()
})

// peak is the most memory that the process has had, as Linux counts it.
func (p *process) peak() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Skip("there is no /proc here: ", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		p.t.Fatal(err)
	}
	return kilobytes << 10
}

func TestBombsPassUntouchedInBoundedMemory(t *testing.T) {
	var mu sync.Mutex
	stored := map[string][32]byte{}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			stored[r.URL.Path] = sha256.Sum256(body)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("ETag", `"bomb"`)
		if strings.HasSuffix(r.URL.Path, "/small") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"version":1}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb())
	}))
	t.Cleanup(backend.Close)
	r := serve(t, setup{upstream: backend.URL, more: `limits: {representation: 16MiB}
routes:
  - {name: etag, match: "/etag/{id}"}
  - {name: body, match: "/body/{id}", version: {from: body}}
  - {name: ignore, match: "/ignore/{id}", version: {from: body, ignore: [/now]}}
  - {name: json, match: "/json/{id}", version: {from: json, pointer: /version}}
`}.yaml()).ready()
	want := sha256.Sum256(bomb())
	before := r.metric("go_goroutines")
	fetch := func(path string) error {
		a, err := send("GET", r.url+path, "", "Accept-Encoding", "gzip")
		if err == nil && (a.status != 200 || sha256.Sum256([]byte(a.body)) != want || a.header.Get("Content-Encoding") != "gzip") {
			err = fmt.Errorf("GET %s: %d, %d bytes of %d", path, a.status, len(a.body), len(bomb()))
		}
		return err
	}
	var all sync.WaitGroup
	for _, route := range []string{"etag", "body", "ignore", "json"} {
		all.Go(func() {
			for range 3 {
				if err := fetch("/" + route + "/a"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := r.metric("proxy409_unversioned_answers_total", `cause="too_large"`); n != 9 {
		t.Errorf("%v answers were found too large", n)
	}
	for _, route := range []string{"etag", "body", "ignore", "json"} {
		path := "/" + route + "/small"
		a := do(t, "PUT", r.url+path, string(bomb()), "Content-Encoding", "gzip", "If-Match", get(t, r.url+path).etag())
		mu.Lock()
		if a.status != 204 || stored[path] != want {
			t.Errorf("PUT %s: %d; what came is what was sent: %t", path, a.status, stored[path] == want)
		}
		mu.Unlock()
	}
	// What is read as a form is not unpacked either.
	packed, err := http.NewRequest("POST", r.url+"/etag/small", bytes.NewReader(bomb()))
	if err != nil {
		t.Fatal(err)
	}
	packed.Header = http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	form, err := client.Do(packed)
	if err != nil {
		t.Fatal(err)
	}
	if form.Body.Close(); form.StatusCode != 400 {
		t.Errorf("a packed form: %d", form.StatusCode)
	}
	most := int64(160 << 20)
	if raceEnabled() {
		most *= 4
	}
	if peak := r.peak(); peak > most {
		t.Errorf("the proxy took %d MiB", peak>>20)
	} else {
		t.Logf("the proxy took %d MiB at the most", peak>>20)
	}
	r.calm(t, before)
	put(t, r.url+"/json/small", "x", get(t, r.url+"/json/small").etag()).done(t)
}

// Whoever uses the budget up has timeouts.body for it.
func TestWhatUsesUpTheBudgetOfTheCommandIsRefusedAndForgotten(t *testing.T) {
	o := newOrigin(t)
	r := serve(t, setup{upstream: o.url(), timeouts: "{write: 2s, settle: 200ms, busy_wait: 1s, body: 2s}", more: "limits: {held: 1MiB}\n"}.yaml()).ready()
	before := r.metric("go_goroutines")
	doc := r.url + "/doc"
	tag := get(t, doc).etag()
	large := strings.Repeat("x", 700_000) // of the three quarters of limits.held that are for writes
	pin := newDripper(t, r, "/doc", tag+"\r\nX-Pin: ")
	if _, err := io.WriteString(pin, large[:99_999]); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, func() error {
		if held := r.metric("proxy409_held_bytes"); held < 99_999 {
			return fmt.Errorf("%v bytes are held", held)
		}
		return nil
	})
	if a := put(t, doc, large+"yz", tag).want(t, 503, "overloaded"); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	start := time.Now()
	_ = pin.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer, err := io.ReadAll(pin) // which ends when the connection is closed
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("after %v: %q, %v", time.Since(start), answer, err)
	}
	r.calm(t, before)
	put(t, doc, large+"yz", tag).done(t)
	if n := r.metric("proxy409_decisions_total", `reason="slow"`, `decision="refused"`); n != 1 {
		t.Errorf("%v were refused as slow", n)
	}
}
