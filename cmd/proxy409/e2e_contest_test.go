package main_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// contest is a number of writers who edit one document, and the account of what they did. It is judged by content alone:
// whoever follows the ids from the last document back to the first must come by every write that was confirmed, or that
// write was overwritten by somebody who had not read it.
type contest struct {
	t        testing.TB
	name     string
	targets  []string // the document's URL, at each replica
	reckless bool     // the writers send no precondition

	mu       sync.Mutex
	written  map[string]document // all that were sent, by id
	acked    []string            // ids of those that got a 2xx
	refused  []string            // ids of those that got another answer
	refusals map[string]int      // those again, by "status reason"
	tags     map[string]bool     // the forms of tag that the readers saw: weak, strong, qualified
}

func newContest(t testing.TB, name string, targets ...string) *contest {
	return &contest{
		t: t, name: name, targets: targets,
		written: make(map[string]document), refusals: make(map[string]int), tags: make(map[string]bool),
	}
}

// over is a contest over the same document at each replica.
func over(t testing.TB, name string, b *backend, replicas [2]*replica) *contest {
	return newContest(t, name, replicas[0].url+b.path, replicas[1].url+b.path)
}

// edition is what a writer has read, and edits.
type edition struct {
	document
	tag string
}

func (c *contest) read(target string) (e edition, err error) {
	a, err := send("GET", target, "")
	if err != nil {
		return e, err
	}
	if a.status != 200 {
		return e, fmt.Errorf("%s: %d: %s", a.request, a.status, a.body)
	}
	e.document, err = parseDocument(a)
	e.tag = a.etag()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tags[formOf(e.tag)] = true
	return e, err
}

// write replaces the edition by a document with the given id.
func (c *contest) write(target string, from edition, id string) (answer, error) {
	d := document{Self: id, Read: from.Self}
	c.mu.Lock()
	c.written[id] = d
	c.mu.Unlock()
	var header []string
	if !c.reckless {
		header = []string{"If-Match", from.tag}
	}
	a, err := send("PUT", target, d.String(), header...)
	if err != nil {
		return a, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.ok() {
		c.acked = append(c.acked, id)
	} else {
		c.refused = append(c.refused, id)
		c.refusals[fmt.Sprintf("%d %s", a.status, a.reason())]++
	}
	return a, nil
}

// everybody runs f for all writers at once.
func everybody(writers int, f func(i int) error) []error {
	errs := make([]error, writers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// round lets all writers read, and when all have, lets all write at once. Who reads at one replica writes there or at the
// other one. pause, which may be nil, is run between the reads of the first half of the writers and those of the second.
func (c *contest) round(n, writers int, pause func()) (editions []edition, answers []answer) {
	c.t.Helper()
	editions, answers = make([]edition, writers), make([]answer, writers)
	read := func(i int) (err error) {
		editions[i], err = c.read(c.targets[i%len(c.targets)])
		return err
	}
	var errs []error
	if pause == nil {
		errs = everybody(writers, read)
	} else {
		errs = everybody(writers/2, read)
		pause()
		errs = append(errs, everybody(writers-writers/2, func(i int) error { return read(writers/2 + i) })...)
	}
	errs = append(errs, everybody(writers, func(i int) (err error) {
		target := c.targets[i/2%len(c.targets)]
		answers[i], err = c.write(target, editions[i], documentID(c.name, n, i))
		return err
	})...)
	for _, err := range errs {
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return editions, answers
}

// fair is a round of which exactly one writer wins, from what the last winner wrote.
func (c *contest) fair(n, writers int, last string, pause func()) (winner string) {
	c.t.Helper()
	editions, answers := c.round(n, writers, pause)
	for i, a := range answers {
		switch {
		case editions[i].Self != last:
			c.t.Fatalf("round %d: writer %d has read %q, but the last winner wrote %q", n, i, editions[i].Self, last)
		case a.ok() && winner != "":
			c.t.Errorf("round %d: %q and writer %d both won from %q (tag %s)", n, winner, i, last, editions[i].tag)
		case a.ok():
			winner = documentID(c.name, n, i)
		case a.status != 409 || (a.reason() != "stale" && a.reason() != "busy"):
			c.t.Errorf("round %d: %s with %s: %d: %s", n, a.request, editions[i].tag, a.status, a.body)
		}
	}
	if winner == "" {
		for i, a := range answers {
			c.t.Logf("writer %d: %s with %s: %d %s", i, a.request, editions[i].tag, a.status, a.reason())
		}
		c.t.Fatalf("round %d: nobody won", n)
	}
	return winner
}

// scramble lets the writers read and write as fast as they can, without waiting for each other, until ctx ends. It returns
// how often one of them got no answer, and why the last one did not.
func (c *contest) scramble(ctx context.Context, writers int) (unanswered int, why error) {
	var mu sync.Mutex
	everybody(writers, func(i int) error {
		for n := 0; ctx.Err() == nil; n++ {
			from, err := c.read(c.targets[(i+n)%len(c.targets)])
			if err == nil {
				_, err = c.write(c.targets[(i+n/2)%len(c.targets)], from, documentID(c.name, n, i))
			}
			if err != nil {
				mu.Lock()
				unanswered, why = unanswered+1, err
				mu.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		}
		return nil
	})
	return unanswered, why
}

// during runs f while the writers scramble, and returns how often one of them got no answer.
func (c *contest) during(writers int, f func()) (unanswered int) {
	ctx, cancel := context.WithCancel(context.Background())
	finished := make(chan int, 1)
	go func() {
		n, _ := c.scramble(ctx, writers)
		finished <- n
	}()
	defer func() {
		cancel()
		unanswered = <-finished
	}()
	f()
	return 0
}

// goOn waits until a few more writes have been confirmed.
func (c *contest) goOn() {
	c.t.Helper()
	n := c.confirmed()
	eventually(c.t, 10*time.Second, func() error {
		if more := c.confirmed() - n; more < 10 {
			return errorf("%d more writes are confirmed", more)
		}
		return nil
	})
}

func (c *contest) confirmed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acked)
}

// meet waits until a write has been refused in that way.
func (c *contest) meet(refusal string) {
	c.t.Helper()
	eventually(c.t, 10*time.Second, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.refusals[refusal] == 0 {
			return errorf("nobody is refused with %s, but with %v", refusal, c.refusals)
		}
		return nil
	})
}
