package rules

import (
	"errors"
	"strings"
	"testing"
)

// given are values by what stands between the braces.
type given map[string]string

var errNone = errors.New("the answer has none")

func (g given) get(name string) (string, error) {
	if value, ok := g[name]; ok {
		return value, nil
	}
	return "", errors.New("there is no " + name)
}

func (g given) Wildcard(name string) string       { return g[name] }
func (g given) Query(name string) (string, error) { return g.get("query:" + name) }
func (g given) Body(p Pointer) (string, error) {
	if p.String() == "/unsupported" {
		return "", unsupported("of no type")
	}
	return g.get(p.String())
}

func (g given) Found(p Pointer) (string, error) {
	if value, ok := g["found:"+p.String()]; ok {
		return value, nil
	}
	return "", errNone
}

// every is all that a template may name: of wildcards id, b and rest.
var every = Holes{
	Wildcard: func(name string) bool { return name == "id" || name == "b" || name == "rest" },
	Rest:     func(name string) bool { return name == "rest" },
	Query:    true, Body: true, Found: true,
}

func template(t testing.TB, text string) Template {
	t.Helper()
	parsed, err := ParseTemplate(text, every)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return parsed
}

func TestValuesStandEncodedInTheHolesOfATemplate(t *testing.T) {
	values := given{
		"id": "7", "b": "ä b+c@:d", "rest": "a/b c/d", "query:x": "a&b=c+d#%;/?ä", "/email": "Me+x@example.org", "/a/b": "1", "/e": "",
		"found:/0/id": "9", "found:": "8",
	}
	for text, want := range map[string]string{
		"/":                             "/",
		"/users/":                       "/users/",
		"/users/{id}":                   "/users/7",
		"/{id}{b}":                      "/7%C3%A4%20b+c@:d",
		"/users/{id}.json":              "/users/7.json",
		"/files/{rest}":                 "/files/a/b%20c/d",
		"/files/{rest}/x":               "/files/a/b%20c/d/x",
		"/users/{found:/0/id}/{found:}": "/users/9/8",
		"/users?email={/email}":         "/users?email=Me%2Bx%40example.org",
		"/users?a=1&x={query:x}&y=2":    "/users?a=1&x=a%26b%3Dc%2Bd%23%25%3B%2F%3F%C3%A4&y=2",
		"/users?a[]=[{id}]&b=x{/a/b}y?": "/users?a[]=[7]&b=x1y?",
		"/users?e={/e}":                 "/users?e=",
		"/a%20b/%C3%BC?q=%26":           "/a%20b/%C3%BC?q=%26",
		"/users?rest={rest}":            "/users?rest=a%2Fb+c%2Fd",
	} {
		parsed := template(t, text)
		path, query, err := parsed.Expand(values)
		wantPath, wantQuery, _ := strings.Cut(want, "?")
		if err != nil || path != wantPath || query != wantQuery {
			t.Errorf("%s: %s ? %s, %v; want %s", text, path, query, err, want)
		}
		if parsed.String() != text || parsed.IsZero() {
			t.Errorf("%s is shown as %q", text, parsed)
		}
	}
	if !(Template{}).IsZero() {
		t.Error("the zero value is a template")
	}
}

func TestNoValueLeadsAQuestionElsewhere(t *testing.T) {
	for _, value := range []string{
		"", ".", "..", "../x", "a/b", "/", "/a", "a/", `a\b`, "a?b", "a#b", "a;b", ";", "a.", "a ", "a\x00", "a\n", "%2e", "%2F", "%252F", "%u002F", "\xff", "\xc0\xae", "a\x7f",
		strings.Repeat("a", longestExpanded),
	} {
		for _, text := range []string{"/users/{/v}", "/users/{/v}/x", "/users/{id}", "/users/{query:v}", "/users/{found:/v}"} {
			path, _, err := template(t, text).Expand(given{"/v": value, "id": value, "query:v": value, "found:/v": value})
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s with %.20q: %s, %v; want %v", text, value, path, err, ErrMalformed)
			} else if value != "" && len(value) > 2 && strings.Contains(err.Error(), value) {
				t.Errorf("%s with %.20q: the error shows it: %v", text, value, err)
			}
		}
	}
	for _, value := range []string{"", "..", "a/../b", "a//b", "/a", "a;b/c", `a\b`, "a?b", "a/."} {
		if path, _, err := template(t, "/files/{rest}").Expand(given{"rest": value}); !errors.Is(err, ErrMalformed) {
			t.Errorf("the rest %q: %s, %v", value, path, err)
		}
	}
	for _, value := range []string{"a\x00", "\xff"} {
		if _, query, err := template(t, "/users?v={/v}").Expand(given{"/v": value}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q in the query: %s, %v", value, query, err)
		}
	}
	// two values that are nothing by themselves
	if path, _, err := template(t, "/users/{id}{b}").Expand(given{"id": ".", "b": "."}); !errors.Is(err, ErrMalformed) {
		t.Errorf("%s, %v", path, err)
	}
	if _, query, err := template(t, "/a?v={/v}").Expand(given{"/v": strings.Repeat("/", longestExpanded/3)}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a query of %d bytes: %v", len(query), err)
	}
}

func TestTheErrorOfAValueThatIsMissingIsItsOwn(t *testing.T) {
	for text, want := range map[string]error{
		"/{/x}": ErrMalformed, "/a?x={/x}": ErrMalformed, "/{query:x}": ErrMalformed, "/a?x={query:x}": ErrMalformed,
		"/{/unsupported}": ErrUnsupported, "/{found:/x}": errNone,
	} {
		if _, _, err := template(t, text).Expand(given{}); !errors.Is(err, want) || want != ErrMalformed && errors.Is(err, ErrMalformed) { //nolint:errorlint // which of the two is wanted
			t.Errorf("%s: %v; want %v", text, err, want)
		}
	}
	_, _, err := template(t, "/{/x}").Expand(given{})
	if got := err.Error(); got != "there is no /x" {
		t.Errorf("%q", got)
	}
	_, _, err = template(t, "/{id}/{/x}").Expand(given{"id": "1", "/x": ".."})
	if got, want := err.Error(), "{id}, {/x} cannot stand in a path: the path has a dot segment (. or ..)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestATemplateThatCannotBeMeantIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "begins with /",
		"users/{id}":       "begins with /",
		"http://h/x":       "begins with /",
		"{id}":             "begins with /",
		"?a={id}":          "begins with /",
		"//h/x":            "is not clean: the path has an empty segment",
		"/a/../b":          "dot segment",
		"/a/%2e%2e":        "dot segment",
		"/a%2Fb":           "escaped slash",
		"/a//{id}":         "empty segment",
		`/a\b`:             "percent-encoded",
		"/ü":               "ü is %C3%BC",
		"/a b":             "percent-encoded",
		"/a?b=ü":           "percent-encoded",
		"/a?b=\"":          "percent-encoded",
		"/a[1]":            "percent-encoded",
		"/a%":              "%25",
		"/a%4{id}":         "%25",
		"/a?b=%zz":         "%25",
		"/a#b":             "%23",
		"/a?b=c#d":         "%23",
		"/{id":             "no } closes; in braces may stand {name} for",
		"/{":               "no } closes",
		"/id}":             "without a {",
		"/{{id}}":          "no } closes",
		"/{id}}":           "without a {",
		"/a?b={id":         "no } closes",
		"/{}":              "has {}, which stands for nothing here",
		"/{x}":             "has {x}, which stands for nothing here; in braces may stand {name} for",
		"/{id...}":         "has {id...}, which",
		"/{$}":             "has {$}, which",
		"/{query:}":        "has {query:}, which",
		"/{query}":         "has {query}, which",
		"/{found}":         "has {found}, which",
		"/{found:x}":       `"x" is not a JSON pointer`,
		"/{/a~}":           "has a ~",
		"/{body:/x}":       "has {body:/x}, which",
		"/a?{id}":          "as name={id}",
		"/a?b{id}=1":       "as name={id}",
		"/a?b=1&{/x}":      "as name={/x}",
		"/a?b={id}&{id}=1": "as name={id}",
		"/" + strings.Repeat("a", longestTemplate): "longer than",
	} {
		parsed, err := ParseTemplate(text, every)
		if err == nil || !strings.Contains(err.Error(), want) || !parsed.IsZero() {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}

func TestATemplateNamesOnlyWhatIsAllowedThere(t *testing.T) {
	for text, may := range map[string]Holes{
		"/{id}":       {Wildcard: every.Wildcard},
		"/{query:x}":  {Query: true},
		"/{/x}":       {Body: true},
		"/{found:/x}": {Found: true},
	} {
		if _, err := ParseTemplate(text, may); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := ParseTemplate(text, Holes{}); err == nil || !strings.HasSuffix(err.Error(), "nothing may stand in braces") {
			t.Errorf("%s where nothing is allowed: %v", text, err)
		}
		others := every
		switch {
		case may.Wildcard != nil:
			others.Wildcard = nil
		case may.Query:
			others.Query = false
		case may.Body:
			others.Body = false
		default:
			others.Found = false
		}
		if _, err := ParseTemplate(text, others); err == nil {
			t.Errorf("%s where all others are allowed is read", text)
		}
	}
}

func TestATemplateTellsWhatItReads(t *testing.T) {
	for text, want := range map[string]struct {
		body   bool
		sample string
	}{
		"/a":                   {false, "/a"},
		"/a/{id}?b={query:x}":  {false, "/a/x"},
		"/a/{/id}-{b}":         {true, "/a/x-x"},
		"/a?b=c&d={/id}":       {true, "/a"},
		"/{rest}/{found:/0/a}": {false, "/x/x"},
		"/{/a?b}":              {true, "/x"},
	} {
		if parsed := template(t, text); parsed.ReadsBody() != want.body || parsed.Sample() != want.sample {
			t.Errorf("%s: reads the body %t, sample %s; want %v", text, parsed.ReadsBody(), parsed.Sample(), want)
		}
	}
}
