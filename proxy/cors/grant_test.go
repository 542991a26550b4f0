package cors_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxy409/proxy/cors"
)

const origin = "https://app.example"

// header makes a header of "Name: value" lines.
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// lines are the fields of a header, sorted.
func lines(h http.Header) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			all = append(all, name+": "+value)
		}
	}
	return all
}

func TestARefusalGetsTheGrantThatTheBackendGaveThisOriginAndNoMore(t *testing.T) {
	const (
		named   = "Access-Control-Allow-Origin: " + origin
		exposed = "Access-Control-Expose-Headers: Retry-After, Proxy-Status"
	)
	for name, tc := range map[string]struct{ backend, want []string }{
		"nothing":                    {nil, nil},
		"the origin":                 {[]string{named}, []string{named, exposed}},
		"the origin and credentials": {[]string{named, "Access-Control-Allow-Credentials: true"}, []string{"Access-Control-Allow-Credentials: true", named, exposed}},
		"credentials alone":          {[]string{"Access-Control-Allow-Credentials: true"}, nil},
		"credentials misspelt":       {[]string{named, "Access-Control-Allow-Credentials: True"}, []string{named, exposed}},
		"credentials twice": {
			[]string{named, "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Credentials: true"},
			[]string{named, exposed},
		},
		"everybody":                  {[]string{"Access-Control-Allow-Origin: *"}, []string{"Access-Control-Allow-Origin: *", exposed}},
		"everybody with credentials": {[]string{"Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true"}, []string{"Access-Control-Allow-Origin: *", exposed}},
		"another origin":             {[]string{"Access-Control-Allow-Origin: https://other.example"}, nil},
		"a longer origin":            {[]string{named + ".evil.example"}, nil},
		"a shorter origin":           {[]string{"Access-Control-Allow-Origin: https://app"}, nil},
		"another letter case":        {[]string{"Access-Control-Allow-Origin: https://APP.example"}, nil},
		"a list":                     {[]string{named + ", https://other.example"}, nil},
		"two lines":                  {[]string{named, named}, nil},
		"everybody and the origin":   {[]string{"Access-Control-Allow-Origin: *", named}, nil},
		"null":                       {[]string{"Access-Control-Allow-Origin: null"}, nil},
		"empty":                      {[]string{"Access-Control-Allow-Origin: "}, nil},
		"what else it says": {
			[]string{named, "Access-Control-Expose-Headers: X-Secret", "Access-Control-Max-Age: 600", "Access-Control-Allow-Methods: PUT"},
			[]string{named, exposed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			refusal := header("Retry-After: 1", `Proxy-Status: proxy409; error=http_request_denied; details="busy"`, "Content-Type: text/plain")
			want := append(lines(refusal), tc.want...)
			slices.Sort(want)
			grant := cors.GrantOf(header(tc.backend...), origin)
			if grant.Given() != (len(tc.want) > 0) {
				t.Errorf("given: %t", grant.Given())
			}
			grant.Refuse(refusal)
			if got := lines(refusal); !slices.Equal(got, want) {
				t.Errorf("the refusal has %q, want %q", got, want)
			}
		})
	}
}

func TestNoOriginIsGrantedNothing(t *testing.T) {
	for _, allowed := range []string{"*", ""} {
		if cors.GrantOf(http.Header{"Access-Control-Allow-Origin": {allowed}}, "").Given() {
			t.Errorf("%q lets in who names no origin", allowed)
		}
	}
}

func TestOfARefusalIsExposedWhatItSays(t *testing.T) {
	grant := cors.GrantOf(header("Access-Control-Allow-Origin: "+origin), origin)
	h := header(`ETag: "1"`, "Location: /a", "Content-Type: text/plain", "Cache-Control: no-store")
	grant.Refuse(h)
	if got, want := h.Values("Access-Control-Expose-Headers"), []string{"ETag, Location"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestARefusalVariesByOriginOnce(t *testing.T) {
	for had, want := range map[string]string{
		"": "Origin", "Accept": "Accept, Origin", "Accept, origin": "Accept, origin", "*": "*", "Origin-Agent-Cluster": "Origin-Agent-Cluster, Origin",
	} {
		h := http.Header{}
		if had != "" {
			h.Set("Vary", had)
		}
		cors.VaryByOrigin(h)
		if got := h.Values("Vary"); !slices.Equal(got, []string{want}) {
			t.Errorf("Vary: %s becomes %q", had, got)
		}
	}
}

func TestAnAnswerThatIsAllowedExposesItsETagOnce(t *testing.T) {
	const (
		allowed = "Access-Control-Allow-Origin: " + origin
		trusted = "Access-Control-Allow-Credentials: true"
		expose  = "Access-Control-Expose-Headers: "
	)
	for name, tc := range map[string]struct {
		had  []string
		want []string // of Access-Control-Expose-Headers
	}{
		"nothing exposed":                       {[]string{allowed}, []string{"ETag"}},
		"another":                               {[]string{allowed, expose + "X-Total, Link"}, []string{"X-Total, Link, ETag"}},
		"two lines":                             {[]string{allowed, expose + "X-Total", expose + "Link"}, []string{"X-Total, Link, ETag"}},
		"the ETag":                              {[]string{allowed, expose + "X-Total,etag"}, []string{"X-Total,etag"}},
		"one that ends so":                      {[]string{allowed, expose + "X-ETag"}, []string{"X-ETag, ETag"}},
		"everything":                            {[]string{allowed, expose + "*"}, []string{"*"}},
		"what is no wildcard, with credentials": {[]string{allowed, trusted, expose + "*"}, []string{"*, ETag"}},
		"an empty line":                         {[]string{allowed, expose + ""}, []string{"ETag"}},
		"not allowed":                           {[]string{expose + "X-Total"}, []string{"X-Total"}},
		"neither":                               {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := header(append(tc.had, `ETag: "1"`)...)
			for range 2 {
				cors.ExposeETag(h)
				if got := h.Values("Access-Control-Expose-Headers"); !slices.Equal(got, tc.want) {
					t.Errorf("%q, want %q", got, tc.want)
				}
			}
		})
	}
	h := header(allowed)
	if cors.ExposeETag(h); len(h) != 1 {
		t.Errorf("an answer without an ETag exposes it: %q", h)
	}
}
