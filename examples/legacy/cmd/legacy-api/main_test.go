package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--listen", "127.0.0.1:0", "--etags", "weak", "--latency", "1ms"}, in)
	}()

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(strings.TrimSpace(line), "listening on ")
	url, etags, _ := strings.Cut(rest, ", ")
	if etags != "etags weak" {
		t.Errorf("it says %q", line)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/items/1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if tag := res.Header.Get("ETag"); res.StatusCode != http.StatusOK || !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("%s with ETag %q", res.Status, tag)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{
		{"--etags", "soft"}, {"--latency", "soon"}, {"--nonsense"}, {"serve"}, {"--listen", "nowhere"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
