package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestWhoNamesNoVersionIsToldWhereItCan(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Rules.Expect = []string{"if-match", "json:/version", "form:version", "header:X-Version", "query:v"}
	a := f.replica().do(http.MethodPut, "/a", `{}`, "Content-Type", "application/json")
	a.want(t, http.StatusConflict, refusal.Missing)
	const places = "in If-Match or /version of the JSON body or the field version of a form or X-Version or the parameter v of the query."
	if !strings.Contains(a.body, places) {
		t.Errorf("%s\nwant: %s", a.body, places)
	}
}

func TestARefusedStepSaysWhichStepsThereAre(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	f.cfg.Routes[0].Missing = proxy.MissingAllow
	f.cfg.Routes[0].Rules.Transitions = &proxy.Transitions{
		Field: "/status", Moves: map[string][]string{"pending": {"paid"}, "paid": {}}, Initial: []string{"pending"},
	}
	c := f.replica()
	for _, tt := range []struct{ at, present, to, want string }{
		{"/new", "", "paid", `The resource cannot be created in the state \"paid\". States in which it can: \"pending\". The request was not forwarded.`},
		{
			"/b", "pending", "lost",
			`The resource is in the state \"pending\", from which no step leads to \"lost\". Steps lead from there to \"paid\". The request was not forwarded.`,
		},
		{
			"/c", "paid", "pending",
			`The resource is in the state \"paid\", from which no step leads to \"pending\". No step leads away from there. The request was not forwarded.`,
		},
		{
			"/d", "draft", "pending",
			`The resource is in the state \"draft\", of which no rule says what may follow it. The request was not forwarded.`,
		},
	} {
		if tt.present != "" {
			b.set(tt.at, `{"status":"`+tt.present+`"}`)
		}
		a := c.do(http.MethodPut, tt.at, `{"status":"`+tt.to+`"}`, "Content-Type", "application/json")
		a.want(t, http.StatusConflict, refusal.Transition)
		if !strings.Contains(a.body, tt.want) {
			t.Errorf("%s\nwant: %s", a.body, tt.want)
		}
	}
}

// The count of what is unverifiable is one that operators are called for.
func TestOnlyWhatTheBackendDoesNotSayIsUnverifiable(t *testing.T) {
	b := newBackend(t)
	b.set("/orders/1", `{"status":"pending"}`)
	b.set("/orders/2", `{}`)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/orders/4" {
			w.WriteHeader(http.StatusForbidden)
		}
		return r.URL.Path == "/orders/4"
	})
	f := newFleet(t, b)
	f.cfg.Routes = []proxy.Route{route(), {
		Name: "step", Match: "/orders/{id}/approve", Mode: proxy.Enforce, Missing: proxy.MissingAllow, Guard: []string{"POST"},
		Rules: proxy.Rules{Resource: "/orders/{id}", Require: []proxy.Require{{That: "current.body.status == 'pending'"}}},
	}}
	for _, tt := range []struct {
		order, outcome string
		status         int
	}{
		{"1", proxy.RuleHeld, http.StatusNoContent},
		{"2", proxy.RuleUnverifiable, http.StatusServiceUnavailable},
		{"3", proxy.RuleRefused, http.StatusConflict},
		{"4", proxy.RuleRefused, http.StatusForbidden},
	} {
		observer := &told{}
		f.cfg.Observer = observer
		f.replica().do(http.MethodPost, "/orders/"+tt.order+"/approve", "").want(t, tt.status)
		if event := "rule require-1 " + tt.outcome; observer.count(event) != 1 {
			t.Errorf("order %s: want %q in %q", tt.order, event, observer.all())
		}
	}
}
