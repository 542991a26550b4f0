package proxy_test

import (
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// shop are the routes of customers, and of orders for them: an order and the deletion of its customer exclude each other.
func shop() []proxy.Route {
	list := enforced("orders", "/orders", "POST")
	list.Rules.Leases, list.Rules.Touches = []string{"/customers/{/customer}"}, []string{"/orders", "/stock/{/item}"}
	list.Rules.Require = []proxy.Require{{
		Name: "customer", Ask: map[string]string{"customer": "/customers/{/customer}"}, That: "customer.status == 200", Message: "there is no such customer",
	}}
	each := enforced("customer", "/customers/{id}", "PUT", "PATCH", "DELETE")
	each.Rules.Require = []proxy.Require{noOrders()}
	return []proxy.Route{list, each, enforced("stock", "/stock/{item}", "PUT"), enforced("all orders", "/orders/{id}", "PUT")}
}

const order = `{"customer":5,"item":"tea"}`

func TestLeasesALeasedResourcesTagStaysGood(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{"name":"Ada"}`)
		tag := u.send("GET", "/customers/5", "").etag()
		u.send("POST", "/orders", order).want(t, 201)
		u.api.says("POST", "/orders", 409, "")
		u.send("POST", "/orders", order).want(t, 409)
		u.api.says("POST", "/orders", 500, "")
		u.send("POST", "/orders", order).want(t, 500)
		if now := u.send("GET", "/customers/5", "").etag(); now != tag {
			t.Errorf("the tag was %s, and is %s", tag, now)
		}
		u.api.forget()
		u.send("PATCH", "/customers/5", `{"name":"Grace"}`, "If-Match", tag).want(t, 200)
		u.was() // nor has the record forgotten it
	}, shop()...)
}

func TestLeasesAnOrderAndTheDeletionOfItsCustomerExcludeEachOther(t *testing.T) {
	t.Run("the order is first", func(t *testing.T) {
		underRules(t, func(u *ruled) {
			u.api.has("/customers/5", `{"name":"Ada"}`)
			tag := u.send("GET", "/customers/5", "").etag()
			gate := u.api.hold("POST", "/orders")
			first := u.start(u.one, "POST", "/orders", order)
			u.at(gate, 1)
			deletion := u.start(u.replica(), "DELETE", "/customers/5", "", "If-Match", tag)
			deletion.waits(t)
			gate.release()
			first.answer().want(t, 201)
			deletion.answer().refused(t, 409, refusal.Rule, "require-1")
			u.wrote("POST /orders " + order)
		}, shop()...)
	})
	t.Run("the deletion is first", func(t *testing.T) {
		underRules(t, func(u *ruled) {
			u.api.has("/customers/5", `{"name":"Ada"}`)
			tag := u.send("GET", "/customers/5", "").etag()
			gate := u.api.hold("DELETE", "/customers/5")
			deletion := u.start(u.one, "DELETE", "/customers/5", "", "If-Match", tag)
			u.at(gate, 1)
			second := u.start(u.replica(), "POST", "/orders", order)
			second.waits(t)
			gate.release()
			deletion.answer().want(t, 204)
			if p := second.answer().refused(t, 409, refusal.Rule, "customer"); p.Message != "there is no such customer" {
				t.Errorf("%+v", p)
			}
			u.wrote("DELETE /customers/5")
		}, shop()...)
	})
}

func TestLeasesWhoeverWaitsInVainIsRefused(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{"name":"Ada"}`)
		tag := u.send("GET", "/customers/5", "").etag()
		gate := u.api.hold("DELETE", "/customers/5")
		deletion := u.start(u.one, "DELETE", "/customers/5", "", "If-Match", tag)
		u.at(gate, 1)
		u.send("POST", "/orders", order).refused(t, 409, refusal.Busy, "")
		u.api.says("GET", "/customers/5", 403, "not for you")
		u.send("POST", "/orders", order).want(t, 403) // nor learns that somebody is at what is not for it
		gate.release()
		deletion.answer().want(t, 204)
		u.wrote("DELETE /customers/5")
	}, shop()...)
}

func TestLeasesAnOrderInDoubtKeepsItsCustomer(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{"name":"Ada"}`)
		tag := u.send("GET", "/customers/5", "").etag()
		u.api.hold("POST", "/orders")
		u.send("POST", "/orders", order).want(t, 504, refusal.Timeout)
		u.send("DELETE", "/customers/5", "", "If-Match", tag).want(t, 409, refusal.Busy)
		u.api.has("/orders/late", order)
		time.Sleep(6 * time.Second)
		u.send("DELETE", "/customers/5", "", "If-Match", u.send("GET", "/customers/5", "").etag()).refused(t, 409, refusal.Rule, "require-1")
		u.wrote("POST /orders " + order)
	}, shop()...)
}

func TestLeasesOrdersOfSeveralCustomersDoNotWaitForEachOther(t *testing.T) {
	underRules(t, func(u *ruled) {
		for _, at := range []string{"/customers/5", "/customers/6"} {
			u.api.has(at, `{}`)
		}
		gate := u.api.hold("POST", "/orders")
		first := u.start(u.one, "POST", "/orders", order)
		second := u.start(u.replica(), "POST", "/orders", `{"customer":6,"item":"tea"}`)
		u.at(gate, 2) // at once
		third := u.start(u.one, "POST", "/orders", order)
		u.at(gate, 2) // which waits for the first
		gate.release()
		first.answer().want(t, 201)
		second.answer().want(t, 201)
		third.answer().want(t, 201)
	}, shop()...)
}

func TestTouchesTagsOfTouchedResourcesAreStaleAfterwards(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{}`)
		u.api.has("/stock/tea", `{"left":3}`)
		u.api.has("/stock/coffee", `{"left":3}`)
		tag, other := u.send("GET", "/stock/tea", "").etag(), u.send("GET", "/stock/coffee", "").etag()
		u.send("POST", "/orders", order).want(t, 201)
		u.send("PUT", "/stock/tea", `{"left":9}`, "If-Match", tag).want(t, 409, refusal.Stale)
		u.send("PUT", "/stock/coffee", `{"left":9}`, "If-Match", other).want(t, 200)
		u.send("PUT", "/stock/tea", `{"left":9}`, "If-Match", u.send("GET", "/stock/tea", "").etag()).want(t, 200)
	}, shop()...)
}

func TestTouchesWhatIsReadDuringTheWriteTeachesNothing(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{}`)
		u.api.has("/stock/tea", `{"left":3}`)
		gate := u.api.hold("POST", "/orders")
		first := u.start(u.one, "POST", "/orders", order)
		u.at(gate, 1)
		during := u.send("GET", "/stock/tea", "").etag() // of whatever there was
		bare := u.api.at("/stock/tea", "version")
		if during == `"v1"` {
			t.Errorf("%s is handed out while a write may change what it names (%v)", during, bare)
		}
		gate.release()
		first.answer().want(t, 201)
		u.send("PUT", "/stock/tea", `{"left":9}`, "If-Match", during).want(t, 409, refusal.Stale)
	}, shop()...)
}

func TestTouchesARefusedWriteTouchesNothing(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/stock/tea", `{"left":3}`)
		tag := u.send("GET", "/stock/tea", "").etag()
		u.send("POST", "/orders", order).refused(t, 409, refusal.Rule, "customer")
		u.api.says("GET", "/customers/5", 500, "")
		u.send("POST", "/orders", order).refused(t, 503, refusal.Unverifiable, "customer")
		u.send("POST", "/orders", `{"item":"tea"}`).want(t, 400, refusal.Malformed)
		u.api.forget()
		u.send("PUT", "/stock/tea", `{"left":9}`, "If-Match", tag).want(t, 200)
		u.was()
	}, shop()...)
}

func TestTouchesAWriteInDoubtKeepsThemOpenForTheSettleTime(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/5", `{}`)
		u.api.has("/stock/tea", `{"left":3}`)
		u.api.hold("POST", "/orders")
		u.send("POST", "/orders", order).want(t, 504, refusal.Timeout)
		time.Sleep(3 * time.Second)
		during := u.send("GET", "/stock/tea", "").etag()
		u.api.has("/stock/tea", `{"left":2}`) // late
		time.Sleep(6 * time.Second)
		u.send("PUT", "/stock/tea", `{"left":9}`, "If-Match", during).want(t, 409, refusal.Stale)
		u.send("PUT", "/stock/tea", `{"left":9}`, "If-Match", u.send("GET", "/stock/tea", "").etag()).want(t, 200)
	}, shop()...)
}

// A path that the write changes anyway stays changed when it is leased as well, and is held when it is touched as well.
func TestLeasesAndTouchesOfTheWritesOwnPath(t *testing.T) {
	for name, rules := range map[string]proxy.Rules{
		"leases":                 {Leases: []string{"/docs/{id}"}},
		"touches":                {Touches: []string{"/docs/{id}"}},
		"both":                   {Leases: []string{"/docs/{id}"}, Touches: []string{"/docs/{id}"}},
		"in another spelling":    {Leases: []string{"/docs/%61"}, Touches: []string{"/docs/a"}},
		"beside another's":       {Leases: []string{"/docs/b", "/docs/{id}"}, Touches: []string{"/docs/{id}"}},
		"twice":                  {Leases: []string{"/docs/{id}", "/docs/{id}"}, Touches: []string{"/docs/{id}", "/docs/a"}},
		"another's that is held": {Leases: []string{"/docs/b"}, Touches: []string{"/docs/b"}},
	} {
		for _, method := range []string{"PATCH", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				r := enforced("doc", "/docs/{id}", "PATCH", "POST")
				r.Rules = rules
				underRules(t, func(u *ruled) {
					u.api.has("/docs/a", `{}`)
					u.api.has("/docs/b", `{}`)
					u.api.says("POST", "/docs/a", 200, "{}")
					tag, other := u.send("GET", "/docs/a", "").etag(), u.send("GET", "/docs/b", "").etag()
					var header []string
					if method == "PATCH" {
						header = []string{"If-Match", tag}
					}
					u.send(method, "/docs/a", `{"x":1}`, header...).want(t, 200)
					u.send("PATCH", "/docs/a", `{"x":2}`, "If-Match", tag).want(t, 409, refusal.Stale)
					a := u.send("PATCH", "/docs/b", `{"x":2}`, "If-Match", other)
					if name == "another's that is held" {
						a.want(t, 409, refusal.Stale)
					} else {
						a.want(t, 200)
					}
				}, r)
			})
		}
	}
}

func TestLeasesToAClosedOrUnguardedPlaceAreRefused(t *testing.T) {
	for _, template := range []string{"/{query:at}/x/y", "/customers/{/customer}"} {
		list := enforced("orders", "/orders", "POST")
		list.Rules.Leases = []string{template}
		underRules(t, func(u *ruled) {
			u.send("POST", "/orders?at=closed", `{"customer":"closed"}`).want(t, 403, refusal.Closed)
			u.send("POST", "/orders?at=open", `{"customer":"open"}`).want(t, 400, refusal.Malformed)
			u.send("POST", "/orders", `{}`).want(t, 400, refusal.Malformed)
			u.wrote()
			u.send("POST", "/orders?at=customers", `{"customer":5}`).want(t, 201)
		}, list, enforced("customer", "/customers/{id}", "PUT"), enforced("any", "/{any}/x/y", "PUT"),
			proxy.Route{Name: "closed", Match: "/customers/closed", Mode: proxy.Closed}, proxy.Route{Name: "open", Match: "/customers/open", Mode: proxy.Off},
			proxy.Route{Name: "closed too", Match: "/closed/x/y", Mode: proxy.Closed}, proxy.Route{Name: "open too", Match: "/open/x/y", Mode: proxy.Off})
	}
}

// Two writes that need what the other holds do not wait for each other for ever.
func TestLeasesOfTwoWritesInBothOrdersAreNoDeadlock(t *testing.T) {
	r := enforced("doc", "/docs/{id}", "PUT")
	r.Missing, r.Rules.Leases = proxy.MissingAllow, []string{"/docs/{/of}"}
	underRules(t, func(u *ruled) {
		u.api.has("/docs/a", `{}`)
		u.api.has("/docs/b", `{}`)
		other := u.replica()
		for range 20 {
			start := time.Now()
			one, two := u.start(u.one, "PUT", "/docs/a", `{"of":"b"}`), u.start(other, "PUT", "/docs/b", `{"of":"a"}`)
			one.answer().want(t, 200)
			two.answer().want(t, 200)
			if took := time.Since(start); took > time.Second {
				t.Fatalf("it took %s", took)
			}
		}
	}, r)
}
