package proxy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// forbidden answers 403 to whoever has no cookie and asks for one of these.
func (b *registry) forbidden(paths ...string) {
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		for _, path := range paths {
			if r.URL.Path == path && r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusForbidden)
				return true
			}
		}
		return false
	})
}

func TestWhoMayNotLookLearnsNothingFromARuleThatAsksForOthers(t *testing.T) {
	b := newRegistry(t)
	b.put("/customers/7", "id", 7)
	b.put("/orders/1", "id", 1, "customer", "7")
	b.forbidden("/customers/7", "/customers/8", "/orders")
	c := ruledFleet(t, b, on("/customers/{id}", []string{"DELETE"}, proxy.Rules{
		AskHeaders: map[string]string{"Authorization": "Bearer proxy"},
		Require: []proxy.Require{{
			Ask: map[string]string{"orders": "/orders?customer={id}"}, That: "size(orders.body) == 0", Message: "the customer still has orders",
		}},
	})).replica()
	with, without := c.do("DELETE", "/customers/7", ""), c.do("DELETE", "/customers/8", "")
	with.want(t, http.StatusForbidden)
	without.want(t, http.StatusForbidden)
	c.do("DELETE", "/customers/7", "", "Authorization", "Bearer me").want(t, http.StatusConflict, refusal.Rule)
}

func TestWhoMayNotLookDoesNotLearnThatSomebodyIsAtIt(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "pending")
	f := ruledFleet(t, b, on("/orders/{id}", []string{"PATCH"}, proxy.Rules{Transitions: workflow()}))
	f.cfg.Timeouts.BusyWait = 50 * time.Millisecond
	c := f.replica()
	there, goOn := make(chan struct{}), make(chan struct{})
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		if r.Method == http.MethodPatch {
			close(there)
			<-goOn
		}
		return false
	})
	first := make(chan answer)
	go func() {
		a, _ := c.attempt("PATCH", "/orders/7", `{"status":"approved"}`, append(ofJSON, "Authorization", "Bearer me")...)
		first <- a
	}()
	<-there
	stranger := c.do("PATCH", "/orders/7", `{"status":"cancelled"}`, ofJSON...)
	close(goOn)
	(<-first).want(t, http.StatusNoContent)
	stranger.want(t, http.StatusForbidden)
}

func TestTheBackendOfAnActionGetsNoConditionOnAnotherResource(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "pending")
	var got http.Header
	b.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			got = r.Header.Clone()
		}
		return false
	})
	c := ruledFleet(t, b,
		on("/orders/{id}", []string{"PUT", "PATCH", "DELETE"}, proxy.Rules{}),
		on("/orders/{id}/approve", []string{"POST"}, proxy.Rules{
			Resource: "/orders/{id}", Require: []proxy.Require{{That: "current.body.status == 'pending'"}},
		})).replica()
	tag := c.get("/orders/7").etag()
	c.do("POST", "/orders/7/approve", "", "If-Match", tag).want(t, http.StatusNoContent)
	if got.Get("If-Match") != "" {
		t.Errorf("If-Match: %s went to /orders/7/approve, whose tag it is not", got.Get("If-Match"))
	}
}

func TestWhatIsReturnedIsTheExistingOneAndNoList(t *testing.T) {
	b := newRegistry(t)
	b.put("/users/1", "id", 1, "email", "a@x")
	rule := emailRule("")
	rule.Return = true
	c := ruledFleet(t, b, on("/users", []string{"POST"}, proxy.Rules{Unique: []proxy.Unique{rule}})).replica()
	a := c.do("POST", "/users", `{"email":"a@x"}`, ofJSON...)
	a.want(t, http.StatusOK)
	if !strings.HasPrefix(a.body, "{") {
		t.Errorf("the existing one is %s", a.body)
	}
}

func TestAnExistingOneThatIsReadSlowlyComesToItsEnd(t *testing.T) {
	b := newRegistry(t)
	b.put("/users/1", "id", 1, "email", "a@x")
	rule := emailRule("/users/{found:/0/id}")
	rule.Return = true
	f := ruledFleet(t, b, on("/users", []string{"POST"}, proxy.Rules{Unique: []proxy.Unique{rule}}))
	f.cfg.Timeouts.Write = 200 * time.Millisecond
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/users/1" {
			return false
		}
		_, _ = w.Write([]byte(strings.Repeat("a", 1000)))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(300 * time.Millisecond)
		_, _ = w.Write([]byte("end"))
		return true
	})
	a, err := f.replica().attempt("POST", "/users", `{"email":"a@x"}`, ofJSON...)
	if err != nil || !strings.HasSuffix(a.body, "end") {
		t.Errorf("it broke off after %d bytes: %v", len(a.body), err)
	}
}
