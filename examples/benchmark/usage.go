package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"proxy409/examples/process"
)

// usage is what a process group has used since it began.
type usage struct {
	cpu  time.Duration // user and system, all its processes
	peak int64         // bytes: the sum of the largest resident sizes; memory that processes share counts in each
}

// tick is what Linux counts CPU time in for all programs (USER_HZ), on every machine that Go runs on.
const tick = 10 * time.Millisecond

// usageOf reads /proc; other systems than Linux have none.
func usageOf(p *process.Process) (usage, error) {
	var u usage
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return u, err
	}
	found := false
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		group, cpu, err := parseStat(string(text))
		if err != nil {
			return u, fmt.Errorf("%s: %w", path, err)
		}
		if group != p.Group() {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		if err != nil {
			continue
		}
		found = true
		u.cpu += cpu
		u.peak += parsePeak(string(status))
	}
	if !found {
		return u, p.Explain(errors.New("CPU time and memory cannot be read from /proc: it has ended, or this is no Linux"))
	}
	return u, nil
}

// parseStat takes the process group and the CPU time out of /proc/PID/stat (see proc_pid_stat(5)).
func parseStat(text string) (group int, cpu time.Duration, err error) {
	// The second field is the program's name in parentheses, which may contain anything; the third comes after the last one.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, 0, errors.New("too few fields")
	}
	group, err = strconv.Atoi(fields[2])
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return group, time.Duration(user+system) * tick, errors.Join(err, err1, err2)
}

// parsePeak takes the peak resident size out of /proc/PID/status. A process that has just ended has none.
func parsePeak(text string) int64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kib int64
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
