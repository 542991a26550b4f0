package target

import (
	"errors"
	"strings"
	"testing"
)

func TestPathsThatDifferInLetterCaseFoldIntoOne(t *testing.T) {
	for want, spellings := range map[string][]string{
		"/":               {"/"},
		"/articles/a":     {"/articles/a", "/Articles/A", "/ARTICLES/%41"},
		"/stra%C3%9Fe":    {"/Stra%c3%9fe", "/STRA%E1%BA%9EE"},
		"/%C3%89t%C3%89":  {"/%C3%A9t%C3%A9", "/%C3%89T%C3%89"},
		"/k/s":            {"/K/S", "/%E2%84%AA/%C5%BF"}, // the Kelvin sign, and the long s
		"/a%20b/c;d":      nil,
		"/%D0%9F%D0%A3":   {"/%D0%BF%D1%83"},
		"/100%25/%5Bx%5D": {"/100%25/%5BX%5D"},
	} {
		for _, s := range spellings {
			p, err := Canonical(s)
			if err != nil {
				t.Fatal(err)
			}
			wanted, err := Canonical(want)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.FoldCase(); got != wanted.FoldCase() {
				t.Errorf("%s folds to %s, and %s to %s", s, got, want, wanted.FoldCase())
			}
		}
	}
	if got := FoldCase("Articles"); got != "articles" {
		t.Errorf("%q: the usual letters fold to the small ones", got)
	}
}

func TestTheMostLenientReadingOfAPath(t *testing.T) {
	for spelling, want := range map[string]string{
		"":                                   "/",
		"/a/b":                               "/a/b",
		"//a///b//":                          "/a/b",
		"/a/./b/../c":                        "/a/c",
		"/../../a":                           "/a",
		"/a%2Fb":                             "/a/b",
		"/a%252Fb":                           "/a/b",
		`/a\b`:                               "/a/b",
		"/a%5C..%5Cb":                        "/b",
		"/a%00.json":                         "/a",
		"/a%3Fb=c":                           "/a",
		"/a;x/b;y=/..;/c":                    "/a/c",
		"/a./b%20":                           "/a/b",
		"/%c0%ae%c0%ae/a":                    "/a",
		"/%u0061":                            "/a",
		"/%zz":                               "/%25zz",
		"/" + escapedTimes("%2F", 10):        "/",
		"/A":                                 "/A",
		"/caf%E9":                            "/caf%E9",
		"/items/%5b1%5d":                     "/items/%5B1%5D",
		"/a/b/" + escapedTimes("%2E%2E", 12): "/a",
	} {
		got, err := Merged(spelling)
		if err != nil || got.String() != want {
			t.Errorf("Merged(%q) = %q, %v, want %q", spelling, got, err, want)
		}
	}
	if _, err := Merged("/" + escapedTimes("%2F", 20)); !errors.Is(err, DoubleEscape) {
		t.Errorf("twenty escapes within each other: %v", err)
	}
}

// escapedTimes escapes the percent signs of a text over and over.
func escapedTimes(s string, times int) string {
	for range times {
		s = strings.ReplaceAll(s, "%", "%25")
	}
	return s
}

// FuzzMerged: the most lenient reading is a path that is read in no other way, and of a path that has a canonical form it is that
// form. Whatever folds case folds it once and for all.
func FuzzMerged(f *testing.F) {
	for _, s := range lenientSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		merged, err := Merged(s)
		if err != nil {
			return
		}
		if again, err := Merged(merged.String()); err != nil || again != merged {
			t.Fatalf("Merged(%q) = %q, and of that %q, %v", s, merged, again, err)
		}
		if p, err := Canonical(s); err == nil && p != merged {
			t.Fatalf("%q: canonical %q, merged %q", s, p, merged)
		}
		folded := merged.FoldCase()
		if again := folded.FoldCase(); again != folded {
			t.Fatalf("%q folds to %q, and that to %q", merged, folded, again)
		}
	})
}
