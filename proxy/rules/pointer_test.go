package rules

import (
	"strings"
	"testing"

	"github.com/go-openapi/jsonpointer"
)

func pointer(t testing.TB, text string) Pointer {
	t.Helper()
	p, err := ParsePointer(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPointerIsReadAsRFC6901HasIt(t *testing.T) {
	doc := map[string]any{
		"": "empty", "a/b": "slash", "m~n": "tilde", "~1": "both", "i\\j": "backslash", " ": "space",
		"list": []any{"zero", map[string]any{"x": nil}},
		"0":    "a name",
	}
	for text, want := range map[string]any{
		"/": "empty", "/a~1b": "slash", "/m~0n": "tilde", "/~01": "both", `/i\j`: "backslash", "/ ": "space",
		"/list/0": "zero", "/list/1/x": nil, "/0": "a name",
	} {
		if got, ok := Lookup(doc, pointer(t, text)); !ok || got != want {
			t.Errorf("%q leads to %v, %t; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"/x", "/list/2", "/list/-", "/list/-1", "/list/00", "/list/+1", "/list/x", "/list/0/0", "//", "/list/1/x/y", "/a"} {
		if got, ok := Lookup(doc, pointer(t, text)); ok {
			t.Errorf("%q leads to %v; want nothing", text, got)
		}
	}
	if got, ok := Lookup("scalar", Pointer{}); !ok || got != "scalar" {
		t.Errorf("the zero pointer leads to %v, %t; want the whole document", got, ok)
	}
}

func TestWhatIsNoPointerIsRefused(t *testing.T) {
	for _, text := range []string{"email", "#/email", " /email", "/~", "/~2", "/a~", "/a\xff", "/" + strings.Repeat("a", longestPointer)} {
		if p, err := ParsePointer(text); err == nil {
			t.Errorf("%q is read as %q", text, p)
		}
	}
}

// FuzzPointer: a pointer is read as another implementation reads it, and written as it was read.
func FuzzPointer(f *testing.F) {
	for _, s := range []string{"", "/", "/a~1b/~0", "/a/0", "a", "/~2", "//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePointer(text)
		if err != nil {
			return
		}
		other, err := jsonpointer.New(text)
		if err != nil {
			t.Fatalf("%q is no pointer: %v", text, err)
		}
		if p.String() != text || strings.Join(p.tokens, "\n") != strings.Join(other.DecodedTokens(), "\n") {
			t.Fatalf("%q is read as %q, and elsewhere as %q", text, p.tokens, other.DecodedTokens())
		}
	})
}
