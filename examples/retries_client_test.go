package examples_test

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// teller is a client that repeats what it sends, word for word and over all ways, until it is told what became of it.
type teller struct {
	t    *testing.T
	name string
	ways []string
	heard
}

// heard is what clients were told.
type heard struct {
	*sync.Mutex
	answers map[string]int // by what Proxy-Status says; "": by the backend alone
}

func ears() heard { return heard{&sync.Mutex{}, map[string]int{}} }

func (h heard) note(what string) {
	h.Lock()
	defer h.Unlock()
	h.answers[what]++
}

// said is how often it was.
func (h heard) said(what string) int {
	h.Lock()
	defer h.Unlock()
	return h.answers[what]
}

// tell sends a request until there is an answer that says what became of it.
func (c *teller) tell(method, path, body string, header ...string) answer {
	c.t.Helper()
	for begun, try := time.Now(), 0; time.Since(begun) < 30*time.Second && !c.t.Failed(); try++ {
		// A request for another host is another one. Here replicas have an address each, as they have not behind a balancer.
		a, err := attempt(c.t, impatient, method, c.ways[try%len(c.ways)]+path, body, append(header, "Host", "api.example.com")...)
		if err != nil {
			c.note("no answer")
			time.Sleep(time.Duration(min(try, 10)) * 5 * time.Millisecond)
			continue
		}
		reason := a.refusal().Reason
		c.note(reason)
		if reason != "busy" && reason != "store" && reason != "unverifiable" {
			return a
		}
		time.Sleep(50 * time.Millisecond) // Retry-After is for people
	}
	c.t.Fatalf("%s: %s %s was sent for so long, and nobody said what became of it", c.name, method, path)
	return answer{}
}

// create makes a document of the client's own.
func (c *teller) create(path string) (tag string) {
	c.t.Helper()
	return c.done(c.tell("PUT", path, fmt.Sprintf(`{"by":"%s-new"}`, c.name), "If-None-Match", "*")).tagged()
}

// done fails the test unless the write was.
func (c *teller) done(a answer) answer {
	c.t.Helper()
	if a.status != 200 && a.status != 201 {
		c.t.Fatalf("%s: %s: %d %s", c.name, a.request, a.status, a.body)
	}
	return a
}

// edit changes a document that nobody else changes, over and over, each time from the version that the answer to the last one told.
func (c *teller) edit(path string, times int) {
	c.t.Helper()
	tag := c.create(path)
	for i := range times {
		tag = c.done(c.tell("PATCH", path, c.body(i), "If-Match", tag)).tagged()
	}
}

// compete changes a document that others change as well. By its key each write is known again, whoever has written since. Who is told that
// it is stale, was not applied, and begins anew.
func (c *teller) compete(path string, times int) {
	c.t.Helper()
	for i := 0; i < times; {
		tag := c.tell("GET", path, "").want(200, "").tagged()
		a := c.tell("PATCH", path, c.body(i), "If-Match", tag, "Idempotency-Key", fmt.Sprintf("%s-%d-%s", c.name, i, tag[1:len(tag)-1]))
		if a.refusal().Reason == "stale" {
			continue
		}
		c.done(a)
		i++
	}
}

// order POSTs with a key. Where nobody can know whether that was done, it looks, and orders again with another key if not.
func (c *teller) order(times int) {
	c.t.Helper()
	for i := range times {
		by := fmt.Sprintf("%s-%d", c.name, i)
		for again := 0; ; again++ {
			a := c.tell("POST", "/orders", c.body(i), "Idempotency-Key", fmt.Sprintf("%s-%d", by, again))
			if a.refusal().Reason != "in_doubt" {
				c.done(a)
				break
			}
			if c.tell("GET", "/orders?by="+by, "").want(200, "").body != "[]\n" {
				break
			}
		}
	}
}

// persist is edit where a replica may have died with a write: it is in doubt, and if nobody can tell that it was applied, the client looks.
func (c *teller) persist(path string, times int) {
	c.t.Helper()
	tag := c.create(path)
	for i := range times {
		a := c.tell("PATCH", path, c.body(i), "If-Match", tag)
		for a.refusal().Reason == "stale" {
			a = c.tell("GET", path, "").want(200, "")
			if tag = a.tagged(); a.member("by") != c.by(i) {
				a = c.tell("PATCH", path, c.body(i), "If-Match", tag)
			}
		}
		tag = c.done(a).tagged()
	}
}

func (c *teller) by(i int) string   { return fmt.Sprintf("%s-%d", c.name, i) }
func (c *teller) body(i int) string { return fmt.Sprintf(`{"by":%q}`, c.by(i)) }
