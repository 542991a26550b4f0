package proxy

import (
	"net/url"
	"strings"
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy/target"
)

// FuzzReadAt: no value that a client chose becomes structure of the URL at which the backend is asked: as many segments,
// parameters and fragments as the template has, with the value in one of them.
func FuzzReadAt(f *testing.F) {
	for _, template := range []string{"/a/{id}", "/api.php?action=get&id={id}", "/{id}/x?y={id}&z={q}", "/r/{rest}", "/{q}{id}", "/{id", "/%zz{id}", "x", "/a?b={nobody}", "/a/{id}#f", "/{id}?", "/a//{id}"} {
		for _, segment := range []string{"7", "a%20b", "%3F%23%26", "%25", "a+b&c", "%E2%82%AC"} {
			f.Add(template, segment, "x&y=z#?/%")
		}
	}
	p := fuzzed(f, Route{Name: "r", Match: "/a/{id}/{rest...}"})
	f.Fuzz(func(t *testing.T, template, segment, value string) {
		r := *p.routes.exact.lists["/a/{id}/{rest...}"][0]
		r.inQuery = []parameter{{name: "q"}}
		at, err := r.parseReadTarget(template)
		if err != nil {
			return
		}
		r.readAt = at
		read := func(raw, value string) *url.URL {
			path, err := target.Canonical("/a/" + raw + "/b/c")
			if err != nil {
				t.Skip()
			}
			if n := strings.Count(path.String(), "/"); n != 4 {
				t.Skip()
			}
			return r.readURL(path, resource{path: path, params: [][2]string{{"q", value}}})
		}
		got, plain := read(segment, value), read("x", "x")
		for _, part := range []string{"/", "?", "#"} {
			if n, want := strings.Count(got.EscapedPath(), part), strings.Count(plain.EscapedPath(), part); n != want && !strings.Contains(value+segment, "/") {
				t.Fatalf("%q with %q and %q is %s, and plainly %s", template, segment, value, got, plain)
			}
		}
		for _, part := range []string{"&", ";", "#", "="} {
			if strings.Count(got.RawQuery, part) != strings.Count(plain.RawQuery, part) {
				t.Fatalf("%q with %q and %q is %s, and plainly %s", template, segment, value, got, plain)
			}
		}
		if got.Host != plain.Host || got.Scheme != plain.Scheme || got.Fragment != "" || !strings.HasPrefix(got.Path, "/base/") {
			t.Fatalf("%q with %q and %q is %s", template, segment, value, got)
		}
	})
}

func TestAValueStaysOneSegmentWhateverTheTemplateHolds(t *testing.T) {
	upstream := &url.URL{Scheme: "http", Host: "h"}
	for _, template := range []string{"/a|/{q}", "/für/{q}", "/\"/{q}"} {
		p := &route{upstream: upstream, inQuery: []parameter{{name: "q"}}}
		at, err := p.parseReadTarget(template)
		if err != nil {
			continue // which would do
		}
		p.readAt = at
		got := p.readURL(target.Path{}, resource{params: [][2]string{{"q", "../b"}}})
		if n := strings.Count(got.EscapedPath(), "/"); n != 2 {
			t.Errorf("%s with ../b is %s", template, got)
		}
	}
}

// FuzzUnsuffixed: what a compressor added is taken off once, whether before or after the version's name was added, and of what
// is no list of suffixes nothing is.
func FuzzUnsuffixed(f *testing.F) {
	for _, s := range []string{"a-gzip", "a--gzip", "a;br", "-gzip", "a", "a-gzip-gzip", "", "a;p409-5lbHlZmR5tNbEplY-gzip", "a-gzip;p409-5lbHlZmR5tNbEplY"} {
		f.Add(s, "-gzip", "--gzip", []byte("version"))
	}
	f.Add("aa", "", "a", []byte("-gzip"))
	f.Fuzz(func(t *testing.T, opaque, one, other string, bytes []byte) {
		p := &route{}
		p.Version.Suffixes = []string{one, other}
		tag := etagcache.Tag{Opaque: opaque}
		got := p.unsuffixed(tag)
		taken, isPrefix := strings.CutPrefix(opaque, got.Opaque)
		if !isPrefix || taken != "" && taken != one && taken != other || got.Opaque == "" && opaque != "" {
			t.Fatalf("%q without %q or %q is %q", opaque, one, other, got.Opaque)
		}
		if len(taken) < len(one) && len(one) < len(opaque) && strings.HasSuffix(opaque, one) {
			t.Fatalf("%q without %q or %q is %q", opaque, one, other, got.Opaque)
		}
		var v etagcache.Version
		copy(v[:], bytes)
		for _, sent := range []etagcache.Tag{tag.Qualify(v), {Opaque: tag.Qualify(v).Opaque + one}} {
			bare, version, qualified := p.bare(sent)
			if !qualified || version != v || bare != got {
				if strings.Contains(one+other, ";p409-") || p.unsuffixed(sent).Opaque != tag.Qualify(v).Opaque && sent != tag.Qualify(v) {
					continue // the suffix is such that it cannot be told where it begins
				}
				t.Fatalf("%s with %q or %q is %s of %s, %t", sent, one, other, bare, version, qualified)
			}
		}
	})
}
