package main_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// The example's files are the real ones; its certificates are made here, with the names that it expects.
func TestTheExampleWithTLSEverywhereWorks(t *testing.T) {
	a := newTrust(t)
	for _, name := range []string{"proxy409.yaml", "web.yml"} {
		text, err := os.ReadFile(filepath.Join("../../examples/tls", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(a.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certs := filepath.Join(a.dir, "certs")
	if err := os.Mkdir(certs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(a.ca(), filepath.Join(certs, "internal-ca.crt")); err != nil {
		t.Fatal(err)
	}
	a.Issue(t, "127.0.0.1").Write(t, certs, "proxy")
	a.Issue(t, "proxy").Write(t, certs, "client")
	cert, key := a.Issue(t, "redis.internal").Write(t, a.dir, "redis")
	redis := redistest.StartTLS(t, redistest.TLS{Cert: cert, Key: key, CA: a.ca()})
	redis.Do("CONFIG", "SET", "requirepass", "s3cret-of-redis")
	o := &overheard{origin: newOrigin(t)}
	for name, value := range map[string]string{
		"LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": freeAddress(t), "UPSTREAM": o.behind(a, "legacy.internal"),
		"REDIS": redis.TLSAddr, "REDIS_PASSWORD": "s3cret-of-redis",
	} {
		t.Setenv(name, value)
	}
	path := filepath.Join(a.dir, "proxy409.yaml")
	r := &replica{process: launch(t, binary(t), "serve", "--config", path)}
	eventually(t, 10*time.Second, func() error {
		if said, ok := health(t, []string{"PROXY409_HEALTHCHECK_USER=prometheus:only-to-try-it"}, "--config", path); !ok {
			return errorf("%s", said)
		}
		return nil
	})
	if strings.Contains(r.logs.String(), "suspicious") {
		t.Errorf("it warns:\n%s", r.logs)
	}
	r.url = "https://" + serving.FindStringSubmatch(r.logs.String())[1]
	by := a.caller(t, true, nil)
	// Its Redis is new: a minute of grace begins, in which nothing guarded is admitted.
	must(t, by, "PUT", r.url+"/doc", "two", "If-Match", must(t, by, "GET", r.url+"/doc", "").done(t).etag()).want(t, 503, "grace")
}

// A connection that is upgraded carries no HTTP any more, and is let alone.
func TestAnUpgradedConnectionWorksOverTLS(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, buffered)
	}))
	defer backend.Close()
	a := newTrust(t)
	r := serveTLS(t, setup{upstream: backend.URL, more: a.front() + "routes: [{name: all, match: /, mode: \"off\"}]\n"}.yaml())
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{RootCAs: a.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", res, err)
	}
	for i := range 3 {
		sent := fmt.Sprintf("\x00\r\nno HTTP %d\x00\n", i)
		got := make([]byte, len(sent))
		fmt.Fprint(conn, sent)
		if _, err := io.ReadFull(reader, got); err != nil || string(got) != sent {
			t.Fatalf("sent %q, got %q, %v", sent, got, err)
		}
	}
}
