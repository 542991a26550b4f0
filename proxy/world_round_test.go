package proxy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestEveryRoundWithoutFaultsHasOneWinner lets clients at three replicas read one version, and then all write at once.
func TestEveryRoundWithoutFaultsHasOneWinner(t *testing.T) {
	laws := map[string]law{"by content, and never qualified": peace(byContent).trusting()}
	for _, tags := range []tagging{byContent, byItsSize, weakAtOnce, compressed, untagged} {
		laws[string(tags)] = peace(tags)
	}
	for name, l := range laws {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1, func(*rand.Rand) law { return l })
				time.Sleep(graceOf + time.Second)
				clients := make([]*caller, 6)
				for i := range clients {
					clients[i] = newCaller(w, fmt.Sprintf("c%02d", i))
				}
				for round := range 20 {
					w.round(clients, round)
				}
				for _, c := range clients {
					c.leave()
				}
				w.quiet()
				w.end()
			})
		})
	}
}

// peace is a law without faults.
func peace(tags tagging) law {
	l := drawLaw(rand.New(rand.NewPCG(0, 0)))
	l.resources, l.slow, l.upheavals = 1, 3*time.Millisecond, nil
	l.route, l.writeTags, l.absentTag = route(), "own body", true
	l.storeFaults, l.originFaults, l.readFaults, l.dialFaults = 0, 0, 0, 0
	return l.tagged(tags, false)
}

// round is one: of those who have read the same version exactly one may write, and the others are told.
func (w *world) round(clients []*caller, round int) {
	path := w.path(0)
	time.Sleep(1100 * time.Millisecond)
	var all sync.WaitGroup
	var won, lost atomic.Int32
	read := make(chan struct{})
	var readers sync.WaitGroup
	readers.Add(len(clients))
	for i, c := range clients {
		all.Go(func() {
			s := c.mustRead(i%len(w.replicas), path)
			readers.Done()
			<-read
			a := attempt{method: http.MethodPut, path: path, from: s}
			if s.text != "" {
				a.match = []string{s.tag}
			}
			_, g, err := c.write(context.Background(), (i+round)%len(w.replicas), a)
			switch {
			case err == nil && g.status == http.StatusOK:
				won.Add(1)
			case g.status == http.StatusConflict:
				lost.Add(1)
			default:
				w.judge.fail(path, "without faults a write was answered with %v, %v", g, err)
			}
		})
	}
	readers.Wait()
	close(read)
	all.Wait()
	if won.Load() != 1 || int(lost.Load()) != len(clients)-1 {
		w.judge.fail(path, "round %d had %d winners, and %d who were told that they lost", round, won.Load(), lost.Load())
	}
}

// TestAPassedPostThatTakesLongIsNotForgotten: a write that nobody judged is at the backend for longer than a lease and the
// settle time, and its client gives up. What it does then, within the settle time, must not be lost.
func TestAPassedPostThatTakesLongIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, func(*rand.Rand) law { return peace(byContent) })
		time.Sleep(graceOf + time.Second)
		c, path := newCaller(w, "c0"), w.path(0)
		c.mustWrite(0, path)
		w.origin.hold(100 * time.Second)
		ctx, hangUp := context.WithTimeout(context.Background(), 90*time.Second)
		defer hangUp()
		var post sync.WaitGroup
		post.Go(func() {
			_, _, _ = newCaller(w, "cp").write(ctx, 0, attempt{method: http.MethodPost, path: path, unjudged: true, patient: true})
		})
		time.Sleep(95 * time.Second)
		w.origin.hold(0)
		s := c.mustRead(0, path)
		time.Sleep(10 * time.Second)
		_, g, err := c.write(context.Background(), 0, attempt{method: http.MethodPut, path: path, from: s, match: []string{s.tag}})
		if err != nil || g.status != http.StatusConflict {
			t.Errorf("a write from before a POST, which was applied meanwhile, was answered with %v, %v", g, err)
		}
		post.Wait()
		c.leave()
		w.end()
	})
}
