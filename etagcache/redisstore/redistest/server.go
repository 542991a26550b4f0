// Package redistest runs Redis for tests: real servers ([Start], [StartCluster], [StartSentinel]), which can be killed,
// restarted and paused, and a fast imitation ([Mini]).
package redistest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxy409/examples/process"
)

// Server is a redis-server on the loopback interface. It keeps its address when it is restarted.
type Server struct {
	Addr string // host:port

	t    testing.TB
	env  []string // besides that of the test
	args []string
	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has exited
}

// Start starts Debian's redis-server, without persistence, in a directory of its own; args are further options, such
// as "--save", "3600 1". It stops when the test ends. Where there is no redis-server the test is skipped, unless the
// environment has PROXY409_REQUIRE_REDIS=1: then it fails.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	requireRedis(t)
	s := start(t, nil, args)
	if s == nil {
		t.Fatal("redistest: redis-server does not start")
	}
	return s
}

// start returns nil if it does not start.
func start(t testing.TB, env, args []string) *Server {
	t.Helper()
	for range 5 { // somebody else may take the port in between
		port := freePort(t)
		s := &Server{t: t, env: env, dir: t.TempDir(), Addr: "127.0.0.1:" + port}
		s.args = append([]string{
			"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
			"--dir", s.dir, "--logfile", filepath.Join(s.dir, "redis.log"),
			"--repl-diskless-sync", "no", // or a replica takes seconds until it takes part
		}, args...)
		if s.run() {
			t.Cleanup(s.Kill)
			return s
		}
	}
	return nil
}

func requireRedis(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	const missing = "redistest: there is no redis-server on PATH (Debian: apt-get install redis-server)"
	if os.Getenv("PROXY409_REQUIRE_REDIS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}

// freePort is one that nobody listens on, and another one each time.
func freePort(t testing.TB) string {
	t.Helper()
	addr, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr) // it was joined there
	return port
}

// run starts the process and waits until it answers. It tells whether it does.
func (s *Server) run() bool {
	s.t.Helper()
	output := s.launch()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if answer, err := do(s.Addr, "PING"); err == nil && answer == "PONG" {
			return true
		}
		select {
		case <-s.done:
			s.t.Logf("redistest: redis-server exited: %s", output.String())
			return false
		default:
		}
	}
	s.Kill()
	return false
}

// launch starts the process. What it prints can be read when it has exited.
func (s *Server) launch() *bytes.Buffer {
	s.t.Helper()
	var output bytes.Buffer
	cmd := exec.Command("redis-server", s.args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(os.Environ(), s.env...)
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its state says what became of it
		close(done)
	}()
	s.cmd, s.done = cmd, done
	return &output
}

// Stop ends the process by SIGTERM, so that it saves if it is told to, and waits for it.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the process by SIGKILL, and waits for it.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(how syscall.Signal) {
	_ = s.cmd.Process.Signal(how) // may have exited
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// Restart starts the process anew at the same address, after it has been stopped if need be.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	if !s.run() {
		s.t.Fatal("redistest: redis-server does not start again")
	}
}

// RestartLoading starts the process anew with the data that it has, which it goes on loading for as long as it is let:
// until [Server.EndLoading].
func (s *Server) RestartLoading() {
	s.t.Helper()
	s.Do("DEBUG", "POPULATE", "5000", "filler")
	s.Do("SAVE")
	s.Kill()
	s.Configure("key-load-delay", "1000") // µs
	s.Configure("loading-process-events-interval-bytes", "1024")
	s.launch()
	Eventually(s.t, 10*time.Second, func() error {
		if _, err := s.Try("PING"); err == nil || !strings.HasPrefix(err.Error(), "LOADING") {
			return fmt.Errorf("it is not loading: %w", err)
		}
		return nil
	})
}

// EndLoading lets the server come to the end of what [Server.RestartLoading] began.
func (s *Server) EndLoading() { s.Do("CONFIG", "SET", "key-load-delay", "0") }

// Pause stops the process as it is (SIGSTOP): connections stay open, nothing is answered.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends what [Server.Pause] began.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("redistest: %v: %v", sig, err)
	}
}

// Do sends one command over a connection of its own and returns the answer: the text, or the elements of an array, one
// a line; "" for nil. An error reply fails the test.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	answer, err := do(s.Addr, args...)
	if err != nil {
		s.t.Fatalf("redistest: %q: %v", args, err)
	}
	return answer
}

// Try is [Server.Do], but returns an error reply, and whatever else went wrong.
func (s *Server) Try(args ...string) (string, error) { return do(s.Addr, args...) }

// Calls returns how often a command was executed since the process started, or since CONFIG RESETSTAT, by scripts too.
func (s *Server) Calls(command string) int {
	s.t.Helper()
	for line := range strings.Lines(s.Do("INFO", "commandstats")) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_"+command+":calls="); ok {
			calls, _, _ := strings.Cut(rest, ",")
			n, err := strconv.Atoi(calls)
			if err != nil {
				s.t.Fatalf("redistest: %q: %v", line, err)
			}
			return n
		}
	}
	return 0
}

// URL returns the redis:// URL of the server.
func (s *Server) URL() string { return "redis://" + s.Addr }

// Eventually calls f every few milliseconds until it returns nil, and fails the test if it does not within d.
func Eventually(t testing.TB, d time.Duration, f func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(d); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("not within %v: %v", d, err)
}

// Configure changes an option of the server for its next [Server.Restart].
func (s *Server) Configure(name, value string) {
	if i := slices.Index(s.args, "--"+name); i >= 0 {
		s.args[i+1] = value
		return
	}
	s.args = append(s.args, "--"+name, value)
}

func (s *Server) option(name string) string { return s.args[slices.Index(s.args, "--"+name)+1] }

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func wantLine(answer, line string) error {
	for l := range bytes.Lines([]byte(answer)) {
		if string(bytes.TrimSpace(l)) == line {
			return nil
		}
	}
	return fmt.Errorf("no line %q in %q", line, answer)
}
