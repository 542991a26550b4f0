package main_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fails runs the program, which must end by itself with exit code 1, and returns what it said.
func fails(t testing.TB, args ...string) string {
	t.Helper()
	p := launch(t, binary(t), args...)
	if code := p.exit(10 * time.Second); code != 1 {
		t.Errorf("%v: exit code %d, want 1; it said:\n%s", args, code, p.logs)
	}
	if strings.Contains(p.logs.String(), "msg=serving") {
		t.Errorf("%v: it served; it said:\n%s", args, p.logs)
	}
	return p.logs.String()
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func TestServeDoesNotStartWithoutAGoodConfiguration(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere.yaml")
	contains(t, fails(t, "serve", "--config", nowhere), nowhere, "no such file")
	contains(t, fails(t, "serve"), "config", "upstream")
	contains(t, fails(t, "serve", "--upstream", "localhost:9000"), "upstream", "localhost:9000")
	contains(t, fails(t, "serve", "--config", file(t, "")), "empty")

	// Everything that is wrong is said at once, each with its line; the listeners, which are right, are not opened.
	front, admin := freeAddress(t), freeAddress(t)
	said := fails(t, "serve", "--config", file(t, fmt.Sprintf(`listen: %s
admin: {listen: %s}
upstream: ftp://127.0.0.1:9000
timeouts: {write: soon}
retries: 3
routes:
  - name: all
    match: /
    guard: [GRAB]
`, front, admin)))
	contains(t, said, "proxy409.yaml:3: upstream: ", "proxy409.yaml:4: timeouts.write: ", "proxy409.yaml:5: retries: ")
}

func TestServeSaysWhichPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, which := range []string{"listen: %s\nadmin: {listen: %s}\n", "admin: {listen: %[2]s}\nlisten: %[1]s\n"} {
		addresses := []any{taken.Addr().String(), freeAddress(t)}
		key := "listen: "
		if strings.HasPrefix(which, "admin") {
			addresses[0], addresses[1], key = addresses[1], addresses[0], "admin.listen: "
		}
		said := fails(t, "serve", "--config", file(t, "upstream: http://127.0.0.1:9\n"+fmt.Sprintf(which, addresses...)))
		contains(t, said, "proxy409: "+key, taken.Addr().String(), "address already in use")
	}
}

func TestServeRefusesWhatCannotBeJudged(t *testing.T) {
	o := newOrigin(t)
	r := serve(t, setup{upstream: o.url(), more: "limits: {body: 1KiB}\n"}.yaml()).ready()
	doc := r.url + "/doc"
	tag := get(t, doc).etag()
	big := strings.Repeat("x", 1025)
	put(t, doc, big, tag).want(t, 413, "too_large")
	if a := chunked(t, doc, big, tag); a != 413 {
		t.Errorf("a body of unknown length over the limit: %d, want 413", a)
	}
	for _, match := range []string{"v1", `"a`, `"a" "b"`, tag + "x", ",", `w/"a"`} {
		put(t, doc, "two", match).want(t, 400, "malformed")
	}
	do(t, "PUT", r.url+"/a/..%2fdoc", "two", "If-Match", tag).want(t, 400, "malformed")
	do(t, "PUT", doc, "two").want(t, 409, "missing")
	do(t, "PUT", doc, "two", "If-Match", "*").want(t, 409, "missing")
	if n := o.writes(); n != 0 {
		t.Errorf("%d of them reached the backend", n)
	}
	put(t, doc, big[1:], tag).done(t) // none of them has left a lease
}

// chunked puts a body without saying how long it is.
func chunked(t testing.TB, url, body, match string) (status int) {
	t.Helper()
	req, err := http.NewRequest("PUT", url, struct{ *strings.Reader }{strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = -1
	req.Header.Set("If-Match", match)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestAStaleWriteThatExpectsToContinueIsRefusedBeforeItsBody(t *testing.T) {
	o := newOrigin(t)
	r := serve(t, setup{upstream: o.url()}.yaml()).ready()
	doc := r.url + "/doc"
	stale := get(t, doc).etag()
	put(t, doc, "two", stale).done(t)

	line, c := expecting(t, r, stale, 1<<20)
	if !strings.HasPrefix(line, "HTTP/1.1 409 ") {
		t.Errorf("with a stale tag and no body yet: %q, want 409", line)
	}
	c.Close()

	line, c = expecting(t, r, get(t, doc).etag(), 5)
	defer c.Close()
	if !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("with a current tag and no body yet: %q, want 100", line)
	}
	if _, err := c.Write([]byte("three")); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, func() error {
		if text := o.text("/doc"); text != "three" {
			return fmt.Errorf("the backend has %q", text)
		}
		return nil
	})
}

// expecting sends the head of a PUT that waits for 100 Continue, and returns the first line that comes.
func expecting(t testing.TB, r *replica, match string, length int) (line string, c net.Conn) {
	t.Helper()
	c = begun(t, r, fmt.Sprintf("If-Match: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", match, length))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line, c
}

// begun sends a PUT whose fields and body are given, as they are, on a connection of its own.
func begun(t testing.TB, r *replica, rest string) net.Conn {
	t.Helper()
	host := strings.TrimPrefix(r.url, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	if err = c.SetDeadline(time.Now().Add(5 * time.Second)); err == nil {
		_, err = fmt.Fprintf(c, "PUT /doc HTTP/1.1\r\nHost: %s\r\n%s", host, rest)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMetricsCountWhatWasDecided(t *testing.T) {
	o := newOrigin(t)
	r := serve(t, setup{upstream: o.url()}.yaml()).ready()
	doc := r.url + "/doc"
	decisions := func(labels ...string) float64 { return r.metric("proxy409_decisions_total", labels...) }
	if n := decisions(); n != 0 || r.metric("proxy409_store_up") != 1 {
		t.Errorf("before the first request: %v decisions, store_up %v", n, r.metric("proxy409_store_up"))
	}
	stale := get(t, doc).etag()
	put(t, doc, "two", stale).done(t)
	put(t, doc, "three", stale).want(t, 409, "stale")
	put(t, doc, "three", stale).want(t, 409, "stale")
	put(t, doc, "three", "bad").want(t, 400, "malformed")
	do(t, "PUT", doc, "three").want(t, 409, "missing")
	do(t, "POST", doc, "three").want(t, 405, "")
	for _, want := range []struct {
		decision, reason string
		count            float64
	}{
		{"admitted", "none", 1},
		{"refused", "stale", 2},
		{"refused", "malformed", 1},
		{"refused", "missing", 1},
		{"passed", "none", 1},
	} {
		got := decisions(`route="default"`, `mode="enforce"`, `decision="`+want.decision+`"`, `reason="`+want.reason+`"`)
		if got != want.count {
			t.Errorf("%s %s is counted %v times, want %v", want.decision, want.reason, got, want.count)
		}
	}
	if got := decisions(); got != 6 {
		t.Errorf("%v decisions in all, want 6", got)
	}
	if got := r.metric("proxy409_requests_total", `method="PUT"`, `code="4xx"`); got != 4 {
		t.Errorf("%v PUTs with a 4xx, want 4", got)
	}
	contains(t, r.logs.String(), "decision=refused reason=stale route=default method=PUT path=/doc status=409")
}

func TestADeadBackendIsABadGatewayAndLeavesNoLease(t *testing.T) {
	o := newOrigin(t)
	r := serve(t, setup{upstream: o.url()}.yaml()).ready()
	doc := r.url + "/doc"
	tag := get(t, doc).etag()
	o.stop()
	// The read comes first: it finds out that the idle connections are dead. A write that is sent on one of them is in
	// doubt, as it should be.
	do(t, "GET", doc, "").want(t, 502, "backend")
	put(t, doc, "two", tag).want(t, 502, "backend")
	o.start()
	put(t, doc, "two", tag).done(t)
	put(t, doc, "three", tag).want(t, 409, "stale")
	if got := o.text("/doc"); got != "two" {
		t.Errorf("the backend has %q", got)
	}
}

func TestCheckAgreesWithServe(t *testing.T) {
	out, err := exec.Command(binary(t), "check", "--config", file(t, setup{upstream: "http://127.0.0.1:9"}.yaml())).CombinedOutput()
	if err != nil {
		t.Errorf("check: %v: %s", err, out)
	}
	contains(t, fails(t, "check", "--config", file(t, "upstream: 3\nfoo: bar\n")), ":1: upstream: ", ":2: foo: ")
}
