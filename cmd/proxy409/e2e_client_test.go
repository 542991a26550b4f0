package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answer is an answer, read to its end.
type answer struct {
	request string // for messages
	status  int
	header  http.Header
	body    string
}

func (a answer) etag() string { return a.header.Get("ETag") }

// reason is the reason that a refusal of the proxy names, or "".
func (a answer) reason() string {
	var problem struct{ Reason string }
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(a.body), &problem) != nil {
		return ""
	}
	return problem.Reason
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// want fails the test unless the answer has the status, and the reason where one is named.
func (a answer) want(t testing.TB, status int, reason string) answer {
	t.Helper()
	if a.status != status || a.reason() != reason {
		t.Fatalf("%s: %d %q, want %d %q; the body: %s", a.request, a.status, a.reason(), status, reason, a.body)
	}
	return a
}

// done fails the test unless the answer is a 2xx.
func (a answer) done(t testing.TB) answer {
	t.Helper()
	if !a.ok() {
		t.Fatalf("%s: %d, want 2xx; the body: %s", a.request, a.status, a.body)
	}
	return a
}

var client = &http.Client{
	Timeout:   15 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true, DisableKeepAlives: true},
}

// send sends a request and reads its answer. header is name, value, name, value.
func send(method, url, body string, header ...string) (answer, error) {
	return sendBy(client, method, url, body, header...)
}

func sendBy(client *http.Client, method, url, body string, header ...string) (answer, error) {
	a := answer{request: method + " " + url}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	a.status, a.header, a.body = res.StatusCode, res.Header, string(text)
	return a, err
}

// do is send for a request that must be answered.
func do(t testing.TB, method, url, body string, header ...string) answer {
	t.Helper()
	a, err := send(method, url, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func get(t testing.TB, url string) answer {
	t.Helper()
	return do(t, "GET", url, "").done(t)
}

func put(t testing.TB, url, body, match string) answer {
	t.Helper()
	return do(t, "PUT", url, body, "If-Match", match)
}

// metric is the sum of the samples on /metrics whose line begins with the name and contains all the labels.
func (r *replica) metric(name string, labels ...string) float64 {
	r.t.Helper()
	sum := 0.0
	for line := range strings.Lines(get(r.t, r.admin+"/metrics").body) {
		if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+" ") {
			continue
		}
		if value, ok := sample(line, labels); ok {
			sum += value
		}
	}
	return sum
}

func sample(line string, labels []string) (value float64, ok bool) {
	for _, l := range labels {
		if !strings.Contains(line, l) {
			return 0, false
		}
	}
	at := strings.LastIndexByte(strings.TrimSpace(line), ' ')
	err := json.Unmarshal([]byte(strings.TrimSpace(line[at+1:])), &value)
	return value, err == nil
}

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }
