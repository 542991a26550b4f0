package refusal

import (
	"slices"
	"strings"
	"testing"
)

// FuzzAccept: what is sent is what the client likes best by the words of RFC 9110 section 12.5.1, counted by hand; on how many
// lines it says so, in which letter case and with how many empty elements makes no difference.
func FuzzAccept(f *testing.F) {
	for _, s := range []string{
		"application/json", "*/*", "text/html, */*;q=0.1", "text/*;q=0.5, text/plain;q=0.4", "application/json;q=0", "text/html;level=1;q=0.3", `text/html;a=",";q=0.2`,
		"q=1", "/", "text/plain;q=NaN", "text/plain;q=1.5", "text/plain;q=0.0004", "text/html, image/gif, image/jpeg, *", "application/*;q=1e-1", `text/html;a="\";q=0`, "TEXT/HTML;Q=1",
	} {
		f.Add(s, "")
		f.Add("text/plain;q=0.7", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := negotiate([]string{a, b})
		if !slices.ContainsFunc(formats, func(f format) bool { return f.mediaType == got.mediaType }) {
			t.Fatalf("%q, %q: %q", a, b, got.mediaType)
		}
		if strings.Count(a, `"`)%2 == 0 && !strings.Contains(a, `\`) {
			if joined := negotiate([]string{",,", a + ", ," + b}); joined.mediaType != got.mediaType {
				t.Fatalf("%q, %q: %s, in one line %s", a, b, got.mediaType, joined.mediaType)
			}
		}
		if upper := negotiate([]string{asciiUpper(a), asciiUpper(b)}); upper.mediaType != got.mediaType {
			t.Fatalf("%q, %q: %s, in capitals %s", a, b, got.mediaType, upper.mediaType)
		}
		// A type that is refused outright is sent only when no other is wanted.
		ranges := parseAccept([]string{a, b})
		q, _ := qualityOf(got.mediaType, ranges)
		for _, f := range formats {
			if other, _ := qualityOf(f.mediaType, ranges); other > q {
				t.Fatalf("%q, %q: %s of quality %d is sent, and %s has %d", a, b, got.mediaType, q, f.mediaType, other)
			}
		}
		for _, f := range formats {
			if named := negotiate([]string{f.mediaType}); named.mediaType != f.mediaType {
				t.Fatalf("only %s is asked for, and %s sent", f.mediaType, named.mediaType)
			}
		}
	})
}

// asciiUpper leaves alone what is not ASCII: some of it changes its length.
func asciiUpper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
