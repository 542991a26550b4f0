package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"proxy409/config"
)

// ask runs check --online and returns what it says, fit for a golden file.
func (c surveyed) ask(t *testing.T) (text string, err error) {
	t.Helper()
	o := newOrigin(t, c.backend)
	args := append([]string{"check", "--online", o.url + "/doc", "--pause", "0s"}, c.args...)
	if c.route != "" {
		path := filepath.Join(t.TempDir(), "proxy409.yaml")
		file := fmt.Sprintf("upstream: %s\nroutes:\n  - {name: docs, match: /, %s}\n", o.url, c.route)
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args[2] = "/doc"
		args = append(args, "--config", path)
	}
	text, err = command(t, args...)
	if err != nil {
		text += "error: " + err.Error() + "\n"
	}
	return strings.ReplaceAll(text, o.url, "http://backend"), err
}

func TestOnlineSaysWhetherABackendCanBeGuarded(t *testing.T) {
	for name, c := range backends {
		t.Run(name, func(t *testing.T) {
			got, err := c.ask(t)
			golden(t, "online/"+name+".txt", got)
			if (err == nil) != c.works {
				t.Errorf("the error is %v", err)
			}
			lines := strings.Split(strings.TrimSpace(strings.Split(got, "error: ")[0]), "\n")
			last := lines[len(lines)-1]
			if !strings.HasPrefix(last, "version: ") {
				last = ""
			}
			if last != c.best {
				t.Errorf("it recommends %q, want %q", last, c.best)
			}
			if c.best != "" {
				mustBeConfiguration(t, last)
			}
		})
	}
}

func mustBeConfiguration(t *testing.T, line string) {
	t.Helper()
	cfg, _, err := config.Parse("x", []byte("upstream: http://x\ndefaults:\n  "+line), nil)
	if err == nil {
		err = validate(cfg)
	}
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

func TestARecommendationIsReadBackAsItWasMeant(t *testing.T) {
	for _, v := range []config.Version{
		{From: "etag", Suffixes: []string{"-gzip", "--gzip", ";br", ":1", ".x", "+", "-1", "-", "-:"}, Lag: 2e9, Reread: true, Qualify: "always"},
		{From: "body", Ignore: []string{"/a b", "/x,y", "/~1", "/{", "/#c", "/é\"\\"}},
		{From: "json", Pointer: "/a: b", Qualify: "never"},
		{From: "header", Header: "X-Revision", Compare: "strong"},
		{From: "header", Header: "null"},
		{From: "header", Header: "0x1"},
		{From: "header", Header: "!x"},
		{From: "header", Header: "a-1"},
	} {
		line := yamlLine(v)
		cfg, _, err := config.Parse("x", []byte("upstream: http://x\nroutes: [{name: a, match: /, "+line+"}]"), nil)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		} else if got := yamlLine(cfg.Routes[0].Version); got != line || !slices.Equal(cfg.Routes[0].Version.Ignore, v.Ignore) ||
			cfg.Routes[0].Version.Header != v.Header || !slices.Equal(cfg.Routes[0].Version.Suffixes, v.Suffixes) {
			t.Errorf("%s is read as %s", line, got)
		}
	}
}

func TestOnlineUsesCredentialsAndShowsThemToNobodyElse(t *testing.T) {
	const secret = "Bearer hunter2"
	for _, status := range []int{200, 401} {
		o := newOrigin(t, func(o *origin) {
			o.read = func(_ *origin, w http.ResponseWriter, r *http.Request) bool {
				if status != 200 {
					w.WriteHeader(status)
				}
				return status != 200
			}
		})
		text, err := command(t, "check", "--online", o.url+"/doc", "--pause", "0s", "-H", "Authorization: "+secret, "--write", "PUT", "-d", "{}")
		if (err == nil) != (status == 200) {
			t.Error(err)
		}
		if err != nil {
			text += err.Error()
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("the secret is shown:\n%s", text)
		}
		if len(o.secrets) == 0 || slices.ContainsFunc(o.secrets, func(s string) bool { return s != secret }) {
			t.Errorf("the backend got %q", o.secrets)
		}
	}
	for _, args := range [][]string{
		{"--online", "http://u:hunter2@127.0.0.1:1/x"},
		{"--online", "http://127.0.0.1:1/x", "-H", "Authorization hunter2"},
		{"--online", "http://127.0.0.1:1/x", "-H", "Authorization: hunter2\r\nx"},
		{"--online", "http://127.0.0.1:1/x", "-H", "Authorization: hunter2"},
	} {
		text, err := command(t, append([]string{"check"}, args...)...)
		if err == nil || strings.Contains(text+err.Error(), "hunter2") {
			t.Errorf("%q: %v\n%s", args, err, text)
		}
	}
}

func TestOnlineWritesNothingUnlessItMay(t *testing.T) {
	o := newOrigin(t, func(*origin) {})
	if _, err := command(t, "check", "--online", o.url+"/doc", "--pause", "0s"); err != nil || len(o.writes) > 0 {
		t.Errorf("%v; written: %q", err, o.writes)
	}
	name := filepath.Join(t.TempDir(), "doc.json")
	if err := os.WriteFile(name, []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "check", "--online", o.url+"/doc", "--pause", "0s", "--write", "PUT", "--data", "@"+name); err != nil {
		t.Error(err)
	}
	if len(o.writes) == 0 || slices.ContainsFunc(o.writes, func(s string) bool { return s != `{"a":1}` }) {
		t.Errorf("written: %q", o.writes)
	}
}

func TestCheckAsksForWhatItNeeds(t *testing.T) {
	for want, args := range map[string][]string{
		`required flag(s) "config" not set`:    {},
		"--write belongs to --online URL":      {"--config", explained, "--write", "PUT"},
		"--header belongs to --online URL":     {"--config", explained, "-H", "a: b"},
		"--write needs one or two --data":      {"--online", "http://127.0.0.1:1/", "--write", "PUT"},
		"--data is the body of --write METHOD": {"--online", "http://127.0.0.1:1/", "--data", "x"},
		"--write takes PUT, PATCH or POST":     {"--online", "http://127.0.0.1:1/", "--write", "DELETE", "--data", "x"},
		"name a resource that exists":          {"--online", newOrigin(t, func(*origin) {}).url + "/nothing"},
		"the backend gave no answer":           {"--online", "http://127.0.0.1:1/"},
		"takes the backend's URL":              {"--online", "/items/7"},
		"or the Redis of a configuration":      {"--online"},
		"a URL goes with --online":             {"--config", explained, "/items/7"},
		"one resource at a time":               {"--online=/items/7", "/items/8"},
		"--timeout belongs to --online URL":    {"--online", "--config", explained, "--timeout", "1s"},
	} {
		if _, err := command(t, append([]string{"check"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

func TestCheckOfAFileSaysWhatItSaid(t *testing.T) {
	got, err := command(t, "check", "--config", explained)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "check.txt", got)
}
