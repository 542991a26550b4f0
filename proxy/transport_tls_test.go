package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"proxy409/proxy"
)

func TestATransportSpeaksHTTP2AfterItsHandshake(t *testing.T) {
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	backend.EnableHTTP2 = true
	backend.StartTLS()
	defer backend.Close()
	trusting := backend.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	trusting.NextProtos = []string{"h2", "http/1.1"}
	hosts := 0
	next := proxy.NewTLSTransport(func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
		hosts++
		config := trusting.Clone()
		config.ServerName = host
		secure := tls.Client(conn, config)
		return secure, secure.HandshakeContext(ctx)
	})
	defer next.CloseIdleConnections()
	for range 3 {
		req, err := http.NewRequest(http.MethodGet, backend.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := next.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.ProtoMajor != 2 {
			t.Errorf("the answer came by %s", res.Proto)
		}
	}
	if hosts != 1 {
		t.Errorf("%d handshakes for three requests, want one", hosts)
	}
}

// It is an error of dialing, after which a resource is as it was before.
func TestAHandshakeThatFailsSendsNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		defer conn.Close()
		text, err := io.ReadAll(conn) // ends because the other side is closed
		if err != nil {
			got <- err.Error()
			return
		}
		got <- string(text)
	}()
	refused := errors.New("the certificate is another's")
	next := proxy.NewTLSTransport(func(ctx context.Context, _ net.Conn, _ string) (*tls.Conn, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the handshake may take for ever")
		}
		return nil, refused
	})
	req, err := http.NewRequest(http.MethodPut, "https://"+l.Addr().String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	_, err = next.RoundTrip(req)
	var op *net.OpError
	if !errors.Is(err, refused) || !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("the error is %v", err)
	}
	if text := <-got; text != "" {
		t.Errorf("the backend got %q", text)
	}
}
