package proxy_test

import (
	"net/http"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// holdWrites holds the first unsafe request up at the backend, before it is applied, until goOn is closed.
func (b *registry) holdWrites() (arrived <-chan struct{}, goOn chan<- struct{}) {
	there, released := make(chan struct{}), make(chan struct{})
	first := make(chan struct{}, 1)
	first <- struct{}{}
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		select {
		case <-first:
			close(there)
			<-released
		default:
		}
		return false
	})
	return there, released
}

func TestASecondUserOfOneAddressIsNotCreatedWhileTheFirstIsUnderWay(t *testing.T) {
	b := newRegistry(t)
	f := ruledFleet(t, b, on("/users", []string{"POST"}, proxy.Rules{Unique: []proxy.Unique{emailRule("")}}))
	f.cfg.Timeouts.BusyWait = 50 * time.Millisecond
	c := f.replica()
	arrived, goOn := b.holdWrites()
	first := make(chan answer)
	go func() { a, _ := c.attempt("POST", "/users", `{"email":"a@x"}`, ofJSON...); first <- a }()
	<-arrived
	second := c.do("POST", "/users", `{"email":"A@x "}`, ofJSON...)
	close(goOn)
	(<-first).want(t, http.StatusCreated)
	second.want(t, http.StatusConflict, refusal.Busy)
	if n := len(b.writes()); n != 1 {
		t.Errorf("%d users have one address: %v", n, b.writes())
	}
}

func TestAnOrderIsNotApprovedWhileItsCancellationIsUnderWay(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "pending")
	f := ruledFleet(t, b,
		on("/orders/{id}", []string{"PUT", "PATCH", "DELETE"}, proxy.Rules{Transitions: workflow()}),
		on("/orders/{id}/approve", []string{"POST"}, proxy.Rules{
			Resource: "/orders/{id}", Require: []proxy.Require{{That: "current.body.status == 'pending'"}},
		}))
	f.cfg.Timeouts.BusyWait = 50 * time.Millisecond
	c := f.replica()
	arrived, goOn := b.holdWrites()
	first := make(chan answer)
	go func() { a, _ := c.attempt("PATCH", "/orders/7", `{"status":"cancelled"}`, ofJSON...); first <- a }()
	<-arrived
	second := c.do("POST", "/orders/7/approve", "")
	third := c.do("PATCH", "/orders/7", `{"status":"approved"}`, ofJSON...)
	close(goOn)
	(<-first).want(t, http.StatusNoContent)
	second.want(t, http.StatusConflict, refusal.Busy)
	third.want(t, http.StatusConflict, refusal.Busy)
}
