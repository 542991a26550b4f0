package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// program is the binary under test, built once and by the first test that needs it.
var program struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if program.dir != "" {
			_ = os.RemoveAll(program.dir)
		}
		os.Exit(code)
	}))
}

// binary builds the program, with the race detector if the tests have it.
func binary(t testing.TB) string {
	t.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "proxy409-e2e-"); program.err != nil {
			return
		}
		program.path = filepath.Join(program.dir, "proxy409")
		args := []string{"build", "-o", program.path}
		if raceEnabled() {
			args = append(args, "-race")
		}
		out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

func raceEnabled() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// process is a child of the test. It is ended when the test ends, at the latest.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	logs *logs
	done chan struct{} // closed when it has exited
}

// launch starts a program with a process group of its own, so that its children can be ended with it.
func launch(t testing.TB, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(path, args...), logs: &logs{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.logs, p.logs
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its state says what became of it
		close(p.done)
	}()
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), p.logs.tail(6000))
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%v: %v", s, err)
	}
}

// end ends the process in order, or by force if that takes too long.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have exited
	select {
	case <-p.done:
		return
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// exit waits for the process to end by itself and returns its exit code, -1 if a signal ended it.
func (p *process) exit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("the process still runs after %v; it said:\n%s", within, p.logs.tail(4000))
		return 0
	}
}

// replica is one running proxy409.
type replica struct {
	*process
	url   string // of the clients' listener
	admin string // of the operators' listener
}

var serving = regexp.MustCompile(`msg=serving listen=(\S+) admin=(\S+)`)

// serve starts a replica with the configuration, and waits until it serves, which does not mean that it is ready.
func serve(t testing.TB, configuration string, flags ...string) *replica {
	t.Helper()
	args := append([]string{"serve", "--config", file(t, configuration)}, flags...)
	r := &replica{process: launch(t, binary(t), args...)}
	eventually(t, 10*time.Second, func() error {
		found := serving.FindStringSubmatch(r.logs.String())
		if found == nil {
			return errors.New("it does not say that it serves; it said:\n" + r.logs.String())
		}
		r.url, r.admin = "http://"+found[1], "http://"+found[2]
		return nil
	})
	t.Cleanup(func() {
		for _, bad := range []string{"DATA RACE", "panic:"} {
			if strings.Contains(r.logs.String(), bad) {
				t.Errorf("%s in a replica:\n%s", bad, r.logs.String())
			}
		}
	})
	return r
}

// ready waits until the replica says that it is.
func (r *replica) ready() *replica {
	r.t.Helper()
	eventually(r.t, 15*time.Second, func() error {
		a, err := send("GET", r.admin+"/readyz", "")
		if err == nil && a.status != 200 {
			err = fmt.Errorf("/readyz: %d %s", a.status, a.body)
		}
		return err
	})
	return r
}

// logs is what a process said.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*logs)(nil)

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}

// eventually calls f until it returns nil, and fails the test if it does not in time.
func eventually(t testing.TB, within time.Duration, f func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("not within %v: %v", within, err)
}
