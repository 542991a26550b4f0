package proxy_test

import (
	"testing"
	"time"

	"proxy409/proxy"
)

// cost is what a write takes: requests of the backend, and trips to the store.
type cost struct{ requests, gets, swaps int }

func (u *ruled) costs(during func()) cost {
	u.Helper()
	time.Sleep(2 * time.Second) // no copy of a record is good any more
	u.api.forget()
	gets, swaps := u.store.trips()
	during()
	moreGets, moreSwaps := u.store.trips()
	return cost{len(u.api.asked()), moreGets - gets, moreSwaps - swaps}
}

func TestRulesCostNothingWhereThereAreNone(t *testing.T) {
	plain := enforced("plain", "/plain/{id}", "PUT")
	list := enforced("list", "/plain", "PUT")
	ruledToo := append(append(users(eMail()), orders(proxy.MissingAllow)...), requiring(noOrders()))
	underRules(t, func(u *ruled) {
		u.api.has("/plain/a", `{}`)
		tag := u.send("GET", "/plain/a", "").etag()
		u.send("POST", "/plain", `{}`).want(t, 201) // the first plants a record
		for _, tc := range []struct {
			name string
			send func()
			want cost
		}{
			{"a PUT", func() { u.send("PUT", "/plain/a", `{}`, "If-Match", tag).want(t, 200) }, cost{1, 1, 2}},
			{"one that is stale", func() { u.send("PUT", "/plain/a", `{"x":1}`, "If-Match", tag).want(t, 409) }, cost{1, 1, 1}},
			{"one without a version", func() { u.send("PUT", "/plain/a", `{}`).want(t, 409) }, cost{}},
			{"a POST", func() { u.send("POST", "/plain", `{}`).want(t, 201) }, cost{1, 1, 2}},
		} {
			if got := u.costs(tc.send); got != tc.want {
				t.Errorf("%s takes %+v, want %+v", tc.name, got, tc.want)
			}
		}
	}, append(ruledToo, plain, list)...)
}

func TestRulesCostWhatTheyAskAndALeaseForEachThingThatIsHeld(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/customers/6", `{}`)
		// The backend is asked before and afterwards. The list's record is planted, opened and closed, the value's planted, claimed and ended.
		if got := u.costs(func() { u.send("POST", "/users", ada).want(t, 201) }); got != (cost{3, 2, 6}) {
			t.Errorf("a creation takes %+v", got)
		}
		if got := u.costs(func() { u.send("POST", "/users", ada).want(t, 409) }); got.requests != 1 {
			t.Errorf("a duplicate takes %+v", got)
		}
		if got := u.costs(func() { u.send("DELETE", "/customers/6", "").want(t, 204) }); got.requests != 2 {
			t.Errorf("a deletion takes %+v", got)
		}
	}, append(users(eMail()), requiring(noOrders()))...)
}
