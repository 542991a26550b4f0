package proxy_test

import (
	"net/http"
	"testing"
)

// The protocol names three swaps for a cycle: one when the read learns the new version, one for the claim, one for the
// conclusion. The record is looked up once a second at most.
func TestACycleOfReadAndWriteCostsTwoBackendRequestsAndThreeSwaps(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	c := f.replica()
	cycle := func(text string) {
		tag := c.get("/a").etag()
		c.put("/a", text, tag).want(t, http.StatusNoContent)
	}
	cycle("warm")
	requests := 0
	b.intercept(func(http.ResponseWriter, *http.Request) bool {
		requests++ // one at a time
		return false
	})
	gets, swaps := f.store.trips()
	const cycles = 5
	for i := range cycles {
		cycle(string(rune('b' + i)))
	}
	moreGets, moreSwaps := f.store.trips()
	if requests != 2*cycles || moreSwaps-swaps != 3*cycles || moreGets-gets > 1 {
		t.Errorf("%d cycles took %d requests of the backend, %d gets and %d swaps", cycles, requests, moreGets-gets, moreSwaps-swaps)
	}
}

// One read a second looks the record up; the others believe their copy, and learn nothing new.
func TestAHotReadCostsNoTrip(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	c := f.replica()
	c.get("/a")
	gets, swaps := f.store.trips()
	for range 10 {
		c.get("/a")
	}
	if moreGets, moreSwaps := f.store.trips(); moreGets-gets > 1 || moreSwaps != swaps {
		t.Errorf("10 reads took %d gets and %d swaps", moreGets-gets, moreSwaps-swaps)
	}
}
