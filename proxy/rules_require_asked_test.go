package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

func TestRequireWhoMayNotSeeThePresentStateGetsTheBackendsAnswer(t *testing.T) {
	for _, status := range []int{401, 403} {
		underRules(t, func(u *ruled) {
			u.api.says("GET", "/customers/5", status, "not for you", "WWW-Authenticate", "Basic", "ETag", `"v1"`)
			a := u.send("PATCH", "/customers/5", `{}`, "Authorization", "Basic mine")
			a.want(t, status)
			if a.body != "not for you" || a.Header.Get("WWW-Authenticate") != "Basic" || a.etag() == `"v1"` {
				t.Errorf("%q %s", a.Header, a.body)
			}
			if u.wrote(); u.told.count("decision through ") != 1 {
				t.Errorf("%q", u.told.all())
			}
		}, requiring(proxy.Require{That: "current.exists"}))
	}
}

func TestRequireAskedWithOtherCredentialsNobodyLearnsWhatIsNotForThem(t *testing.T) {
	for name, tc := range map[string]struct {
		caller int // how the backend answers the caller; 0: with what there is
		exists bool
		status int
		reason refusal.Reason
	}{
		"may look":                      {0, true, 409, refusal.Rule},
		"may not":                       {403, true, 403, refusal.None},
		"is shown none":                 {404, true, 409, refusal.Absent},
		"may look, and there is none":   {0, false, 409, refusal.Absent},
		"may not, whatever there is":    {403, false, 403, refusal.None},
		"gets no answer":                {500, true, 503, refusal.Unverifiable},
		"gets no answer for there none": {500, false, 503, refusal.Unverifiable},
	} {
		t.Run(name, func(t *testing.T) {
			r := requiring(proxy.Require{That: "current.body.status == 'open'"})
			r.Rules.AskHeaders = map[string]string{"Authorization": "admin"}
			underRules(t, func(u *ruled) {
				if tc.exists {
					u.api.has("/customers/5", `{"status":"closed"}`)
				}
				u.api.on("GET", "/customers/5", func(w http.ResponseWriter, r *http.Request) bool {
					if tc.caller != 0 && r.Header.Get("Authorization") != "admin" {
						u.api.json(w, tc.caller, document{})
						return true
					}
					return false
				})
				a := u.send("PATCH", "/customers/5", `{}`, "Authorization", "mine")
				if a.want(t, tc.status); tc.reason != refusal.None {
					a.want(t, tc.status, tc.reason)
				}
				u.wrote()
			}, r)
		})
	}
}

func TestRequireAnAnswerThatDoesNotTellIsUnverifiable(t *testing.T) {
	for status, content := range map[int]string{500: `[]`, 403: `[]`, 401: ``, 302: ``, 410: `[]`, 200: `<p>` + secret, 206: `[` + secret} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.says("GET", "/orders", status, content)
				u.send("DELETE", "/customers/5", "").refused(t, 503, refusal.Unverifiable, "require-1")
				u.wrote()
				if log := u.logs.String(); strings.Contains(log, secret) {
					t.Error(log)
				}
			}, requiring(noOrders()))
		})
	}
	underRules(t, func(u *ruled) { // 404 tells that there are none, and expressions see it
		u.api.says("GET", "/orders", 404, `{"error":"x"}`)
		u.send("DELETE", "/customers/5", "").want(t, 204)
	}, requiring(proxy.Require{Ask: map[string]string{"orders": "/orders"}, That: "orders.status == 404 && orders.body == null"}))
}

func TestRequireIsDecidedUnderTheLeaseOfTheResource(t *testing.T) {
	r := requiring(proxy.Require{On: []string{"DELETE"}, That: "current.body.status == 'closed'"})
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{"status":"closed"}`)
		tag := u.send("GET", "/customers/5", "").etag()
		asked := u.api.hold("GET", "/customers/5")
		deletion := u.start(u.one, "DELETE", "/customers/5", "", "If-Match", tag)
		u.at(asked, 1)
		u.api.off()
		change := u.start(u.replica(), "PUT", "/customers/5", `{"status":"open"}`, "If-Match", tag)
		time.Sleep(time.Second)
		change.waits(t)
		u.wrote()
		asked.release()
		deletion.answer().want(t, 204)
		change.answer().want(t, 409)
		u.wrote("DELETE /customers/5")
	}, r)
}

func TestRequireWhoeverWaitsInVainForTheLeaseIsRefused(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{"status":"open"}`)
		gate := u.api.hold("PATCH", "/customers/5")
		first := u.start(u.one, "PATCH", "/customers/5", `{"status":"closed"}`)
		u.at(gate, 1)
		u.send("PATCH", "/customers/5", `{"x":1}`).want(t, 409, refusal.Busy)
		u.api.says("GET", "/customers/5", 403, "not for you")
		u.send("PATCH", "/customers/5", `{"x":1}`).want(t, 403) // who may not look does not learn that somebody is at it
		u.at(gate, 1)
		gate.release()
		first.answer().want(t, 200)
	}, requiring(proxy.Require{That: "current.exists"}))
}

func TestRequireThePresentStateIsAskedForOnceForAllRules(t *testing.T) {
	r := orders(proxy.MissingAllow)[1]
	r.Rules.Require = []proxy.Require{{That: "current.body.status != 'x'"}, {That: "current.exists"}}
	underRules(t, func(u *ruled) {
		u.api.has("/orders/7", `{"status":"pending"}`)
		u.send("PATCH", "/orders/7", `{"status":"approved"}`).want(t, 200)
		u.was("GET /orders/7")
	}, r)
}

func TestRequireWithAVersionOfTheBodyTheExpressionSeesTheMadeTag(t *testing.T) {
	r := requiring(proxy.Require{That: "current.etag == '\"1\"'"})
	r.Version.Source = validator.Source{From: validator.JSON, Pointer: "/version"}
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{}`)
		u.send("PATCH", "/customers/5", `{}`).want(t, 200)
	}, r)
}

func TestRequireObserveLetsThroughAndTells(t *testing.T) {
	r := requiring(proxy.Require{That: "false"})
	r.Mode = proxy.Observe
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{}`)
		u.send("PATCH", "/customers/5", `{}`).want(t, 200)
		if u.told.count("decision would_refuse missing") != 1 || u.told.count("rule require-1 refused") != 1 {
			t.Errorf("%q", u.told.all())
		}
		u.send("PATCH", "/customers/5", `{}`, "If-Match", u.send("GET", "/customers/5", "").etag()).want(t, 200)
		if u.told.count("decision would_refuse rule") != 1 {
			t.Errorf("%q", u.told.all())
		}
	}, func() proxy.Route { r := r; r.Missing = proxy.MissingReject; return r }())
}

func TestRequireWhileTheStoreIsAwayTheRulesCountAllTheSame(t *testing.T) {
	r := requiring(noOrders())
	r.AllowBlind = true
	underRules(t, func(u *ruled) {
		u.store.fail(etagcache.ErrNotSent)
		u.api.has("/orders/1", `{"customer":5}`)
		u.send("DELETE", "/customers/5", "").refused(t, 409, refusal.Rule, "require-1")
		u.send("DELETE", "/customers/6", "").want(t, 204)
		if u.told.count("unguarded") != 1 {
			t.Errorf("%q", u.told.all())
		}
	}, r)
}
