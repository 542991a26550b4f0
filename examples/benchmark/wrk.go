package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

//go:embed wrk/*.lua
var scripts embed.FS

// wrkResult is the line that wrk/common.lua makes wrk print at its end.
type wrkResult struct {
	Micros   int64 `json:"duration_us"`
	Requests int   `json:"requests"` // answered
	Writes   int   `json:"writes"`   // sent
	P50      int64 `json:"p50_us"`
	P99      int64 `json:"p99_us"`
	Refused  int   `json:"refused"` // answers with a status of 400 or more
	Connect  int   `json:"connect"`
	Read     int   `json:"read"`
	Write    int   `json:"write"`
	Timeout  int   `json:"timeout"`
}

func parseWrk(out []byte) (wrkResult, error) {
	var r wrkResult
	for line := range bytes.Lines(out) {
		if rest, ok := bytes.CutPrefix(line, []byte("RESULT ")); ok {
			return r, json.Unmarshal(rest, &r)
		}
	}
	return r, fmt.Errorf("wrk printed no result:\n%s", out)
}

// check says why the run is no measurement, if it is none.
func (r wrkResult) check() error {
	switch {
	case r.Requests == 0 || r.Micros == 0:
		return errors.New("not one request was answered")
	case r.Refused > 0:
		return fmt.Errorf("%d of %d answers were refusals or errors (on a busy machine a thread of wrk may come back to a "+
			"resource before the answer to its last write; with as many -threads as -connections it cannot)", r.Refused, r.Requests)
	case r.Connect+r.Read+r.Write+r.Timeout > 0:
		return fmt.Errorf("wrk met errors: connect %d, read %d, write %d, time-out %d", r.Connect, r.Read, r.Write, r.Timeout)
	}
	return nil
}

// runWrk lets wrk loose on the URL. The seed makes one round read other resources than the next, and all contenders of
// a round the same.
func (b *bench) runWrk(ctx context.Context, dir, url string, w workload, seed int) (wrkResult, error) {
	common, err := scripts.ReadFile("wrk/common.lua")
	if err != nil {
		return wrkResult{}, err
	}
	own, err := scripts.ReadFile("wrk/" + w.script)
	if err != nil {
		return wrkResult{}, err
	}
	script := filepath.Join(dir, w.script)
	if err := os.WriteFile(script, append(common, own...), 0o600); err != nil {
		return wrkResult{}, err
	}
	// wrk knows no fractions of a second, but a signal makes it end as if its time were over.
	whole := b.o.duration.Truncate(time.Second)
	if whole < b.o.duration {
		whole += time.Second
	}
	cmd := exec.CommandContext(ctx, b.tools.wrk,
		"-t", strconv.Itoa(b.o.threads), "-c", strconv.Itoa(b.o.connections), "-d", strconv.Itoa(int(whole.Seconds())), "--timeout", "5s",
		"-s", script, url, strconv.Itoa(b.o.threads), strconv.Itoa(b.o.resources), strconv.Itoa(seed))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return wrkResult{}, err
	}
	ended := make(chan struct{})
	if whole > b.o.duration {
		go interrupt(cmd.Process, b.o.duration, ended)
	}
	err = cmd.Wait()
	close(ended)
	if err != nil {
		return wrkResult{}, fmt.Errorf("wrk: %w\n%s", err, out.Bytes())
	}
	return parseWrk(out.Bytes())
}

// interrupt sends wrk the signal after it has run so long: from when it is ready for one, which would kill it before.
func interrupt(wrk *os.Process, after time.Duration, ended <-chan struct{}) {
	status := fmt.Sprintf("/proc/%d/status", wrk.Pid)
	wait := time.Millisecond
	for {
		caught, err := strconv.ParseUint(match(status, `(?m)^SigCgt:\s*(\S+)`), 16, 64)
		ready := err == nil && caught&(1<<(syscall.SIGINT-1)) != 0
		if ready {
			wait = after
		}
		select {
		case <-ended:
			return
		case <-time.After(wait):
		}
		if ready {
			_ = wrk.Signal(os.Interrupt) // it may have ended just now
			return
		}
	}
}
