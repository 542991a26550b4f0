package proxy_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAClientThatHangsUpDuringAQuestionHoldsNothing(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "pending")
	c := ruledFleet(t, b,
		on("/users", []string{"POST"}, proxy.Rules{Unique: []proxy.Unique{emailRule("")}}),
		on("/orders/{id}", []string{"PATCH"}, proxy.Rules{Transitions: workflow()})).replica()
	for _, w := range []struct{ method, path, body string }{
		{"POST", "/users", `{"email":"a@x"}`}, {"PATCH", "/orders/7", `{"status":"approved"}`},
	} {
		ctx, hangUp := context.WithCancel(context.Background())
		ended := make(chan struct{})
		b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				hangUp()
				<-r.Context().Done()
				close(ended)
			}
			return r.Method == http.MethodGet
		})
		req, _ := http.NewRequestWithContext(ctx, w.method, c.url+w.path, strings.NewReader(w.body))
		req.Header.Set("Content-Type", "application/json")
		if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
			res.Body.Close()
			t.Errorf("%s has an answer", w.path)
		}
		select {
		case <-ended:
		case <-time.After(time.Second):
			t.Errorf("%s: the backend is still asked", w.path)
		}
		b.intercept(nil)
		start := time.Now()
		if a := c.do(w.method, w.path, w.body, ofJSON...); a.StatusCode >= 400 || time.Since(start) > 500*time.Millisecond {
			t.Errorf("%s: %d after %s: %s", w.path, a.StatusCode, time.Since(start), a.body)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if n := len(b.writes()); n != 2 {
		t.Errorf("%q", b.writes())
	}
}

func TestAQuestionThatNeverEndsIsGivenUpBeforeTheLeaseEnds(t *testing.T) {
	b := newRegistry(t)
	f := ruledFleet(t, b, on("/users", []string{"POST"}, proxy.Rules{Unique: []proxy.Unique{emailRule("")}}))
	f.cfg.Timeouts.Write = 300 * time.Millisecond
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("["))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
		return true
	})
	start := time.Now()
	f.replica().do("POST", "/users", `{"email":"a@x"}`, ofJSON...).want(t, http.StatusServiceUnavailable, refusal.Unverifiable)
	if d := time.Since(start); d > 600*time.Millisecond {
		t.Errorf("after %s", d)
	}
}
