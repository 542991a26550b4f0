package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"proxy409/examples/process"
)

// redisServer is the Redis that all replicas share. With a process of its own it can be killed and frozen; one that was
// there before can only be spoken to.
type redisServer struct {
	addr string
	dir  string
	path string
	proc *process.Process // nil: it is somebody else's
}

// startRedis starts a Redis that writes every change to its log before it answers, so that it comes back with its data
// after it was killed. It does not wait for the disk: it is the process that dies here, not the machine.
func startRedis(ctx context.Context, dir string) (*redisServer, error) {
	path, err := findRedis()
	if err != nil {
		return nil, err
	}
	addr, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	r := &redisServer{addr: addr, dir: dir, path: path}
	return r, r.start(ctx)
}

var errNoRedis = errors.New("there is no redis-server; install one, or name a Redis with -redis")

func findRedis() (string, error) {
	for _, name := range []string{"redis-server", "/usr/sbin/redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoRedis
}

// useRedis takes a Redis that is there already.
func useRedis(ctx context.Context, address string) (*redisServer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "redis" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("-redis %q: want redis://HOST:PORT, without a password", address)
	}
	r := &redisServer{addr: u.Host}
	return r, r.pongs(ctx)
}

func (r *redisServer) start(ctx context.Context) error {
	host, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		return err
	}
	r.proc, err = process.Launch("redis-server", filepath.Join(r.dir, "redis.log"), r.path,
		"--bind", host, "--port", port, "--dir", r.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "no",
		"--maxmemory-policy", "noeviction")
	if err != nil {
		return err
	}
	return r.proc.Await(ctx, r.pongs)
}

// forget removes what a Redis that does not run has on its disk.
func (r *redisServer) forget() error { return os.RemoveAll(filepath.Join(r.dir, "appendonlydir")) }

func (r *redisServer) stop() {
	if r != nil {
		r.proc.Stop()
	}
}

func (r *redisServer) pongs(ctx context.Context) error { return r.do(ctx, "PING") }

// do sends one command and reads the first line of its answer.
func (r *redisServer) do(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, strings.Join(args, " ")+"\r\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+") {
		err = fmt.Errorf("redis: %s: %s", args[0], strings.TrimSpace(line))
	}
	return err
}
