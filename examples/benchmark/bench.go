package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// bench is one run of the benchmark.
type bench struct {
	o          options
	stderr     io.Writer
	tools      tools
	contenders []contender
	workloads  []workload
	dir        string // for configurations, logs and the binary; removed at the end
	self       string // this very program
	proxy409   string // the binary
	client     *http.Client
}

// sample is what one measurement gave.
type sample struct {
	Round     int     `json:"round"`
	Workload  string  `json:"workload"`
	Contender string  `json:"contender"`
	Rate      float64 `json:"requests_per_second"`
	P50       int64   `json:"p50_us"`
	P99       int64   `json:"p99_us"`
	CPU       float64 `json:"cpu_us_per_request"`       // the proxy's processes
	RedisCPU  float64 `json:"redis_cpu_us_per_request"` // 0 where there is no Redis
	Peak      int64   `json:"peak_bytes"`               // the proxy's processes
}

// newBench prepares a benchmark, and says aloud what it cannot measure on this machine.
func newBench(ctx context.Context, o options, stderr io.Writer) (*bench, error) {
	b := &bench{o: o, stderr: stderr, tools: findTools(), proxy409: o.proxy409, client: newClient(o.connections)}
	if b.tools.wrk == "" {
		return nil, errors.New("wrk is missing, without which nothing can be measured (on Debian: apt-get install wrk)")
	}
	if err := b.choose(); err != nil {
		return nil, err
	}
	if o.proxy409 != "" && !exists(o.proxy409) {
		return nil, fmt.Errorf("-proxy409 %s: there is no such file", o.proxy409)
	}
	if err := b.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// choose takes what the command line names and the machine can run.
func (b *bench) choose() error {
	var err error
	if b.workloads, err = choose("workloads", b.o.workloads, workloads); err != nil {
		return err
	}
	chosen, err := choose("only", b.o.only, contenders)
	if err != nil {
		return err
	}
	for _, c := range chosen {
		if what := c.lacks(b.tools); what != "" {
			fmt.Fprintf(b.stderr, "!! SKIPPED: %s, because this machine lacks %s\n", c.name, what)
			continue
		}
		b.contenders = append(b.contenders, c)
	}
	if len(b.contenders) == 0 {
		return errors.New("no contender is left")
	}
	return nil
}

// prepare makes the folder and the binary.
func (b *bench) prepare(ctx context.Context) error {
	var err error
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "proxy409-benchmark-"); err != nil {
		return err
	}
	if b.proxy409 != "" {
		return nil
	}
	return b.build(ctx)
}

func (b *bench) close() {
	b.client.CloseIdleConnections()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// build makes proxy409 as its release is made, from the module that the working directory is in.
func (b *bench) build(ctx context.Context) error {
	version := "v0.0.0-benchmark"
	if out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--tags").Output(); err == nil {
		version = strings.TrimSpace(string(out))
	}
	b.proxy409 = filepath.Join(b.dir, "proxy409")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+version, "-o", b.proxy409, "proxy409/cmd/proxy409")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w (-proxy409 takes a binary that is there)\n%s", err, out)
	}
	return nil
}

// measureAll runs all rounds. One measurement that is none ends the benchmark: its table would not be worth printing.
func (b *bench) measureAll(ctx context.Context) ([]sample, error) {
	var samples []sample
	for round := range b.o.rounds {
		for _, w := range b.workloads {
			for _, c := range turn(b.contenders, round) {
				s, err := b.measure(ctx, c, w, round)
				if ctx.Err() != nil {
					return nil, errors.New("interrupted")
				}
				if err != nil {
					return nil, fmt.Errorf("round %d, %s, %s: %w", round+1, w.name, c.name, err)
				}
				fmt.Fprintf(b.stderr, "round %d/%d  %-9s  %-8s  %7.0f requests/s  p99 %s\n", round+1, b.o.rounds,
					w.name, c.name, s.Rate, time.Duration(s.P99)*time.Microsecond)
				samples = append(samples, s)
			}
		}
	}
	return samples, nil
}

func (b *bench) measure(ctx context.Context, c contender, w workload, round int) (sample, error) {
	dir, err := os.MkdirTemp(b.dir, c.name+"-")
	if err != nil {
		return sample{}, err
	}
	s := &stand{dir: dir}
	defer s.stop()
	defer b.client.CloseIdleConnections()
	if err := b.raise(ctx, s, c, w); err != nil {
		return sample{}, err
	}
	if err := warm(ctx, b.client, s.url, b.o.resources, b.o.connections); err != nil {
		return sample{}, s.proxy.Explain(err)
	}
	if err := prove(ctx, b.client, s.url, c.guards && w.guarded); err != nil {
		return sample{}, s.proxy.Explain(err)
	}
	b.client.CloseIdleConnections() // so that the proxy has wrk's connections alone
	m, err := b.timed(ctx, s, w, round)
	if err != nil {
		return sample{}, s.proxy.Explain(err)
	}
	m.Round, m.Workload, m.Contender = round+1, w.name, c.name
	return m, nil
}

// timed is what is measured.
func (b *bench) timed(ctx context.Context, s *stand, w workload, round int) (sample, error) {
	before, err := b.meter(ctx, s)
	if err != nil {
		return sample{}, err
	}
	r, err := b.runWrk(ctx, s.dir, s.url, w, round+1)
	if err != nil {
		return sample{}, err
	}
	after, err := b.meter(ctx, s)
	if err != nil {
		return sample{}, err
	}
	if err := r.check(); err != nil {
		return sample{}, err
	}
	if err := b.account(r, after.writes-before.writes); err != nil {
		return sample{}, err
	}
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(r.Requests) }
	return sample{
		Rate: float64(r.Requests) / (float64(r.Micros) / 1e6),
		P50:  r.P50, P99: r.P99,
		CPU: per(after.proxy.cpu - before.proxy.cpu), RedisCPU: per(after.redis.cpu - before.redis.cpu),
		Peak: after.proxy.peak,
	}, nil
}

// account compares the writes that wrk sent with those that came to the backend. Only those whose answers wrk did not
// wait for at its end, one for each connection at most, may or may not have come.
func (b *bench) account(r wrkResult, came int) error {
	if came > r.Writes || came < r.Writes-b.o.connections {
		return fmt.Errorf("%d writes were sent and %d came to the backend: some were lost or came twice", r.Writes, came)
	}
	return nil
}

// reading is what the meters of a stand show.
type reading struct {
	proxy, redis usage
	writes       int
}

func (b *bench) meter(ctx context.Context, s *stand) (reading, error) {
	var r reading
	var err error
	if r.proxy, err = usageOf(s.proxy); err != nil {
		return r, err
	}
	if s.redis != nil {
		if r.redis, err = usageOf(s.redis); err != nil {
			return r, err
		}
	}
	r.writes, err = countWrites(ctx, b.client, "http://"+s.backendAddr)
	return r, err
}
