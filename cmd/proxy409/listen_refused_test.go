package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/config"
	"proxy409/proxy/framing"
)

func assembled(t *testing.T) *instance {
	t.Helper()
	cfg, err := config.Default("http://127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	in, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestAProblemOfFramingIsLoggedOnceInAMinute(t *testing.T) {
	in := assembled(t)
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		refused := in.framingRefused(slog.New(slog.NewTextHandler(&text, nil)))
		said := func(want ...string) {
			t.Helper()
			lines := strings.Split(strings.TrimSpace(text.String()), "\n")
			if text.Len() == 0 {
				lines = nil
			}
			text.Reset()
			if len(lines) != len(want) {
				t.Fatalf("got %q, want %q", lines, want)
			}
			for i, line := range lines {
				if !strings.Contains(line, "level=INFO") || !strings.HasSuffix(line, want[i]) {
					t.Errorf("got %s, want %s", line, want[i])
				}
			}
		}
		old := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}
		refused(old, framing.Folding)
		said(`problem=folding client=192.0.2.7`)
		time.Sleep(time.Minute - time.Nanosecond)
		refused(old, framing.Folding)
		refused(&net.TCPAddr{IP: net.IPv6loopback, Port: 1}, framing.BareLF)
		said(`problem="bare LF" client=::1`)
		time.Sleep(time.Nanosecond)
		refused(&net.UnixAddr{Name: "@"}, framing.Folding)
		refused(old, framing.BareLF)
		said(`problem=folding client=@`)
	})
}

// A client that folds lines is found by its address, and its answer is net/http's own.
func TestAnOldClientIsFoundInTheLog(t *testing.T) {
	in := assembled(t)
	logged, lines := io.Pipe()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	framed, err := in.framed(l, slog.New(slog.NewTextHandler(lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	server := in.server(slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.Serve(framed) }()
	defer func() {
		if err := server.Close(); err != nil || !errors.Is(<-served, http.ErrServerClosed) {
			t.Error("the server did not end in order", err)
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1000)
	n, err := logged.Read(line)
	if got := string(line[:n]); err != nil || !strings.Contains(got, "level=INFO") || !strings.Contains(got, "problem=folding client=127.0.0.1\n") {
		t.Errorf("the log has %q, %v", got, err)
	}
	if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 Bad Request\r\n") {
		t.Errorf("answered %q, %v", answer, err)
	}
}
