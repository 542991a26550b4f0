package refusal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
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
			mustHoldTheMembers(t, raw, resp.StatusCode, etag)
		}
	})
}

func mustHoldTheMembers(t *testing.T, raw []byte, status int, etag string) {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(raw, &p); err != nil || p["status"] != float64(status) {
		t.Fatalf("%v in %q", err, raw)
	}
	for _, c := range p["detail"].(string) {
		if !unicode.IsPrint(c) && c != utf8.RuneError {
			t.Fatalf("%q in the detail %q", c, p["detail"])
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
			good = f.Value == detail(r)
		case "Reason":
			good = f.Value == r.Reason.String()
		case "Current ETag":
			good = f.Value == printable(r.CurrentETag, maxFact)
		case "Current version":
			good = f.Value == printable(compact(r.CurrentVersion), maxFact)
		case "Instance":
			good = f.Value == r.Instance && i == len(facts)-1
		}
		if !good {
			t.Fatalf("fact %d of %+v is %q", i, r, f)
		}
	}
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
