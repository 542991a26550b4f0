package main_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// unhurried are timeouts that no test outlasts: a lease that is still there when a test looks has been left behind.
const unhurried = "{write: 20s, settle: 1s, busy_wait: 3s}"

func TestSIGTERMFailsReadinessFirstAndFinishesWhatIsUnderWay(t *testing.T) {
	long(t)
	o := newOrigin(t)
	s := setup{upstream: o.url(), redis: redistest.Start(t).URL(), timeouts: unhurried, grace: "0s"}
	ending := serve(t, s.yaml(), "--drain-delay", "400ms").ready()
	staying := serve(t, s.yaml()).ready()
	tag := get(t, ending.url+"/doc").etag()

	g := o.hold()
	write := background("PUT", ending.url+"/doc", "two", "If-Match", tag)
	within(t, 5*time.Second, "the write reaches the backend", g.arrived)
	ending.signal(syscall.SIGTERM)
	eventually(t, 300*time.Millisecond, func() error {
		a, err := send("GET", ending.admin+"/readyz", "")
		if err == nil && (a.status != 503 || !strings.Contains(a.body, "draining")) {
			err = errorf("/readyz: %d %s", a.status, a.body)
		}
		return err
	})
	get(t, ending.url+"/doc") // it goes on serving while balancers notice
	eventually(t, 3*time.Second, func() error {
		if _, err := send("GET", ending.url+"/doc", ""); err == nil {
			return errorf("new requests are still taken")
		}
		return nil
	})
	waiting := background("PUT", staying.url+"/doc", "lost", "If-Match", tag)
	select {
	case <-ending.done:
		t.Fatalf("it ended before its write did; it said:\n%s", ending.logs)
	case <-time.After(100 * time.Millisecond):
	}
	g.release()
	if a := await(t, write); a.err != nil || a.status != 204 {
		t.Errorf("the write under way: %v %d %s", a.err, a.status, a.body)
	}
	if code := ending.exit(5 * time.Second); code != 0 {
		t.Errorf("exit code %d; it said:\n%s", code, ending.logs)
	}
	await(t, waiting).want(t, 409, "stale") // so the record was moved before the process ended
	put(t, staying.url+"/doc", "lost", tag).want(t, 409, "stale")
	put(t, staying.url+"/doc", "three", get(t, staying.url+"/doc").etag()).done(t)
}

func TestAWriteWhoseClientHasGoneIsRecordedBeforeTheProcessEnds(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	s := setup{upstream: o.url(), redis: redistest.Start(t).URL(), timeouts: unhurried, grace: "0s"}
	replicas := s.pair(t)
	tag := get(t, replicas[0].url+"/doc").etag()
	g := o.hold()
	c := begun(t, replicas[0], "If-Match: "+tag+"\r\nContent-Length: 3\r\n\r\ntwo")
	within(t, 5*time.Second, "the write reaches the backend", g.arrived)
	c.Close()
	replicas[0].signal(syscall.SIGTERM)
	time.Sleep(100 * time.Millisecond)
	g.release()
	if code := replicas[0].exit(5 * time.Second); code != 0 {
		t.Errorf("exit code %d; it said:\n%s", code, replicas[0].logs)
	}
	put(t, replicas[1].url+"/doc", "lost", tag).want(t, 409, "stale")
	put(t, replicas[1].url+"/doc", "three", get(t, replicas[1].url+"/doc").etag()).done(t)
}

func TestAnOutcomeThatTheStoreDidNotTakeIsRecordedBeforeTheProcessEnds(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	redis := redistest.Start(t)
	way := relayTo(t, redis.Addr)
	ending := serve(t, setup{upstream: o.url(), redis: "redis://" + way.addr, timeouts: unhurried, grace: "0s"}.yaml()).ready()
	staying := serve(t, setup{upstream: o.url(), redis: redis.URL(), timeouts: unhurried, grace: "0s"}.yaml()).ready()
	tag := get(t, ending.url+"/doc").etag()
	g := o.hold()
	write := background("PUT", ending.url+"/doc", "two", "If-Match", tag)
	within(t, 5*time.Second, "the write reaches the backend", g.arrived)
	way.cut()
	g.release()
	if a := await(t, write); a.err != nil || a.status != 204 {
		t.Errorf("the write under way: %v %d %s", a.err, a.status, a.body)
	}
	ending.signal(syscall.SIGTERM)
	select {
	case <-ending.done:
		t.Fatalf("it ended before the outcome was recorded; it said:\n%s", ending.logs)
	case <-time.After(200 * time.Millisecond):
	}
	way.mend()
	if code := ending.exit(10 * time.Second); code != 0 {
		t.Errorf("exit code %d; it said:\n%s", code, ending.logs)
	}
	put(t, staying.url+"/doc", "lost", tag).want(t, 409, "stale")
	put(t, staying.url+"/doc", "three", get(t, staying.url+"/doc").etag()).done(t)
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	long(t)
	t.Parallel()
	o := newOrigin(t)
	s := setup{upstream: o.url(), redis: redistest.Start(t).URL(), timeouts: unhurried, grace: "0s"}
	replicas := s.pair(t)
	tag := get(t, replicas[0].url+"/doc").etag()
	g := o.hold()
	write := background("PUT", replicas[0].url+"/doc", "two", "If-Match", tag)
	within(t, 5*time.Second, "the write reaches the backend", g.arrived)
	replicas[0].signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, func() error {
		if !strings.Contains(replicas[0].logs.String(), "draining") {
			return errorf("it does not say that it is draining")
		}
		return nil
	})
	replicas[0].signal(syscall.SIGTERM)
	if code := replicas[0].exit(time.Second); code == 0 {
		t.Error("exit code 0, though a write was given up")
	}
	if a := await(t, write); a.err == nil {
		t.Errorf("the write that was given up got an answer: %d %s", a.status, a.body)
	}
	put(t, replicas[1].url+"/doc", "lost", tag).want(t, 409, "busy")
	g.release()
}

func TestSIGTERMUnderLoadLosesNoUpdate(t *testing.T) {
	long(t)
	t.Parallel()
	b := startNginx(t)
	s := setup{upstream: b.url, redis: redistest.Start(t).URL(), timeouts: unhurried, grace: "0s"}
	replicas := s.pair(t)
	c := over(t, "drain", b, replicas)
	unanswered := c.during(writers, func() {
		c.goOn()
		replicas[0].signal(syscall.SIGTERM)
		if code := replicas[0].exit(5 * time.Second); code != 0 {
			t.Errorf("exit code %d; it said:\n%s", code, replicas[0].logs)
		}
		c.goOn()
	})
	c.settled(b)
	if unanswered == 0 {
		t.Error("every request was answered, so nothing has ended")
	}
	after := lonely{contest: newContest(t, "after", c.targets[1]), t: t}
	after.cycle(0, 0) // no lease is left behind
}
