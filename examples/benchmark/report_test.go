package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedianIsTheMiddle(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 100, 2}, 3},
	} {
		if got := medianOf(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

// In the second round something else held the machine; the ratio does not show it.
var samples = []sample{
	{Round: 1, Workload: "writes", Contender: "bare", Rate: 10000, P50: 1000, P99: 3000, CPU: 50, Peak: 16 << 20},
	{Round: 1, Workload: "writes", Contender: "redis", Rate: 5000, P50: 2000, P99: 4000, CPU: 90, RedisCPU: 20, Peak: 20 << 20},
	{Round: 2, Workload: "writes", Contender: "redis", Rate: 1000, P50: 9000, P99: 9900, CPU: 92, RedisCPU: 24, Peak: 22 << 20},
	{Round: 2, Workload: "writes", Contender: "bare", Rate: 2000, P50: 5000, P99: 7000, CPU: 52, Peak: 16 << 20},
	{Round: 3, Workload: "writes", Contender: "bare", Rate: 10000, P50: 1100, P99: 3100, CPU: 51, Peak: 17 << 20},
	{Round: 3, Workload: "writes", Contender: "redis", Rate: 6000, P50: 2100, P99: 4100, CPU: 91, RedisCPU: 22, Peak: 21 << 20},
}

func TestReportComparesWithinARound(t *testing.T) {
	var out strings.Builder
	writeReport(&out, machine{Date: "2026-01-02", CPU: "Some CPU", CPUs: 4}, "the command", samples)
	for _, want := range []string{
		"`the command` on 2026-01-02; medians, rounds: 3.\n",
		"Some CPU, 4 CPUs; ",
		"**Guarded writes with the current ETag, `trust_writes: true`**",
		"| bare `httputil.ReverseProxy` | 10000 | 1.00 | 1.10 ms | 3.10 ms | 51.0 µs | – | 16 MiB |\n",
		"| proxy409 over Redis | 5000 | 0.50 (0.50 to 0.60) | 2.10 ms | 4.10 ms | 91.0 µs | 22.0 µs | 21 MiB |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(out.String(), "reads of known") || strings.Contains(out.String(), "nginx, Lua") {
		t.Error("the report has something that was not measured")
	}
	if t.Failed() {
		t.Logf("\n%s", out.String())
	}
}

func TestReportWithoutTheBareProxyHasNoRatio(t *testing.T) {
	rows := tableRows(pick(samples, "writes", "redis"), "writes")
	if len(rows) != 1 || rows[0][2] != "–" {
		t.Errorf("rows: %q", rows)
	}
}

func TestWrkOutputIsReadAndRefusalsAreNoMeasurement(t *testing.T) {
	out, err := os.ReadFile(filepath.Join("testdata", "wrk.txt"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseWrk(out)
	want := wrkResult{Micros: 2001634, Requests: 30123, Writes: 30153, P50: 1970, P99: 15430, Refused: 3}
	if err != nil || r != want {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}
	if err := r.check(); err == nil || !strings.Contains(err.Error(), "3 of 30123") {
		t.Errorf("three refusals: %v", err)
	}
	r.Refused = 0
	if err := r.check(); err != nil {
		t.Error(err)
	}
	r.Timeout = 1
	if r.check() == nil {
		t.Error("a time-out passes for a measurement")
	}
	if _, err := parseWrk([]byte("unable to connect")); err == nil {
		t.Error("output without a result passes for one")
	}
}

func TestWritesThatAreLostOrDoubledAreNoMeasurement(t *testing.T) {
	b := &bench{o: options{connections: 4}}
	for came, good := range map[int]bool{95: false, 96: true, 100: true, 101: false} {
		if err := b.account(wrkResult{Writes: 100}, came); (err == nil) != good {
			t.Errorf("100 sent, %d came: %v", came, err)
		}
	}
}

func TestRoundsBeginWithEachContenderInTurn(t *testing.T) {
	for round, want := range []string{"abc", "bca", "cab", "abc"} {
		if got := strings.Join(turn([]string{"a", "b", "c"}, round), ""); got != want {
			t.Errorf("round %d: %s, want %s", round, got, want)
		}
	}
}

func TestProcStatIsReadWhateverTheProgramIsCalled(t *testing.T) {
	group, cpu, err := parseStat("42 (a) b (c) S 1 77 77 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 1 0 5 6 7\n")
	if err != nil || group != 77 || cpu != 175*tick {
		t.Errorf("group %d, cpu %s, %v", group, cpu, err)
	}
	if peak := parsePeak("Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t    2048 kB\n"); peak != 2<<20 {
		t.Errorf("peak %d", peak)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-duration", "0s"}, {"-threads", "3"}, {"-resources", "100"}, {"extra"},
	} {
		if _, err := parse(args, new(strings.Builder)); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	if _, err := choose("only", "bare,apache", contenders); err == nil || !strings.Contains(err.Error(), "apache") {
		t.Errorf("-only apache: %v", err)
	}
}
