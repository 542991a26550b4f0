package backend_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"proxy409/examples/benchmark/backend"
)

func serve(t *testing.T) (*backend.Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := new(backend.Server)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(ln) }()
	t.Cleanup(func() {
		_ = ln.Close()
		http.DefaultClient.CloseIdleConnections() // each keeps one of the server's goroutines
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + ln.Addr().String()
}

// do returns the status, the entity tag and the body of the answer.
func do(t *testing.T, method, url, body string) (status int, etag, answer string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("ETag"), string(b)
}

func TestEachWriteAddsOneVersionToItsOwnResource(t *testing.T) {
	s, url := serve(t)
	steps := []struct{ method, path, etag string }{
		{"GET", "/items/1", `"v0"`},
		{"PUT", "/items/1", `"v1"`},
		{"HEAD", "/items/1", `"v1"`},
		{"PATCH", "/items/1", `"v2"`},
		{"GET", "/items/1", `"v2"`},
		{"GET", "/items/2", `"v0"`},
		{"PUT", "/items/2", `"v1"`},
	}
	for _, step := range steps {
		status, etag, _ := do(t, step.method, url+step.path, `{"title":"x"}`)
		if status != http.StatusOK || etag != step.etag {
			t.Errorf("%s %s: %d %s, want 200 %s", step.method, step.path, status, etag, step.etag)
		}
	}
	if _, _, n := do(t, "GET", url+backend.CountPath, ""); n != "3" || s.Writes() != 3 {
		t.Errorf("counted %s and %d writes, want 3", n, s.Writes())
	}
	if status, _, _ := do(t, "DELETE", url+"/items/1", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", status)
	}
}

func TestRepresentationsDifferAndAreSmall(t *testing.T) {
	_, url := serve(t)
	_, _, before := do(t, "GET", url+"/items/1", "")
	do(t, "PUT", url+"/items/1", "{}")
	_, _, after := do(t, "GET", url+"/items/1", "")
	if before == after || len(before) < 150 || len(before) > 300 {
		t.Errorf("%d bytes %s, then %s", len(before), before, after)
	}
}

func TestNoWriteIsLostAmongMany(t *testing.T) {
	s, url := serve(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				do(t, "PUT", url+"/items/1", "{}")
			}
		})
	}
	wg.Wait()
	if _, etag, _ := do(t, "GET", url+"/items/1", ""); etag != `"v400"` || s.Writes() != 400 {
		t.Errorf("%s after %d writes, want 400", etag, s.Writes())
	}
}
