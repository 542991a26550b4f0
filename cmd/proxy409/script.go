package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// script plays the demonstration and prints each exchange as a person would want to read it. After the first error it
// does nothing more.
type script struct {
	ctx context.Context
	out io.Writer
	err error
	// latest is the last entity tag that an answer had.
	latest string
}

const document = "/items/1"

// reply is what a step got.
type reply struct {
	status int
	etag   string
	body   map[string]any
}

func (s *script) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// past plays the two editors on the API itself: the second save silently undoes the first.
func (s *script) past(url string) {
	s.say("1. Without proxy409. Alice and Bob edit one document of a legacy API, at %s.\n", url)
	alice := s.send("Alice", "GET", url, nil, "")
	bob := s.send("Bob", "GET", url, nil, "")
	s.say("   Both have the same document before them. Alice changes the title, Bob the body.\n")
	s.expect(s.send("Alice", "PUT", url, with(alice, "title", "Report for the board"), alice.etag), 200)
	s.expect(s.send("Bob", "PUT", url, with(bob, "body", "Revenue is up."), bob.etag), 200)
	final := s.send("Alice", "GET", url, nil, "")
	if final.body["title"] == "Report for the board" {
		s.fail("the API did not lose the update")
	}
	s.say("   Alice's title is gone. Both were told 200: THE UPDATE IS LOST, and nobody knows.\n")
}

// through plays them on the proxy: the second save gets a 409, reads again, and both changes survive.
func (s *script) through(url string) {
	s.say("2. With proxy409 before the same API, at %s. The API is as it was.\n", url)
	alice := s.send("Alice", "GET", url, nil, "")
	bob := s.send("Bob", "GET", url, nil, "")
	s.expect(s.send("Alice", "PUT", url, with(alice, "title", "Report for the board"), alice.etag), 200)
	s.expect(s.send("Bob", "PUT", url, with(bob, "body", "Revenue is up by 4 %."), bob.etag), 409)
	s.say("   Bob is told, and the API was not touched. He reads again and applies his change to what he reads.\n")
	bob = s.send("Bob", "GET", url, nil, "")
	s.expect(s.send("Bob", "PUT", url, with(bob, "body", "Revenue is up by 4 %."), bob.etag), 200)
	final := s.send("Alice", "GET", url, nil, "")
	if final.body["title"] != "Report for the board" || final.body["body"] != "Revenue is up by 4 %." {
		s.fail("a change was lost behind the proxy")
	}
	s.say("   Both changes are there. NOTHING IS LOST.")
}

// invite tells how to try it by hand.
func (s *script) invite(apiURL, proxyURL string) {
	s.say("\nBoth are still running; Ctrl-C ends them. Try it yourself:\n")
	s.say("   curl -i %s%s", proxyURL, document)
	s.say(`   curl -i -X PUT -H 'If-Match: %s' -d '{"title":"Mine"}' %s%s`, s.latest, proxyURL, document)
	s.say("   # the same line again is a 409; without If-Match it is one, too; past the proxy, nobody minds:")
	s.say(`   curl -i -X PUT -d '{"title":"Mine"}' %s%s`, apiURL, document)
}

// with is what an editor saves: the document as it was read, with one member changed.
func with(r reply, member, value string) map[string]any {
	changed := make(map[string]any, len(r.body))
	for k, v := range r.body {
		changed[k] = v
	}
	changed[member] = value
	return changed
}

// send makes one request and prints the exchange.
func (s *script) send(who, method, url string, document map[string]any, match string) (r reply) {
	if s.err != nil {
		return r
	}
	res, err := s.exchange(who, method, url, document, match)
	if err != nil {
		s.err = err
		return r
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(raw, &r.body)
	}
	if err != nil {
		s.err = err
		return r
	}
	r.status, r.etag = res.StatusCode, res.Header.Get("ETag")
	if r.etag != "" {
		s.latest = r.etag
	}
	s.print("<", res.Status)
	for _, name := range []string{"ETag", "Content-Type"} {
		if v := res.Header.Get(name); v != "" && (name == "ETag" || res.StatusCode >= 400) {
			s.print("<", name+": "+v)
		}
	}
	s.print("<", pretty(raw))
	s.say("")
	return r
}

func (s *script) exchange(who, method, url string, body map[string]any, match string) (*http.Response, error) {
	s.say("   %s", who)
	var payload io.Reader
	s.print(">", method+" "+document)
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = strings.NewReader(string(raw))
		if match != "" {
			s.print(">", "If-Match: "+match)
		}
		s.print(">", pretty(raw))
	}
	req, err := http.NewRequestWithContext(s.ctx, method, url+document, payload)
	if err != nil {
		return nil, err
	}
	if match != "" {
		req.Header.Set("If-Match", match)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return http.DefaultClient.Do(req)
}

// print prints each line of the text with a mark before it.
func (s *script) print(mark, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		s.say("     %s %s", mark, line)
	}
}

// pretty sets a small document on one line and a problem on several.
func pretty(raw []byte) string {
	text := strings.TrimSpace(string(raw))
	if len(text) <= 100 {
		return text
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

func (s *script) expect(r reply, status int) {
	if s.err == nil && r.status != status {
		s.fail(fmt.Sprintf("the answer is %d, not %d", r.status, status))
	}
}

func (s *script) fail(why string) {
	if s.err == nil {
		s.err = fmt.Errorf("%s", why)
	}
}
