package cors_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxy409/proxy/cors"
)

func TestAPreflightIsWhatTheFetchStandardSays(t *testing.T) {
	asked := []string{"Origin: " + origin, "Access-Control-Request-Method: PUT"}
	for name, tc := range map[string]struct {
		method string
		header []string
		want   bool
	}{
		"preflight":            {"OPTIONS", asked, true},
		"another method":       {"GET", asked, false},
		"lower case":           {"options", asked, false},
		"without an origin":    {"OPTIONS", asked[1:], false},
		"of the null origin":   {"OPTIONS", []string{"Origin: null", asked[1]}, false},
		"without a method":     {"OPTIONS", asked[:1], false},
		"with an empty method": {"OPTIONS", []string{asked[0], "Access-Control-Request-Method: "}, false},
		"with two methods":     {"OPTIONS", append(asked, asked[1]), false},
	} {
		if got := cors.IsPreflight(&http.Request{Method: tc.method, Header: header(tc.header...)}); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestConditionsAreTakenOutOfAPreflightAndTheRestStays(t *testing.T) {
	for _, tc := range []struct{ asked, rest, taken string }{
		{"", "", ""},
		{"content-type", "content-type", ""},
		{"content-type , x-a", "content-type , x-a", ""},
		{"if-match", "", "If-Match"},
		{"authorization,content-type,if-match,x-a", "authorization,content-type,x-a", "If-Match"},
		{"If-None-Match, Content-Type", "Content-Type", "If-None-Match"},
		{"if-match,if-none-match", "", "If-Match,If-None-Match"},
		{"if-match,,if-match", "", "If-Match"},
		{"x-if-match,if-match-x", "x-if-match,if-match-x", ""},
		{"content-type|if-match", "content-type", "If-Match"}, // | begins another line
	} {
		h := http.Header{}
		if tc.asked != "" {
			h["Access-Control-Request-Headers"] = strings.Split(tc.asked, "|")
		}
		taken := cors.TakeConditions(h)
		if got := strings.Join(taken, ","); got != tc.taken {
			t.Errorf("%q: took %q, want %q", tc.asked, got, tc.taken)
		}
		if got := strings.Join(h["Access-Control-Request-Headers"], "|"); got != tc.rest || len(h["Access-Control-Request-Headers"]) == 0 && len(h) > 0 {
			t.Errorf("%q: left %q, want %q", tc.asked, h, tc.rest)
		}
	}
}

func TestWhatWasTakenIsAllowedWhereTheBackendLetsTheOriginIn(t *testing.T) {
	const (
		named   = "Access-Control-Allow-Origin: " + origin
		trusted = "Access-Control-Allow-Credentials: true"
		headers = "Access-Control-Allow-Headers: "
	)
	taken := []string{"If-Match", "If-None-Match"}
	for name, tc := range map[string]struct {
		status int
		had    []string
		want   []string // of Access-Control-Allow-Headers
	}{
		"it allows none":        {204, []string{named}, []string{"If-Match, If-None-Match"}},
		"it allows others":      {200, []string{named, headers + "content-type"}, []string{"content-type, If-Match, If-None-Match"}},
		"it allows one of them": {200, []string{named, headers + "x-a,if-match"}, []string{"x-a,if-match, If-None-Match"}},
		"it allows both":        {200, []string{named, headers + "if-none-match, If-Match"}, []string{"if-none-match, If-Match"}},
		"everybody":             {200, []string{"Access-Control-Allow-Origin: *"}, []string{"If-Match, If-None-Match"}},
		"all fields":            {200, []string{named, headers + "*"}, []string{"*"}},
		"a field of the name *, with credentials": {200, []string{named, trusted, headers + "*"}, []string{"*, If-Match, If-None-Match"}},
		"a refusal":      {403, []string{named, headers + "x-a"}, []string{"x-a"}},
		"a redirect":     {302, []string{named}, nil},
		"another origin": {200, []string{"Access-Control-Allow-Origin: https://other.example", headers + "x-a"}, []string{"x-a"}},
		"no origin":      {200, []string{headers + "x-a"}, []string{"x-a"}},
	} {
		t.Run(name, func(t *testing.T) {
			had := append(tc.had, "Access-Control-Allow-Methods: GET", "Access-Control-Max-Age: 5")
			res := &http.Response{StatusCode: tc.status, Header: header(had...)}
			cors.Allow(res, origin, taken)
			if got := res.Header.Values("Access-Control-Allow-Headers"); !slices.Equal(got, tc.want) {
				t.Errorf("allowed are %q, want %q", got, tc.want)
			}
			rest, before := res.Header.Clone(), header(had...)
			rest.Del("Access-Control-Allow-Headers")
			before.Del("Access-Control-Allow-Headers")
			if !slices.Equal(lines(rest), lines(before)) {
				t.Errorf("the others were %q and are %q", lines(before), lines(rest))
			}
		})
	}
	res := &http.Response{StatusCode: 200, Header: header(named)}
	if cors.Allow(res, origin, nil); len(res.Header) != 1 {
		t.Errorf("what nobody asked for is allowed: %q", res.Header)
	}
}

func TestAQuestionHasNoCredentialsAndAsksForNoField(t *testing.T) {
	got := lines(cors.Question(origin, "PATCH"))
	if want := []string{"Access-Control-Request-Method: PATCH", "Origin: " + origin}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if !cors.IsPreflight(&http.Request{Method: http.MethodOptions, Header: cors.Question(origin, "PATCH")}) {
		t.Error("it is no preflight")
	}
}

// FuzzTakeConditions: nothing but the conditions is taken, nothing is added, and nothing is left to take.
func FuzzTakeConditions(f *testing.F) {
	f.Add("content-type,if-match", "x-a")
	f.Add("If-None-Match", " , ,")
	f.Fuzz(func(t *testing.T, one, two string) {
		fields := func(h http.Header) []string {
			all := strings.FieldsFunc(strings.Join(h["Access-Control-Request-Headers"], ","), func(r rune) bool { return r == ',' })
			for i := range all {
				all[i] = strings.Trim(all[i], " \t")
			}
			return slices.DeleteFunc(all, func(s string) bool {
				return s == "" || strings.EqualFold(s, "If-Match") || strings.EqualFold(s, "If-None-Match")
			})
		}
		h := http.Header{"Access-Control-Request-Headers": {one, two}}
		before := fields(h)
		cors.TakeConditions(h)
		if after := fields(h); !slices.Equal(before, after) {
			t.Errorf("%q, %q: the others were %q and are %q", one, two, before, after)
		}
		if again := cors.TakeConditions(h); again != nil {
			t.Errorf("%q, %q: %q is left to take", one, two, again)
		}
	})
}
