package main_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// h2spec runs the conformance suite of that name for HTTP/2 over TLS against a server, and returns what came of each case, or nil if it
// could not. Without sections it runs all of them.
func h2spec(t *testing.T, path, addr string, sections ...string) map[string]string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Error(err)
		return nil
	}
	report := filepath.Join(t.TempDir(), "report.xml")
	// A second is what some of its cases take in any event: they pass when nothing comes.
	args := append([]string{"-t", "-k", "-h", "127.0.0.1", "-p", port, "-o", "2", "-j", report}, sections...)
	out, err := exec.Command(path, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
		return nil
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Errorf("%v; it said:\n%s", err, out)
		return nil
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Section string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Errorf("%v:\n%s", err, text)
		return nil
	}
	results := make(map[string]string)
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			result := "passed"
			switch {
			case c.Failure != nil, c.Error != nil:
				result = "failed"
			case c.Skipped != nil:
				result = "skipped"
			}
			results[c.Section+" "+c.Name] += result // two cases of a section may have one name
		}
	}
	return results
}

// TestHTTP2IsSpokenAsWithoutTheProxy: h2spec finds as much right and wrong with the program as with a server of Go's behind which
// nothing is.
func TestHTTP2IsSpokenAsWithoutTheProxy(t *testing.T) {
	long(t)
	path := os.Getenv("PROXY409_H2SPEC")
	if path == "" {
		path = "h2spec"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		if os.Getenv("PROXY409_REQUIRE_H2SPEC") == "1" {
			t.Fatal(err)
		}
		t.Skip("NOT CHECKED: there is no h2spec: go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible, " +
			"and name it in PROXY409_H2SPEC")
	}
	t.Parallel()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	direct := httptest.NewUnstartedServer(hello)
	direct.EnableHTTP2, direct.Config.ErrorLog = true, quiet
	direct.StartTLS()
	defer direct.Close()
	backend := httptest.NewServer(hello)
	defer backend.Close()
	secure := overTLS(t)
	off := serve(t, setup{upstream: backend.URL, more: secure + nothingGuarded}.yaml()).ready()
	guarded := serve(t, setup{upstream: backend.URL, more: secure}.yaml()).ready()

	addresses := []string{direct.Listener.Addr().String(), strings.TrimPrefix(off.url, "http://"), strings.TrimPrefix(guarded.url, "http://")}
	seen := make([]map[string][]string, len(addresses)) // what came of each case, each time
	for i := range seen {
		seen[i] = make(map[string][]string)
	}
	var unlike, sections []string
	for range 4 { // a few of its cases depend on who is faster, without the proxy too
		var all sync.WaitGroup
		for i, addr := range addresses {
			all.Go(func() {
				for name, result := range h2spec(t, path, addr, sections...) {
					seen[i][name] = append(seen[i][name], result)
				}
			})
		}
		if all.Wait(); t.Failed() {
			return
		}
		if unlike, sections = disagree(seen); len(unlike) == 0 {
			break
		}
		t.Logf("once more: %q", unlike)
	}
	for _, u := range unlike {
		t.Error(u)
	}
	passed := 0
	for _, results := range seen[0] {
		if slices.Contains(results, "passed") || slices.Contains(results, "passedpassed") {
			passed++
		}
	}
	if t.Logf("%d of %d cases are passed", passed, len(seen[0])); passed < 130 {
		t.Error("these are few: they prove little")
	}
}

// disagree lists the cases of which something else came every time than ever came of them at the first server, and their sections.
func disagree(seen []map[string][]string) (unlike, sections []string) {
	for name, want := range seen[0] {
		for _, other := range seen[1:] {
			if !slices.ContainsFunc(other[name], func(got string) bool { return slices.Contains(want, got) }) {
				unlike = append(unlike, fmt.Sprintf("%s: %v, and without the proxy %v", name, other[name], want))
				section, _, _ := strings.Cut(name, " ")
				sections = append(sections, section)
			}
		}
	}
	return unlike, sections
}

// litmus runs the WebDAV suite of that name, and returns what came of each case.
func litmus(t *testing.T, url string) map[string]string {
	t.Helper()
	path := require(t, "there is no litmus (Debian: apt-get install litmus)", "litmus")
	cmd := exec.Command(path, "-k", url+"/")
	cmd.Dir = t.TempDir() // it writes a log
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	results := make(map[string]string)
	suite := ""
	for line := range bytes.Lines(out) {
		if found := litmusSuite.FindSubmatch(line); found != nil {
			suite = string(found[1])
		}
		// A case that warns says so on one line, and its result on the next.
		for _, found := range litmusCase.FindAllSubmatch(line, -1) {
			results[suite+"/"+string(found[1])] += string(found[2])
		}
	}
	if len(results) < 10 {
		t.Fatalf("it has run %d cases; it said:\n%s", len(results), out)
	}
	return results
}

var (
	litmusSuite = regexp.MustCompile("^-> running `([a-z]+)'")
	litmusCase  = regexp.MustCompile(`\d+\. (\w+)[ .]+(pass|FAIL[^\r\n]*|SKIPPED|WARNING: [^\r\n]*)`)
)

// TestWebDAVIsSpokenAsWithoutTheProxy: litmus finds as much right and wrong with Apache through the program as without it.
func TestWebDAVIsSpokenAsWithoutTheProxy(t *testing.T) {
	long(t)
	t.Parallel()
	apache := startApache(t)
	want := litmus(t, apache.url)
	if len(want) < 80 {
		t.Errorf("only %d cases are run: they prove little", len(want))
	}
	for way, more := range map[string]string{"off": nothingGuarded, "elsewhere": otherGuarded} {
		got := litmus(t, serve(t, setup{upstream: apache.url, more: more}.yaml()).ready().url)
		for name, result := range want {
			if got[name] != result {
				t.Errorf("%s: %s: %q, and without the proxy %q", way, name, got[name], result)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d cases, and without the proxy %d", way, len(got), len(want))
		}
	}
}

// refusedDAV are the cases of litmus that fail on a guarded route, by configuration. It never sends If-Match: what it does to a
// resource is refused, and so are the cases that build on it.
var refusedDAV = map[string]struct {
	more      string
	cases     []string // these fail, or warn of another status
	sometimes string
}{
	// Nothing that changes anything passes: its own collection cannot be made.
	"all of it is judged": {cases: []string{"basic/begin", "copymove/begin", "props/begin", "locks/begin", "http/begin"}},
	// The collection of the first suite is made, and then cannot be deleted for the next one to make its own.
	"what can only create passes": {more: "defaults: {pass: [POST, MKCOL, PROPPATCH, LOCK, UNLOCK]}\n", cases: []string{
		"basic/delete_coll", "basic/delete_fragment", "basic/delete_null", "basic/put_get", "basic/put_get_utf8_segment",
		"copymove/begin", "props/begin", "locks/begin", "http/begin",
	}},
	// All is forgiven. But If can name a tag that has come back, and that the proxy has qualified: Apache does not know that one.
	"no precondition is needed": {more: "defaults: {missing: allow}\n", sometimes: "locks/complex_cond_put"},
}

// TestWebDAVThroughAGuardedRouteIsRefusedWhereItOverwrites, and nowhere else.
func TestWebDAVThroughAGuardedRouteIsRefusedWhereItOverwrites(t *testing.T) {
	long(t)
	t.Parallel()
	want := litmus(t, startApache(t).url)
	for way, tc := range refusedDAV {
		t.Run(way, func(t *testing.T) {
			got := litmus(t, serve(t, setup{upstream: startApache(t).url, more: tc.more}.yaml()).ready().url)
			for name, result := range got {
				refused := slices.Contains(tc.cases, name) || name == tc.sometimes && result != want[name]
				switch {
				case result == "SKIPPED": // for want of what was refused before
				case refused && !davRefusal.MatchString(result):
					t.Errorf("%s: %q is no refusal", name, result)
				case !refused && result != want[name]:
					t.Errorf("%s: %q, and without the proxy %q", name, result, want[name])
				}
			}
		})
	}
}

// davRefusal is how litmus tells of one: by its status, or that of Apache for what was refused before or could not be known.
var davRefusal = regexp.MustCompile(`\b(409|405|412)\b`)
