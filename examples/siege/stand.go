package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"proxy409/examples/process"
)

// The limits that the proxy is given. They are small, so that they are met within a few seconds.
const (
	memoryLimit = "96MiB" // GOMEMLIMIT
	bodyLimit   = 1 << 20
	heldLimit   = 16 << 20
	bodyTime    = 2 * time.Second
)

const configuration = `listen: %s
admin: {listen: %s}
upstream: http://%s
timeouts: {write: 10s, settle: 1s, busy_wait: 2s, body: 2s, answer: 5s, header: 2s, send: 3s, idle: 3s}
limits: {body: 1MiB, representation: 1MiB, held: 16MiB, header: 16KiB, tags: 16, waiters: 4, validators: 8}
routes:
  - {name: good, match: "/good/{id}"}
  - {name: made, match: "/made/{id}", version: {from: body}}
  - {name: json, match: "/json/{id}", version: {from: json, pointer: /version}}
`

// stand is the proxy and its backend.
type stand struct {
	options
	dir    string
	origin *origin
	proxy  *besieged
}

// besieged is the proxy.
type besieged struct {
	listen, admin, log string
	proc               *process.Process
}

// raise starts everything. The caller ends it, also after an error.
func raise(ctx context.Context, o options) (*stand, error) {
	s := &stand{options: o, proxy: &besieged{}}
	var err error
	if s.dir, err = os.MkdirTemp("", "proxy409-siege-"); err != nil {
		return s, err
	}
	if s.origin, err = newOrigin(); err != nil {
		return s, err
	}
	binary := o.proxy
	if binary == "" {
		binary = filepath.Join(s.dir, "proxy409")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "proxy409/cmd/proxy409").CombinedOutput()
		if err != nil {
			return s, fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	for _, addr := range []*string{&s.proxy.listen, &s.proxy.admin} {
		if *addr, err = process.FreeAddress(); err != nil {
			return s, err
		}
	}
	config := filepath.Join(s.dir, "proxy409.yaml")
	text := fmt.Sprintf(configuration, s.proxy.listen, s.proxy.admin, s.origin.addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return s, err
	}
	// This process has read its own long ago; the proxy inherits it.
	if err := os.Setenv("GOMEMLIMIT", memoryLimit); err != nil {
		return s, err
	}
	s.proxy.log = filepath.Join(s.dir, "proxy409.log")
	s.proxy.proc, err = process.Launch("the proxy", s.proxy.log, binary, "serve", "--config", config, "--log-level", "warn")
	if err != nil {
		return s, err
	}
	return s, s.proxy.proc.Await(ctx, s.proxy.ready)
}

func (s *stand) end() {
	s.proxy.proc.Stop()
	if s.origin != nil {
		_ = s.origin.server.Close()
	}
	_ = os.RemoveAll(s.dir)
}
