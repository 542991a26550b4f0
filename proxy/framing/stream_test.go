package framing

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// over2 gets from a handler over HTTP/2, whose answers are bounded.
func over2(t *testing.T, send time.Duration, handler http.HandlerFunc) *http.Response {
	t.Helper()
	server, client := certified("h2")
	client.NextProtos = []string{"h2"}
	l := loopback(t)
	run(t, NewListener(l, Options{TLS: server, Handshake: patience, Send: patience}), Streams(handler, send))
	transport := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	res, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// A client that answers whatever comes on its connection, and never opens the window of a stream, does not hold an answer for ever.
func TestAStreamWhoseWindowStaysShutIsReset(t *testing.T) {
	ended := make(chan error, 1)
	res := over2(t, 200*time.Millisecond, func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.CopyN(w, zeros{}, 64<<20) // more than a client's window takes
		ended <- err
	})
	select {
	case err := <-ended:
		if err == nil {
			t.Error("64 MiB were written to a client that reads nothing")
		}
	case <-time.After(patience):
		t.Fatal("the handler still writes")
	}
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("the answer seems whole")
	}
}

// Between the parts of an answer there may be any time.
func TestAStreamMayPauseForLongerThanAWriteMayTake(t *testing.T) {
	const send = 300 * time.Millisecond
	res := over2(t, send, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			fmt.Fprintln(w, i)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(2 * send)
		}
	})
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != "0\n1\n2\n" {
		t.Errorf("%q, %v", got, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
