package proxy_test

import (
	"slices"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// orders are the routes of a list of orders, and of each of them, whose states follow one another.
func orders(missing proxy.Missing) []proxy.Route {
	list, each := enforced("orders", "/orders", "POST"), enforced("order", "/orders/{id}", "PUT", "PATCH", "DELETE")
	list.Rules.Transitions = &proxy.Transitions{
		Field:   "/status",
		Moves:   map[string][]string{"pending": {"approved", "cancelled"}, "approved": {"shipped"}, "shipped": {}, "cancelled": {}},
		Initial: []string{"pending"},
	}
	each.Rules.Transitions, each.Missing = list.Rules.Transitions, missing
	return []proxy.Route{list, each}
}

func TestTransitionsTheStepsOfAWorkflow(t *testing.T) {
	for name, tc := range map[string]struct {
		from, method, path, body string
		header                   []string
		status                   int
		reason                   refusal.Reason
	}{
		"a step":                     {body: `{"status":"approved"}`, status: 200},
		"staying":                    {body: `{"status":"pending"}`, status: 200},
		"staying at the end":         {from: "shipped", body: `{"status":"shipped"}`, status: 200},
		"one too many":               {body: `{"status":"shipped"}`, status: 409, reason: refusal.Transition},
		"back":                       {from: "approved", body: `{"status":"pending"}`, status: 409, reason: refusal.Transition},
		"from the end":               {from: "cancelled", body: `{"status":"approved"}`, status: 409, reason: refusal.Transition},
		"to what is unlisted":        {body: `{"status":"lost"}`, status: 409, reason: refusal.Transition},
		"in another case":            {body: `{"status":"Approved"}`, status: 409, reason: refusal.Transition},
		"from what is unlisted":      {from: "lost", body: `{"status":"pending"}`, status: 409, reason: refusal.Transition},
		"staying at what is not":     {from: "lost", body: `{"status":"lost"}`, status: 409, reason: refusal.Transition},
		"PUT":                        {method: "PUT", body: `{"status":"approved"}`, status: 200},
		"PUT, one too many":          {method: "PUT", body: `{"status":"shipped"}`, status: 409, reason: refusal.Transition},
		"PATCH without":              {from: "cancelled", body: `{"note":"x"}`, status: 200},
		"PATCH without, from lost":   {from: "lost", body: `{"note":"x"}`, status: 200},
		"PUT without":                {method: "PUT", body: `{"note":"x"}`, status: 400, reason: refusal.Malformed},
		"PUT of nothing":             {method: "PUT", status: 400, reason: refusal.Malformed},
		"null":                       {body: `{"status":null}`, status: 400, reason: refusal.Malformed},
		"a list":                     {body: `{"status":["approved"]}`, status: 400, reason: refusal.Malformed},
		"another spelling":           {body: `{"Status":"shipped"}`, status: 400, reason: refusal.Malformed},
		"a form":                     {body: `status=approved`, header: []string{"Content-Type", formType}, status: 200},
		"a form, one too many":       {body: `status=shipped`, header: []string{"Content-Type", formType}, status: 409, reason: refusal.Transition},
		"a form, twice":              {body: `status=approved&status=shipped`, header: []string{"Content-Type", formType}, status: 400, reason: refusal.Malformed},
		"a list of changes":          {body: `[]`, header: []string{"Content-Type", "application/json-patch+json"}, status: 415, reason: refusal.Unsupported},
		"DELETE":                     {method: "DELETE", from: "shipped", status: 204},
		"creation by PUT":            {method: "PUT", path: "/orders/new", body: `{"status":"pending"}`, header: []string{"If-None-Match", "*"}, status: 201},
		"creation by PUT, too late":  {method: "PUT", path: "/orders/new", body: `{"status":"shipped"}`, header: []string{"If-None-Match", "*"}, status: 409, reason: refusal.Transition},
		"creation by POST":           {method: "POST", path: "/orders", body: `{"status":"pending"}`, header: []string{"", ""}, status: 201},
		"creation by POST, too late": {method: "POST", path: "/orders", body: `{"status":"approved"}`, header: []string{"", ""}, status: 409, reason: refusal.Transition},
		"creation without a state":   {method: "POST", path: "/orders", body: `{"note":"x"}`, header: []string{"", ""}, status: 201},
		"POST as PATCH":              {from: "cancelled", method: "POST", body: `{"status":"pending"}`, header: []string{"X-HTTP-Method-Override", "PATCH"}, status: 409, reason: refusal.Transition},
		"POST as PATCH in a form":    {from: "cancelled", method: "POST", body: "status=pending&_method=patch", header: []string{"Content-Type", formType}, status: 409, reason: refusal.Transition},
		"POST as PUT without":        {method: "POST", body: `{"note":"x"}`, header: []string{"X-HTTP-Method-Override", "PUT"}, status: 400, reason: refusal.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				obeysOverrides(u.api)
				from, method, path := "pending", "PATCH", "/orders/7"
				if tc.from != "" {
					from = tc.from
				}
				if tc.method != "" {
					method = tc.method
				}
				if tc.path != "" {
					path = tc.path
				}
				u.api.has("/orders/7", `{"status":"`+from+`"}`)
				header := tc.header
				if path == "/orders/7" {
					header = append(header, "If-Match", u.send("GET", "/orders/7", "").etag())
				}
				a := u.send(method, path, tc.body, header...)
				if a.want(t, tc.status); tc.reason != refusal.None {
					a.want(t, tc.status, tc.reason)
					u.wrote()
				}
			}, orders(proxy.MissingReject)...)
		})
	}
}

// A POST that stands for a change is no creation, whoever lets it pass without a version.
func TestTransitionsWithoutAPreconditionThePresentStateCountsAllTheSame(t *testing.T) {
	for _, send := range []func(u *ruled, body string) answer{
		func(u *ruled, body string) answer { return u.send("PATCH", "/orders/7", body) },
		func(u *ruled, body string) answer { return u.send("PUT", "/orders/7", body) },
		func(u *ruled, body string) answer {
			return u.send("POST", "/orders/7", body, "X-HTTP-Method-Override", "PATCH")
		},
		func(u *ruled, body string) answer { return u.send("POST", "/orders/7?_method=put", body) },
	} {
		underRules(t, func(u *ruled) {
			obeysOverrides(u.api)
			u.api.has("/orders/7", `{"status":"cancelled"}`)
			send(u, `{"status":"pending"}`).refused(t, 409, refusal.Transition, "transitions")
			send(u, `{"status":"cancelled"}`).want(t, 200)
		}, orders(proxy.MissingAllow)...)
		underRules(t, func(u *ruled) { // it creates
			send(u, `{"status":"approved"}`).refused(t, 409, refusal.Transition, "transitions")
			send(u, `{"status":"pending"}`)
			u.was("GET /orders/7", "GET /orders/7")
		}, orders(proxy.MissingAllow)...)
	}
}

func TestTransitionsTheAnswerTellsTheStatesThatAreAllowed(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		allowed  []string
	}{{"pending", "shipped", []string{"approved", "cancelled"}}, {"shipped", "pending", []string{}}, {"lost", "pending", []string{}}} {
		underRules(t, func(u *ruled) {
			u.api.has("/orders/7", `{"status":"`+tc.from+`"}`)
			p := u.send("PATCH", "/orders/7", `{"status":"`+tc.to+`"}`, "If-Match", `"v1"`).refused(t, 409, refusal.Transition, "transitions")
			if p.CurrentState != tc.from || p.RequestedState != tc.to || !slices.Equal(p.AllowedStates, tc.allowed) || p.AllowedStates == nil ||
				!slices.Equal(p.Fields, []string{"/status"}) {
				t.Errorf("%+v", p)
			}
		}, orders(proxy.MissingReject)...)
	}
	underRules(t, func(u *ruled) {
		p := u.send("POST", "/orders", `{"status":"shipped"}`).refused(t, 409, refusal.Transition, "transitions")
		if p.CurrentState != "" || p.RequestedState != "shipped" || !slices.Equal(p.AllowedStates, []string{"pending"}) {
			t.Errorf("%+v", p)
		}
	}, orders(proxy.MissingReject)...)
}

func TestTransitionsAPresentStateThatCannotBeReadIsNoState(t *testing.T) {
	for _, doc := range []string{`{}`, `{"status":null}`, `{"status":["pending"]}`, `{"status":{"a":1}}`} {
		underRules(t, func(u *ruled) {
			u.api.has("/orders/7", doc)
			u.send("PATCH", "/orders/7", `{"status":"approved"}`, "If-Match", `"v1"`).refused(t, 503, refusal.Unverifiable, "transitions")
			u.wrote()
		}, orders(proxy.MissingReject)...)
	}
}

func TestTransitionsOfTwoStepsFromOneStateOneIsTaken(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"status":"pending"}`)
		asked := u.api.hold("GET", "/orders/7")
		approve := u.start(u.one, "PATCH", "/orders/7", `{"status":"approved"}`)
		u.at(asked, 1) // it asks for the present state under its lease
		u.api.off()
		cancel := u.start(u.replica(), "PATCH", "/orders/7", `{"status":"cancelled"}`)
		time.Sleep(time.Second)
		cancel.waits(t)
		u.wrote()
		asked.release()
		approve.answer().want(t, 200)
		cancel.answer().refused(t, 409, refusal.Transition, "transitions")
		u.wrote(`PATCH /orders/7 {"status":"approved"}`)
	}, orders(proxy.MissingAllow)...)
}
