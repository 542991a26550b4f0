package examples_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

const retryTimeouts = "write: 5s, settle: 1s, busy_wait: 2s"

// twice are the writes that were applied more than once.
func twice(log []applied) (found []string) {
	for by, n := range timesApplied(log) {
		if n > 1 {
			found = append(found, fmt.Sprintf("%s was applied %d times", by, n))
		}
	}
	slices.Sort(found)
	return found
}

func timesApplied(log []applied) map[string]int {
	times := map[string]int{}
	for _, a := range log {
		if a.After != nil && a.After.By != "" {
			times[a.After.By]++
		}
	}
	return times
}

// appliedOnce fails the test unless just so many writes were applied, none of them twice.
func appliedOnce(t *testing.T, log []applied, writes int) {
	t.Helper()
	if found := twice(log); len(found) > 0 {
		t.Errorf("%d writes were applied twice, the first of them: %s", len(found), found[0])
	}
	if n := len(timesApplied(log)); n != writes {
		t.Errorf("%d writes were applied, want %d", n, writes)
	}
}

// shortly is n, or a tenth of it where tests are to be short.
func shortly(n int) int {
	if testing.Short() {
		return max(2, n/10)
	}
	return n
}

// forgetfulWays are one to each of some servers.
type forgetfulWays []*forgetful

func waysTo(t *testing.T, urls ...string) (ways forgetfulWays) {
	t.Helper()
	for _, url := range urls {
		ways = append(ways, forgetfulWay(t, url))
	}
	return ways
}

func (ways forgetfulWays) urls() (urls []string) {
	for _, f := range ways {
		urls = append(urls, f.url)
	}
	return urls
}

func (ways forgetfulWays) lost() (n int64) {
	for _, f := range ways {
		n += f.lost.Load()
	}
	return n
}

func (ways forgetfulWays) doubts() (n int64) {
	for _, f := range ways {
		n += f.doubts.Load()
	}
	return n
}

// retrying are two replicas that know retries again, before a backend that thinks for so long.
func retrying(t *testing.T, delay, timeouts string) (api string, both []*replica) {
	t.Helper()
	api = conflictAPI(t, "--delay", delay)
	return api, fleetOf(t, "retries/proxy409-retries.yaml", timeouts, api, redistest.Start(t).URL())
}

func urlsOf(both []*replica) []string { return []string{both[0].url, both[1].url} }

// all runs f for so many clients at once, and waits for them.
func all(t *testing.T, name string, clients int, ways []string, h heard, f func(*teller)) {
	t.Helper()
	var wait sync.WaitGroup
	for i := range clients {
		c := &teller{t: t, name: fmt.Sprintf("%s%d", name, i), ways: slices.Concat(ways[i%len(ways):], ways[:i%len(ways)]), heard: h}
		wait.Go(func() { f(c) })
	}
	wait.Wait()
}

func TestRetriesOfWritesWhoseAnswersGetLostAreAppliedOnce(t *testing.T) {
	t.Parallel()
	const clients = 4
	edits := shortly(20)
	api, both := retrying(t, "2ms", retryTimeouts)
	ways := waysTo(t, urlsOf(both)...)
	h, others := ears(), ears()
	var wait sync.WaitGroup
	wait.Go(func() {
		all(t, "other", clients, urlsOf(both), others, func(c *teller) { c.edit("/users/"+c.name, 2*edits) })
	})
	all(t, "forgotten", clients, ways.urls(), h, func(c *teller) { c.edit("/users/"+c.name, edits) })
	wait.Wait()
	t.Logf("%d answers were lost; %v", ways.lost(), h.answers)
	appliedOnce(t, history(t, api), clients*(edits+1)+clients*(2*edits+1))
	if ways.lost() == 0 || h.said("replayed") == 0 {
		t.Error("no answer was lost, or none was given again")
	}
	if others.said("replayed") != 0 || h.said("stale") != 0 {
		t.Errorf("%v, and others were told %v", h.answers, others.answers)
	}
}

func TestRetriesWithAKeyAreAppliedOnceWhoeverWritesBetween(t *testing.T) {
	t.Parallel()
	const clients = 4
	edits := shortly(20)
	api, both := retrying(t, "2ms", retryTimeouts)
	ways := waysTo(t, urlsOf(both)...)
	h := ears()
	(&teller{t: t, name: "first", ways: ways.urls(), heard: h}).create("/users/shared")
	var wait sync.WaitGroup
	wait.Go(func() { all(t, "order", clients, ways.urls(), h, func(c *teller) { c.order(edits) }) })
	all(t, "shared", clients, ways.urls(), h, func(c *teller) { c.compete("/users/shared", edits) })
	wait.Wait()
	t.Logf("%d answers were lost; %v", ways.lost(), h.answers)
	appliedOnce(t, history(t, api), 1+2*clients*edits)
	if ways.lost() == 0 || h.said("replayed") == 0 || h.said("stale") == 0 {
		t.Errorf("%d answers were lost; want some given again, and somebody overtaken: %v", ways.lost(), h.answers)
	}
}

func TestRetriesAtOnceWithOneKeyAreOneRequest(t *testing.T) {
	t.Parallel()
	const clients = 10
	keys := shortly(50)
	api, both := retrying(t, "2ms", retryTimeouts)
	h := ears()
	for i := range keys {
		answers := make(chan answer, clients)
		all(t, "", clients, urlsOf(both), h, func(c *teller) {
			answers <- c.tell("POST", "/orders", fmt.Sprintf(`{"by":"%d"}`, i), "Idempotency-Key", fmt.Sprint("key", i))
		})
		close(answers)
		first := <-answers
		for a := range answers {
			if a.status != 201 || a.body != first.body || a.header.Get("Location") != first.header.Get("Location") {
				t.Fatalf("%d %s, and another got %d %s", a.status, a.body, first.status, first.body)
			}
		}
		if n := h.said("replayed"); n != (i+1)*(clients-1) {
			t.Fatalf("after %d keys %d answers were given again, want all but one of %d for each", i+1, n, clients)
		}
	}
	t.Logf("%v", h.answers)
	appliedOnce(t, history(t, api), keys)
	if h.said("") != keys {
		t.Errorf("the backend has answered %d requests, want %d", h.said(""), keys)
	}
}

// TestRetriesOverReplicasThatAreKilled has both kinds of retries over replicas that die with writes in their hands.
func TestRetriesOverReplicasThatAreKilled(t *testing.T) {
	t.Parallel()
	const clients = 4
	api, both := retrying(t, "100ms", "write: 2s, settle: 500ms, busy_wait: 500ms") // so slow that kills meet writes
	ways := waysTo(t, urlsOf(both)...)
	h := ears()
	edits, every := 10, 700*time.Millisecond
	if testing.Short() {
		edits, every = 3, 200*time.Millisecond
	}
	rounds, over := 0, make(chan struct{})
	go func() {
		defer close(over)
		for rounds == 0 || rounds < 10 && ways.doubts() == 0 && !testing.Short() { // a kill may meet replicas that wait for their clients
			rounds++
			var wait sync.WaitGroup
			wait.Go(func() {
				all(t, fmt.Sprintf("order%d-", rounds), clients, ways.urls(), h, func(c *teller) { c.order(edits) })
			})
			wait.Go(func() {
				all(t, fmt.Sprintf("edit%d-", rounds), clients, ways.urls(), h, func(c *teller) { c.persist("/users/"+c.name, edits) })
			})
			wait.Wait()
		}
	}()
	kills := 0
	for running := true; running; {
		select {
		case <-over:
			running = false
		case <-time.After(every):
			r := both[kills%2]
			r.kill()
			kills++
			r.start(t)
			r.serves()
		}
	}
	t.Logf("%d answers were lost, replicas were killed %d times, which put %d answers in doubt; %v", ways.lost(), kills, ways.doubts(), h.answers)
	appliedOnce(t, history(t, api), rounds*(clients*edits+clients*(edits+1)))
	if kills == 0 || h.said("replayed") == 0 || !testing.Short() && ways.doubts() == 0 {
		t.Error("no replica was killed with a write in its hands, or no answer was given again")
	}
}

// TestRetriesWithoutTheProxyAreAppliedTwice is the disease.
func TestRetriesWithoutTheProxyAreAppliedTwice(t *testing.T) {
	t.Parallel()
	api := conflictAPI(t, "--delay", "2ms")
	ways := waysTo(t, api)
	h := ears()
	all(t, "order", 4, ways.urls(), h, func(c *teller) { c.order(5) })
	found := twice(history(t, api))
	t.Logf("%d answers were lost, %d orders were taken twice", ways.lost(), len(found))
	if len(found) == 0 {
		t.Error("the backend's log shows no violation, so these retries are no test of the proxy")
	}
}
