package proxy_test

import (
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

// approving are the routes of orders, and of an action that is about one.
func approving(source validator.Source) []proxy.Route {
	each, action := enforced("order", "/orders/{id}", "PUT", "PATCH", "DELETE"), enforced("approve", "/orders/{id}/approve", "POST")
	each.Version.Source = source
	action.Rules.Resource = "/orders/{id}"
	action.Rules.Require = []proxy.Require{{
		That: "current.body.status == 'pending'", MessageExpression: "'order is ' + current.body.status + ', only a pending one can be approved'",
	}}
	return []proxy.Route{each, action}
}

func TestResourceAnActionIsJudgedByTheVersionOfWhatItIsAbout(t *testing.T) {
	for name, source := range map[string]validator.Source{
		"etag":   {},
		"json":   {From: validator.JSON, Pointer: "/version"},
		"body":   {From: validator.Body},
		"header": {From: validator.Header, Header: "X-Revision"},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/orders/7", `{"status":"new"}`)
				old := u.send("GET", "/orders/7", "").etag()
				u.send("PATCH", "/orders/7", `{"status":"pending"}`, "If-Match", old).want(t, 200)
				u.api.forget()
				p := u.send("POST", "/orders/7/approve", "", "If-Match", old).refused(t, 409, refusal.Stale, "")
				current := u.send("GET", "/orders/7", "").etag()
				if p.CurrentETag != current {
					t.Errorf("the current tag is %s, and said to be %s", current, p.CurrentETag)
				}
				u.wrote()
				u.send("POST", "/orders/7/approve", "", "If-Match", current).want(t, 200)
				if got := u.api.at("/orders/7", "status"); got != "approved" {
					t.Errorf("the order is %v", got)
				}
				u.send("PUT", "/orders/7", `{}`, "If-Match", current).want(t, 409, refusal.Stale) // it was changed
				u.send("POST", "/orders/7/approve", `{"by":"another"}`, "If-Match", current).want(t, 409, refusal.Stale)
				p = u.send("POST", "/orders/7/approve", "").refused(t, 409, refusal.Rule, "require-1")
				if p.Message != "order is approved, only a pending one can be approved" {
					t.Errorf("%q", p.Message)
				}
				u.wrote("POST /orders/7/approve")
			}, approving(source)...)
		})
	}
}

func TestResourceTheBackendIsAskedForWhatTheActionIsAbout(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"status":"pending"}`)
		u.send("POST", "/orders/7/approve?x=1", "").want(t, 200)
		u.was("GET /orders/7")
	}, approving(validator.Source{})...)
}

func TestResourceAnActionExcludesAWriteOfWhatItIsAbout(t *testing.T) {
	for _, missing := range []bool{true, false} {
		underRules(t, func(u *ruled) {
			u.api.has("/orders/7", `{"status":"pending"}`)
			tag := u.send("GET", "/orders/7", "").etag()
			header := []string{"If-Match", tag}
			if missing {
				header = nil
			}
			gate := u.api.hold("POST", "/orders/7/approve")
			action := u.start(u.one, "POST", "/orders/7/approve", "", header...)
			u.at(gate, 1)
			change := u.start(u.replica(), "PUT", "/orders/7", `{"status":"cancelled"}`, "If-Match", tag)
			change.waits(t)
			gate.release()
			action.answer().want(t, 200)
			change.answer().want(t, 409, refusal.Stale)
			u.wrote("POST /orders/7/approve")
		}, approving(validator.Source{})...)
		underRules(t, func(u *ruled) { // and the other way round
			u.api.has("/orders/7", `{"status":"pending"}`)
			tag := u.send("GET", "/orders/7", "").etag()
			gate := u.api.hold("PUT", "/orders/7")
			change := u.start(u.replica(), "PUT", "/orders/7", `{"status":"cancelled"}`, "If-Match", tag)
			u.at(gate, 1)
			var header []string
			if !missing {
				header = []string{"If-Match", tag}
			}
			action := u.start(u.one, "POST", "/orders/7/approve", "", header...)
			action.waits(t)
			gate.release()
			change.answer().want(t, 200)
			if a := action.answer(); missing {
				a.refused(t, 409, refusal.Rule, "require-1")
			} else {
				a.want(t, 409, refusal.Stale)
			}
			u.wrote(`PUT /orders/7 {"status":"cancelled"}`)
		}, approving(validator.Source{})...)
	}
}

func TestResourceAnActionThatWaitsInVainIsRefused(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"status":"pending"}`)
		tag := u.send("GET", "/orders/7", "").etag()
		gate := u.api.hold("PUT", "/orders/7")
		change := u.start(u.one, "PUT", "/orders/7", `{"status":"cancelled"}`, "If-Match", tag)
		u.at(gate, 1)
		u.send("POST", "/orders/7/approve", "").want(t, 409, refusal.Busy)
		gate.release()
		change.answer().want(t, 200)
		u.wrote(`PUT /orders/7 {"status":"cancelled"}`)
	}, approving(validator.Source{})...)
}

func TestResourceAnActionThatPassesRetiresTheTagOfWhatItIsAbout(t *testing.T) {
	for _, guard := range [][]string{{"POST"}, {"PUT"}} { // let through without a version, or passed
		routes := approving(validator.Source{})
		routes[1] = enforced("approve", "/orders/{id}/approve", guard...)
		routes[1].Rules.Resource = "/orders/{id}"
		underRules(t, func(u *ruled) {
			u.api.has("/orders/7", `{"status":"pending"}`)
			tag := u.send("GET", "/orders/7", "").etag()
			u.send("POST", "/orders/7/approve", "").want(t, 200)
			u.send("PUT", "/orders/7", `{}`, "If-Match", tag).want(t, 409, refusal.Stale)
		}, routes...)
	}
}

func TestResourceNamedByTheBody(t *testing.T) {
	for name, tc := range map[string]struct {
		body   string
		status int
		reason refusal.Reason
	}{
		"an order":       {`{"order":7}`, 200, refusal.None},
		"a closed place": {`{"order":"closed"}`, 403, refusal.Closed},
		"an open place":  {`{"order":"open"}`, 400, refusal.Malformed},
		"none":           {`{}`, 400, refusal.Malformed},
		"a list":         {`{"order":[7]}`, 400, refusal.Malformed},
		"somewhere else": {`{"order":"../users/1"}`, 400, refusal.Malformed},
		"two segments":   {`{"order":"7/items"}`, 400, refusal.Malformed},
		"above":          {`{"order":".."}`, 400, refusal.Malformed},
		"parameters":     {`{"order":"7;v=1"}`, 400, refusal.Malformed},
		"broken":         {`{"order":`, 400, refusal.Malformed},
	} {
		routes := approving(validator.Source{})
		routes[1] = enforced("approve", "/approvals", "POST")
		routes[1].Rules.Resource = "/orders/{/order}"
		routes = append(routes, proxy.Route{Name: "closed", Match: "/orders/closed", Mode: proxy.Closed}, proxy.Route{Name: "open", Match: "/orders/open", Mode: proxy.Off})
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.says("POST", "/approvals", 200, "{}")
				u.api.has("/orders/7", `{"status":"pending"}`)
				for _, judged := range []bool{true, false} {
					tag, header := u.send("GET", "/orders/7", "").etag(), []string(nil)
					if judged {
						header = []string{"If-Match", tag}
					}
					a := u.send("POST", "/approvals", tc.body, header...)
					if a.want(t, tc.status); tc.reason != refusal.None {
						a.want(t, tc.status, tc.reason)
						u.wrote()
						continue
					}
					u.send("PUT", "/orders/7", `{}`, "If-Match", tag).want(t, 409, refusal.Stale)
				}
			}, routes...)
		})
	}
}

// A route that only watches lets a request through of which nobody can tell what it is about.
func TestResourceObserveForgivesWhatCannotBeTold(t *testing.T) {
	for _, method := range []string{"POST", "PUT"} {
		routes := approving(validator.Source{})
		routes[1] = enforced("approve", "/approvals", "PUT")
		routes[1].Mode, routes[1].Rules.Resource = proxy.Observe, "/orders/{/order}"
		routes[1].Rules.Expect = []string{"json:/version"}
		underRules(t, func(u *ruled) {
			u.api.says(method, "/approvals", 200, "{}")
			for _, header := range [][]string{{"If-Match", `"v1"`}, {"If-None-Match", "*"}, nil} {
				u.send(method, "/approvals", `{"version":1}`, header...).want(t, 200)
			}
			if u.told.count("decision would_refuse malformed") != 3 {
				t.Errorf("%q", u.told.all())
			}
		}, routes...)
	}
}

func TestResourceWhoseKeyIsInTheQuery(t *testing.T) {
	each, action := enforced("order", "/order.php", "PUT"), enforced("approve", "/approve.php", "POST")
	each.Key.Query, action.Key.Query = map[string]string{"id": "^[0-9]+$"}, map[string]string{"order": "^[0-9]+$"}
	action.Rules.Resource = "/order.php?id={order}"
	underRules(t, func(u *ruled) {
		u.api.has("/order.php", `{"status":"pending"}`) // which shows the same for all of them
		seven := u.send("GET", "/order.php?id=7", "").etag()
		eight := u.send("GET", "/order.php?id=8", "").etag()
		u.api.says("POST", "/approve.php", 200, "{}")
		u.api.forget()
		u.send("POST", "/approve.php?order=7", "", "If-Match", `"old"`).want(t, 409, refusal.Stale)
		u.was("GET /order.php?id=7")
		u.send("POST", "/approve.php?order=7", "", "If-Match", seven).want(t, 200)
		u.send("PUT", "/order.php?id=7", `{}`, "If-Match", seven).want(t, 409, refusal.Stale)
		u.send("PUT", "/order.php?id=8", `{}`, "If-Match", eight).want(t, 200)
		u.send("POST", "/approve.php", "").want(t, 400, refusal.Malformed)
	}, each, action)
}

// The tag on the action's own answer names no version of what it is about.
func TestResourceTheTagOnTheAnswerToAnActionIsNotTheResources(t *testing.T) {
	routes := approving(validator.Source{})
	routes[0].Version.TrustWrites, routes[1].Version.TrustWrites = true, true
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"status":"pending"}`)
		tag := u.send("GET", "/orders/7", "").etag()
		u.api.says("POST", "/orders/7/approve", 200, `{"ok":true}`, "ETag", `"ok"`)
		a := u.send("POST", "/orders/7/approve", "", "If-Match", tag)
		a.want(t, 200)
		u.send("PUT", "/orders/7", `{}`, "If-Match", a.etag()).want(t, 409, refusal.Stale)
		u.send("PUT", "/orders/7", `{}`, "If-Match", `"ok"`).want(t, 409, refusal.Stale)
		u.wrote("POST /orders/7/approve")
	}, routes...)
}

func TestResourceAnActionInDoubtClosesWhatItIsAbout(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"status":"pending"}`)
		tag := u.send("GET", "/orders/7", "").etag()
		u.api.hold("POST", "/orders/7/approve")
		u.send("POST", "/orders/7/approve", "", "If-Match", tag).want(t, 504, refusal.Timeout)
		u.send("PUT", "/orders/7", `{}`, "If-Match", tag).want(t, 409, refusal.Busy)
		u.api.has("/orders/7", `{"status":"approved"}`) // late
		time.Sleep(6 * time.Second)
		u.send("PUT", "/orders/7", `{}`, "If-Match", tag).want(t, 409, refusal.Stale)
		u.wrote("POST /orders/7/approve")
	}, approving(validator.Source{})...)
}

func TestResourceTheVersionInTheBodyOfAnActionIsThatOfWhatItIsAbout(t *testing.T) {
	routes := approving(validator.Source{From: validator.JSON, Pointer: "/version"})
	routes[1].Rules.Expect = []string{"json:/version", "query:v"}
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"status":"new"}`)
		u.api.has("/orders/7", `{"status":"pending"}`)
		p := u.send("POST", "/orders/7/approve", `{"version":1}`).refused(t, 409, refusal.Stale, "")
		if string(p.CurrentVersion) != "2" || string(p.ExpectedVersion) != "1" {
			t.Errorf("%+v", p)
		}
		u.send("POST", "/orders/7/approve?v=1", `{"version":2}`).want(t, 409, refusal.Stale)
		u.send("POST", "/orders/7/approve?v=2", `{"version":2}`).want(t, 200)
		u.wrote(`POST /orders/7/approve?v=2 {"version":2}`)
	}, routes...)
}
