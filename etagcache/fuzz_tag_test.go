package etagcache

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The grammar of RFC 9110 sections 8.8.3 and 5.6.1.2, over runes that each stand for one byte.
const tagGrammar = `(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`

var (
	oneTag   = regexp.MustCompile(`^[ \t]*(` + tagGrammar + `)[ \t]*$`)
	tagLine  = regexp.MustCompile(`^[ \t,]*(?:` + tagGrammar + `(?:[ \t]*,[ \t,]*` + tagGrammar + `)*[ \t,]*)?$`)
	eachTag  = regexp.MustCompile(tagGrammar)
	oneStar  = regexp.MustCompile(`^[ \t]*\*[ \t]*$`)
	ofLatin1 = func(s string) string {
		bytes := make([]byte, 0, len(s))
		for _, r := range s {
			bytes = append(bytes, byte(r)) // each is below 0x100
		}
		return string(bytes)
	}
)

// latin1 makes a rune of each byte.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// naiveTag makes a Tag of what the grammar has found.
func naiveTag(found string) Tag {
	opaque, weak := strings.CutPrefix(ofLatin1(found), "W/")
	return Tag{Opaque: opaque[1 : len(opaque)-1], Weak: weak}
}

// FuzzETagIsTheGrammar: an ETag is accepted exactly when the grammar accepts it, and is the tag that stands there.
func FuzzETagIsTheGrammar(f *testing.F) {
	for _, s := range []string{`"a"`, `W/"a"`, ` "a"	`, `w/"a"`, `a`, `"a`, `"a"b`, `""`, `"\"`, "\"\x80\"", "\"\x7f\"", `"a b"`, `"a","b"`, "", "*", "\"a\"\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		tag, ok, err := ParseETag([]string{line})
		m := oneTag.FindStringSubmatch(latin1(line))
		if ok != (m != nil) || ok != (err == nil) {
			t.Fatalf("%q: %s, %t, %v", line, tag, ok, err)
		}
		if ok && (tag != naiveTag(m[1]) || tag.String() != ofLatin1(m[1])) {
			t.Fatalf("%q is %s", line, tag)
		}
		if _, ok, err := ParseETag([]string{line, line}); ok || err == nil {
			t.Fatalf("%q twice is accepted", line)
		}
	})
}

// FuzzTagListIsTheGrammar: a list is accepted exactly when each of its lines is a list by the grammar, or when it is one star,
// and names the tags that stand there, in their order, no more than the limit.
func FuzzTagListIsTheGrammar(f *testing.F) {
	for _, s := range [][3]string{
		{`"a"`, "", ""},
		{`*`, "", ""},
		{`*`, `"a"`, ""},
		{`*`, `*`, ""},
		{`W/"a", "b,c"`, `"d"`, ","},
		{`"a`, `b"`, ""},
		{`"a" "b"`, "", ""},
		{`"a"`, `"b" x`, ""},
		{",,,", " ", "\t"},
		{`"a",*`, "", ""},
		{`"a"W/"b"`, "", ""},
		{"\"\xff\"", "W/", `"a"`},
		{`"a"`, "", `"b"`},
	} {
		f.Add(s[0], s[1], s[2], uint8(3), uint8(0))
	}
	f.Add(`"a","b"`, `"c"`, "", uint8(2), uint8(2))
	f.Fuzz(func(t *testing.T, a, b, c string, count, limit uint8) {
		lines := []string{a, b, c}[:min(count, 3)]
		list, err := ParseTagList(lines, int(limit))
		want, sound := naiveList(lines)
		if limit > 0 && len(want.Tags) > int(limit) {
			sound = false
		}
		if sound != (err == nil) {
			t.Fatalf("%q: %s, %v; by the grammar %t", lines, list, err, sound)
		}
		if err != nil {
			if list.Any || list.Field || list.Tags != nil {
				t.Fatalf("%q: an error and a list: %+v", lines, list)
			}
			return
		}
		if list.Field != want.Field || list.Any != want.Any || !slices.Equal(list.Tags, want.Tags) {
			t.Fatalf("%q is %+v, by the grammar %+v", lines, list, want)
		}
	})
}

func naiveList(lines []string) (TagList, bool) {
	list := TagList{Field: len(lines) > 0}
	if len(lines) == 1 && oneStar.MatchString(lines[0]) {
		list.Any = true
		return list, true
	}
	for _, line := range lines {
		line = latin1(line)
		if !tagLine.MatchString(line) {
			return list, false
		}
		for _, found := range eachTag.FindAllString(line, -1) {
			list.Tags = append(list.Tags, naiveTag(found))
		}
	}
	return list, len(lines) == 0 || len(list.Tags) > 0
}

// FuzzQualify: a qualified tag is undone to the tag and the version that made it, whatever the tag is, and what counts as
// qualified is what qualifying makes. So no bare tag of a backend can pass for a version that it is not.
func FuzzQualify(f *testing.F) {
	f.Add("a", []byte("0123456789ab"), true)
	f.Add(";p409-AAAAAAAAAAAAAAAA", []byte{}, false)
	f.Add("6b02b221-4;p409-5lbHlZmR5tNbEplY", []byte("x"), false)
	f.Add(";p409-5lbHlZmR5tNbEpl=", []byte("x"), false)
	f.Add(";p409-5lbHlZmR5tNbEpl\n", []byte("x"), false)
	f.Add("a;p409-5lbHlZmR5t bEplY", []byte("x"), false)
	f.Fuzz(func(t *testing.T, opaque string, bytes []byte, weak bool) {
		tag := Tag{Opaque: opaque, Weak: weak}
		var v Version
		copy(v[:], bytes)
		sent := tag.Qualify(v)
		if bare, as, ok := sent.Unqualify(); !ok || bare != tag || as != v {
			t.Fatalf("%s came back as %s, %s, %t; want %s, %s", sent, bare, as, ok, tag, v)
		}
		if got, ok, err := ParseETag([]string{tag.String()}); ok && err == nil && got == tag {
			if back, ok, err := ParseETag([]string{sent.String()}); !ok || err != nil || back != sent {
				t.Fatalf("%s does not travel: %s, %v", sent, back, err)
			}
			if bare, as, ok := tag.Unqualify(); ok && bare.Qualify(as) != tag {
				t.Fatalf("%s counts as %s of %s, which is %s", tag, bare, as, bare.Qualify(as))
			}
		}
	})
}
