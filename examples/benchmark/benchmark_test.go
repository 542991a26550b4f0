package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"proxy409/examples/benchmark/backend"
	"proxy409/examples/benchmark/bare"
)

// The benchmark runs itself as the backend and as the bare proxy; here that is the test binary.
func TestMain(m *testing.M) {
	if err := role(os.Args[1:]); !errors.Is(err, errNoRole) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// No goleak: the bare proxy's transport keeps connections that nobody can close from here.
	os.Exit(m.Run())
}

func TestTheBareProxyPassesEverythingAndGuardsNothing(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	served := new(backend.Server)
	go func() { _ = served.Serve(ln) }() // until the listener is closed
	handler := bare.New(&url.URL{Scheme: "http", Host: ln.Addr().String()})
	handler.BufferPool = new(bare.Buffers)
	proxy := httptest.NewServer(handler)
	t.Cleanup(proxy.Close)

	ctx, client := t.Context(), newClient(2)
	t.Cleanup(client.CloseIdleConnections)
	if err := warm(ctx, client, proxy.URL, 10, 2); err != nil {
		t.Error(err)
	}
	if err := prove(ctx, client, proxy.URL, false); err != nil {
		t.Error(err)
	}
	if err := prove(ctx, client, proxy.URL, true); err == nil {
		t.Error("a proxy that lets a stale write through passes for a guard")
	}
	if n, err := countWrites(ctx, client, "http://"+ln.Addr().String()); err != nil || n != 4 {
		t.Errorf("%d writes, %v; want 4", n, err)
	}
}

// Whatever is to be measured as a guard refuses the second of two writes from one version, and no other does.
func TestEachContenderGuardsWhatItSays(t *testing.T) {
	b := &bench{o: options{connections: 2}, tools: findTools(), client: newClient(2)}
	t.Cleanup(b.close)
	if err := b.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range contenders {
		for _, w := range workloads {
			t.Run(c.name+"/"+w.name, func(t *testing.T) {
				if what := c.lacks(b.tools); what != "" {
					t.Skipf("SKIPPED: this machine lacks %s", what)
				}
				s := &stand{dir: t.TempDir()}
				t.Cleanup(s.stop)
				if err := b.raise(t.Context(), s, c, w); err != nil {
					t.Fatal(err)
				}
				if err := warm(t.Context(), b.client, s.url, 10, 2); err != nil {
					t.Fatal(s.proxy.Explain(err))
				}
				if err := prove(t.Context(), b.client, s.url, c.guards && w.guarded); err != nil {
					t.Error(s.proxy.Explain(err))
				}
			})
		}
	}
}

func TestTheWholeBenchmarkInShort(t *testing.T) {
	if findTools().wrk == "" {
		t.Skip("SKIPPED: there is no wrk (on Debian: apt-get install wrk)")
	}
	file := filepath.Join(t.TempDir(), "out.json")
	var stdout, stderr bytes.Buffer
	// One thread for each connection, because this machine may be busy with other tests.
	err := run(t.Context(), []string{
		"-rounds", "1", "-duration", "200ms", "-connections", "4", "-threads", "4", "-resources", "400",
		"-only", "bare,embedded", "-json", file,
	}, &stdout, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	t.Logf("%s\n%s", stderr.Bytes(), stdout.Bytes())
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Samples []sample }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(workloads); len(got.Samples) != want {
		t.Fatalf("%d measurements, want %d", len(got.Samples), want)
	}
	for _, s := range got.Samples {
		if s.Rate <= 0 || s.P50 <= 0 || s.P99 < s.P50 || s.Peak < 1<<20 {
			t.Errorf("not a measurement: %+v", s)
		}
	}
}
