package examples_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"proxy409/examples/legacy"
)

const (
	updaters = 8  // who update one counter at once
	times    = 10 // how often each of them does
	counter  = "/items/1"
)

// crowded is the legacy backend, in which the first reads wait until all updaters have come: they read one version.
func crowded(t *testing.T) (backend string) {
	t.Helper()
	items, all := legacy.New(legacy.Options{}), make(chan struct{})
	var readers atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if readers.Add(1) == updaters {
				close(all)
			}
			select {
			case <-all:
			case <-r.Context().Done():
			}
		}
		items.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// quickstart is the quickstart's configuration at addresses of the test's, with lines more for its first route.
func quickstart(t *testing.T, lines ...string) (path string) {
	t.Helper()
	text := read(t, "quickstart/proxy409.yaml")
	for was, is := range map[string]string{
		"listen: 127.0.0.1:8080": "listen: ${LISTEN}", "listen: 127.0.0.1:9409": "listen: ${ADMIN_LISTEN}",
		"upstream: http://127.0.0.1:9000": "upstream: ${UPSTREAM}",
		"match: /items/{id}\n":            "match: /items/{id}\n" + strings.Join(lines, "\n") + "\n",
	} {
		text = strings.Replace(text, was, is, 1)
	}
	path = filepath.Join(t.TempDir(), "proxy409.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// conflicts is how many writes the proxy has refused as stale or busy.
func (s *stand) conflicts() (n int) {
	s.t.Helper()
	text := send(s.t, "GET", "http://"+s.proxy.says(`msg=serving .*admin=(\S+)`)[1]+"/metrics", "").body
	for _, found := range regexp.MustCompile(`(?m)^proxy409_decisions_total\{.*reason="(?:stale|busy)".*\} (\d+)$`).FindAllStringSubmatch(text, -1) {
		count, _ := strconv.Atoi(found[1]) // digits
		n += count
	}
	return n
}

func TestClientsThatUpdateTogetherLoseNothing(t *testing.T) {
	t.Parallel()
	everyClient(t, 100, func(t *testing.T, do helper) {
		// The updaters have no credentials, and may send the same words: that they count to one number is no retry.
		s := stageFile(t, quickstart(t, ""), crowded(t))
		done := do(order{Do: "count", URL: s.url + counter, Tries: 50, Updaters: updaters, Times: times})
		if done.Status != 200 {
			t.Fatalf("%+v", done)
		}
		if n := s.get(counter).member("n"); n != strconv.Itoa(updaters*times) {
			t.Errorf("%d increments, and the counter is at %s", updaters*times, n)
		}
		if n := s.conflicts(); n < updaters-1 {
			t.Errorf("%d writes were refused as stale or busy; all but one of the first %d should have been", n, updaters)
		}
	})
}

// Nobody looks at the If-Match that the helpers send: the counter shows what the proxy is for.
func TestClientsThatUpdateTogetherPastTheProxyLoseUpdates(t *testing.T) {
	t.Parallel()
	everyClient(t, 100, func(t *testing.T, do helper) {
		backend := crowded(t)
		if done := do(order{Do: "count", URL: backend + counter, Tries: 50, Updaters: updaters, Times: times}); done.Status != 200 {
			t.Fatalf("%+v", done)
		}
		if n, err := strconv.Atoi(send(t, "GET", backend+counter, "").member("n")); err != nil || n > updaters*times-(updaters-1) {
			t.Errorf("the counter is at %d (%v), though %d began with one version", n, err, updaters)
		}
	})
}

// lossy lets each other PUT through and its answer not.
func lossy(t *testing.T, to string) (front string) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	relay := httputil.NewSingleHostReverseProxy(target)
	var puts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.Method == http.MethodPut && puts.Add(1)%2 == 1 {
			relay.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		relay.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestClientsWhoseAnswersGetLostUpdateOnce(t *testing.T) {
	t.Parallel()
	file := quickstart(t)
	everyClient(t, 100, func(t *testing.T, do helper) {
		s := stageFile(t, file, plain(t))
		done := do(order{Do: "count", URL: lossy(t, s.url) + counter, Tries: 5, Updaters: 1, Times: times})
		if n := s.get(counter).member("n"); done.Status != 200 || n != strconv.Itoa(times) {
			t.Errorf("%d increments, and the counter is at %s: %+v", times, n, done)
		}
		if n := len(regexp.MustCompile(`decision=replayed`).FindAllString(s.proxy.said.String(), -1)); n < times/2 {
			t.Errorf("%d answers were given again; each other one was lost", n)
		}
	})
}

// plain is the legacy backend.
func plain(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(legacy.New(legacy.Options{}))
	t.Cleanup(server.Close)
	return server.URL
}

// The README's snippet is the body of the example, which is compiled and run.
func TestClientsReadmesShowTheExample(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"../README.md", "clients/README.md"} {
		blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, path), -1)
		if len(blocks) == 0 {
			t.Errorf("%s shows no Go", path)
		}
		for _, block := range blocks {
			body := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block[1], "\t$1")
			if !strings.Contains(read(t, "clients/go/example_test.go"), body) {
				t.Errorf("%s shows what the example is not:\n%s", path, block[1])
			}
		}
	}
}

func TestClientsReadmeScriptsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	for language, run := range map[string]func(t *testing.T, script string) *exec.Cmd{
		"js": func(t *testing.T, script string) *exec.Cmd {
			imports := `import {remembering, update} from "./clients/fetch/proxy409.mjs"` + "\n"
			return exec.Command(installed(t, "node", "nodejs"), "--input-type=module", "--eval", imports+script)
		},
		"python": func(t *testing.T, script string) *exec.Cmd {
			imports := "import sys\nsys.path.insert(0, 'clients/python')\nimport proxy409\n"
			return exec.Command(pythonWithRequests(t), "-B", "-c", imports+script)
		},
	} {
		t.Run(language, func(t *testing.T) {
			script := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(read(t, "clients/README.md"))[1]
			api := plain(t)
			script = strings.Replace(strings.Replace(script, "http://127.0.0.1:8080", "", 1), `"/items/1"`, `"`+api+`/items/1"`, 1)
			if out, err := run(t, script).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if title := send(t, "GET", api+"/items/1", "").member("title"); title != "Quarterly report, final" {
				t.Errorf("the title is %q", title)
			}
		})
	}
}
