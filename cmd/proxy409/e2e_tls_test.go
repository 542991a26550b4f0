package main_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

func TestWritesAreGuardedOverTLS(t *testing.T) {
	a := newTrust(t)
	o := &overheard{origin: newOrigin(t)}
	backend := httptest.NewServer(o)
	defer backend.Close()
	r := serveTLS(t, setup{upstream: backend.URL, more: a.front()}.yaml())
	doc := r.url + "/doc"
	for _, http2 := range []bool{false, true} {
		by := a.caller(t, http2, nil)
		text := fmt.Sprintf("by HTTP/2: %v", http2)
		tag := must(t, by, "GET", doc, "").done(t).etag()
		must(t, by, "PUT", doc, text, "If-Match", tag, "X-Forwarded-Proto", "gopher").done(t)
		if proto := o.latest.Load().Header["X-Forwarded-Proto"]; len(proto) != 1 || proto[0] != "https" {
			t.Errorf("X-Forwarded-Proto is %q at the backend", proto)
		}
		must(t, by, "PUT", doc, "lost", "If-Match", tag).want(t, 409, "stale")
		must(t, by, "PUT", doc, "lost").want(t, 409, "missing")
		if got := o.text("/doc"); got != text {
			t.Errorf("the backend has %q, want %q", got, text)
		}
		res, err := by.Get(doc)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if (res.ProtoMajor == 2) != http2 {
			t.Errorf("the answer came by %s", res.Proto)
		}
	}
	contains(t, do(t, "GET", strings.Replace(doc, "https:", "http:", 1), "").want(t, 400, "").body, "HTTPS")
	const day = 24 * time.Hour
	expires := time.Unix(int64(r.metric("proxy409_certificate_expiry_timestamp_seconds", `section="tls"`)), 0)
	if left := time.Until(expires); left > 90*day || left < 89*day {
		t.Errorf("the certificate expires at %v, says the metric", expires)
	}
}

func TestACertificateIsReplacedWithoutOneFailedRequest(t *testing.T) {
	long(t)
	a := newTrust(t)
	o := newOrigin(t)
	r := serveTLS(t, setup{upstream: o.url(), more: a.front()}.yaml())
	var (
		stop     = make(chan struct{})
		clients  sync.WaitGroup
		requests atomic.Int64
	)
	for i := range 4 {
		clients.Go(func() {
			by := a.caller(t, i%2 == 0, nil)
			for {
				select {
				case <-stop:
					return
				default:
				}
				requests.Add(1)
				if a, err := sendBy(by, "GET", r.url+"/doc", ""); err != nil || a.status != 200 {
					t.Errorf("%d, %v", a.status, err)
					return
				}
			}
		})
	}
	addr := strings.TrimPrefix(r.url, "https://")
	for range 3 {
		next := a.Issue(t, "127.0.0.1")
		before := requests.Load()
		next.Write(t, a.dir, "front")
		eventually(t, 10*time.Second, func() error {
			conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: a.Pool()})
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			if !conn.ConnectionState().PeerCertificates[0].Equal(next.TLS(t).Leaf) {
				return errorf("the old certificate is shown")
			}
			return nil
		})
		if requests.Load() == before {
			t.Error("nobody asked meanwhile")
		}
	}
	close(stop)
	clients.Wait()
	if n := strings.Count(r.logs.String(), "certificate files were read again"); n != 3 {
		t.Errorf("%d changes are logged, want 3", n)
	}
}

func TestClientsNeedACertificateWhereTheirAuthorityIsNamed(t *testing.T) {
	a := newTrust(t)
	o := newOrigin(t)
	r := serveTLS(t, setup{upstream: o.url(), more: a.front("client_ca_file: " + a.ca())}.yaml())
	good, stranger := a.Issue(t, "client"), tlstest.NewAuthority(t, "stranger").Issue(t, "client")
	for _, http2 := range []bool{false, true} {
		must(t, a.caller(t, http2, &good), "GET", r.url+"/doc", "").done(t)
		for _, bad := range []*tlstest.Pair{nil, &stranger} {
			if answer, err := sendBy(a.caller(t, http2, bad), "GET", r.url+"/doc", ""); err == nil {
				t.Errorf("without a good certificate: %d %s", answer.status, answer.body)
			}
		}
	}
}

func TestSIGTERMFinishesAnHTTP2WriteThatIsUnderWay(t *testing.T) {
	a := newTrust(t)
	o := newOrigin(t)
	r := serveTLS(t, setup{upstream: o.url(), timeouts: unhurried, more: a.front()}.yaml())
	by := a.caller(t, true, nil)
	by.Transport.(*http.Transport).DisableKeepAlives = false // so that the connection is still there, and idle, afterwards
	defer by.CloseIdleConnections()
	tag := must(t, by, "GET", r.url+"/doc", "").etag()
	g := o.hold()
	write := make(chan outcome, 1)
	go func() {
		answer, err := sendBy(by, "PUT", r.url+"/doc", "two", "If-Match", tag)
		write <- outcome{answer, err}
	}()
	within(t, 5*time.Second, "the write reaches the backend", g.arrived)
	r.signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, func() error {
		if _, err := sendBy(a.caller(t, true, nil), "GET", r.url+"/doc", ""); err == nil {
			return errorf("new connections are still taken")
		}
		return nil
	})
	select {
	case <-r.done:
		t.Fatalf("it ended before its write did; it said:\n%s", r.logs)
	default:
	}
	g.release()
	if answer := await(t, write); answer.err != nil || answer.status != 204 {
		t.Errorf("the write under way: %v %d %s", answer.err, answer.status, answer.body)
	}
	if code := r.exit(10 * time.Second); code != 0 || o.text("/doc") != "two" {
		t.Errorf("exit code %d, and the backend has %q; it said:\n%s", code, o.text("/doc"), r.logs)
	}
}

func TestServeAndCheckSayWhichFileIsBad(t *testing.T) {
	a := newTrust(t)
	a.issue("front", "127.0.0.1")
	a.issue("other", "127.0.0.1")
	path := func(name string) string { return filepath.Join(a.dir, name) }
	for _, c := range []struct {
		more  string
		parts []string
	}{
		{"tls: {cert_file: " + path("none.crt") + ", key_file: " + path("front.key") + "}", []string{":5: tls: ", path("none.crt"), "no such file"}},
		{"tls: {cert_file: " + path("front.crt") + ", key_file: " + path("other.key") + "}", []string{":5: tls: ", path("other.key"), "cannot be used together"}},
		{"upstream_tls: {ca_file: " + path("front.key") + "}", []string{":5: upstream_tls: ", path("front.key"), "no certificate"}},
		{"store: {redis: {url: 'rediss://u:s3cret@localhost', tls: {ca_file: " + path("none.crt") + "}}}", []string{"store.redis.tls: ", path("none.crt")}},
	} {
		text := file(t, setup{upstream: "https://127.0.0.1:9", more: c.more + "\n"}.yaml())
		for _, command := range []string{"serve", "check"} {
			said := fails(t, command, "--config", text)
			contains(t, said, append(c.parts, "the configuration cannot be used:", text)...)
			if strings.Contains(said, "s3cret") || strings.Contains(said, "PRIVATE") {
				t.Errorf("it shows a secret:\n%s", said)
			}
		}
	}
}
