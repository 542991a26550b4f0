package examples_test

import (
	"bytes"
	"fmt"
	"net"
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

	processes "proxy409/examples/process"
)

// built is where the programs under test are, each built once and by the first test that needs it.
var built struct {
	dir  string
	mu   sync.Mutex
	path map[string]string // by package
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if built.dir != "" {
			_ = os.RemoveAll(built.dir)
		}
		os.Exit(code)
	}))
}

// program builds a command of this module, with the race detector if the tests have it, and returns its path.
func program(t testing.TB, pkg string) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	if path, ok := built.path[pkg]; ok {
		return path
	}
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "proxy409-examples-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.path = dir, map[string]string{}
	}
	path := filepath.Join(built.dir, strings.ReplaceAll(pkg, "/", "_"))
	args := []string{"build", "-o", path}
	if raceEnabled() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	built.path[pkg] = path
	return path
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

// missing skips the test for want of a program, or fails it where all must be there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PROXY409_REQUIRE_BACKENDS") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// installed returns the path of a program that is not ours.
func installed(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "there is no "+name+" (Debian: apt-get install "+debian+")")
	}
	return path
}

// process is a child of the test. It is ended when the test ends.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	said *output
	done chan struct{} // closed when it has exited
}

// launch starts a program with a process group of its own, so that its children end with it.
func launch(t testing.TB, environment []string, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(path, args...), said: &output{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), environment...)
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // nobody asks how it ended
		close(p.done)
	}()
	t.Cleanup(func() {
		p.end()
		if text := p.said.String(); t.Failed() || strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") {
			t.Errorf("%s said:\n%s", filepath.Base(path), text[max(0, len(text)-3000):])
		}
	})
	return p
}

// end ends the process in order, or by force if that takes too long, and then what is left of its group.
func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have exited
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// says waits until the process has said something that matches, and returns its submatches.
func (p *process) says(pattern string) []string {
	p.t.Helper()
	expression := regexp.MustCompile(pattern)
	var found []string
	p.eventually(func() error {
		if found = expression.FindStringSubmatch(p.said.String()); found == nil {
			return fmt.Errorf("%s does not say %s", filepath.Base(p.cmd.Path), pattern)
		}
		return nil
	})
	return found
}

// listens waits until somebody listens at the address.
func (p *process) listens(address string) {
	p.t.Helper()
	p.eventually(func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// eventually calls f until it returns nil, and fails the test if it does not in time, or if the process has exited.
func (p *process) eventually(f func() error) {
	p.t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
		select {
		case <-p.done:
			p.t.Fatalf("%s has exited: %v", filepath.Base(p.cmd.Path), err)
		default:
		}
	}
	p.t.Fatal(err)
}

// freeAddress is one at which nobody listens, for programs that cannot choose one themselves.
func freeAddress(t testing.TB) string {
	t.Helper()
	addr, err := processes.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// output is what a process has said so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
