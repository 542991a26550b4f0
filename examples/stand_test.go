package examples_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// stand is one example at work: clients, the proxy with the example's own file, a witness, the backend.
type stand struct {
	t       *testing.T
	url     string // of the proxy
	backend string // of the backend, past the proxy
	proxy   *process
	witness *witness
}

// witness stands between the proxy and the backend, and remembers which requests came so far.
type witness struct {
	mu    sync.Mutex
	came  []arrival
	after func(arrival) // if it is set: called when the backend has answered, before the proxy gets the answer
}

func (w *witness) afterwards(f func(arrival)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after = f
}

// arrival is a request that reached the backend.
type arrival struct {
	method, target string
	header         http.Header
}

func (w *witness) all() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]arrival(nil), w.came...)
}

// stage starts the proxy with the configuration of an example before a backend.
func stage(t *testing.T, example, backend string) *stand {
	t.Helper()
	return stageFile(t, filepath.Join(example, "proxy409.yaml"), backend)
}

func stageFile(t *testing.T, configuration, backend string) *stand {
	t.Helper()
	to, err := url.Parse(backend)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, backend: backend, witness: &witness{}}
	relay := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it came, also what Go would not parse
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				r.Out.Header[name] = r.In.Header[name]
			}
		},
	}
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		this := arrival{r.Method, r.RequestURI, r.Header.Clone()}
		s.witness.mu.Lock()
		s.witness.came = append(s.witness.came, this)
		after := s.witness.after
		s.witness.mu.Unlock()
		// A body that is relayed as it comes may be closed under the relay's hands, when the backend answers at once.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		relay.ServeHTTP(w, r)
		if after != nil {
			after(this)
		}
	}))
	t.Cleanup(between.Close)
	s.proxy = launch(t, []string{"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "UPSTREAM=" + between.URL},
		program(t, "proxy409/cmd/proxy409"), "serve", "--config", configuration)
	s.url = "http://" + s.proxy.says(`msg=serving listen=(\S+) admin=(\S+)`)[1]
	return s
}

// reached runs f and returns the requests that reached the backend meanwhile and that a probe of the proxy would not make.
// isWrite says which these are.
func (s *stand) reached(isWrite func(arrival) bool, f func()) []arrival {
	s.t.Helper()
	before := len(s.witness.all())
	f()
	var writes []arrival
	for _, a := range s.witness.all()[before:] {
		if isWrite(a) {
			writes = append(writes, a)
		}
	}
	return writes
}

// untouched fails the test if f lets a write through to the backend.
func (s *stand) untouched(f func()) {
	s.t.Helper()
	if writes := s.reached(unsafeMethod, f); len(writes) > 0 {
		s.t.Fatalf("the backend was touched: %s %s", writes[0].method, writes[0].target)
	}
}

func unsafeMethod(a arrival) bool {
	switch a.method {
	case "GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT":
		return false
	}
	return true
}

// transcript carries out, with curl and a shell, what the README of the example shows, and holds the answers against those
// that it shows. "…" stands there for anything.
func (s *stand) transcript(example string) {
	s.t.Helper()
	s.carryOut("the README of "+example, read(s.t, filepath.Join(example, "README.md")))
}

// carryOut does so with a text; where is what messages call it.
func (s *stand) carryOut(where, text string) {
	s.t.Helper()
	installed(s.t, "curl", "curl")
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) == 0 {
		s.t.Fatalf("%s shows no exchange", where)
	}
	for _, block := range blocks {
		for step := range strings.SplitSeq(strings.TrimPrefix(block[1], "$ "), "\n$ ") {
			s.step(step)
		}
	}
}

func (s *stand) step(step string) {
	s.t.Helper()
	command, want, _ := strings.Cut(step, "\n")
	for strings.HasSuffix(command, `\`) {
		line, rest, _ := strings.Cut(want, "\n")
		command, want = strings.TrimSuffix(command, `\`)+line, rest
	}
	shell := exec.Command("sh", "-c", strings.ReplaceAll(command, "http://127.0.0.1:8080", s.url))
	shell.Dir = ".." // where the README's reader is
	out, err := shell.Output()
	if err != nil {
		s.t.Fatalf("%s: %v", command, err)
	}
	text := strings.TrimPrefix(strings.ReplaceAll(string(out), "\r", ""), "HTTP/1.1 100 Continue\n\n")
	head, body, _ := strings.Cut(text, "\n\n")
	wantHead, wantBody, _ := strings.Cut(strings.TrimSpace(want), "\n\n")
	for line := range strings.Lines(wantHead) {
		line = strings.TrimSuffix(line, "\n")
		if !regexp.MustCompile(`(?m)^` + like(line) + `$`).MatchString(head) {
			s.t.Errorf("%s\nthe README shows: %s\nthe answer was:\n%s\n%s", command, line, head, body)
		}
	}
	if wantBody = strings.TrimSpace(wantBody); !regexp.MustCompile(`(?s)^` + like(wantBody) + `$`).MatchString(strings.TrimSpace(body)) {
		s.t.Errorf("%s\nthe README shows:\n%s\nthe answer was:\n%s", command, wantBody, body)
	}
}

// like is a regexp for a text in which "…" stands for anything.
func like(text string) string { return strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".*") }
