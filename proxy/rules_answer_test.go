package proxy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAnswerABodyTemplateSaysWhatTheRuleSays(t *testing.T) {
	routes := append(users(eMail()), orders(proxy.MissingAllow)...)
	for i := range routes {
		routes[i].BodyTemplate = `{"errors":[{"code":"{{.Reason}}","rule":{{json .Rule}},"at":{{json .Location}},"fields":{{json .Fields}},` +
			`"now":{{json .CurrentState}},"next":{{json .AllowedStates}},"text":{{json .Message}}}]}`
	}
	routes[0].Rules.Require = []proxy.Require{{That: "request.body.age >= 18", MessageExpression: `'\"' + string(request.body.age) + '\" is too young'`}}
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		u.api.has("/orders/7", `{"status":"shipped"}`)
		for _, tc := range []struct{ method, path, body, want string }{
			{"POST", "/users", ada, `{"errors":[{"code":"duplicate","rule":"e-mail","at":"/users/ada","fields":["/email"],"now":"","next":[],"text":"an entry with the same values exists already"}]}`},
			{"POST", "/users", `{"email":"x","age":7}`, `{"errors":[{"code":"rule","rule":"require-1","at":"","fields":[],"now":"","next":[],"text":"\"7\" is too young"}]}`},
			{"PATCH", "/orders/7", `{"status":"pending"}`, `{"errors":[{"code":"transition","rule":"transitions","at":"","fields":["/status"],"now":"shipped","next":[],"text":"document is not in a state that allows this step"}]}`},
		} {
			a := u.send(tc.method, tc.path, tc.body)
			if a.StatusCode != 409 || a.body != tc.want || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %q\n%s, want\n%s", a.StatusCode, a.Header, a.body, tc.want)
			}
		}
		u.wrote()
	}, routes...)
}

func TestAnswerDiscloseNeverTellsNoState(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.restart(func(c *proxy.Config) { c.Refusals.Disclose = false })
		u.api.has("/orders/7", `{"status":"shipped"}`)
		u.api.has("/orders/8", `{"status":"cancelled"}`)
		u.api.has("/orders/9", `{"status":"unheard-of"}`)
		first := ""
		for _, at := range []string{"/orders/7", "/orders/8", "/orders/9"} {
			a := u.send("PATCH", at, `{"status":"pending"}`)
			p := a.refused(t, 409, refusal.Transition, "transitions")
			if first == "" {
				first = p.Detail
			}
			if p.CurrentState != "" || len(p.AllowedStates) > 0 || p.Detail != first || strings.Contains(a.body, "allowed_states") {
				t.Errorf("%s", a.body)
			}
		}
	}, orders(proxy.MissingAllow)...)
}

func TestAnswerUnderTheProfileOfTheRFCRulesAreConflictsAllTheSame(t *testing.T) {
	routes := append(append(users(eMail()), orders(proxy.MissingReject)...), requiring(proxy.Require{That: "false"}), versioned("json:/version"))
	underRules(t, func(u *ruled) {
		u.restart(func(c *proxy.Config) { c.Refusals.Style = refusal.Style{Profile: refusal.RFC9110} })
		u.api.has("/users/ada", ada)
		u.api.has("/orders/7", `{"status":"shipped"}`)
		at2(u)
		u.send("POST", "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail")
		u.send("PATCH", "/orders/7", `{"status":"pending"}`, "If-Match", `"v1"`).refused(t, 409, refusal.Transition, "transitions")
		u.send("PATCH", "/customers/5", `{}`).refused(t, 409, refusal.Rule, "require-1")
		u.send("POST", "/users", `x`, "Content-Type", "text/plain").want(t, 415, refusal.Unsupported)
		u.send("PUT", "/docs/a", `{"version":1}`).want(t, 412, refusal.Stale)
		u.send("PUT", "/docs/a", `{}`).want(t, 428, refusal.Missing)
		u.wrote()
	}, routes...)
}

func TestAnswerAStatusThatIsSetCounts(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.restart(func(c *proxy.Config) {
			c.Refusals.Style = refusal.Style{Status: map[refusal.Reason]int{refusal.Duplicate: 422, refusal.Transition: 403}}
		})
		u.api.has("/users/ada", ada)
		u.send("POST", "/users", ada).refused(t, 422, refusal.Duplicate, "e-mail")
	}, users(eMail())...)
}

func TestAnswerTheLogNamesTheRuleAndNothingThatWasSent(t *testing.T) {
	routes := append(users(eMail()), orders(proxy.MissingAllow)...)
	routes = append(routes, requiring(proxy.Require{Name: "a-rule", That: "current.body.name == 'x'", MessageExpression: "current.body.name"}))
	underRules(t, func(u *ruled) {
		u.api.has("/users/1", `{"email":"`+secret+`"}`)
		u.api.has("/orders/7", `{"status":"`+secret+`"}`)
		u.api.has("/customers/5", `{"name":"`+secret+`"}`)
		u.send("POST", "/users", `{"email":"`+secret+`"}`).refused(t, 409, refusal.Duplicate, "e-mail")
		u.send("PATCH", "/orders/7", `{"status":"`+secret+`"}`).refused(t, 409, refusal.Transition, "transitions")
		u.send("PATCH", "/customers/5", `{"name":"`+secret+`"}`).refused(t, 409, refusal.Rule, "a-rule")
		log := u.logs.String()
		for _, want := range []string{
			"decision=refused reason=duplicate route=users method=POST path=/users status=409", "rule=e-mail",
			"decision=refused reason=transition route=order method=PATCH path=/orders/7 status=409", "rule=transitions",
			"decision=refused reason=rule route=customer method=PATCH path=/customers/5 status=409", "rule=a-rule",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log has no %q", want)
			}
		}
		if t.Failed() || strings.Contains(log, secret) {
			t.Error(log)
		}
	}, routes...)
}

func TestAnswerTheObserverIsToldOfEachRuleThatWasDecided(t *testing.T) {
	routes := users(eMail(), proxy.Unique{Fields: []string{"/name"}, Ask: "/users?name={/name}"})
	routes[0].Rules.Require = []proxy.Require{{That: "request.body.name != 'no'"}, {Name: "last", Ask: map[string]string{"x": "/x"}, That: "x.body == []"}}
	underRules(t, func(u *ruled) {
		for _, tc := range []struct {
			body  string
			rules []string
		}{
			{`{"email":"a","name":"a"}`, []string{"e-mail held", "unique-2 held", "require-1 held", "last held"}},
			{`{"email":"a","name":"b"}`, []string{"e-mail refused"}},
			{`{"email":"b","name":"a"}`, []string{"e-mail held", "unique-2 refused"}},
			{`{"email":"b","name":"no"}`, []string{"e-mail held", "unique-2 held", "require-1 refused"}},
			{`{"email":"c","name":"c"}`, []string{"e-mail held", "unique-2 held", "require-1 held", "last unverifiable"}},
		} {
			if strings.Contains(tc.body, `"c"`) {
				u.api.says("GET", "/x", 500, "")
			}
			before := len(u.told.all())
			u.send("POST", "/users", tc.body)
			var rules []string
			for _, event := range u.told.all()[before:] {
				if rule, is := strings.CutPrefix(event, "rule "); is {
					rules = append(rules, rule)
				}
			}
			if got, want := strings.Join(rules, ", "), strings.Join(tc.rules, ", "); got != want {
				t.Errorf("%s: %s, want %s", tc.body, got, want)
			}
		}
	}, routes...)
}

func TestAnswerABrowserGetsAPageWithALinkToTheExistingOne(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		a := u.send("POST", "/users", "email=ada@example.com", "Content-Type", formType, "Accept", "text/html,application/xhtml+xml")
		if a.StatusCode != 409 || !strings.Contains(a.body, `href="/users/ada"`) || strings.Contains(a.body, "ada@example.com") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}, users(eMail())...)
}

func TestAnswerTheMembersAreThoseOfTheDocumentation(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		var all map[string]any
		if err := json.Unmarshal([]byte(u.send("POST", "/users", ada).body), &all); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"type", "title", "status", "detail", "instance", "error", "reason", "message", "rule", "fields", "location"} {
			if all[name] == nil {
				t.Errorf("no %s in %v", name, all)
			}
		}
	}, users(eMail())...)
}
