package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

func got(statuses ...int) func(map[int]int) bool {
	return func(by map[int]int) bool {
		for _, s := range statuses {
			if by[s] == 0 {
				return false
			}
		}
		return true
	}
}

// newAttacks are all of them. Those that have a current tag use it at resources of their own, or never come to the end of their
// write: whatever is applied at a citizen's resource was let through for nothing.
func newAttacks(s *stand) []*attack {
	all := []*attack{
		{name: "slow headers", workers: 50, do: slowHeader, bites: func(by map[int]int) bool { return len(by) > 0 }},
		{name: "slow bodies", workers: 200, do: slowBody, bites: got(408)},
		{name: "slow readers", workers: 40, do: slowReader, bites: got(200)},
		{name: "large bodies", workers: 6, do: largeBody, bites: got(204, 413)},
		{name: "large bodies that stop", workers: 24, do: stoppedBody, bites: got(408)},
		{name: "many tags", workers: 4, do: tags, bites: got(400, 431)},
		{name: "random requests", workers: 6, do: randomRequest, bites: got(409)},
		{name: "queries without end", workers: 2, do: queries, bites: got(200)},
		{name: "bombs", workers: 3, do: bombs, bites: got(200, 204)},
		{name: "half-open connections", workers: 100, do: halfOpen, bites: func(map[int]int) bool { return true }},
		{name: "pipelining", workers: 4, do: pipeline, bites: got(200, 409)},
		{name: "hang-ups", workers: 6, do: hangUp, bites: func(map[int]int) bool { return true }},
	}
	for _, a := range all {
		a.to, a.statuses = s, map[int]int{}
	}
	return all
}

func slowHeader(ctx context.Context, f *foe) {
	if f.say("PUT /good/a HTTP/1.1\r\nHost: h\r\n") {
		f.drip(ctx, "X-"+word(8)+": x\r\n")
		f.answer(false)
	}
}

// slowBody uploads to a citizen's resource with its current tag.
func slowBody(ctx context.Context, f *foe) {
	path := [...]string{"/good/a", "/made/a", "/json/a", "/good/b"}[rand.IntN(4)]
	if f.say("PUT %s HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: 1000000\r\n\r\n", path, f.tag(path)) {
		f.drip(ctx, "x")
		f.answer(false)
	}
}

func slowReader(ctx context.Context, f *foe) {
	if tcp, ok := f.Conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10) // else the kernel reads for it
	}
	path := [...]string{"/made/large", "/good/large", "/made/bomb", "/large"}[rand.IntN(4)]
	if !f.say("GET %s HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n", path) || !f.answer(false) {
		return
	}
	for one := make([]byte, 64); ; {
		if _, err := f.Read(one); err != nil || !pause(ctx, 100*time.Millisecond) {
			return
		}
	}
}

func largeBody(_ context.Context, f *foe) {
	size := bodyLimit - 100 + rand.IntN(200)
	path := "/good/large-" + word(1)
	if f.say("PUT %s HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: %d\r\n\r\n", path, f.tag(path), size) {
		_, _ = io.WriteString(f, strings.Repeat("x", size)) // it may have been refused
		f.answer(false)
	}
}

// stoppedBody sends nearly all of a body, and waits.
func stoppedBody(ctx context.Context, f *foe) {
	const size = bodyLimit
	path := "/good/stopped"
	if f.say("PUT %s HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: %d\r\n\r\n", path, f.tag(path), size) {
		_, _ = io.WriteString(f, strings.Repeat("x", size-1))
		f.answer(true)
	}
	pause(ctx, 50*time.Millisecond)
}

func tags(_ context.Context, f *foe) {
	if f.say("PUT /good/a HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: 1\r\n\r\nx", manyTags(1+rand.IntN(300))) && f.answer(true) &&
		f.say("PUT /good/a HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: 1\r\n\r\nx", manyTags(6000)) {
		f.answer(true)
	}
}

func randomRequest(_ context.Context, f *foe) {
	for range 20 {
		prefix := [...]string{"/good/", "/made/", "/json/", "/"}[rand.IntN(4)]
		method := word(10)
		if rand.IntN(2) == 0 {
			method = [...]string{"PUT", "PATCH", "DELETE", "HEAD"}[rand.IntN(4)]
		}
		ok := f.say("%s %s%s?%s=%s HTTP/1.1\r\nHost: %s\r\nIf-Match: \"%s\"\r\nX-HTTP-Method-Override: %s\r\nContent-Length: 3\r\n\r\nxyz",
			method, prefix, "r-"+word(20), word(5), word(5), word(12), word(20), word(5))
		if method == "HEAD" { // whose answer cannot be told from one with a body
			return
		}
		if !ok || !f.answer(true) {
			return
		}
	}
}

// queries asks for a citizen's resource in ever other representations.
func queries(_ context.Context, f *foe) {
	for range 50 {
		if !f.say("GET /made/a?%s=%s HTTP/1.1\r\nHost: h\r\nAccept: text/%s\r\n\r\n", word(10), word(10), word(10)) || !f.answer(true) {
			return
		}
	}
}

func bombs(_ context.Context, f *foe) {
	path := [...]string{"/good/bomb", "/made/bomb", "/json/bomb"}[rand.IntN(3)]
	if !f.say("GET %s HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n", path) || !f.answer(true) {
		return
	}
	bomb := f.attack.to.origin.bomb
	path = "/good/boom"
	if f.say("PUT %s HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", path, f.tag(path), len(bomb)) {
		_, _ = f.Write(bomb) // it may have been refused
		f.answer(true)
	}
}

func halfOpen(ctx context.Context, f *foe) {
	switch rand.IntN(3) {
	case 0:
	case 1:
		f.say("GET /good/a HTTP")
	case 2:
		f.say("GET /good/a HTTP/1.1\r\nHost: h\r\n\r\n")
		f.answer(true)
	}
	_, _ = f.read.ReadByte() // until it is closed
	pause(ctx, 50*time.Millisecond)
}

// pipeline sends many requests before it reads the first answer, or none of them.
func pipeline(_ context.Context, f *foe) {
	const requests = 40
	one := "GET /made/a HTTP/1.1\r\nHost: h\r\n\r\nPUT /good/a HTTP/1.1\r\nHost: h\r\nIf-Match: \"x\"\r\nContent-Length: 3\r\n\r\nxyz"
	if !f.say("%s", strings.Repeat(one, requests/2)) || rand.IntN(4) == 0 {
		return
	}
	for range requests {
		if !f.answer(true) {
			return
		}
	}
}

func hangUp(_ context.Context, f *foe) {
	path := "/good/hung-up"
	switch rand.IntN(4) {
	case 0:
		f.say("PUT %s HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: 3\r\n\r\nxyz", path, f.tag(path))
	case 1:
		f.say("PUT %s HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nContent-Length: 100\r\n\r\nxyz", path, f.tag(path))
	case 2:
		f.say("PUT /good/a HTTP/1.1\r\nHost: h\r\nIf-Match: %s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nxyz", f.tag("/good/a"))
	case 3:
		f.say("GET /made/large HTTP/1.1\r\nHost: h\r\n\r\n")
	}
	if tcp, ok := f.Conn.(*net.TCPConn); ok && rand.IntN(2) == 0 {
		_ = tcp.SetLinger(0) // with a reset
	}
}
