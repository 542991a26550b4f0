package examples_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// forgetful is a way to a server on which three of four answers get lost. It takes one request from each connection.
type forgetful struct {
	url, target string
	lost        atomic.Int64
	doubts      atomic.Int64 // answers, lost or not, that say that a write is under way, or that nobody knows its outcome
	all         sync.WaitGroup
}

// fate is what becomes of an answer.
type fate int

const (
	delivered fate = iota
	untold         // the client is cut off when its request has been passed on: the server sees it go
	swallowed      // it is when the answer has come
	broken         // half of the answer reaches it
	fates
)

func forgetfulWay(t *testing.T, to string) *forgetful {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forgetful{url: "http://" + l.Addr().String(), target: strings.TrimPrefix(to, "http://")}
	f.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.all.Go(func() { f.carry(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		f.all.Wait()
	})
	return f
}

func (f *forgetful) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		return
	}
	defer server.Close()
	_ = client.SetDeadline(time.Now().Add(30 * time.Second))
	_ = server.SetDeadline(time.Now().Add(30 * time.Second))
	request := make([]byte, 64<<10) // a small one is there at once
	n, _ := client.Read(request)
	if _, err := server.Write(request[:n]); n == 0 || err != nil {
		return
	}
	end := fate(rand.IntN(int(fates)))
	if end != delivered {
		f.lost.Add(1)
	}
	if end == untold {
		return
	}
	answer, _ := io.ReadAll(server)
	if bytes.Contains(answer, []byte(`details="busy"`)) || bytes.Contains(answer, []byte(`details="in_doubt"`)) {
		f.doubts.Add(1)
	}
	switch end {
	case delivered:
		_, _ = client.Write(answer)
	case broken:
		_, _ = client.Write(answer[:len(answer)/2])
	}
}

// impatient is a client with a connection for each request, so that net/http repeats none by itself.
var impatient = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
