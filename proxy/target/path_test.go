package target

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestHarmlessSpellingsFoldIntoOneForm(t *testing.T) {
	for _, c := range []struct {
		want      string
		spellings []string
	}{
		{"/", []string{"", "/"}},
		{"/a", []string{"/a", "/a/", "/%61", "/a;v=1", "/a;v=1/", "/a%3Bv=1", "/a%3b", "/a;", "/a;x=.", "/a;b;c"}},
		{"/a/b", []string{"/a/b", "/a;x/b", "/a;x/b;y/", "/%61/%62"}},
		{"/-._~AZaz09", []string{"/-._~AZaz09", "/%2D%2e%5F%7e%41Z%61z%309"}},
		{"/!$&'()*+,=:@", []string{"/!$&'()*+,=:@", "/%21%24%26%27%28%29%2a%2B%2C%3d%3a%40"}},
		{"/a%20b", []string{"/a%20b", "/a b"}},
		{"/%5B1%5D", []string{"/[1]", "/%5b1%5d"}},
		{"/100%25", []string{"/100%25", "/100%25/", "/100%25;41"}},
		{"/%C3%A9", []string{"/%c3%a9", "/é", "/%C3\xa9"}},
		{"/.well-known/x..y", []string{"/.well-known/x..y", "/%2ewell-known/x%2e.y"}},
		{"/%20a", []string{"/%20a"}},
		{"/A", []string{"/A"}},
		{"/a+b", []string{"/a+b", "/a%2Bb"}},
	} {
		for _, s := range c.spellings {
			got, err := Canonical(s)
			if err != nil || got.String() != c.want {
				t.Errorf("Canonical(%q) = %q, %v, want %q", s, got, err, c.want)
			}
		}
	}
}

func TestDangerousSpellingsAreRefused(t *testing.T) {
	for want, spellings := range map[Problem][]string{
		NotRooted:      {"*", "a", "a/b", "http://x/", "%2Fa", `\a`},
		BadEscape:      {"/%", "/%4", "/%4g", "/%u0041", "/a%/b", "/a;%zz", "/%2/5"},
		DoubleEscape:   {"/%2541", "/%25%34%31", "/%252e%252e/a", "/%25u0041", "/%25%2541", "/a;%2541"},
		EscapedSlash:   {"/a%2Fb", "/a%2fb", "/a;x%2f..", "/%2F"},
		Backslash:      {`/a\b`, "/a%5Cb", "/a%5c", `/a;\`},
		ControlByte:    {"/a%00", "/a%00.json", "/%0d%0a", "/\t", "/%7F", "/a;%00"},
		BadUTF8:        {"/%c0%af", "/%C0%AE%C0%AE/", "/%e0%80%af", "/%ff", "/\xff", "/%ED%A0%80", "/caf%E9", "/a;%e9"},
		EmptySegment:   {"//", "//a", "/a//", "/a//b", "///"},
		OnlyParameters: {"/;x", "/a/;x", "/a/;jsessionid=1", "/;/a", "/a/%3Bx", "/a/;x/"},
		DotSegment:     {"/.", "/..", "/./a", "/a/../b", "/a/..", "/%2e%2e/a", "/.%2e;x/a", "/..;/a", "/a/.;/"},
		EscapedEnd:     {"/a%3Fb", "/%3fq%23f", "/a#b", "/a;%23", "/a%3F"},
		TrailingDot:    {"/a.", "/a./", "/...", "/a.;x", "/a%20", "/a%2e%20/b", "/.. /a", "/a. "},
	} {
		for _, s := range spellings {
			if got, err := Canonical(s); !errors.Is(err, want) || got != (Path{}) {
				t.Errorf("Canonical(%q) = %q, %v, want the error: %v", s, got, err, want)
			}
		}
	}
}

func TestPathURLMatchesPatterns(t *testing.T) {
	for spelling, want := range map[string]string{
		"/articles/7;v=1/":    "7",
		"/articles/%37":       "7",
		"/articles/a%20b":     "a b",
		"/articles/caf%c3%a9": "café",
		"/articles/100%25":    "100%",
		"/articles/%5b1]":     "[1]",
	} {
		p, err := Canonical(spelling)
		if err != nil {
			t.Fatal(err)
		}
		var id string
		mux := http.NewServeMux()
		mux.HandleFunc("/articles/{id}", func(_ http.ResponseWriter, r *http.Request) { id = r.PathValue("id") })
		mux.ServeHTTP(nil, &http.Request{Method: "GET", URL: p.URL()})
		if id != want {
			t.Errorf("%s as %s: id = %q, want %q", spelling, p, id, want)
		}
	}
}

func TestLenientFindsWhatABackendMayMean(t *testing.T) {
	for spelling, want := range map[string][]string{
		"/x/../articles/7":                     {"/articles/7"},
		"/x/..;/articles/7":                    {"/articles/7"},
		"/x/%2e%2e/articles/7":                 {"/articles/7"},
		"/x%2f..%2farticles/7":                 {"/articles/7"},
		"/x%252f%252e%252e%252farticles%252f7": {"/articles/7"},
		"/x%c0%af%c0%ae%c0%aearticles":         {"/x/..articles"},
		"/x%c0%af..%c0%afarticles":             {"/articles"},
		"/x%25c0%25af..%25c0%25afa":            {"/a"},
		"/%25u002e./a":                         {"/a", "/%EF%BF%BD/a"},
		"//articles//7":                        {"/articles/7"},
		"/;x/host/articles/7":                  {"/articles/7"},
		"/art%09icles/%0d%0a7":                 {"/articles/7"},
		"//host/articles/7":                    {"/articles/7", "/host/articles/7"},
		`/\host/articles/7`:                    {"/articles/7"},
		"/%2Fhost/articles/7":                  {"/articles/7"},
		`\\host`:                               {"/"},
		"/articles//":                          {"/articles", "/articles/%EF%BF%BD"},
		`/articles\7`:                          {"/articles/7", "/articles%5C7"},
		"/articles%5c..%5cx":                   {"/x", "/articles%5C..%5Cx"},
		"/articles/7%00.json":                  {"/articles/7", "/articles/7%00.json"},
		"/articles/7%2500.json":                {"/articles/7"},
		"/articles/7%3F/../x":                  {"/articles/7", "/articles/x"},
		"/articles/7.":                         {"/articles/7", "/articles/7."},
		"/articles./7%20":                      {"/articles/7"},
		"/articles.;x/7":                       {"/articles/7"},
		"/articles/;x":                         {"/articles", "/articles/%EF%BF%BD"},
		"/articles/../7":                       {"/7", "/articles/%EF%BF%BD/7"},
		"/articles/a%2Fb":                      {"/articles/a%2Fb", "/articles/a/b"},
		"/../../a":                             {"/a"},
		"*":                                    {"/*"},
		"articles":                             {"/articles"},
		"/%zz//a":                              {"/%25zz/a"},
		"/articles/%2541":                      {"/articles/A"},
		"/caf%E9":                              {"/caf%E9"},
	} {
		got := Lenient(spelling)
		for _, w := range want {
			if !slices.ContainsFunc(got, func(p Path) bool { return p.String() == w }) {
				t.Errorf("Lenient(%q) = %q, want %q among them", spelling, got, w)
			}
		}
	}
}

// lenientSeeds are spellings of every kind; the tables above and testdata/fuzz hold more.
var lenientSeeds = []string{
	"", "/", "*", "/a", "/a/", "/a;x/b", "/%61", "/a%2Fb", "/a//b", "/a/../b", "/a%252e", "/%c0%af", "/%25u0041", "/a%00b",
	`/a\b`, "/a.", "/a%20", "/é", "/%C3%A9", "/a%3Fb", "/;x", "/a%3Bb", "/[1]", "/100%25", "/%25%2541", "/a+b", "/a%2Bb",
}

func FuzzCanonicalIsIdempotent(f *testing.F) {
	for _, s := range lenientSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Canonical(s)
		if err != nil {
			if p != (Path{}) {
				t.Fatalf("Canonical(%q) refused, and is %q", s, p)
			}
			return
		}
		if again, err := Canonical(p.String()); err != nil || again != p {
			t.Fatalf("Canonical(%q) = %q, but of that it is %q, %v", s, p, again, err)
		}
		if s != "" && isPlain(s) && p.String() != s {
			t.Fatalf("%q is plain, but canonical is %q", s, p)
		}
		u := p.URL()
		if got := u.EscapedPath(); got != p.String() {
			t.Fatalf("%q as a URL is %q", p, got)
		}
		if want, err := url.PathUnescape(p.String()); err != nil || u.Path != want {
			t.Fatalf("%q unescaped is %q, want %q, %v", p, u.Path, want, err)
		}
		// Refusing the plain must not depend on the short cut: an escape more makes no difference.
		if slow := escapeFirst(s); slow != s {
			if got, err := Canonical(slow); err != nil || got != p {
				t.Fatalf("Canonical(%q) = %q, %v; want %q as of %q", slow, got, err, p, s)
			}
		}
	})
}

// escapeFirst escapes the first character of a path's first segment, if that is a letter or digit.
func escapeFirst(s string) string {
	if len(s) < 2 || !isAlphanumeric(s[1]) {
		return s
	}
	const digits = "0123456789ABCDEF"
	return s[:1] + "%" + string(digits[s[1]>>4]) + string(digits[s[1]&15]) + s[2:]
}

// What Canonical accepts, no backend can read in two ways: the most lenient reading is the same path. So if lenient
// readings join two accepted spellings, their canonical forms are equal.
func FuzzAcceptedPathHasOneReading(f *testing.F) {
	for _, s := range lenientSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Canonical(s)
		got := Lenient(s)
		if len(got) == 0 {
			t.Fatalf("Lenient(%q) is nothing", s)
		}
		if err != nil {
			return
		}
		if len(got) != 1 || got[0] != p {
			t.Fatalf("Canonical(%q) = %q, but Lenient has %q", s, p, got)
		}
	})
}

// Two spellings that Canonical accepts get one key exactly when they have one canonical form, and they have one
// whenever the lenient readings meet.
func FuzzSpellingsThatMeetHaveOneKey(f *testing.F) {
	f.Add("/a%40", "/a@")
	f.Add("/a;x", "/a/")
	f.Add("/a%2Bb", "/a+b")
	f.Add("/a%3Fb", "/a")
	f.Add("/a%20b", "/a+b")
	f.Fuzz(func(t *testing.T, s1, s2 string) {
		p1, err1 := Canonical(s1)
		p2, err2 := Canonical(s2)
		if err1 != nil || err2 != nil {
			return
		}
		if (p1 == p2) != (Key("u", "h", p1) == Key("u", "h", p2)) {
			t.Fatalf("%q and %q: canonical %q and %q, keys %v and %v", s1, s2, p1, p2, Key("u", "h", p1), Key("u", "h", p2))
		}
		if p1 != p2 && slices.Equal(Lenient(s1), Lenient(s2)) {
			t.Fatalf("%q and %q meet in %q, but are canonical as %q and %q", s1, s2, Lenient(s1), p1, p2)
		}
	})
}

func BenchmarkCanonicalOfAPlainPath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Canonical("/articles/2026/07/a-rather-usual-path.json")
	}
}

func BenchmarkLenientAtItsWorst(b *testing.B) {
	s := "/" + strings.Repeat("%25255c..;/%2500a.", 1<<11)
	for b.Loop() {
		Lenient(s)
	}
}
