package examples_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a server that answers as a test says, and notes what came.
type script struct {
	t       *testing.T
	do      helper
	url     string
	mu      sync.Mutex
	replies map[string][]reply // by method and target; the last one stands for those after it
	came    []string           // method, target, If-Match in brackets, body
	keys    []string           // each Idempotency-Key
}

// reply is one answer of the script.
type reply struct {
	status int // 0: 200
	tag    string
	reason string // the proxy's
	header string // name: value
	body   string
	lost   bool // the connection is closed instead
}

// stories runs a test with each client helper, against a script of its own.
func stories(t *testing.T, keep int, f func(*script)) {
	t.Parallel()
	everyClient(t, keep, func(t *testing.T, do helper) {
		s := &script{t: t, do: do, replies: map[string][]reply{}}
		server := httptest.NewUnstartedServer(s)
		server.Config.SetKeepAlivesEnabled(false) // on a connection that was used before, clients may repeat things by themselves
		server.Start()
		t.Cleanup(server.Close)
		s.url = server.URL
		f(s)
	})
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	what := r.Method + " " + r.RequestURI
	came := what
	if lines := r.Header.Values("If-Match"); len(lines) > 0 {
		came += fmt.Sprint(" ", lines)
	}
	if len(body) > 0 {
		came += " " + strings.ReplaceAll(string(body), " ", "") // Python writes {"n": 1}
	}
	s.mu.Lock()
	s.came, s.keys = append(s.came, came), append(s.keys, r.Header["Idempotency-Key"]...)
	queue := s.replies[what]
	if len(queue) > 1 {
		s.replies[what] = queue[1:]
	}
	s.mu.Unlock()
	answer := reply{status: http.StatusTeapot}
	if len(queue) > 0 {
		answer = queue[0]
	}
	answer.send(w)
}

func (a reply) send(w http.ResponseWriter) {
	if a.lost {
		panic(http.ErrAbortHandler)
	}
	if a.tag != "" {
		w.Header().Set("ETag", a.tag)
	}
	if name, value, ok := strings.Cut(a.header, ": "); ok {
		w.Header().Set(name, value)
	}
	if a.reason != "" {
		w.Header().Set("Proxy-Status", `proxy409; error=http_request_denied; details="`+a.reason+`"`)
	}
	w.WriteHeader(cmp.Or(a.status, http.StatusOK))
	fmt.Fprint(w, a.body)
}

func (s *script) on(what string, replies ...reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[what] = replies
}

// send sends a request; header is name, value.
func (s *script) send(method, target, body string, header ...string) outcome {
	s.t.Helper()
	o := order{Do: "send", Method: method, URL: s.url + target, Body: body}
	if len(header) > 0 {
		o.Headers = map[string]string{header[0]: header[1]}
	}
	return s.do(o)
}

func (s *script) update(target string, tries int) outcome {
	s.t.Helper()
	return s.do(order{Do: "update", URL: s.url + target, Tries: tries})
}

// saw fails the test unless just these requests have come since the last time.
func (s *script) saw(want ...string) {
	s.t.Helper()
	if came := s.since(); !slices.Equal(came, want) {
		s.t.Fatalf("came:\n%s\nwant:\n%s", strings.Join(came, "\n"), strings.Join(want, "\n"))
	}
}

// since returns what has come since the last time.
func (s *script) since() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	came := s.came
	s.came = nil
	return came
}

// is fails the test unless the outcome has the error ("": none) and the status (0: none).
func (s *script) is(got outcome, err string, status int) {
	s.t.Helper()
	if got.Error != err || got.Status != status {
		s.t.Fatalf("%+v, want the error %q and status %d", got, err, status)
	}
}

func TestClientsSendTheTagOfWhatTheyHaveReadAsItCame(t *testing.T) {
	stories(t, 100, func(s *script) {
		for _, tag := range []string{`"a1"`, `W/"a1"`, `"6b02b221-4;p409-5lbHlZmR5tNbEplY"`, `"a, b\c"`, `unquoted`, "\"caf\xe9\""} {
			for _, write := range []string{"PUT", "PATCH", "DELETE"} {
				s.on("GET /a?x=1", reply{tag: tag})
				s.on(write+" /a?x=1", reply{status: 409, reason: "stale"})
				s.send("GET", "/a?x=1#part", "")
				s.is(s.send(write, "/a?x=1", "new"), "", 409)
				s.send(write, "/a?x=1#other", "new") // a refusal does not make it forget
				s.saw("GET /a?x=1", write+" /a?x=1 ["+tag+"] new", write+" /a?x=1 ["+tag+"] new")
			}
		}
	})
}

func TestClientsSendATagWithNothingElse(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"a"`})
		s.on("HEAD /head", reply{tag: `"a"`})
		s.on("GET /part", reply{status: 206, tag: `"a"`})
		s.on("GET /gone", reply{status: 404, tag: `"a"`})
		for _, path := range []string{"/a", "/part", "/gone"} {
			s.send("GET", path, "")
		}
		s.send("HEAD", "/head", "")
		s.since()
		for _, path := range []string{"/a?x=1", "/a/", "/A", "/head", "/part", "/gone"} {
			s.send("PUT", path, "")
		}
		s.send("POST", "/a", "")
		s.send("PUT", "/a", "", "If-Match", `"mine"`)
		s.send("PUT", "/a", "", "If-None-Match", "*")
		s.saw("PUT /a?x=1", "PUT /a/", "PUT /A", "PUT /head", "PUT /part", "PUT /gone", "POST /a", `PUT /a ["mine"]`, "PUT /a")
	})
}

func TestClientsGoOnWithTheTagOfTheAnswerOrWithNone(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"1"`})
		s.on("PUT /a", reply{tag: `"2"`}, reply{status: 503, tag: `"x"`}, reply{status: 204}, reply{status: 409, reason: "missing"})
		s.send("GET", "/a", "")
		for range 4 {
			s.send("PUT", "/a", "")
		}
		s.saw("GET /a", `PUT /a ["1"]`, `PUT /a ["2"]`, `PUT /a ["2"]`, "PUT /a")
	})
}

func TestClientsRememberSoManyURLs(t *testing.T) {
	stories(t, 2, func(s *script) {
		for i := range 5 {
			target := fmt.Sprintf("/%d", i)
			s.on("GET "+target, reply{tag: `"a"`})
			s.send("GET", target, "")
		}
		s.since()
		for i := range 5 {
			s.send("PUT", fmt.Sprintf("/%d", i), "")
		}
		if came := s.since(); strings.Count(fmt.Sprint(came), `"a"`) != 2 || came[4] != `PUT /4 ["a"]` {
			s.t.Errorf("want the tags of two of them, and that of the last: %v", came)
		}
	})
}

func TestClientsNeverTakeATagToAnotherURL(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /old", reply{status: 302, header: "Location: /new"})
		s.on("GET /new", reply{tag: `"1"`, body: `{}`})
		s.on("PUT /new", reply{status: 307, header: "Location: /other"})
		s.send("GET", "/old", "")
		s.send("PUT", "/old", "x")
		s.send("PUT", "/new", "x")
		s.is(s.update("/old", 3), "Refused", 307)
		for _, came := range s.since() {
			if strings.Contains(came, "[") != strings.HasPrefix(came, "PUT /new") {
				s.t.Errorf("there came %s", came)
			}
		}
	})
}

func TestClientsRepeatAWriteWhoseAnswerGotLostWordForWordAndOnce(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"1"`})
		s.on("PUT /a", reply{lost: true}, reply{tag: `"2"`, reason: "replayed"}, reply{lost: true})
		s.send("GET", "/a", "")
		s.is(s.send("PUT", "/a", "new"), "", 200)
		s.saw("GET /a", `PUT /a ["1"] new`, `PUT /a ["1"] new`)
		s.is(s.send("PUT", "/a", "next"), "Lost", 0)
		s.saw(`PUT /a ["2"] next`, `PUT /a ["2"] next`)
	})
}

func TestClientsDoNotTakeTheRefusalOfARepetitionForThatOfTheWrite(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"1"`, body: `{"n":4}`})
		s.on("PUT /a", reply{lost: true}, reply{status: 409, reason: "stale"})
		if got := s.update("/a", 5); got.Error != "InDoubt" || !strings.Contains(got.Text, "409 stale") {
			s.t.Fatalf("%+v", got)
		}
		s.saw("GET /a", `PUT /a ["1"] {"n":5}`, `PUT /a ["1"] {"n":5}`) // and not again with another increment
		// The first one's own answer counts, whatever it is.
		s.on("PUT /a", reply{lost: true}, reply{status: 422, reason: "replayed"})
		s.is(s.update("/a", 5), "Refused", 422)
	})
}

func TestClientsNeverRepeatWhatCouldBeDoneTwice(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("POST /a", reply{lost: true})
		s.on("PUT /a", reply{lost: true})
		s.is(s.send("POST", "/a", "new"), "Lost", 0)
		s.is(s.send("PUT", "/a", "new"), "Lost", 0) // it has no precondition: it would overwrite what came in between
		s.saw("POST /a new", "PUT /a new")

		s.on("POST /a", reply{lost: true}, reply{status: 201})
		s.is(s.send("POST", "/a", "new", "Idempotency-Key", "new"), "", 201)
		s.saw("POST /a new", "POST /a new")
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.keys) != 2 || s.keys[0] != s.keys[1] || len(s.keys[0]) != len(`"8e03978e-40d5-43dd-bc93-6894a57f9324"`) {
			s.t.Errorf("the keys were %s", s.keys)
		}
	})
}

func TestClientsReadAgainAfterAConflictAndChangeWhatIsThere(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"1"`, body: `{"n":1}`}, reply{tag: `W/"2"`, body: `{"n":7}`}, reply{tag: `"3"`, body: `{"n":9}`})
		s.on("PUT /a", reply{status: 409, reason: "stale"}, reply{status: 412}, reply{})
		s.is(s.update("/a", 5), "", 200)
		s.saw("GET /a", `PUT /a ["1"] {"n":2}`, "GET /a", `PUT /a [W/"2"] {"n":8}`, "GET /a", `PUT /a ["3"] {"n":10}`)
	})
}

func TestClientsGiveUpWithTheLastRefusal(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"1"`, body: `{}`})
		s.on("PUT /a", reply{status: 409, reason: "stale"}, reply{status: 409, reason: "stale"}, reply{status: 412, reason: "absent"})
		got := s.update("/a", 3)
		s.is(got, "Refused", 412)
		if requests := len(s.since()); got.Reason != "absent" || requests != 6 {
			s.t.Fatalf("%+v after %d requests", got, requests)
		}
	})
}

func TestClientsReadAgainOnlyWhereThatHelps(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"1"`, body: `{}`})
		for _, final := range []reply{
			{status: 409}, {status: 409, reason: "transition"}, {status: 409, reason: "missing"}, {status: 403, reason: "closed"}, {status: 500}, {status: 303},
		} {
			s.on("PUT /a", final)
			s.is(s.update("/a", 3), "Refused", final.status)
			s.saw("GET /a", `PUT /a ["1"] {"n":1}`)
		}
		s.on("GET /gone", reply{status: 404, tag: `"1"`, body: `{}`})
		s.is(s.update("/gone", 3), "Refused", 404)
		s.saw("GET /gone")
	})
}

func TestClientsNeverUpdateWhatShowsNoVersion(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{body: `{}`})
		if got := s.update("/a", 3); !strings.Contains(got.Text, "there is no ETag") {
			s.t.Fatalf("%+v", got)
		}
		s.saw("GET /a")
	})
}

func TestClientsWaitAsLongAsABusyProxySays(t *testing.T) {
	stories(t, 100, func(s *script) {
		s.on("GET /a", reply{tag: `"1"`, body: `{}`})
		s.on("PUT /a", reply{status: 409, reason: "busy", header: "Retry-After: 1"}, reply{})
		begun := time.Now()
		s.is(s.update("/a", 2), "", 200)
		if waited := time.Since(begun); waited < time.Second {
			s.t.Errorf("the second try came after %v", waited)
		}
	})
}
