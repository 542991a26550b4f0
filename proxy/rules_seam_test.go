package proxy_test

import (
	"io"
	"net/http"
	"sync"
)

// seam is what a test does with the requests of one method and path.
type seam struct {
	method, path string
	do           func(w http.ResponseWriter, r *http.Request) (answered bool)
}

// on lets a test answer requests; the last seam that is for a request counts. An empty method, or path, is any.
func (a *api) on(method, path string, do func(w http.ResponseWriter, r *http.Request) (answered bool)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seams = append(a.seams, &seam{method, path, do})
}

// off takes all seams away.
func (a *api) off() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seams = nil
}

// says answers with one status and content.
func (a *api) says(method, path string, status int, content string, header ...string) {
	a.on(method, path, func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, content)
		return true
	})
}

// gate holds requests up before anything is done with them.
type gate struct {
	mu   sync.Mutex
	came int
	open chan struct{}
}

func (a *api) hold(method, path string) *gate {
	g := &gate{open: make(chan struct{})}
	a.on(method, path, func(http.ResponseWriter, *http.Request) bool {
		g.mu.Lock()
		g.came++
		g.mu.Unlock()
		select {
		case <-g.open:
		case <-a.over:
			panic(http.ErrAbortHandler)
		}
		return false
	})
	return g
}

// here is how many requests have come to the gate.
func (g *gate) here() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.came
}

func (g *gate) release() { close(g.open) }
