package main_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// frame is a frame of HTTP/2 (RFC 9113 section 4.1).
func frame(kind, flags byte, stream uint32, payload ...byte) []byte {
	head := []byte{
		0, byte(len(payload) >> 8), byte(len(payload)), kind, flags,
		byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream),
	}
	return append(head, payload...)
}

// A client that begins requests and resets them at once (CVE-2023-44487) gets no more of the proxy than another.
func TestRequestsThatAreResetAtOnceTakeNothingFromOthers(t *testing.T) {
	long(t)
	a := newTrust(t)
	o := newOrigin(t)
	r := serveTLS(t, setup{upstream: o.url(), more: a.front()}.yaml())
	by := a.caller(t, true, nil)
	tag := must(t, by, "GET", r.url+"/doc", "").done(t).etag()
	goroutines := r.metric("go_goroutines")

	conn, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{RootCAs: a.Pool(), NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, conn) // or the proxy could not go on
	}()
	const (
		headers, reset, settings        = 1, 3, 4
		endStream, endHeaders           = 1, 4
		get, https                      = 0x82, 0x87 // of HPACK's static table
		authority, path                 = 0x41, 0x44 // likewise, with a value
		requests, atOnce                = 20_000, 200
		cancel                          = 8
		hostname, document       string = "127.0.0.1", "/doc"
	)
	block := append([]byte{get, https, authority, byte(len(hostname))}, hostname...)
	block = append(append(block, path, byte(len(document))), document...)
	var out bytes.Buffer
	out.WriteString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	out.Write(frame(settings, 0, 0))
	sent := 0
	for ; sent < requests; sent++ {
		stream := uint32(2*sent + 1)
		out.Write(frame(headers, endStream|endHeaders, stream, block...))
		out.Write(frame(reset, 0, stream, 0, 0, 0, cancel))
		if sent%atOnce == atOnce-1 {
			if _, err := out.WriteTo(conn); err != nil {
				break // it was told to calm down
			}
		}
		if sent == requests/2 {
			must(t, by, "PUT", r.url+"/doc", "two", "If-Match", tag).done(t)
		}
	}
	// As many as may be under way at once, at the least: if those have not ended when more have come, net/http closes the connection.
	eventually(t, 10*time.Second, func() error {
		if n := r.metric("proxy409_requests_total", `method="GET"`); n < 100 {
			return fmt.Errorf("of %d requests %v were begun, which shows nothing", sent, n)
		}
		return nil
	})
	must(t, by, "PUT", r.url+"/doc", "three", "If-Match", must(t, by, "GET", r.url+"/doc", "").done(t).etag()).done(t)
	_ = conn.Close()
	<-drained
	eventually(t, 20*time.Second, func() error {
		if now := r.metric("go_goroutines"); now > goroutines+10 {
			return fmt.Errorf("%v goroutines, of %v before", now, goroutines)
		}
		return nil
	})
}
