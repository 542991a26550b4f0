package proxy_test

import (
	"net/http"
	"testing"
	"time"

	"proxy409/proxy"
)

func TestATagThatWasReadWhileTheResourceWasHeldForAnotherIsGood(t *testing.T) {
	b := newRegistry(t)
	b.put("/customers/7", "id", 7)
	customer := on("/customers/{id}", []string{"PUT", "DELETE"}, proxy.Rules{})
	customer.Missing = proxy.MissingReject
	c := ruledFleet(t, b, customer,
		on("/orders", []string{"POST"}, proxy.Rules{Leases: []string{"/customers/{/customer}"}})).replica()
	before := "\"v0\""
	if got := c.get("/customers/7").etag(); got != before {
		t.Fatal(got)
	}
	arrived, goOn := b.holdWrites()
	first := make(chan answer)
	go func() { a, _ := c.attempt("POST", "/orders", `{"customer":"7"}`, ofJSON...); first <- a }()
	<-arrived
	during := c.get("/customers/7").etag()
	close(goOn)
	(<-first).want(t, http.StatusCreated)
	b.mu.Lock()
	b.log = nil // the registry's tags are those of all its records
	b.mu.Unlock()
	t.Logf("before %s, during %s, after %s", before, during, c.get("/customers/7").etag())
	c.do("PUT", "/customers/7", `{}`, "If-Match", during).want(t, http.StatusNoContent)
}

func TestAnotherSpellingOfANumberIsTheSameCustomer(t *testing.T) {
	b := newRegistry(t)
	b.put("/customers/7", "id", 7)
	f := ruledFleet(t, b,
		on("/customers/{id}", []string{"DELETE"}, proxy.Rules{
			Require: []proxy.Require{{Ask: map[string]string{"orders": "/orders?customer={id}"}, That: "size(orders.body) == 0"}},
		}),
		on("/orders", []string{"POST"}, proxy.Rules{Leases: []string{"/customers/{/customer}"}}))
	f.cfg.Timeouts.BusyWait = 0
	for _, spelling := range []string{`7.0`, `7e0`, `70E-1`, `7.00000000000000000001`, `"7"`} {
		c := f.replica()
		arrived, goOn := b.holdWrites()
		first := make(chan answer)
		go func() { a, _ := c.attempt("POST", "/orders", `{"customer":`+spelling+`}`, ofJSON...); first <- a }()
		<-arrived
		if a := c.do("DELETE", "/customers/7", ""); a.StatusCode != http.StatusConflict {
			t.Errorf("%s: %d", spelling, a.StatusCode)
		}
		close(goOn)
		(<-first).want(t, http.StatusCreated)
		b.mu.Lock()
		b.records = map[string]map[string]any{"/customers/7": {"id": 7}}
		b.mu.Unlock()
	}
}

func TestATagIsGoodAfterAWriteInDoubtThatOnlyHeldTheResource(t *testing.T) {
	b := newRegistry(t)
	b.put("/customers/7", "id", 7)
	customer := on("/customers/{id}", []string{"PUT", "DELETE"}, proxy.Rules{})
	customer.Missing = proxy.MissingReject
	f := ruledFleet(t, b, customer, on("/orders", []string{"POST"}, proxy.Rules{Leases: []string{"/customers/{/customer}"}}))
	c := f.replica()
	tag := c.get("/customers/7").etag()
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusGatewayTimeout)
		}
		return r.Method == http.MethodPost
	})
	c.do("POST", "/orders", `{"customer":"7"}`, ofJSON...).want(t, http.StatusGatewayTimeout)
	time.Sleep(4 * f.cfg.Timeouts.Settle)
	c.do("PUT", "/customers/7", `{}`, "If-Match", tag).want(t, http.StatusNoContent)
}
