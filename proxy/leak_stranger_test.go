package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// secretive is a backend that shows its resources to readers and says one and the same thing to strangers, whatever they
// ask for and whether or not it is there: it is the proxy alone that could tell them more.
type secretive struct {
	*backend
	status int // what it says to strangers

	// The tags that a resource has had, and has. See known.
	retired, current string

	mu    sync.Mutex
	asked []string      // the methods of strangers' requests that came
	held  chan struct{} // closed when the held writes may go on
	letGo func()
	there chan struct{} // one value for each write that is held
}

func newSecretive(t testing.TB, status int) *secretive {
	s := &secretive{backend: newBackend(t), status: status, held: make(chan struct{}), there: make(chan struct{}, 64)}
	s.letGo = sync.OnceFunc(func() { close(s.held) })
	s.tag = func(_, text string) string { return fmt.Sprintf("%q", text) }
	s.intercept(s.answered)
	return s
}

func (s *secretive) answered(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path == "/fate":
		w.WriteHeader(http.StatusNoContent)
		return true
	case r.Header.Get("X-Caller") == "stranger":
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, r.Method)
		s.mu.Unlock()
		if s.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Basic")
		}
		if s.status == http.StatusFound {
			w.Header().Set("Location", "/login")
		}
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, "nothing for you\n")
		return true
	}
	if r.Method == http.MethodGet {
		return false // a probe has the fields of its write
	}
	switch r.Header.Get("X-Fate") {
	case "held":
		s.there <- struct{}{}
		<-s.held
	case "doubt":
		w.WriteHeader(http.StatusGatewayTimeout)
		return true
	}
	return false
}

// questions returns the methods of the strangers' requests that came since the last call.
func (s *secretive) questions() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := strings.Join(s.asked, " ")
	s.asked = nil
	return asked
}

// standing is a state of a resource that a stranger might learn of.
type standing struct {
	name string
	make func(t testing.TB, s *secretive, c *client, path string)
	// shared: the state stays what it is whatever strangers send, so one resource will do for all of them.
	shared bool
	// recorded: what is on record would admit a write that names the current tag.
	recorded bool
	// shut: another write is under way. Whom the backend masks it is told that there is nothing, so that a creation cannot be
	// refused on its word, and must not be forwarded: it is busy.
	shut bool
}

var standings = []standing{
	{name: "known", recorded: true, make: known},
	{name: "read, and nothing was written yet", recorded: true, make: func(t testing.TB, s *secretive, c *client, path string) {
		s.set(path, "second")
		c.get(path).want(t, 200)
	}},
	{name: "unknown since an unjudged write", make: func(t testing.TB, s *secretive, c *client, path string) {
		known(t, s, c, path)
		c.do("POST", path, "second").want(t, 204)
	}},
	{name: "deleted", make: func(t testing.TB, s *secretive, c *client, path string) {
		known(t, s, c, path)
		c.do("DELETE", path, "", "If-Match", s.current).want(t, 204)
	}},
	{name: "being written", shared: true, shut: true, make: func(t testing.TB, s *secretive, c *client, path string) {
		known(t, s, c, path)
		hold(t, s, func() { _, _ = c.attempt("PUT", path, "third", "If-Match", s.current, "X-Fate", "held") })
	}},
	{name: "being created", shared: true, shut: true, make: func(t testing.TB, s *secretive, c *client, path string) {
		hold(t, s, func() { _, _ = c.attempt("PUT", path, "first", "If-None-Match", "*", "X-Fate", "held") })
	}},
	{name: "being written unjudged", shared: true, make: func(t testing.TB, s *secretive, c *client, path string) {
		known(t, s, c, path)
		hold(t, s, func() { _, _ = c.attempt("POST", path, "third", "X-Fate", "held") })
	}},
	{name: "in doubt", shared: true, shut: true, make: func(t testing.TB, s *secretive, c *client, path string) {
		known(t, s, c, path)
		c.do("PUT", path, "third", "If-Match", s.current, "X-Fate", "doubt").want(t, 504)
	}},
}

// known makes a resource that has been written once, and read before and after.
func known(t testing.TB, s *secretive, c *client, path string) {
	t.Helper()
	s.set(path, "first")
	s.retired = c.get(path).etag()
	c.put(path, "second", s.retired).want(t, 204)
	s.current = c.get(path).etag()
	if s.retired == "" || s.current == "" || s.retired == s.current {
		t.Fatalf("the tags are %s and %s", s.retired, s.current)
	}
}

// hold begins a write that stays at the backend until the test ends.
func hold(t testing.TB, s *secretive, write func()) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		write()
	}()
	<-s.there
	t.Cleanup(func() {
		s.letGo()
		<-over
	})
}

// attempts are what a stranger may send to find out about a resource. The first line of each name is for people.
func attempts(retired, current string) map[string]whisper {
	all := map[string]whisper{
		"GET":  {method: "GET"},
		"HEAD": {method: "HEAD"},
	}
	for name, fields := range map[string][]string{
		"current":            {"If-None-Match: " + current},
		"retired":            {"If-None-Match: " + retired},
		"any":                {"If-None-Match: *"},
		"part of current":    {"Range: bytes=0-1", "If-Range: " + current},
		"part of retired":    {"Range: bytes=0-1", "If-Range: " + retired},
		"If-Match current":   {"If-Match: " + current},
		"If-Match retired":   {"If-Match: " + retired},
		"guessed, qualified": {"If-None-Match: " + qualifiedAs(current, "gAAAAAAAAAAAAAAA")},
	} {
		all["GET "+name] = whisper{method: "GET", fields: fields}
		all["HEAD "+name] = whisper{method: "HEAD", fields: fields}
	}
	for name, fields := range map[string][]string{
		"nothing":            nil,
		"current":            {"If-Match: " + current},
		"current, weak":      {"If-Match: W/" + current},
		"retired":            {"If-Match: " + retired},
		"guessed":            {`If-Match: "guessed"`},
		"many":               {`If-Match: "guessed", ` + retired, "If-Match: " + current},
		"any":                {"If-Match: *"},
		"creation":           {"If-None-Match: *"},
		"not this":           {"If-None-Match: " + current},
		"malformed":          {"If-Match: second"},
		"contradiction":      {"If-Match: " + current, "If-None-Match: *"},
		"guessed, qualified": {"If-Match: " + qualifiedAs(current, "gAAAAAAAAAAAAAAA")}, // as if it had been on record
		"guessed, unvouched": {"If-Match: " + qualifiedAs(current, "AAAAAAAAAAAAAAAA")}, // as if nobody had noted it
	} {
		for _, method := range []string{"PUT", "PATCH", "DELETE", "POST", "MOVE"} {
			w := whisper{method: method, fields: fields, body: "from a stranger"}
			if method == "MOVE" {
				w.fields = append([]string{"Destination: /mine"}, fields...)
			}
			all[method+" "+name] = w
		}
		all["PUT, expecting to continue, "+name] = whisper{method: "PUT", fields: fields, announced: 16}
		all["PUT, expecting to continue over the limit, "+name] = whisper{method: "PUT", fields: fields, announced: 2 << 20}
	}
	return all
}

// qualifiedAs is a tag as if the proxy had handed it out with this version.
func qualifiedAs(tag, version string) string {
	return strings.TrimSuffix(tag, `"`) + ";p409-" + version + `"`
}
