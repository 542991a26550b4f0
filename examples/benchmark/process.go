package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a child, in a process group of its own: what it starts is measured and ended with it, and a Ctrl-C at the
// terminal reaches the benchmark alone, which ends everything in order.
type process struct {
	name string
	log  string // the file that its output goes to
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
}

func launch(name, log, path string, args ...string) (*process, error) {
	f, err := os.Create(log)
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
		_ = p.cmd.Wait() // that it ended is all that matters; why is in its log
	}()
	return p, nil
}

// group is the number of its process group.
func (p *process) group() int { return p.cmd.Process.Pid }

// stop asks the process to end, and after a few seconds does not ask any more.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-p.group(), syscall.SIGKILL) // what is left of the group; mostly nothing
	<-p.done
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

// answers is ready when a GET of the URL is answered with 200.
func answers(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		a, err := send(ctx, client, http.MethodGet, url, "")
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("GET %s: %d", url, a.status)
		}
		return err
	}
}

// pongs is ready when a Redis at the address answers PING.
func pongs(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		if _, err := conn.Write([]byte("PING\r\n")); err != nil {
			return err
		}
		var b [5]byte
		if _, err := conn.Read(b[:]); err != nil {
			return err
		}
		if string(b[:]) != "+PONG" {
			return fmt.Errorf("PING: %q", b[:])
		}
		return nil
	}
}
