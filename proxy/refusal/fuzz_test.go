package refusal

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzNoBytesBreakARefusal(f *testing.F) {
	for _, s := range []string{"", `"a1"`, "W/\"\xff\xc0\xaf\"", "\r\nSet-Cookie: a=b\r\n\r\n", "\x00\x1b[2J\x7f", "\u202e</script>\u2028", `\"`} {
		f.Add(uint8(Stale), s, s, s, []byte(s), s)
	}
	f.Add(uint8(200), "x", "x", "x", []byte("1"), "application/json;q=NaN")
	f.Fuzz(func(t *testing.T, reason uint8, detail, ifMatch, etag string, version []byte, accept string) {
		resp := Style{}.Response(put(accept), Refusal{
			Reason: Reason(reason), Detail: detail, IfMatch: ifMatch, CurrentETag: etag, CurrentVersion: version, Instance: "urn:x:1",
		})
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
		raw, p := body(t, back)
		if int64(len(raw)) != resp.ContentLength || !utf8.Valid(raw) || p["status"] != float64(resp.StatusCode) {
			t.Fatalf("%d bytes announced: %q", resp.ContentLength, raw)
		}
		for _, c := range p["detail"].(string) {
			if !unicode.IsPrint(c) && c != utf8.RuneError {
				t.Fatalf("%q in the detail %q", c, p["detail"])
			}
		}
		if tag, ok := p["current_etag"]; ok && tag != etag {
			t.Fatalf("tag %q became %q", etag, tag)
		}
	})
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
