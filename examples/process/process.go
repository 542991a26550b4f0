// Package process starts and ends the programs that the commands of this folder set against each other.
package process

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a child, in a process group of its own: what it starts is measured and ended with it, and a Ctrl-C at the terminal
// reaches the command alone, which ends everything in order.
type Process struct {
	name string
	log  string // the file that its output is added to
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
}

// Launch starts a program. Its output is added to the file log; name is what messages call it.
func Launch(name, log, path string, args ...string) (*Process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the child has its own
	p := &Process{name: name, log: log, done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.Background(), path, args...) // ended by stop, in order
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is asked for by Terminate, and stands in its log
	}()
	return p, nil
}

// Group is the number of its process group.
func (p *Process) Group() int { return p.cmd.Process.Pid }

func (p *Process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the process at once.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// Freeze has the process stand still until [Process.Thaw].
func (p *Process) Freeze() { p.signal(syscall.SIGSTOP) }

// Thaw ends a [Process.Freeze].
func (p *Process) Thaw() { p.signal(syscall.SIGCONT) }

// Terminate asks the process to end and waits for it. It returns its exit code, or -1 if it had to be killed.
func (p *Process) Terminate(patience time.Duration) int {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.Kill()
		return -1
	}
}

// Stop asks the process to end, if there is one and it has not ended yet, and after a few seconds does not ask any more.
func (p *Process) Stop() {
	if p == nil {
		return
	}
	p.Thaw()
	p.Terminate(5 * time.Second)
	_ = syscall.Kill(-p.Group(), syscall.SIGKILL) // what is left of the group; mostly nothing
}

// Await asks until the process is ready.
func (p *Process) Await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.Explain(errors.New("it has ended"))
		case <-ctx.Done():
			return p.Explain(fmt.Errorf("it does not get ready: %w", err))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Explain adds the end of the process' log to an error.
func (p *Process) Explain(err error) error {
	text, _ := os.ReadFile(p.log)
	const enough = 2000
	if len(text) > enough {
		text = text[len(text)-enough:]
	}
	return fmt.Errorf("%s: %w; its log ends:\n%s", p.name, err, text)
}

// The ports that FreeAddress gives. They end below those that Linux gives to connections (from 32768 on), or one of these could
// have taken a port before it is used.
const firstPort, ports = 10500, 22000

var given = func() *atomic.Uint32 {
	n := new(atomic.Uint32)
	n.Store(rand.Uint32N(ports)) // processes that run beside each other begin at different ones
	return n
}()

// FreeAddress is one that nobody listens on, for programs that cannot choose one themselves, and another one each time, in all processes that
// ask here. Another program may still take it before it is used, and then that fails.
func FreeAddress() (string, error) {
	err := errors.New("no port is free")
	for range 1000 {
		port := strconv.Itoa(firstPort + int(given.Add(1)%ports))
		if !reserve(port) {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", port)
		var ln net.Listener
		if ln, err = net.Listen("tcp", addr); err == nil {
			_ = ln.Close()
			return addr, nil
		}
	}
	return "", err
}

// reserve takes a port for this process, for as long as it runs; false: another process has it. Where that cannot be told it is taken.
func reserve(port string) bool {
	dir := filepath.Join(os.TempDir(), "proxy409-test-ports")
	_ = os.MkdirAll(dir, 0o777) // it may be there, and if not, opening says so
	fd, err := syscall.Open(filepath.Join(dir, port), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o666)
	if err != nil {
		return true
	}
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = syscall.Close(fd)
		return !errors.Is(err, syscall.EWOULDBLOCK)
	}
	return true // the lock ends with the process
}
