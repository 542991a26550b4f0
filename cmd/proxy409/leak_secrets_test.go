package main_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// talkative starts a replica that logs all it has to say, in a format.
func talkative(t testing.TB, configuration, format string) *replica {
	t.Helper()
	if format == "text" {
		return serve(t, configuration, "--log-level", "debug")
	}
	r := &replica{process: launch(t, binary(t), "serve", "--config", file(t, configuration), "--log-level", "debug", "--log-format", format)}
	eventually(t, 10*time.Second, func() error {
		found := servingJSON.FindStringSubmatch(r.logs.String())
		if found == nil {
			return errors.New("it does not say that it serves; it said:\n" + r.logs.String())
		}
		r.url, r.admin = "http://"+found[1], "http://"+found[2]
		return nil
	})
	return r
}

var servingJSON = regexp.MustCompile(`"msg":"serving","listen":"([^"]+)","admin":"([^"]+)"`)

// blabbing are requests with a secret wherever one can stand, as they are sent. The one that is judged by a tag comes with
// the resource's.
func blabbing(host, path, form string) map[string]string {
	long := strings.Repeat(mark+"-long-tag-", 10<<10/len(mark+"-long-tag-"))
	credentials := strings.Join([]string{
		"Authorization: Bearer " + mark + "-bearer", "Cookie: session=" + mark + "-cookie", "Proxy-Authorization: Basic " + basic,
		"X-Api-Key: " + mark + "-api-key", "Referer: http://" + host + "/?token=" + mark + "-referer", "X-Forwarded-For: " + mark + "-forwarded",
		"User-Agent: " + mark + "-agent", "Origin: http://" + mark + "-origin", "Accept: " + form, "",
	}, "\r\n")
	all := map[string]string{}
	add := func(name, method, target, fields, kind, body string) {
		if kind != "" {
			fields += "Content-Type: " + kind + "\r\n"
		}
		if body != "" {
			fields += fmt.Sprintf("Content-Length: %d\r\n", len(body))
		}
		all[name] = fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s%s\r\n%s", method, target, host, credentials, fields, body)
	}
	query := path + "?token=" + mark + "-query"
	put := func(name, fields string) {
		add(name, "PUT", query, fields, "application/json", `{"password":"`+mark+`-json"}`)
	}
	add("read", "GET", query, "", "", "")
	add("conditional read", "GET", query, `If-None-Match: "`+mark+`-none"`+"\r\n", "", "")
	put("current", "If-Match: \"sound\"\r\n")
	put("missing", "")
	put("creation", "If-None-Match: *\r\n")
	put("stale", `If-Match: "x;p409-gAAAAAAAAAAAAAAA"`+"\r\n")
	put("long tag, malformed", "If-Match: \"sound\" "+long+"\r\n")
	put("none, malformed", "If-None-Match: \"sound\"\r\n")
	put("override", "X-HTTP-Method-Override: "+mark+"-override\r\n")
	put("overrides", "X-HTTP-Method-Override: PATCH\r\nX-Method-Override: "+mark+"-overrides\r\n")
	put("bad override", "X-HTTP-Method-Override: "+mark+" bad override\r\n")
	put("connection", "Connection: If-Match, "+mark+"-connection\r\n")
	put("trailer", "Trailer: "+mark+"-announced\r\n")
	put("alias", "If_Match: \""+mark+"-alias\"\r\n")
	put("upgrade", "Upgrade: "+mark+"-upgrade\r\n")
	put("odd tag", "If-Match: "+mark+"\r\n")
	add("unknown method", strings.ToUpper(mark)+"-METHOD", query, "", "", "")
	add("form", "POST", query, "", "application/x-www-form-urlencoded", "password="+mark+"-form&_method="+mark+"-form-method")
	add("put by form", "POST", query, "If-Match: \"sound\"\r\n", "application/x-www-form-urlencoded", "_method=PUT&password="+mark+"-form")
	add("odd form", "POST", query, "", "multipart/form-data; boundary=\""+mark+"-boundary", mark+"-multipart")
	add("multipart", "POST", query, "", "multipart/form-data; boundary=b",
		"--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT "+mark+"-part\r\n--b--\r\n")
	add("user info", "PUT", "http://user:"+mark+"-userinfo@"+host+query, "", "", "")
	add("parameters", "PUT", path+";jsessionid="+mark+"-jsessionid", "", "", "")
	add("parameters, read", "GET", path+";jsessionid="+mark+"-jsessionid", "", "", "")
	add("odd path", "PUT", path+"//x;jsessionid="+mark+"-odd-path?token="+mark+"-query", "", "", "")
	add("lines", "PUT", path+"/a%0d%0atime=now%0Alevel=ERROR%C2%85b%C2%9B31m%E2%80%A8c"+"?token="+mark+"-query", "", "", "")
	add("lines in a segment", "PUT", path+"/b%C2%85b%C2%9B31m%E2%80%A8c", "", "", "")
	add("key", "PUT", "/keyed?id="+mark+"-key", "If-Match: \"sound\"\r\n", "", "")
	add("key twice", "PUT", "/keyed?id="+mark+"-key&id=2", "If-Match: \"sound\"\r\n", "", "")
	add("path key", "PUT", "/numbered/x?token="+mark+"-query", "If-Match: \"sound\"\r\n", "", "")
	add("destination", "MOVE", query, "If-Match: \"sound\"\r\nDestination: http://user:"+mark+"-destination@"+host+"/x//y?token="+mark+"-destination\r\n", "", "")
	add("destinations", "MOVE", query, "If-Match: \"sound\"\r\nDestination: ://"+mark+"-destination\r\n", "", "")
	add("too large", "PUT", query, "If-Match: \"sound\"\r\n", "text/plain", strings.Repeat(mark+"-large", 200))
	add("closed", "PUT", "/closed?token="+mark+"-closed", "", "", "")
	return all
}

var basic = base64.StdEncoding.EncodeToString([]byte("user:" + mark + "-basic"))

const leaking = `limits: {body: 1KiB}
routes:
  - {name: all, match: /}
  - {name: made, match: "/made/", version: {from: body}, private: true, refusals: {disclose: never}}
  - {name: keyed, match: /keyed, key: {query: {id: "^[0-9]+$"}}}
  - {name: numbered, match: "/numbered/{n}", key: {path: {n: "^[0-9]+"}}}
  - {name: closed, match: /closed, mode: closed}
`

// TestNothingTellsASecret sends secrets wherever one can stand, has the backend send some, and looks for them in all that the
// proxy itself says: the log, the admin listener, and refusals.
func TestNothingTellsASecret(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			b := newIndiscreet(t)
			r := talkative(t, setup{upstream: b.url(), more: leaking}.yaml(), format).ready()
			host := strings.TrimPrefix(r.url, "http://")
			refusals := 0
			for _, form := range []string{"application/problem+json", "application/json", "text/html", "text/plain"} {
				for _, path := range []string{"/doc", "/made/doc"} {
					all := blabbing(host, path, form)
					for _, name := range slices.Sorted(maps.Keys(all)) {
						if refused(t, name, host, all[name]) {
							refusals++
						}
					}
				}
			}
			for _, kind := range slices.Sorted(maps.Keys(broken)) {
				for _, request := range []string{
					"GET /broken/" + kind, "PUT /broken/" + kind, "PUT /broken/at-put/" + kind, "POST /broken/" + kind, "GET /made/../broken/" + kind,
				} {
					request += "?token=" + mark + "-query HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nIf-Match: \"sound\"\r\n\r\n"
					refused(t, kind, host, strings.ReplaceAll(request, " tags", "%20tags"))
				}
			}
			if refusals < 50 {
				t.Errorf("%d refusals: what is tested?", refusals)
			}
			for _, at := range []string{"/metrics", "/readyz", "/healthz", "/", "/readyz?strict&token=" + mark, "/nothing?token=" + mark} {
				a := do(t, "GET", r.admin+at, "", "Authorization", "Bearer "+mark+"-admin")
				mustNotTell(t, at, a.body+fmt.Sprint(a.header))
			}
			r.end()
			logged := r.logs.String()
			mustNotTell(t, "the log", logged)
			mustBeLines(t, format, logged)
			if n := strings.Count(logged, "guarded write"); n < 50 {
				t.Errorf("%d decisions in the log: what is tested?\n%s", n, logged)
			}
		})
	}
}

// refused sends a request as it is, and holds what the proxy itself answers against what it may tell.
func refused(t *testing.T, name, host, request string) bool {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { _, _ = io.WriteString(c, request) }() // it may be refused before all is sent
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: strings.Fields(request)[0]})
	if err != nil {
		return false // the backend's answer broke off
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.Header.Get("Proxy-Status") == "" && res.StatusCode != http.StatusBadRequest {
		return false // the backend's answer
	}
	said := fmt.Sprint(res.Status, res.Header) + string(body)
	if strings.Contains(name, "malformed") || name == "odd tag" { // what was sent as If-Match may be told, up to its limit
		if n := strings.Count(said, mark); n > 20 {
			t.Errorf("%s: %d pieces of If-Match in the answer: %s", name, n, said)
		}
		return true
	}
	mustNotTell(t, name, said)
	return true
}

// mustNotTell looks for a secret in a text, in plain or as credentials encode it.
func mustNotTell(t *testing.T, where, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		for _, secret := range []string{mark, basic} {
			at := strings.Index(strings.ToLower(line), strings.ToLower(secret))
			if at >= 0 {
				t.Errorf("%s tells %q in %q", where, line[at:min(len(line), at+30)], line[:min(len(line), 600)])
			}
		}
	}
}

// mustBeLines checks that no line of the log was made by what a client sent.
func mustBeLines(t *testing.T, format, logged string) {
	t.Helper()
	if i := strings.IndexFunc(logged, func(c rune) bool {
		return c != '\n' && c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u2028' || c == '\u2029'
	}); i >= 0 {
		t.Errorf("a control character in the log: %q", logged[max(0, i-200):min(len(logged), i+50)])
	}
	for line := range strings.Lines(logged) {
		good := strings.HasPrefix(line, "time=20") && strings.Contains(line, " level=") && strings.Contains(line, " msg=")
		if format == "json" {
			var entry struct{ Time, Level, Msg string }
			good = json.Unmarshal([]byte(line), &entry) == nil && entry.Time != "" && entry.Level != "" && entry.Msg != ""
		}
		if !good || bytes.Count([]byte(line), []byte("\n")) != 1 {
			t.Errorf("no line of the log: %q", line)
		}
	}
}
