package main_test

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// ill is a Redis that is about to fail, and two replicas that use it.
type ill struct {
	t        testing.TB
	redis    *redistest.Server
	way      *relay // to it
	origin   *origin
	replicas [2]*replica
	contest  *contest
	mended   chan struct{} // closed when what heals by itself has healed
}

// afflict starts what the fault will befall.
func (f redisFault) afflict(t testing.TB) *ill {
	t.Helper()
	i := &ill{t: t, redis: redistest.Start(t, f.args...), origin: newOrigin(t), mended: make(chan struct{})}
	i.way = relayToRedis(t, i.redis.Addr)
	if f.begin != nil {
		f.begin(i)
	}
	grace := "auto"
	if f.kept {
		grace = "0s"
	}
	i.serve("redis://"+f.user+i.way.addr+f.parameters, grace, "timeout: 300ms")
	return i
}

// serve starts the replicas and their contest.
func (i *ill) serve(url, grace, options string) {
	i.t.Helper()
	i.origin.put("/doc", firstDocument.String())
	i.origin.put("/calm", "calm")
	i.replicas = setup{upstream: i.origin.url(), timeouts: terse, more: storeAt(url, grace, options)}.pair(i.t)
	i.contest = newContest(i.t, "ill", i.replicas[0].url+"/doc", i.replicas[1].url+"/doc")
}

// put changes a text behind everybody's back.
func (o *origin) put(path, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.texts[path] = text
}

// blind checks that who writes is refused within a second, in one of these ways, and that who reads is not.
func (i *ill) blind(doc, tag string, refusals ...string) {
	i.t.Helper()
	const promised = time.Second
	for _, err := range everybody(24, func(n int) error {
		method, wants, header := "PUT", refusals, []string{"If-Match", tag}
		if n%3 == 0 {
			method, wants, header = "GET", []string{"200 "}, nil
		}
		began := time.Now()
		a, err := send(method, doc, "blind", header...)
		took := time.Since(began)
		switch got := strconv.Itoa(a.status) + " " + a.reason(); {
		case err != nil:
			return err
		case !slices.Contains(wants, got):
			return errorf("%s: %s, want %q", a.request, got, wants)
		case took > promised+slack:
			return errorf("%s: %s after %v, want at most %v", a.request, got, took, promised)
		case method == "PUT" && a.header.Get("Retry-After") == "":
			return errorf("%s: %s without Retry-After", a.request, got)
		}
		return nil
	}) {
		if err != nil {
			i.t.Error(err)
		}
	}
}

// heals checks that the document can be written again when the lease has run out that a lost claim may have left, and the
// grace period is over.
func (i *ill) heals(doc string) {
	i.t.Helper()
	began := time.Now()
	eventually(i.t, terseGrace+terseLease+2*slack, func() error {
		a, err := send("GET", doc, "")
		if err == nil {
			a, err = send("PUT", doc, "healed", "If-Match", a.etag())
		}
		if err == nil && !a.ok() {
			err = errorf("%s: %d %s", a.request, a.status, a.reason())
		}
		return err
	})
	i.t.Logf("it healed in %v", time.Since(began))
}

// up waits until the first replica says whether Redis answers: by its metric and by its readiness.
func (i *ill) up(want float64, ready string) {
	i.t.Helper()
	r := i.replicas[0]
	eventually(i.t, 5*time.Second, func() error {
		a, err := send("GET", r.admin+"/readyz", "")
		if err != nil {
			return err
		}
		if got := r.metric("proxy409_store_up"); got != want || !strings.HasPrefix(a.body, ready) {
			return errorf("proxy409_store_up is %v, want %v; /readyz says %q, want %q", got, want, a.body, ready)
		}
		return nil
	})
}

// inline sends Redis a command, and waits for no answer.
func (i *ill) inline(command string) {
	i.t.Helper()
	c, err := net.Dial("tcp", i.redis.Addr)
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Write([]byte(command + "\r\n")); err != nil {
		i.t.Fatal(err)
	}
}

// dump is where Redis saves its data.
func (i *ill) dump() string {
	i.t.Helper()
	return filepath.Join(strings.TrimPrefix(i.redis.Do("CONFIG", "GET", "dir"), "dir\n"), "dump.rdb")
}

// saves lets Redis save its data, and waits until that has ended so.
func (i *ill) saves(status string) {
	i.t.Helper()
	i.redis.Do("BGSAVE")
	eventually(i.t, 5*time.Second, func() error {
		if info := i.redis.Do("INFO", "persistence"); !strings.Contains(info, "rdb_last_bgsave_status:"+status) {
			return errorf("want rdb_last_bgsave_status:%s in %s", status, info)
		}
		return nil
	})
}

// load restarts Redis with so much data that it takes seconds to load, and waits for the beginning.
func (i *ill) load() {
	i.t.Helper()
	const fill = "for n = 1, 3000 do redis.call('SET', 'filler:' .. n, string.rep('x', 500)) end"
	i.redis.Do("EVAL", fill, "0")
	i.redis.Do("SAVE")
	i.redis.Configure("key-load-delay", "1000") // microseconds
	i.redis.Configure("loading-process-events-interval-bytes", "1024")
	i.redis.Kill()
	go func() {
		defer close(i.mended)
		i.redis.Restart() // returns when Redis answers
	}()
}
