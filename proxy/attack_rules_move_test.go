package proxy_test

import (
	"net/http"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAMoveOntoAResourceIsHeldAgainstItsTransitions(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "cancelled")
	b.put("/orders/8", "status", "approved")
	b.put("/drafts/1", "status", "approved")
	c := ruledFleet(t, b, on("/orders/{id}", []string{"PUT", "PATCH", "DELETE", "MOVE", "COPY"}, proxy.Rules{Transitions: workflow()})).replica()
	for _, from := range []string{"/orders/8", "/drafts/1"} {
		for _, method := range []string{"MOVE", "COPY"} {
			if a := c.do(method, from, "", "Destination", "/orders/7"); a.StatusCode < 400 {
				t.Errorf("%s of %s onto a cancelled order: %d", method, from, a.StatusCode)
			}
		}
	}
}

func TestARequirementOfTheDestinationIsNotDecidedByTheSource(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "shipped")
	b.put("/drafts/1", "status", "pending")
	c := ruledFleet(t, b, on("/orders/{id}", []string{"PUT", "COPY"}, proxy.Rules{
		Require: []proxy.Require{{On: []string{"PUT", "COPY"}, That: "current.body.status == 'pending'", Message: "it is shipped"}},
	})).replica()
	c.do("COPY", "/drafts/1", "", "Destination", "/orders/7").want(t, http.StatusConflict, refusal.Rule)
}

func TestAPOSTThatUpdatesIsNoCreation(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "cancelled")
	c := ruledFleet(t, b, on("/orders/{id}", []string{"POST", "PUT"}, proxy.Rules{Transitions: workflow()})).replica()
	c.do("POST", "/orders/7", `{"status":"pending"}`, ofJSON...).want(t, http.StatusConflict, refusal.Transition)
}
