package refusal

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The policy of a page names the style that the page really has, after the template was carried out, and nothing else.
func TestThePolicyLetsThePagesOwnStyleApply(t *testing.T) {
	for reason := range end {
		res := testStyle("").Response(put(browser), Refusal{Reason: reason, IfMatch: "</style><script>", CurrentETag: `"</style>"`})
		policy := res.Header.Get("Content-Security-Policy")
		if want := styleHash(string(respond(t, browser, Refusal{Reason: reason}))); !strings.Contains(policy, "style-src "+want+";") {
			t.Errorf("%s: the policy is %q, the style's hash %s", reason, policy, want)
		}
		if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'; ") {
			t.Errorf("%s: the policy is %q", reason, policy)
		}
	}
}

// FuzzWhatIsHiddenIsOneAnswer: with disclose: never, stale, exists and absent are the same bytes, whatever is known, and none of it shows.
func FuzzWhatIsHiddenIsOneAnswer(f *testing.F) {
	f.Add("text/html", `"a1"`, `"c7"`, []byte("42"), "detail")
	f.Add("", "", "", []byte(nil), "")
	f.Add("text/plain", "\r\nX: y", "\x00", []byte(`"s"`), "\u202e")
	f.Fuzz(func(t *testing.T, accept, ifMatch, etag string, version []byte, detail string) {
		bare := Refusal{Reason: Stale, Instance: "urn:x:1", Hidden: true}
		want := dump(t, Style{}.Response(put(accept), bare))
		for _, reason := range []Reason{Stale, Exists, Absent} {
			r := Refusal{
				Reason: reason, Detail: detail, IfMatch: ifMatch, CurrentETag: etag, CurrentVersion: version, Instance: "urn:x:1", Hidden: true,
			}
			if got := dump(t, Style{}.Response(put(accept), r)); got != want {
				t.Fatalf("%s shows %q, and not %q", reason, got, want)
			}
		}
	})
}

// FuzzNoBytesBreakTheHeader: whatever an operator calls the types, and whoever names an occurrence, the header has the fields
// that it has, each once.
func FuzzNoBytesBreakTheHeader(f *testing.F) {
	f.Add(uint8(Busy), "urn:x:", "urn:uuid:1", int64(1))
	f.Add(uint8(Stale), "\r\nSet-Cookie: a=b", "\r\n\r\n<script>", int64(-1))
	f.Fuzz(func(t *testing.T, reason uint8, prefix, instance string, wait int64) {
		style := Style{TypePrefix: prefix, NewInstance: func() string { return instance }}
		for _, form := range formats {
			res := style.Response(put(form.mediaType), Refusal{Reason: Reason(reason)})
			for name, values := range res.Header {
				bad := func(v string) bool {
					return strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' })
				}
				if len(values) != 1 || http.CanonicalHeaderKey(name) != name || slices.ContainsFunc(values, bad) {
					t.Fatalf("%s: %q", name, values)
				}
			}
		}
	})
}
