package etagcache

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseETag(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  string // "" means an error, "-" none
	}{
		{"none", nil, "-"},
		{"strong", []string{`"a1"`}, `"a1"`},
		{"weak", []string{`W/"a1"`}, `W/"a1"`},
		{"empty opaque part", []string{`""`}, `""`},
		{"weak and empty", []string{`W/""`}, `W/""`},
		{"white space around", []string{" \t\"a\"\t "}, `"a"`},
		{"comma inside", []string{`"a,b"`}, `"a,b"`},
		{"obs-text", []string{"\"\x80\xff\""}, "\"\x80\xff\""},
		{"backslash is no escape", []string{`"a\"`}, `"a\"`},
		{"qualified", []string{`"a;p409-AAAAAAAAAAAAAAAA"`}, `"a;p409-AAAAAAAAAAAAAAAA"`},

		{"twice", []string{`"a"`, `"a"`}, ""},
		{"empty field", []string{""}, ""},
		{"blank field", []string{" "}, ""},
		{"unquoted", []string{"a1"}, ""},
		{"lower-case weak", []string{`w/"a"`}, ""},
		{"W alone", []string{`W"a"`}, ""},
		{"W/ alone", []string{"W/"}, ""},
		{"space in W/", []string{`W/ "a"`}, ""},
		{"half open", []string{`"a`}, ""},
		{"half closed", []string{`a"`}, ""},
		{"one quote", []string{`"`}, ""},
		{"quote inside", []string{`"a"b"`}, ""},
		{"escaped quote", []string{`"a\"b"`}, ""},
		{"tail", []string{`"a"x`}, ""},
		{"Apache's suffix outside", []string{`"a"-gzip`}, ""},
		{"two tags", []string{`"a", "b"`}, ""},
		{"star", []string{"*"}, ""},
		{"space inside", []string{`"a b"`}, ""},
		{"tab inside", []string{"\"a\tb\""}, ""},
		{"DEL", []string{"\"a\x7f\""}, ""},
		{"NUL", []string{"\"a\x00\""}, ""},
		{"newline", []string{"\"a\n\""}, ""},
		{"single quotes", []string{`'a'`}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tag, ok, err := ParseETag(tt.lines)
			got := ""
			switch {
			case err != nil && ok:
				t.Fatal("ok and an error")
			case err != nil:
			case !ok:
				got = "-"
			default:
				got = tag.String()
			}
			if got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestParseTagList(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		limit int
		want  string // the list as one line; "" means an error, "-" no field
	}{
		{"no field", nil, 0, "-"},
		{"one", []string{`"a"`}, 0, `"a"`},
		{"star", []string{"*"}, 0, "*"},
		{"star in space", []string{" * "}, 0, "*"},
		{"two", []string{`"a", W/"b"`}, 0, `"a", W/"b"`},
		{"no space", []string{`"a","b"`}, 0, `"a", "b"`},
		{"two lines are one list", []string{`"a"`, `"b", "c"`}, 0, `"a", "b", "c"`},
		{"commas inside", []string{`"a,b", ",", "c,"`}, 0, `"a,b", ",", "c,"`},
		{"empty elements", []string{`,"a",,"b",`}, 0, `"a", "b"`},
		{"empty elements and space", []string{"\t,, ,\"a\" , \t,"}, 0, `"a"`},
		{"trailing comma", []string{`"a",`}, 0, `"a"`},
		{"an empty line among others", []string{"", `"a"`, ""}, 0, `"a"`},
		{"empty opaque part", []string{`""`}, 0, `""`},
		{"obs-text", []string{"\"\xe4\""}, 0, "\"\xe4\""},
		{"a star inside a tag", []string{`"*"`}, 0, `"*"`},
		{"the same twice", []string{`"a", "a"`}, 0, `"a", "a"`},
		{"as many as allowed", []string{`"a", "b"`}, 2, `"a", "b"`},

		{"too many", []string{`"a", "b", "c"`}, 2, ""},
		{"too many on lines", []string{`"a"`, `"b"`, `"c"`}, 2, ""},
		{"empty", []string{""}, 0, ""},
		{"two empty lines", []string{"", ""}, 0, ""},
		{"only commas", []string{", ,"}, 0, ""},
		{"star and a tag", []string{`*, "a"`}, 0, ""},
		{"a tag and a star", []string{`"a", *`}, 0, ""},
		{"star on two lines", []string{"*", "*"}, 0, ""},
		{"star and an empty line", []string{"*", ""}, 0, ""},
		{"star and a comma", []string{"*,"}, 0, ""},
		{"weak star", []string{"W/*"}, 0, ""},
		{"no comma, no space", []string{`"a""b"`}, 0, ""},
		{"no comma", []string{`"a" "b"`}, 0, ""},
		{"a semicolon", []string{`"a"; "b"`}, 0, ""},
		{"unquoted", []string{`a`}, 0, ""},
		{"unquoted second", []string{`"a", b`}, 0, ""},
		{"lower-case weak", []string{`w/"x"`}, 0, ""},
		{"tail", []string{`"a"x`}, 0, ""},
		{"space inside", []string{`"a b"`}, 0, ""},
		{"DEL", []string{"\"\x7f\""}, 0, ""},
		{"half open", []string{`"a", "b`}, 0, ""},
		{"a tag over two lines", []string{`"a`, `b"`}, 0, ""}, // lines are joined with a space, which no tag holds
		{"vertical tab", []string{"\"a\",\v\"b\""}, 0, ""},
		{"no-break space", []string{"\"a\",\u00a0\"b\""}, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := ParseTagList(tt.lines, tt.limit)
			got := ""
			switch {
			case err != nil:
			case !list.Field:
				got = "-"
			default:
				got = list.String()
			}
			if got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
			if err != nil && (list.Field || list.Any || list.Tags != nil) {
				t.Errorf("an error and a list: %+v", list)
			}
		})
	}
}

func TestParseErrorsAreShort(t *testing.T) {
	_, err := ParseTagList([]string{strings.Repeat("x", 1<<20)}, 0)
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestUnqualifyUndoesQualify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := drawTag(t)
		v := Version(drawID(t, "version"))
		bare, got, ok := tag.Qualify(v).Unqualify()
		if !ok || bare != tag || got != v {
			t.Fatalf("%s qualified with %s came back as %s, %s, %v", tag, v, bare, got, ok)
		}
		list, err := ParseTagList([]string{tag.Qualify(v).String()}, 1)
		if err != nil || list.Tags[0] != tag.Qualify(v) {
			t.Fatalf("the qualified tag does not travel: %v", err)
		}
	})
}

func TestUnqualifyLeavesOtherTagsAlone(t *testing.T) {
	for _, opaque := range []string{
		"",
		"a",
		";p409-",
		"a;p409-AAAAAAAAAAAAAAA",    // 15 characters
		"a;p409-AAAAAAAAAAAAAAAAA",  // 17
		"a;p409-AAAAAAAAAAAAAA+/",   // the other alphabet
		"a;p409-AAAAAAAAAAAAAA==",   // padding
		"a;P409-AAAAAAAAAAAAAAAA",   // another word
		"a;p409-AAAAAAAAAAAAAAAA ",  // a tail
		"a,p409-AAAAAAAAAAAAAAAA",   // another separator
		"a;p409-AAAAAAAAAAAAAAAA-x", // a compressor's suffix outside
	} {
		if bare, v, ok := (Tag{Opaque: opaque}).Unqualify(); ok || bare.Opaque != opaque || v != (Version{}) {
			t.Errorf("%q was taken apart: %q, %s", opaque, bare.Opaque, v)
		}
	}
}

func TestDigestsTellPartsApart(t *testing.T) {
	lists := [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"\x00\x00\x00\x01a"}}
	for i, a := range lists {
		for _, b := range lists[:i] {
			if DigestOf(a...) == DigestOf(b...) {
				t.Errorf("%q and %q have one digest", a, b)
			}
		}
	}
	if (Tag{Opaque: "a"}).Digest() != (Tag{Opaque: "a", Weak: true}).Digest() {
		t.Error("a validator is told apart by its opaque part alone")
	}
}

// FuzzParseTagList: what we accept is a fixed point of printing and parsing, and net/http accepts it too (the reverse does not
// hold: net/http reads the first line only and passes over what follows a tag that matched).
func FuzzParseTagList(f *testing.F) {
	for _, s := range []string{`"a"`, `*`, `W/"a", "b,c"`, `,"a",,`, `"a" "b"`, `w/"x"`, "\"\x80\"", `""`, `"a";`} {
		f.Add(s, "")
	}
	f.Add(`"a`, `b"`)
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first}
		if second != "" {
			lines = append(lines, second)
		}
		list, err := ParseTagList(lines, 0)
		if err != nil {
			return
		}
		again, err := ParseTagList([]string{list.String()}, len(list.Tags))
		if err != nil || again.Any != list.Any || !slices.Equal(again.Tags, list.Tags) {
			t.Fatalf("%q parses as %s, which parses as %s (%v)", lines, list, again, err)
		}
		for _, tag := range list.Tags {
			if tag.Weak {
				continue
			}
			if got, ok, err := ParseETag([]string{tag.String()}); !ok || err != nil || got != tag {
				t.Fatalf("%s is an element of a list but no entity tag: %v", tag, err)
			}
			if len(lines) == 1 && !servesIfMatch(tag, first) {
				t.Fatalf("net/http does not find %s in %q", tag, first)
			}
		}
	})
}

// servesIfMatch asks net/http whether a resource at the tag satisfies the field.
func servesIfMatch(at Tag, ifMatch string) bool {
	w := httptest.NewRecorder()
	w.Header().Set("ETag", at.String())
	r := &http.Request{Method: http.MethodGet, Header: http.Header{"If-Match": {ifMatch}}}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader("x"))
	return w.Code == http.StatusOK
}
