package refusal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzNoBytesBreakARefusal(f *testing.F) {
	for _, s := range []string{"", `"a1"`, "W/\"\xff\xc0\xaf\"", "\r\nSet-Cookie: a=b\r\n\r\n", "\x00\x1b[2J\x7f", "\u202e</script>\u2028", `\"`} {
		f.Add(uint8(Stale), s, s, s, []byte(s), s)
	}
	for _, s := range []string{`"><script>`, "</dd></dl><b onclick=x>", "&lt;&#60;\r\n{{.Status}}<!--", "x\n\nReason: busy", "\u202e]]>"} {
		f.Add(uint8(Stale), s, s, s, []byte(`"`+s+`"`), "text/html")
		f.Add(uint8(Exists), "", s, s, []byte(`"`+s+`"`), "text/plain")
	}
	f.Add(uint8(200), "x", "x", "x", []byte("1"), "application/json;q=NaN")
	elements := readPage(f, respond(f, browser, Refusal{Reason: Stale})).elements
	f.Fuzz(func(t *testing.T, reason uint8, detail, ifMatch, etag string, version []byte, accept string) {
		r := Refusal{
			Reason: Reason(reason), Detail: detail, IfMatch: ifMatch, CurrentETag: etag, CurrentVersion: version, Instance: "urn:x:1",
		}
		mustArriveWhole(t, r, accept, elements)
	})
}

func FuzzNoBytesBreakARefusalOfARule(f *testing.F) {
	for _, s := range []string{
		"", "unique-1", "\xff\xc0\xaf", "\r\nSet-Cookie: a=b\r\n\r\n", "\u202e</script>\u2028", `"><script>`, "x\n\nReason: busy", "javascript:alert(1)",
		"//example.com", "/\\example.com", "/users/7?a=<b>&c='d'#\"e\"", "https://example.com/\u00e9", "https:example.com", "http://[::1", "data:text/html,x", ". ",
	} {
		for _, reason := range []Reason{Duplicate, Transition, Rule, Stale, Unsupported} {
			for _, accept := range []string{"", "text/html", "text/plain"} {
				f.Add(uint8(reason), s, s, s, []byte(`"`+s+`"`), s, s, accept)
			}
		}
	}
	elements := readPage(f, respond(f, browser, Refusal{Reason: Stale})).elements
	f.Fuzz(func(t *testing.T, reason uint8, rule, message, field string, expected []byte, state, location, accept string) {
		r := Refusal{
			Reason: Reason(reason), Rule: rule, Message: message, Fields: []string{field, "/b"}, ExpectedVersion: expected, CurrentState: state,
			RequestedState: state, AllowedStates: []string{state, "b"}, Location: location, Instance: "urn:x:1",
		}
		mustArriveWhole(t, r, accept, elements)
		r.Fields, r.RequestedState, r.AllowedStates, r.Location = []string{field}, "", nil, ""
		mustArriveWhole(t, r, accept, elements)
	})
}

// mustArriveWhole sends a refusal and finds in it its header fields, its elements and its facts, and nothing else.
func mustArriveWhole(t *testing.T, r Refusal, accept string, elements []string) {
	t.Helper()
	resp := Style{}.Response(put(accept), r)
	var wire bytes.Buffer
	if err := resp.Write(&wire); err != nil {
		t.Fatal(err)
	}
	back, err := http.ReadResponse(bufio.NewReader(&wire), put())
	if err != nil {
		t.Fatal(err)
	}
	if want := len(resp.Header); len(back.Header) != want {
		t.Fatalf("%d header fields became %d: %v", want, len(back.Header), back.Header)
	}
	if location := back.Header.Get("Location"); location != "" && (location != r.Location || r.Reason != Duplicate) {
		t.Fatalf("Location: %q of %+v", location, r)
	}
	raw, err := io.ReadAll(back.Body)
	if err != nil || int64(len(raw)) != resp.ContentLength || !utf8.Valid(raw) {
		t.Fatalf("%v, %d bytes announced: %q", err, resp.ContentLength, raw)
	}
	switch back.Header.Get("Content-Type") {
	case "text/html; charset=utf-8":
		p := readPage(t, raw)
		if !slices.Equal(p.elements, elements) {
			t.Fatalf("elements %v", p.elements)
		}
		mustHoldOnlyFacts(t, p.facts, r)
	case "text/plain; charset=utf-8":
		mustHoldOnlyFacts(t, readText(t, raw), r)
	default:
		mustHoldTheMembers(t, raw, resp.StatusCode, r.CurrentETag)
	}
}

func mustHoldTheMembers(t *testing.T, raw []byte, status int, etag string) {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(raw, &p); err != nil || p["status"] != float64(status) {
		t.Fatalf("%v in %q", err, raw)
	}
	for _, name := range []string{"detail", "message", "rule", "current_state", "requested_state", "location"} {
		text, _ := p[name].(string)
		for _, c := range text {
			if !unicode.IsPrint(c) && c != utf8.RuneError {
				t.Fatalf("%q in %s: %q", c, name, text)
			}
		}
	}
	if tag, ok := p["current_etag"]; ok && tag != etag {
		t.Fatalf("tag %q became %q", etag, tag)
	}
}

// mustHoldOnlyFacts finds each text in its own place, whole or cut as it should be.
func mustHoldOnlyFacts(t *testing.T, facts []fact, r Refusal) {
	t.Helper()
	for i, f := range facts {
		good := false
		switch f.Name {
		case "Detail":
			good = f.Value == Style{}.problem(r).Detail
		case "Reason":
			good = f.Value == r.Reason.String()
		case "Rule":
			good = f.Value == printable(r.Rule, maxFact)
		case "Fields":
			good = f.Value == strings.Join(printables(r.Fields), ", ")
		case "Expected version":
			good = f.Value == printable(compact(r.ExpectedVersion), maxFact) && r.Reason == Stale
		case "Current state":
			good = f.Value == printable(r.CurrentState, maxFact) && r.Reason == Transition
		case "Requested state":
			good = f.Value == printable(r.RequestedState, maxFact) && r.Reason == Transition
		case "Allowed states":
			good = (f.Value == strings.Join(printables(r.AllowedStates), ", ") || f.Value == "none" && r.AllowedStates == nil) && r.Reason == Transition
		case "Location":
			good = f.Value == printable(r.Location, maxFact) && r.Reason == Duplicate
		case "Current ETag":
			good = f.Value == printable(r.CurrentETag, maxFact)
		case "Current version":
			good = f.Value == printable(compact(r.CurrentVersion), maxFact)
		case "Instance":
			good = f.Value == r.Instance && i == len(facts)-1
		}
		if f.Link != "" && (f.Name != "Location" || !leadsToAPage(f.Link)) {
			good = false
		}
		if !good {
			t.Fatalf("fact %d of %+v is %q", i, r, f)
		}
	}
}

// leadsToAPage reports whether a browser opens a page of the same site or of the web.
func leadsToAPage(href string) bool {
	return regexp.MustCompile(`^(/([^/\\]|$)|(?i:https?)://[^/?#])`).MatchString(href)
}

func FuzzStructuredString(f *testing.F) {
	f.Add("stale")
	f.Add("a\"b\\c\r\n\xff é")
	f.Fuzz(func(t *testing.T, s string) {
		got := structuredString(s)
		inner := got[1 : len(got)-1]
		for i := 0; i < len(inner); i++ {
			switch c := inner[i]; {
			case c == '\\':
				i++
				if i == len(inner) || inner[i] != '"' && inner[i] != '\\' {
					t.Fatalf("%q became %s", s, got)
				}
			case c == '"' || c < ' ' || c > '~':
				t.Fatalf("%q became %s", s, got)
			}
		}
	})
}
