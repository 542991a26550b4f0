package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// attack is one way to misbehave.
type attack struct {
	name    string
	workers int
	do      func(context.Context, *foe)
	// bites says by the statuses that it got (0: the connection was closed without one) whether it was the attack that it means to be.
	bites func(statuses map[int]int) bool
	to    *stand

	mu       sync.Mutex
	begun    int
	statuses map[int]int
}

// foe is one connection of an attack.
type foe struct {
	net.Conn
	attack *attack
	read   *bufio.Reader
}

// once makes a connection and misbehaves on it until that has an end. At the end of ctx it is closed, whatever it does.
func (a *attack) once(ctx context.Context) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", a.to.proxy.listen)
	if err != nil {
		pause(ctx, 50*time.Millisecond) // the listener's queue is full; that is the kernel's limit
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	a.mu.Lock()
	a.begun++
	a.mu.Unlock()
	a.do(ctx, &foe{Conn: conn, attack: a, read: bufio.NewReaderSize(conn, 512)})
	pause(ctx, time.Millisecond)
}

// answer reads an answer, to its end or not. What is left of it goes with the connection.
func (f *foe) answer(whole bool) bool {
	res, err := http.ReadResponse(f.read, nil)
	status := 0
	if err == nil {
		status = res.StatusCode
		if whole {
			defer res.Body.Close()
		}
	}
	f.attack.mu.Lock()
	f.attack.statuses[status]++
	f.attack.mu.Unlock()
	if err == nil && whole {
		_, err = io.Copy(io.Discard, res.Body)
	}
	return err == nil
}

func (f *foe) say(format string, args ...any) bool {
	_, err := fmt.Fprintf(f, format, args...)
	return err == nil
}

// drip sends bytes slowly until it cannot.
func (f *foe) drip(ctx context.Context, text string) {
	for {
		if _, err := io.WriteString(f, text); err != nil || !pause(ctx, 100*time.Millisecond) {
			return
		}
	}
}

// tag is the current one of a path.
func (f *foe) tag(path string) string {
	if !f.say("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path) {
		return ""
	}
	res, err := http.ReadResponse(f.read, nil)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // then the write fails
	return res.Header.Get("ETag")
}

// pause reports whether it was not interrupted.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func word(most int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
	b := make([]byte, 1+rand.IntN(most))
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}

func manyTags(n int) string { return strings.Repeat(`"`+word(8)+`", `, n) + `"z"` }
