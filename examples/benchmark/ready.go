package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

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
