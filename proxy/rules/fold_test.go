package rules

import (
	"strings"
	"testing"
	"unicode"

	"proxy409/etagcache"
)

func fold(t testing.TB, names ...string) Fold {
	t.Helper()
	f, err := ParseFold(names)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatIsFoldedIsOne(t *testing.T) {
	for _, tc := range []struct{ names, s, want string }{
		{"", " A\u0301 ", " A\u0301 "},
		{"trim", " \t\u00a0A b\r\n", "A b"},
		{"lower", " ÀB", " àb"},
		{"nfc", "e\u0301 ", "é "},
		{"trim lower", " Me@Example.ORG\n", "me@example.org"},
		{"lower nfc", "J\u030c", "\u01f0"}, // small it has a composed form, in capitals it has none
		{"lower nfc", "\u212a\u212b", "kå"},
		{"nfc trim", "\u2000a\u2001", "a"},
		{"trim lower nfc", " E\u0301 ", "é"},
		{"lower", "\u0130", "i"},
	} {
		names := strings.Fields(tc.names)
		if got := fold(t, names...).Apply(tc.s); got != tc.want {
			t.Errorf("%s of %q: %q; want %q", tc.names, tc.s, got, tc.want)
		}
	}
	if got := fold(t, "nfc", "lower", "trim"); got != fold(t, "trim", "lower", "nfc") {
		t.Error("the order in which the names stand makes a difference")
	}
}

func TestWhatIsNoFoldIsRefused(t *testing.T) {
	for _, names := range [][]string{{"upper"}, {"Trim"}, {""}, {"trim", "trim"}, {"nfkc"}} {
		if f, err := ParseFold(names); err == nil {
			t.Errorf("%q is read as %+v", names, f)
		}
	}
}

// folds are all that there are.
func folds() (all []Fold) {
	for bits := range 8 {
		all = append(all, Fold{bits&1 != 0, bits&2 != 0, bits&4 != 0})
	}
	return all
}

func TestFoldingEveryCharacterTwiceChangesNoMore(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsGraphic(r) && !unicode.IsSpace(r) || unicode.In(r, unicode.Han, unicode.Hangul) {
			continue // without a letter case, and most of them
		}
		for _, f := range []Fold{{lower: true}, {lower: true, nfc: true}, {true, true, true}} {
			for _, s := range []string{string(r), "a" + string(r) + "\u0301", string(r) + "\u030c\u0327"} {
				if once := f.Apply(s); f.Apply(once) != once {
					t.Fatalf("%+v of %q: %q, and of that %q", f, s, once, f.Apply(once))
				}
			}
		}
	}
}

// FuzzFold: folding twice changes no more than folding once, and what differs in what is folded is one.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"", " A ", "J\u030c", "\u0130\u0307", " \u0301a", "\xff", "Σς", "\u2000\u0345\u0301", strings.Repeat("\u0301", 40), "\u1e9e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, f := range folds() {
			once := f.Apply(s)
			if twice := f.Apply(once); twice != once {
				t.Fatalf("%+v of %q: %q, and of that %q", f, s, once, twice)
			}
			if f.trim && f.Apply(" "+s+"\t") != once {
				t.Fatalf("%+v: white space around %q makes a difference", f, s)
			}
		}
	})
}

// The key is what replicas meet at, of different releases too: it must not change by accident.
func TestUniqueKeyIsStable(t *testing.T) {
	if got, want := UniqueKey("users unique-1", []string{"/email"}, []string{"me@example.org"}).String(), "YSKNC_np_2Gk0R62esA_rA"; got != want {
		t.Errorf("UniqueKey = %s, want %s; if that is meant, count uniqueDomain up", got, want)
	}
}

func TestUniqueKeysOfDifferentValuesDiffer(t *testing.T) {
	keys := map[etagcache.Key]string{}
	for what, k := range map[string]etagcache.Key{
		"one":                    UniqueKey("s", []string{"/a"}, []string{"1"}),
		"another value":          UniqueKey("s", []string{"/a"}, []string{"2"}),
		"another field":          UniqueKey("s", []string{"/b"}, []string{"1"}),
		"another space":          UniqueKey("t", []string{"/a"}, []string{"1"}),
		"an empty value":         UniqueKey("s", []string{"/a"}, []string{""}),
		"two":                    UniqueKey("s", []string{"/a", "/b"}, []string{"1", "2"}),
		"two, the other way":     UniqueKey("s", []string{"/a", "/b"}, []string{"2", "1"}),
		"a moved border":         UniqueKey("s", []string{"/a", "/b"}, []string{"12", ""}),
		"the border of lists":    UniqueKey("s", []string{"/a", "/b", "1"}, []string{"2"}),
		"space and field as one": UniqueKey("s/a", nil, []string{"1"}),
		"nothing":                UniqueKey("", nil, nil),
	} {
		if other, taken := keys[k]; taken {
			t.Errorf("%s has the key of %s", what, other)
		}
		keys[k] = what
	}
}
