package main_test

import (
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// terse are timeouts whose sum, the grace period of a Redis that has forgotten, tests can wait for.
const (
	terse      = "{write: 1s, settle: 200ms, busy_wait: 300ms}"
	terseLease = 1200*time.Millisecond + 120*time.Millisecond
	terseGrace = 1200 * time.Millisecond
)

// redisFault is something that can be the matter with Redis, so that it does not do what it is asked.
type redisFault struct {
	args             []string // of redis-server
	user, parameters string   // in the URL
	begin            func(*ill)
	strike           func(*ill)
	mend             func(*ill)
	says             string // what the log says of it
	reads            bool   // reading works all the while
	kept             bool   // nothing is forgotten, so that no grace is needed
}

const noAnswer = "i/o timeout|context deadline exceeded|connection pool timeout"

var redisFaults = map[string]redisFault{
	"slow": {
		strike: func(i *ill) { i.way.slow(2 * time.Second) },
		mend:   func(i *ill) { i.way.slow(0) },
		says:   noAnswer, kept: true,
	},
	"standing still, with one connection": {
		parameters: "?pool_size=1",
		strike:     func(i *ill) { i.redis.Pause() },
		mend:       func(i *ill) { i.redis.Resume() },
		says:       noAnswer, kept: true,
	},
	"busy with a script": {
		args:   []string{"--busy-reply-threshold", "100"},
		strike: func(i *ill) { i.inline(`EVAL "while true do end" 0`) },
		mend:   func(i *ill) { i.redis.Do("SCRIPT", "KILL") },
		says:   "BUSY Redis is busy running a script", kept: true,
	},
	"loading its data": {
		strike: (*ill).load,
		mend:   func(i *ill) { within(i.t, 15*time.Second, "the data is loaded", i.mended) },
		says:   "LOADING Redis is loading the dataset",
	},
	"read-only": {
		strike: func(i *ill) {
			_, port, _ := net.SplitHostPort(redistest.Start(i.t).Addr)
			i.redis.Do("REPLICAOF", "127.0.0.1", port)
		},
		mend: func(i *ill) { i.redis.Do("REPLICAOF", "NO", "ONE") },
		says: "not a master",
	},
	"full": {
		strike: func(i *ill) { i.redis.Do("CONFIG", "SET", "maxmemory", "1") },
		mend:   func(i *ill) { i.redis.Do("CONFIG", "SET", "maxmemory", "0") },
		says:   "raise maxmemory", reads: true, kept: true,
	},
	"unable to save": {
		strike: func(i *ill) {
			if err := os.Mkdir(i.dump(), 0o700); err != nil { // which no file can replace
				i.t.Fatal(err)
			}
			i.redis.Do("CONFIG", "SET", "save", "3600 1")
			i.saves("err")
		},
		mend: func(i *ill) {
			if err := os.Remove(i.dump()); err != nil {
				i.t.Fatal(err)
			}
			i.saves("ok")
		},
		says: "MISCONF", reads: true, kept: true,
	},
	"forbidding a command": {
		user:   "app:hunter2@",
		begin:  func(i *ill) { i.redis.Do("ACL", "SETUSER", "app", "on", ">hunter2", "~*", "+@all") },
		strike: func(i *ill) { i.redis.Do("ACL", "SETUSER", "app", "-evalsha") },
		mend:   func(i *ill) { i.redis.Do("ACL", "SETUSER", "app", "+evalsha") },
		says:   "NOPERM", kept: true,
	},
	"under another password": {
		user:  "app:hunter2@",
		begin: func(i *ill) { i.redis.Do("ACL", "SETUSER", "app", "on", ">hunter2", "~*", "+@all") },
		strike: func(i *ill) {
			i.redis.Do("ACL", "SETUSER", "app", "resetpass", ">other")
			i.redis.Do("CLIENT", "KILL", "USER", "app")
		},
		mend: func(i *ill) { i.redis.Do("ACL", "SETUSER", "app", ">hunter2") },
		says: "check the user and password in the URL", kept: true,
	},
	"restarted with its data": {
		args:   []string{"--appendonly", "yes"},
		strike: func(i *ill) { i.redis.Stop() },
		mend:   func(i *ill) { i.redis.Restart() },
		says:   "the store is new or was restarted",
	},
	"killed and restarted with its data": {
		args:   []string{"--appendonly", "yes", "--appendfsync", "always"},
		strike: func(i *ill) { i.redis.Kill() },
		mend:   func(i *ill) { i.redis.Restart() },
		says:   "the store is new or was restarted",
	},
}

func TestWithARedisThatFailsWritesGet503ReadsGoOnAndItHealsByItself(t *testing.T) {
	long(t)
	for name, f := range redisFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := f.afflict(t)
			calm := i.replicas[0].url + "/calm"
			tag := get(t, calm).etag()
			unanswered := i.contest.during(2, func() {
				i.contest.goOn()
				f.strike(i)
				i.blind(calm, tag, "503 store")
				if !f.reads {
					i.contest.meet("503 store")
				}
				i.up(0, "store: it does not answer now")
				if got := i.origin.text("/calm"); got != "calm" {
					t.Errorf("a write that was refused is applied: %q", got)
				}
				f.mend(i)
				i.heals(calm)
				i.up(1, "ready")
				i.contest.goOn()
			})
			if unanswered != 0 {
				t.Errorf("%d requests got no answer", unanswered)
			}
			i.contest.settled(&backend{url: i.origin.url(), path: "/doc"})
			said := i.replicas[0].logs.String() + i.replicas[1].logs.String()
			if !regexp.MustCompile(f.says).MatchString(said) {
				t.Errorf("the log does not say %q", f.says)
			}
			contains(t, said, "the store does not answer: guarded writes get 503, reads go on", "the store answers again")
			if strings.Contains(said, "hunter2") {
				t.Error("the log shows the password")
			}
		})
	}
}

func TestWhatRedisForgetsItDoesNotAllow(t *testing.T) {
	long(t)
	t.Parallel()
	i := redisFault{}.afflict(t)
	calm := i.replicas[0].url + "/calm"
	i.contest.during(2, func() {
		i.contest.goOn()
		i.redis.Do("FLUSHALL")
		put(t, calm, "blind", get(t, calm).etag()).want(t, 503, "grace").later(t)
		i.contest.meet("503 grace")
		i.heals(calm)
		i.contest.goOn()
	})
	i.contest.settled(&backend{url: i.origin.url(), path: "/doc"})
	contains(t, i.replicas[0].logs.String(), "the store is new or was restarted", "the grace period is over")
}

func TestScriptsThatWereFlushedAreNotMissed(t *testing.T) {
	long(t)
	t.Parallel()
	i := redisFault{}.afflict(t)
	i.contest.during(2, func() {
		for range 5 {
			i.contest.goOn()
			i.redis.Do("SCRIPT", "FLUSH")
		}
		i.contest.goOn()
	})
	i.contest.settled(&backend{url: i.origin.url(), path: "/doc"})
	for refusal := range i.contest.refusals {
		if refusal != "409 stale" && refusal != "409 busy" {
			t.Errorf("refused with %s", refusal)
		}
	}
}

func TestWhoReadsAndWritesWhileRedisIsFullGets503(t *testing.T) {
	long(t)
	t.Parallel()
	i := redisFault{kept: true}.afflict(t)
	calm := i.replicas[0].url + "/calm"
	put(t, calm, "written", get(t, calm).etag()).done(t) // so that the record awaits a read
	i.redis.Do("CONFIG", "SET", "maxmemory", "1")
	put(t, calm, "blind", get(t, calm).etag()).want(t, 503, "store").later(t)
	i.redis.Do("CONFIG", "SET", "maxmemory", "0")
	i.heals(calm)
}
