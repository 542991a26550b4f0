package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxy409/config"
)

// golden holds a text against a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s\ngo test ./cmd/proxy409 -update rewrites it, to be reviewed", path, got, want)
	}
}

// command runs the program's command line and returns what it says.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

const explained = "testdata/explain/proxy409.yaml"

func TestExplainSaysWhatBecomesOfARequest(t *testing.T) {
	for name, args := range map[string][]string{
		"read":             {"GET", "/items/7"},
		"read-made":        {"GET", "https://shop.example.com/docs"},
		"missing":          {"PUT", "/items/7/?x=1"},
		"judged":           {"PUT", "/items/7", "-H", `If-Match: W/"b-gzip", "a;p409-5lbHlZmR5tNbEplY"`, "-H", `If_Match: "x"`},
		"strong":           {"PUT", "http://shop.example.com/docs/1", "-H", `If-Match: W/"7", "8"`},
		"creates":          {"PUT", "/items/7", "-H", "If-None-Match: *"},
		"allowed":          {"PUT", "http://shop.example.com/docs/1"},
		"observed":         {"DELETE", "/trial/1"},
		"observed-missing": {"POST", "/api.php?action=save&id=7"},
		"malformed":        {"PUT", "/items/7", "-H", `If-Match: "a1`},
		"no-key":           {"POST", "/api.php?action=save&id=x"},
		"ambiguous":        {"POST", "/api.php?action=save&action=show&id=7"},
		"when":             {"GET", "/api.php?action=show"},
		"passed":           {"POST", "/items/7"},
		"override-header":  {"POST", "/items/7", "-H", "X-HTTP-Method-Override: put"},
		"override-query":   {"POST", "/items/7?_method=DELETE"},
		"override-form":    {"POST", "/items/7", "-d", "title=x&_method=PATCH"},
		"lower-case":       {"put", "/items/7"},
		"dangerous-read":   {"GET", "/items/../items/7"},
		"dangerous-write":  {"PUT", "//items/7"},
		"letter-case":      {"PUT", "/ITEMS/7"},
		"move":             {"MOVE", "/items/7", "-H", "Destination: http://x/items/8", "-H", `If-Match: "a1"`},
		"untouched":        {"OPTIONS", "/items/7"},
		"closed":           {"GET", "/admin/users"},
		"off":              {"PUT", "/free/x"},
		"unmatched":        {"DELETE", "/other//x"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := command(t, append([]string{"explain", "--config", explained}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "explain/"+name+".txt", got)
		})
	}
}

func TestExplainSaysWhatARuleIsAbout(t *testing.T) {
	for name, args := range map[string][]string{
		"rule-step":   {"workflow", "POST", "/orders/7/approve"},
		"rule-leases": {"dependents", "POST", "/orders", "-H", "Content-Type: application/json", "-d", `{"customer":"acme"}`},
		"rule-body":   {"creation", "POST", "/users", "-H", "Content-Type: application/json", "-d", `{"name":"Ada"}`},
		"rule-judged": {"dependents", "DELETE", "/customers/acme", "-H", `If-Match: "1"`},
	} {
		file := "../../examples/conflicts/proxy409-" + args[0] + ".yaml"
		got, err := command(t, append([]string{"explain", "--config", file}, args[1:]...)...)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "explain/"+name+".txt", got)
	}
}

func TestExplainShowsNoCredentials(t *testing.T) {
	const secret = "hunter2"
	for _, args := range [][]string{
		{"PUT", "/items/7", "-H", "Authorization: Basic " + secret, "-H", "Cookie: s=" + secret, "-H", "X_HTTP_Method: " + secret},
		{"PUT", "/items/7", "-H", "Authorization " + secret},
		{"PUT", "/items/7", "-H", "Bad Name: " + secret},
		{"PUT", "http://u:" + secret + "@x/items/7"},
	} {
		got, err := command(t, append([]string{"explain", "--config", explained}, args...)...)
		if err != nil {
			got += err.Error()
		}
		if strings.Contains(got, secret) {
			t.Errorf("%q shows the secret:\n%s", args, got)
		}
	}
}

func TestExplainRefusesWhatIsNoRequest(t *testing.T) {
	for _, args := range [][]string{
		{"PUT", "items/7"},
		{"PUT", "ftp://x/items/7"},
		{"PUT", "/a b"},
		{"P UT", "/a"},
		{"PUT", "/a%zz"},
		{"PUT", "http:///a"},
	} {
		if got, err := command(t, append([]string{"explain", "--config", explained}, args...)...); err == nil {
			t.Errorf("%q is explained:\n%s", args, got)
		}
	}
}

func TestExplainNamesARecordAsItsStoreDoes(t *testing.T) {
	for _, c := range []struct{ store, want string }{
		{"{}", "key         gKNinYIGYJI1SR_SqWcKfw\n"},
		{"{redis: {url: 'redis://x', prefix: p}}", "in Redis p:{0}:gKNinYIGYJI1SR_SqWcKfw\n"},
		{"{redis: {url: 'redis://x', mode: cluster}}", "in Redis proxy409:{*}:gKNinYIGYJI1SR_SqWcKfw\n"},
	} {
		cfg, _, err := config.Parse("x", []byte("upstream: http://127.0.0.1:9000/base\nstore: "+c.store), nil)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := explain(&out, cfg, asked{method: "PUT", url: "/items/7"}); err != nil || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %v\n%s\nwant %s", c.store, err, &out, c.want)
		}
	}
}
