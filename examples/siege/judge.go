package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measurement is what the proxy says of itself.
type measurement struct {
	goroutines, files, held float64
	series                  int
}

// verdict is what came of it.
type verdict struct {
	before, after measurement
	rss           int64 // the most bytes of memory that the proxy has had
	limit         int64
	faults        []string
}

func (v *verdict) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// judge looks at what is left when all attackers have gone.
func (s *stand) judge(ctx context.Context, before measurement, attacks []*attack, citizens []*citizen) *verdict {
	v := &verdict{before: before, limit: s.rss << 20}
	for _, a := range attacks {
		if a.begun == 0 || !a.bites(a.statuses) {
			v.fault("%s: it was no such attack: %d times begun, answers %v", a.name, a.begun, a.statuses)
		}
	}
	for _, c := range citizens {
		v.faults = append(v.faults, c.faults...)
		if c.writes == 0 {
			v.fault("%s: nothing was written", c.name)
		}
	}
	s.calm(ctx, v)
	s.aftermath(v, citizens)
	var err error
	if v.rss, err = peak(s.proxy.proc.Group()); err != nil {
		v.fault("memory: %v", err)
	} else if v.rss > v.limit {
		v.fault("memory: %d MiB at the most, and no more than %d are allowed", v.rss>>20, v.limit>>20)
	}
	log, err := os.ReadFile(s.proxy.log)
	if err != nil || strings.Contains(string(log), "panic") || strings.Contains(string(log), "DATA RACE") {
		v.fault("its log has a panic, or cannot be read: %v\n%s", err, log)
	}
	return v
}

// calm waits until the proxy is as it was. Connections that nobody uses are closed after timeouts.idle; towards the backend,
// after four seconds.
func (s *stand) calm(ctx context.Context, v *verdict) {
	const some = 8 // a connection of the admin listener, and what the runtime starts when it likes
	end := time.Now().Add(30 * time.Second)
	for {
		var err error
		if v.after, err = s.proxy.measure(ctx); err != nil {
			v.fault("/metrics: %v", err)
			return
		}
		calm := v.after.held == 0 && v.after.goroutines <= v.before.goroutines+some && v.after.files <= v.before.files+some
		if calm || time.Now().After(end) {
			if !calm {
				v.fault("half a minute after the attack it is not as it was: %+v, before %+v", v.after, v.before)
			}
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if v.after.series != v.before.series {
		v.fault("%d metric series became %d", v.before.series, v.after.series)
	}
}

// aftermath has every citizen write once more.
func (s *stand) aftermath(v *verdict, citizens []*citizen) {
	for _, c := range citizens {
		tag, _, ok := c.read()
		if !ok || !c.write("after", tag) {
			v.fault("%s: it cannot be written when the attack is over: %q", c.name, c.faults)
		}
		c.client.CloseIdleConnections()
	}
}

func (p *besieged) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+path, nil)
	if err != nil {
		return "", err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("%s: %d", path, res.StatusCode))
	}
	return string(text), errors.Join(err, res.Body.Close())
}

func (p *besieged) ready(ctx context.Context) error {
	_, err := p.get(ctx, "/readyz")
	return err
}

func (p *besieged) measure(ctx context.Context) (m measurement, err error) {
	text, err := p.get(ctx, "/metrics")
	if err != nil {
		return m, err
	}
	found := 0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "#" {
			continue
		}
		m.series++
		for wanted, into := range map[string]*float64{
			"go_goroutines": &m.goroutines, "process_open_fds": &m.files, "proxy409_held_bytes": &m.held,
		} {
			if name != wanted {
				continue
			}
			found++
			if *into, err = strconv.ParseFloat(value, 64); err != nil {
				return m, err
			}
		}
	}
	if found != 3 {
		return m, errors.New("/metrics does not have what is to be measured")
	}
	return m, nil
}

// peak is the most memory that a process has had, as Linux counts it.
func peak(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kilobytes int64
	_, err = fmt.Sscan(rest, &kilobytes)
	return kilobytes << 10, err
}

func (v *verdict) write(w io.Writer, attacks []*attack, citizens []*citizen) {
	for _, a := range attacks {
		var answers []string
		for status, n := range a.statuses {
			answers = append(answers, fmt.Sprintf("%d: %d", status, n))
		}
		slices.Sort(answers)
		fmt.Fprintf(w, "%-24s %6d connections   %s\n", a.name, a.begun, strings.Join(answers, ", "))
	}
	for _, c := range citizens {
		fmt.Fprintf(w, "%-24s %6d writes, %d busy, %d overloaded, the slowest %v\n",
			c.name, c.writes, c.busy, c.overloaded, c.slowest.Round(time.Millisecond))
	}
	fmt.Fprintf(w, "memory %d MiB at the most (%d allowed), goroutines %v -> %v, files %v -> %v, series %d -> %d\n", v.rss>>20, v.limit>>20,
		v.before.goroutines, v.after.goroutines, v.before.files, v.after.files, v.before.series, v.after.series)
	for _, f := range v.faults {
		fmt.Fprintln(w, "FAULT", f)
	}
	if len(v.faults) == 0 {
		fmt.Fprintln(w, "it held")
	}
}
