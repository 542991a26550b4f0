package examples_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// answer is an answer, read to its end.
type answer struct {
	t       testing.TB
	request string // for messages
	status  int
	header  http.Header
	body    string
}

// problem is the body of a refusal, as far as tests look at it.
type problem struct {
	Reason          string
	Detail          string
	Message         string
	CurrentETag     string          `json:"current_etag"`
	CurrentVersion  json.RawMessage `json:"current_version"`
	ExpectedVersion json.RawMessage `json:"expected_version"`
	Rule            string
	Fields          []string
	Location        string
	CurrentState    string   `json:"current_state"`
	RequestedState  string   `json:"requested_state"`
	AllowedStates   []string `json:"allowed_states"`
	Changes         []change
}

// change is what has become of one member since the version that the client sent.
type change struct {
	Pointer             string
	Base, Yours, Theirs json.RawMessage
	Overlap             bool
}

// refusal is the proxy's problem, the zero one if the answer is the backend's. A page and a HEAD have its reason alone.
func (a answer) refusal() (p problem) {
	a.t.Helper()
	status, ours := strings.CutPrefix(a.header.Get("Proxy-Status"), "proxy409;")
	if !ours {
		return problem{}
	}
	if strings.HasPrefix(a.body, "{") {
		if err := json.Unmarshal([]byte(a.body), &p); err != nil {
			a.t.Fatalf("%s: %v in %s", a.request, err, a.body)
		}
	}
	_, details, _ := strings.Cut(status, `details="`)
	p.Reason, _, _ = strings.Cut(details, `"`)
	return p
}

// want fails the test unless the answer has the status, and is a refusal for the reason, or none where that is "".
func (a answer) want(status int, reason string) answer {
	a.t.Helper()
	if got := a.refusal().Reason; a.status != status || got != reason {
		a.t.Fatalf("%s: %d %q, want %d %q; the body: %s", a.request, a.status, got, status, reason, a.body)
	}
	return a
}

// tagged fails the test unless the answer has an ETag, and returns it.
func (a answer) tagged() string {
	a.t.Helper()
	tag := a.header.Get("ETag")
	if tag == "" {
		a.t.Fatalf("%s: no ETag; %d %v", a.request, a.status, a.header)
	}
	return tag
}

// member is a member of the JSON object in the body.
func (a answer) member(name string) string {
	a.t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		a.t.Fatalf("%s: %v in %s", a.request, err, a.body)
	}
	return strings.Trim(string(object[name]), `"`)
}

var client = &http.Client{
	Timeout:       20 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request and reads its answer. header is name, value, name, value. A body that looks like JSON is sent as
// that, another as a form, unless header says what it is.
func send(t testing.TB, method, to, body string, header ...string) answer {
	t.Helper()
	a, err := attempt(t, client, method, to, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// attempt is send for an answer that may get lost. Then there is an error.
func attempt(t testing.TB, with *http.Client, method, to, body string, header ...string) (answer, error) {
	t.Helper()
	a := answer{t: t, request: method + " " + to}
	req, err := http.NewRequest(method, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case strings.HasPrefix(body, "{"):
		req.Header.Set("Content-Type", "application/json")
	case body != "":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Host = req.Header.Get("Host")
	res, err := with.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	a.status, a.header, a.body = res.StatusCode, res.Header, string(text)
	return a, err
}

func (s *stand) send(method, path, body string, header ...string) answer {
	s.t.Helper()
	return send(s.t, method, s.url+path, body, header...)
}

func (s *stand) get(path string, header ...string) answer {
	s.t.Helper()
	return s.send("GET", path, "", header...).want(200, "")
}

// form is an urlencoded form: name, value, name, value.
func form(fields ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return values.Encode()
}

// contest is a race of clients: in each round all of them write at once from the version that they have read.
type contest struct {
	clients, rounds int
	read            func() (tag string)
	write           func(client int, tag string) answer
	isWrite         func(arrival) bool
}

// run fails the test unless in each round exactly one write is done and reaches the backend, and the others are refused as
// stale, or as busy by one who could not wait.
func (c contest) run(s *stand) {
	s.t.Helper()
	for round := range c.rounds {
		tag := c.read()
		answers := make([]answer, c.clients)
		arrived := s.reached(c.isWrite, func() {
			var start, end sync.WaitGroup
			start.Add(1)
			for i := range answers {
				end.Go(func() {
					start.Wait()
					answers[i] = c.write(i, tag)
				})
			}
			start.Done()
			end.Wait()
		})
		done := 0
		for _, a := range answers {
			switch reason := a.refusal().Reason; {
			case a.status >= 200 && a.status < 400:
				done++
			case reason != "stale" && reason != "busy":
				s.t.Fatalf("round %d: %s: %d %q", round, a.request, a.status, a.body)
			}
		}
		if done != 1 || len(arrived) != 1 {
			s.t.Fatalf("round %d: %d of %d writes from one version were done, and %d reached the backend", round, done, c.clients, len(arrived))
		}
	}
}
