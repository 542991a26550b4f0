package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"proxy409/config"
	"proxy409/examples/legacy"
	"proxy409/metrics"
	"proxy409/proxy/refusal"
)

var update = flag.Bool("update", false, "rewrite what the README quotes from the code")

const readmePath = "../../README.md"

func readme(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// fenced returns the code blocks of a language in a text of the README's.
func fenced(t *testing.T, text, language string) []string {
	t.Helper()
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("the README has no %s block", language)
	}
	return blocks
}

// The exchanges of the section about every cause of a 409 are those of examples/conflicts, and carried out there.
func TestReadmeTranscriptIsWhatHappens(t *testing.T) {
	_, lost, _ := strings.Cut(readme(t), "\n## The lost update\n")
	lost, _, _ = strings.Cut(lost, "\n## ")
	api := httptest.NewServer(legacy.New(legacy.Options{}))
	defer api.Close()
	cfg, err := config.Default(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	in, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(in.proxy)
	defer front.Close()
	for _, block := range fenced(t, lost, "console") {
		for step := range strings.SplitSeq(strings.TrimPrefix(block, "$ "), "\n$ ") {
			command, want, _ := strings.Cut(step, "\n")
			res, body := curl(t, command, front.URL)
			compare(t, command, strings.TrimSpace(want), res, body)
		}
	}
}

// curl carries out a curl command as the README writes it.
func curl(t *testing.T, command, base string) (*http.Response, string) {
	t.Helper()
	method, data := http.MethodGet, ""
	header := http.Header{}
	var url string
	words := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1)
	for i := 1; i < len(words); i++ {
		next := func() string { i++; return strings.Trim(words[i], "'") }
		switch words[i] {
		case "-i", "-s", "-si":
		case "-X":
			method = next()
		case "-d":
			data = next()
		case "-H":
			name, value, _ := strings.Cut(next(), ": ")
			header.Set(name, value)
		default:
			url = strings.Replace(words[i], "http://127.0.0.1:8080", base, 1)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, strings.TrimSpace(string(body))
}

// compare holds an answer against what the README shows of it: the status, some header fields, the body.
func compare(t *testing.T, command, want string, res *http.Response, body string) {
	t.Helper()
	head, wantBody, _ := strings.Cut(want, "\n\n")
	lines := strings.Split(head, "\n")
	if got := "HTTP/1.1 " + res.Status; got != lines[0] {
		t.Errorf("%s\ngot  %s\nwant %s", command, got, lines[0])
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if got := res.Header.Get(name); got != value {
			t.Errorf("%s\n%s: got %s, want %s", command, name, got, value)
		}
	}
	if got := regexp.MustCompile(`urn:uuid:[0-9a-f-]+`).ReplaceAllString(body, "urn:uuid:…"); got != wantBody {
		t.Errorf("%s\ngot  %s\nwant %s", command, got, wantBody)
	}
}

func TestReadmeConfigurationsAreValid(t *testing.T) {
	for i, block := range fenced(t, readme(t), "yaml") {
		cfg, _, err := config.Parse(fmt.Sprintf("block %d", i), []byte(block), nil)
		if err == nil {
			err = validate(cfg)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func TestReadmeNamesEveryConfigurationKey(t *testing.T) {
	rows := strings.Join(regexp.MustCompile("(?m)^\\| `.*` \\| .* \\| .* \\|$").FindAllString(readme(t), -1), "\n")
	inherited := regexp.MustCompile(`^routes\[\]\.(timeouts|limits|refusals)\.|^refusals\.status\.`) // said once for all of them
	for _, key := range config.Keys() {
		last := key[strings.LastIndexByte(key, '.')+1:]
		switch {
		case inherited.MatchString(key):
		case strings.Contains(rows, "| `"+key+"`"), strings.Contains(rows, "`"+last+"` |"):
		case regexp.MustCompile("(?m)`" + regexp.QuoteMeta(key) + `\.`).MatchString(rows): // a mapping whose members are there
		default:
			t.Errorf("the README's table has no row for %s", key)
		}
	}
}

func TestReadmeListsEveryMetric(t *testing.T) {
	var want strings.Builder
	for _, m := range metrics.List() {
		labels := "-"
		if len(m.Labels) > 0 {
			labels = strings.Join(m.Labels, ", ")
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", m.Name, labels, m.Help)
	}
	const begin, end = "<!-- metrics -->\n", "<!-- /metrics -->"
	text := readme(t)
	before, rest, _ := strings.Cut(text, begin)
	got, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatal("the README has no list of metrics")
	}
	if *update {
		if err := os.WriteFile(readmePath, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Errorf("the README's list of metrics is not the code's; go test ./cmd/proxy409 -update rewrites it")
	}
}

func TestReadmeStatusesAreTheTables(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| (`[a-z_`, ]+`) \\| (\\d+) \\| (\\d+) \\|")
	seen := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(readme(t), -1) {
		for _, name := range regexp.MustCompile("[a-z_]+").FindAllString(m[1], -1) {
			seen[name] = true
			var reason refusal.Reason
			if err := reason.UnmarshalText([]byte(name)); err != nil {
				t.Fatal(err)
			}
			for i, profile := range []refusal.Profile{refusal.Conflict, refusal.RFC9110} {
				if got := strconv.Itoa(refusal.Style{Profile: profile}.StatusOf(reason)); got != m[2+i] {
					t.Errorf("%s under %s is %s, not %s", name, profile, got, m[2+i])
				}
			}
		}
	}
	for _, reason := range refusal.Reasons() {
		if !seen[reason.String()] {
			t.Errorf("the README does not tell the status of %s", reason)
		}
	}
}

func TestDemoShowsTheLossAndTheCure(t *testing.T) {
	var out strings.Builder
	if err := demo(t.Context(), &out, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"THE UPDATE IS LOST", "409 Conflict", `"reason": "stale"`, "NOTHING IS LOST"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demonstration does not show %q", want)
		}
	}
}

// The line in the package comment is the one that a test of the store runs.
func TestReadmeNamesTheACLThatIsTested(t *testing.T) {
	doc, err := os.ReadFile("../../etagcache/redisstore/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`ACL SETUSER .*`).FindString(string(doc))
	if line == "" || !strings.Contains(readme(t), line) {
		t.Errorf("README.md does not have the line %q", line)
	}
}

// Package examples loads them; only here is it seen whether they could be served.
func TestEveryExampleCanBeServed(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/proxy409*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d configurations of examples: %v", len(files), err)
	}
	for _, file := range files {
		if strings.Contains(file, "/tls/") {
			continue // its certificates are made by the test that serves it
		}
		cfg, _, err := config.Load(file, func(string) (string, bool) { return "", false })
		if strings.Contains(file, "/compose/") {
			cfg, _, err = config.Load(file, func(name string) (string, bool) { return "x", name == "REDIS_PASSWORD" })
		}
		if err == nil {
			err = validate(cfg)
		}
		if err != nil {
			t.Error(err)
		}
	}
}
