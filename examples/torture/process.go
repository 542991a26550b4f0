package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a child in a process group of its own, so that a Ctrl-C at the terminal reaches this command alone, which
// ends everything in order. It gets all that may happen to a process: kill, freeze, thaw, terminate.
type process struct {
	name string
	log  string // the file that its output is added to
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
}

func launch(name, log, path string, args ...string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the child has its own
	p := &process{name: name, log: log, done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.Background(), path, args...) // ended by stop, in order
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is asked for by exited
	}()
	return p, nil
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the process at once.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

func (p *process) freeze() { p.signal(syscall.SIGSTOP) }

func (p *process) thaw() { p.signal(syscall.SIGCONT) }

// terminate asks the process to end and waits for it. It returns its exit code, or -1 if it had to be killed.
func (p *process) terminate(patience time.Duration) int {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.kill()
		return -1
	}
}

// stop ends the process, if there is one and it has not ended yet.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.thaw()
	p.terminate(3 * time.Second)
}

// await asks until the process is ready.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.explain(errors.New("it has ended"))
		case <-ctx.Done():
			return p.explain(fmt.Errorf("it does not get ready: %w", err))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// explain adds the end of the process' log to an error.
func (p *process) explain(err error) error {
	text, _ := os.ReadFile(p.log)
	const enough = 2000
	if len(text) > enough {
		text = text[len(text)-enough:]
	}
	return fmt.Errorf("%s: %w; its log ends:\n%s", p.name, err, text)
}

// freeAddress is one that nobody listens on; somebody else may take it before it is used, and then that fails.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}
