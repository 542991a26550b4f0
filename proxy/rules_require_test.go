package proxy_test

import (
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// requiring is a route of customers whose writes must hold to rules.
func requiring(rules ...proxy.Require) proxy.Route {
	r := enforced("customer", "/customers/{id}", "PUT", "PATCH", "DELETE")
	r.Missing = proxy.MissingAllow
	r.Rules.Require = rules
	return r
}

// noOrders is the rule that a customer who has orders stays.
func noOrders() proxy.Require {
	return proxy.Require{
		On: []string{"DELETE", "MOVE"}, Ask: map[string]string{"orders": "/orders?customer={id}"},
		That: "size(orders.body) == 0", Message: "the customer still has orders",
	}
}

func TestRequireWhatOthersDependOnIsNotDeleted(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{"name":"Ada"}`)
		u.api.has("/orders/1", `{"customer":5}`)
		p := u.send("DELETE", "/customers/5", "").refused(t, 409, refusal.Rule, "require-1")
		if p.Message != "the customer still has orders" {
			t.Errorf("%+v", p)
		}
		u.wrote()
		u.was("GET /orders?customer=5")
		u.send("PATCH", "/customers/5", `{}`).want(t, 200) // of which the rule says nothing
		u.was("GET /orders?customer=5")
		u.send("DELETE", "/customers/6", "").want(t, 204)
	}, requiring(noOrders()))
}

func TestRequireWhateverMayBeTheMethodIsHeldAgainstIt(t *testing.T) {
	for name, header := range map[string][]string{
		"a header":        {"X-HTTP-Method-Override", "DELETE"},
		"another":         {"X-Method-Override", "delete"},
		"a form":          {"Content-Type", formType},
		"a form and more": {"Content-Type", formType, "If-Match", `"v1"`},
		"JSON and more":   {"If-Match", `"v1"`},
		"MOVE":            {"X-HTTP-Method-Override", "MOVE", "Destination", "/customers/6"},
	} {
		t.Run(name, func(t *testing.T) {
			r := requiring(noOrders())
			underRules(t, func(u *ruled) {
				u.api.has("/customers/5", `{"name":"Ada"}`)
				u.api.has("/orders/1", `{"customer":5}`)
				body := `{"_method":"DELETE"}`
				switch {
				case name == "MOVE" || strings.Contains(header[0], "Override"):
					body = ""
				case header[0] == "Content-Type":
					body = "_method=delete"
				}
				u.send("POST", "/customers/5", body, header...).refused(t, 409, refusal.Rule, "require-1")
				u.send("POST", "/customers/5?_method=delete", "", "If-Match", `"v1"`).refused(t, 409, refusal.Rule, "require-1")
				u.wrote()
			}, r)
		})
	}
}

func TestRequireAsksOnlyWhatIsReadAndOnlyIfTheRulesBeforeHold(t *testing.T) {
	first := proxy.Require{
		Ask:  map[string]string{"b": "/b", "a": "/a", "unread": "/unread"},
		That: "size(a.body) == 0 && size(b.body) == 0 && current.exists", Message: "first",
	}
	second := proxy.Require{Name: "second", Ask: map[string]string{"c": "/c"}, That: "size(c.body) == 0 && current.body.name == 'Ada'"}
	third := proxy.Require{Ask: map[string]string{"d": "/d"}, That: "request.method == 'PUT'", MessageExpression: "'d has ' + string(size(d.body))"}
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{"name":"Ada"}`)
		for _, tc := range []struct {
			occupied, rule string
			asked          []string
		}{
			{"/b/1", "require-1", []string{"/customers/5", "/a", "/b"}},
			{"/c/1", "second", []string{"/customers/5", "/a", "/b", "/c"}},
			{"/d/1", "require-3", []string{"/customers/5", "/a", "/b", "/c", "/d"}},
		} {
			u.api.mu.Lock()
			for at := range u.api.docs {
				if !strings.HasPrefix(at, "/customers") {
					delete(u.api.docs, at)
				}
			}
			u.api.mu.Unlock()
			u.api.has(tc.occupied, `{}`)
			u.api.forget()
			p := u.send("PATCH", "/customers/5", `{}`).refused(t, 409, refusal.Rule, tc.rule)
			if tc.rule == "require-3" && p.Message != "d has 1" {
				t.Errorf("%+v", p)
			}
			var want []string
			for _, at := range tc.asked {
				want = append(want, "GET "+at)
			}
			u.was(want...)
			u.wrote()
		}
	}, requiring(first, second, third))
}

func TestRequireSeesTheRequestAndThePresentState(t *testing.T) {
	for that, held := range map[string]bool{
		"request.method == 'PATCH' && request.path == '/customers/5' && request.params.id == '5'": true,
		"request.query.tag == ['a', 'b'] && !('none' in request.query)":                           true,
		"request.headers['x-role'] == 'clerk, boss'":                                              true,
		"request.body.credit <= current.body.credit":                                              true,
		"request.body.credit < current.body.credit":                                               false,
		"current.exists && current.status == 200 && current.etag == '\"v1\"'":                     true,
		"current.headers['x-revision'] == 'r1'":                                                   true,
		"has(request.body.name)":                                                                  false,
	} {
		t.Run(that, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/customers/5", `{"credit":10}`)
				a := u.send("PATCH", "/customers/5?tag=a&tag=b", `{"credit":10}`, "X-Role", "clerk", "X-Role", "boss")
				if held {
					a.want(t, 200)
				} else {
					a.refused(t, 409, refusal.Rule, "require-1")
				}
			}, requiring(proxy.Require{That: that}))
		})
	}
}

func TestRequireTheMessageForPeople(t *testing.T) {
	for name, tc := range map[string]struct {
		rule proxy.Require
		want string
		log  string
	}{
		"none":       {proxy.Require{}, "change is not allowed as things are now", "A rule does not hold."},
		"fixed":      {proxy.Require{Message: "no"}, "no", ""},
		"made":       {proxy.Require{Message: "no", MessageExpression: "'it is ' + current.body.status"}, "it is open", ""},
		"that fails": {proxy.Require{Message: "no", MessageExpression: "'it is ' + current.body." + secret}, "no", "no such key"},
		"that fails, alone": {
			proxy.Require{MessageExpression: "'it is ' + current.body.none"}, "change is not allowed as things are now", "no such key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.rule.That = "false"
			underRules(t, func(u *ruled) {
				u.api.has("/customers/5", `{"status":"open","secret":"hidden-in-logs"}`)
				p := u.send("PATCH", "/customers/5", `{}`).refused(t, 409, refusal.Rule, "require-1")
				if p.Message != tc.want {
					t.Errorf("%q, want %q", p.Message, tc.want)
				}
				if log := u.logs.String(); !strings.Contains(log, tc.log) || strings.Contains(log, "hidden-in-logs") {
					t.Error(log)
				}
			}, requiring(tc.rule))
		})
	}
}

func TestRequireWhatCannotBeEvaluatedIsNeverLetThrough(t *testing.T) {
	for that, want := range map[string]struct {
		at     string
		status int
		reason refusal.Reason
	}{
		"current.body.none == 1":            {"/customers/5", 503, refusal.Unverifiable},
		"current.body.name > 1":             {"/customers/5", 503, refusal.Unverifiable},
		"request.body.none == 1":            {"/customers/5", 503, refusal.Unverifiable},
		"request.body.none":                 {"/customers/5", 503, refusal.Unverifiable},
		"current.body.name == 'x'":          {"/customers/none", 409, refusal.Absent},
		"current.exists":                    {"/customers/none", 409, refusal.Rule},
		"!has(request.body.x) || 1 / 0 > 0": {"/customers/5", 503, refusal.Unverifiable},
	} {
		t.Run(that, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/customers/5", `{"name":"`+secret+`"}`)
				u.send("PATCH", want.at, `{"x":"`+secret+`"}`).refused(t, want.status, want.reason, "require-1")
				u.wrote()
				if log := u.logs.String(); strings.Contains(log, secret) {
					t.Error(log)
				}
				u.send("PATCH", want.at, "x", "Content-Type", "text/plain")
				u.wrote()
			}, requiring(proxy.Require{That: that}))
		})
	}
}

func TestRequireABodyThatItReadsMustBeReadable(t *testing.T) {
	rule := proxy.Require{That: "request.body.name != ''"}
	underRules(t, func(u *ruled) {
		u.send("PATCH", "/customers/5", `x`, "Content-Type", "text/plain").refused(t, 415, refusal.Unsupported, "require-1")
		u.send("PATCH", "/customers/5", `{"name":"a","name":""}`).refused(t, 400, refusal.Malformed, "require-1")
		u.send("PATCH", "/customers/5", `{"name":`).refused(t, 400, refusal.Malformed, "require-1")
		u.wrote()
		u.send("PATCH", "/customers/5", `name=a`, "Content-Type", formType).want(t, 201)
	}, requiring(rule))
}
