package main_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestNoAttackGetsPastTheGuardOverHTTP2 sends the rows of http2.txt as frames, byte by byte, over TLS. A line of a row is a field of
// its header section; what follows the empty one is its content.
func TestNoAttackGetsPastTheGuardOverHTTP2(t *testing.T) {
	t.Parallel()
	authority := newTrust(t)
	b := startLenient(t, framing{chunkedWins: true, lastLength: true})
	p := serveTLS(t, setup{upstream: "http://" + b.addr, more: authority.front() + attacked}.yaml())
	r := &theRange{
		proxy: p, target: b, addr: strings.TrimPrefix(p.url, "https://"), stale: map[string]string{},
		client: authority.caller(t, true, nil),
		fire: func(t testing.TB, addr string, steps []step, _ int) shot {
			t.Helper()
			return fireHTTP2(t, addr, &tls.Config{RootCAs: authority.Pool(), NextProtos: []string{"h2"}}, steps)
		},
	}
	for _, a := range readTable(t, "testdata/attack/http2.txt") {
		t.Run(a.name, func(t *testing.T) { r.try(t, a) })
	}
}

// reset stands where a row has a status: in the place of an answer, the server ends the stream or the connection.
const reset = -1

// The types and flags of frames (RFC 9113 section 6).
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7
	endStream, endHeaders                                           = 1, 4
)

// fireHTTP2 sends one request on a connection of its own.
func fireHTTP2(t testing.TB, addr string, config *tls.Config, steps []step) (s shot) {
	t.Helper()
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // everything has been read that matters
	_ = c.SetDeadline(time.Now().Add(patience))
	fields, content := http2Request(steps)
	out := http2Frame(frameSettings, 0, 0, nil)
	if content == "" {
		out += http2Frame(frameHeaders, endHeaders|endStream, 1, fields)
	} else {
		out += http2Frame(frameHeaders, endHeaders, 1, fields) + http2Frame(frameData, endStream, 1, []byte(content))
	}
	_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+out) // it may be closed in the middle of it
	s.answers = []answer{http2Answer(t, c)}
	return s
}

// http2Request makes a header block of the lines before the empty one, each field a literal that is not indexed (RFC 7541 section 6.2.2).
func http2Request(steps []step) (fields []byte, content string) {
	for i, s := range steps {
		line := strings.TrimSuffix(s.bytes, "\r\n")
		if line == "" {
			for _, rest := range steps[i+1:] {
				content += rest.bytes
			}
			break
		}
		name, value, _ := strings.Cut(line[1:], ": ")
		fields = http2String(http2String(append(fields, 0), line[:1]+name), value)
	}
	return fields, content
}

// http2String appends a string that is not compressed (RFC 7541 section 5.2).
func http2String(b []byte, s string) []byte {
	if len(s) < 127 {
		return append(append(b, byte(len(s))), s...)
	}
	b = append(b, 127)
	n := len(s) - 127
	for ; n >= 128; n /= 128 {
		b = append(b, byte(n%128)|128)
	}
	return append(append(b, byte(n)), s...)
}

func http2Frame(kind, flags, stream byte, payload []byte) string {
	n := len(payload)
	return string(append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, 0, 0, 0, stream}, payload...))
}

// http2Answer reads the answer: its status, and its content as the body.
func http2Answer(t testing.TB, c io.Reader) (a answer) {
	t.Helper()
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			if a.status == 0 {
				t.Errorf("the connection ended without an answer: %v", err)
			}
			return a
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, payload); err != nil {
			t.Errorf("in a frame: %v", err)
			return a
		}
		switch head[3] {
		case frameHeaders:
			a.status = http2Status(payload)
		case frameData:
			a.body += string(payload)
		case frameReset, frameGoAway:
			if a.status == 0 {
				a.status = reset
			}
			return a
		}
		if stream := head[8]; stream == 1 && head[4]&endStream != 0 && (head[3] == frameHeaders || head[3] == frameData) {
			return a
		}
	}
}

// http2Status decodes :status, which comes first: from the static table, or a literal with its name from there, which is compressed
// where that is shorter (RFC 7541 appendices A and B).
func http2Status(block []byte) (status int) {
	if i := block[0] - 0x88; i < 7 {
		return []int{
			http.StatusOK, http.StatusNoContent, http.StatusPartialContent, http.StatusNotModified, http.StatusBadRequest,
			http.StatusNotFound, http.StatusInternalServerError,
		}[i]
	}
	text := block[2 : 2+block[1]&0x7f]
	if block[1]&0x80 == 0 {
		_, _ = fmt.Sscan(string(text), &status) // 0 is what no row expects
		return status
	}
	bits := 0
	for _, b := range text {
		bits = bits<<8 | int(b)
	}
	for left := 8 * len(text); left >= 5 && status < 100; {
		if code := bits >> (left - 5) & 31; code < 3 {
			status, left = status*10+code, left-5
			continue
		}
		status, left = status*10+bits>>(left-6)&63-22, left-6
	}
	return status
}
