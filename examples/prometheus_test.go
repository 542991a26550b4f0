package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"proxy409/metrics"
)

// alert is one rule of alerts.yml, as far as these tests look at it.
type alert struct{ name, text, expr string }

func alerts(t *testing.T) []alert {
	t.Helper()
	var all []alert
	for _, text := range strings.Split(read(t, "prometheus/alerts.yml"), "\n      - alert: ")[1:] {
		name, rest, _ := strings.Cut(text, "\n")
		_, expr, _ := strings.Cut(rest, "expr: ")
		expr, _, found := strings.Cut(expr, "\n        for: ")
		if !found {
			t.Errorf("%s has no expr that is followed by a for", name)
		}
		all = append(all, alert{name, rest, expr})
	}
	if len(all) < 10 {
		t.Fatalf("found %d alerts in alerts.yml", len(all))
	}
	return all
}

var (
	selector = regexp.MustCompile(`\b(up|proxy409_\w+)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)=~?"([^"]*)"`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
	ofTarget = []string{"job", "instance"} // the labels that Prometheus adds
)

// An alert over a metric, a label or a value that is not there would stay silent for ever.
func TestAlertsAskForWhatThereIs(t *testing.T) {
	known := map[string]metrics.Info{"up": {}}
	for _, info := range metrics.List() {
		known[info.Name] = info
	}
	scrape := strings.Split(read(t, "../metrics/testdata/metrics.txt"), "\n")
	for _, a := range alerts(t) {
		selectors := selector.FindAllStringSubmatch(a.expr, -1)
		if len(selectors) == 0 {
			t.Errorf("%s looks at no metric", a.name)
		}
		for _, s := range selectors {
			info, ok := known[s[1]]
			if !ok {
				t.Errorf("%s names %s, which is no metric", a.name, s[1])
			}
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				for value := range strings.SplitSeq(m[2], "|") {
					if !slices.Contains(ofTarget, m[1]) && !shows(scrape, s[1], m[1]+`="`+value+`"`) {
						t.Errorf("%s asks for %s{%s=%q}, which no series has", a.name, s[1], m[1], value)
					}
				}
			}
			for _, by := range grouping.FindAllStringSubmatch(a.expr, -1) {
				for label := range strings.SplitSeq(by[1], ", ") {
					if !slices.Contains(append(ofTarget, info.Labels...), label) {
						t.Errorf("%s groups by %s, which %s does not have", a.name, label, s[1])
					}
				}
			}
		}
	}
}

// shows says whether a series of the metric has the label.
func shows(scrape []string, metric, label string) bool {
	return slices.ContainsFunc(scrape, func(line string) bool {
		return strings.HasPrefix(line, metric+"{") && strings.Contains(line, label)
	})
}

func TestEveryAlertSaysWhatToDoAndIsTestedBothWays(t *testing.T) {
	readme, tests := read(t, "prometheus/README.md"), read(t, "prometheus/alerts_test.yml")
	for _, a := range alerts(t) {
		severity := regexp.MustCompile(`severity: (critical|warning)\n`).FindStringSubmatch(a.text)
		if severity == nil {
			t.Fatalf("%s has no severity that README.md explains", a.name)
		}
		for _, annotation := range []string{"\n          summary: ", "\n          description: >-\n"} {
			if !strings.Contains(a.text, annotation) {
				t.Errorf("%s has no%s", a.name, annotation)
			}
		}
		if !strings.Contains(readme, "\n| `"+a.name+"` | "+severity[1]+" | ") {
			t.Errorf("README.md has no row for %s, or not with severity %s", a.name, severity[1])
		}
		fires := regexp.MustCompile(`alertname: ` + a.name + "\n +exp_alerts:\n").MatchString(tests)
		silent := strings.Contains(tests, "\n  - name: "+a.name+" stays silent\n")
		if !fires || !silent {
			t.Errorf("alerts_test.yml shows that %s fires: %t; that it stays silent: %t", a.name, fires, silent)
		}
	}
	if rows := strings.Count(readme, "\n| `Proxy409"); rows != len(alerts(t)) {
		t.Errorf("README.md has %d rows for %d alerts", rows, len(alerts(t)))
	}
}

func TestPromtoolAcceptsTheRulesAndTheirTests(t *testing.T) {
	t.Parallel()
	promtool := installed(t, "promtool", "prometheus")
	// Debian's promtool is older than the key that prometheus.yml asks for native histograms with. The rest is checked as it is.
	dir := t.TempDir()
	config := strings.Replace(read(t, "prometheus/prometheus.yml"), "\n  scrape_native_histograms: true\n", "\n", 1)
	for name, text := range map[string]string{"prometheus.yml": config, "alerts.yml": read(t, "prometheus/alerts.yml")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"check", "rules", "prometheus/alerts.yml"},
		{"test", "rules", "prometheus/alerts_test.yml"},
		{"check", "config", filepath.Join(dir, "prometheus.yml")},
	} {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		if args[1] == "config" && !strings.Contains(string(out), "1 rule files") {
			t.Errorf("promtool found no rule file in prometheus.yml:\n%s", out)
		}
	}
}
