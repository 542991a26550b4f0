package main

import (
	"errors"
	"flag"
	"net"
	"net/http"
	"net/url"
	"time"

	"proxy409/examples/benchmark/backend"
	"proxy409/examples/benchmark/bare"
)

// The benchmark runs itself as the backend and as the bare proxy, so that each is a process of its own, whose CPU time
// and memory are nobody else's.
const (
	roleBackend = "serve-backend"
	roleBare    = "serve-bare"
)

// errNoRole says that the arguments ask for no role.
var errNoRole = errors.New("no role")

// role plays the part that the arguments name, until the process is ended.
func role(args []string) error {
	if len(args) == 0 || (args[0] != roleBackend && args[0] != roleBare) {
		return errNoRole
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	listen := flags.String("listen", "", "`address` to listen on")
	upstream := flags.String("upstream", "", "`URL` of the backend")
	pooled := flags.Bool("pooled", false, "lend the bare proxy its buffers")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if args[0] == roleBackend {
		return new(backend.Server).Serve(ln)
	}
	u, err := url.Parse(*upstream)
	if err != nil {
		return err
	}
	handler := bare.New(u)
	if *pooled {
		handler.BufferPool = new(bare.Buffers)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 120 * time.Second}
	return server.Serve(ln)
}
