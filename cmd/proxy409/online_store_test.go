package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proxy409/etagcache/redisstore/redistest"
)

// redisFile is a configuration whose store is at the URL.
func redisFile(t *testing.T, upstream, url, options string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "proxy409.yaml")
	text := fmt.Sprintf("upstream: %s\nstore: {grace: 0s, redis: {url: '%s', timeout: 5s%s}}\n", upstream, url, options)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// says reports whether a report has these words, however it sets them.
func says(report, words string) bool {
	return strings.Contains(strings.Join(strings.Fields(report), " "), words)
}

func TestOnlineSaysWhetherRedisServes(t *testing.T) {
	const nowhere = "http://127.0.0.1:1"
	for name, c := range map[string]struct {
		args    []string
		user    string // in the URL
		options string
		strike  func(*redistest.Server)
		want    []string
		serves  bool
	}{
		"sound": {
			args: []string{"--appendonly", "yes"},
			want: []string{
				"ok answer within ", "ok server 127.0.0.1:", "ok memory maxmemory-policy noeviction", "ok replicas 0 connected, wait_replicas is 0",
				"ok disk append-only file, 0 snapshots", "ok swap ", "ok grace over",
			}, serves: true,
		},
		"may evict": {
			args: []string{"--maxmemory-policy", "allkeys-lru"},
			want: []string{"BAD setup Redis at 127.0.0.1:", "ok swap "},
		},
		"no replica": {
			options: ", wait_replicas: 1",
			want:    []string{"BAD setup Redis at 127.0.0.1:", "BAD swap redisstore: swap: nobody knows whether it was made: 0 of the 1 replicas"},
		},
		"full": {
			strike: func(r *redistest.Server) { r.Do("CONFIG", "SET", "maxmemory", "1") },
			want:   []string{"ok answer", "BAD swap redisstore: swap: nothing was sent to the store: OOM"},
		},
		"wrong password": {
			user:   "app:hunter2@",
			strike: func(r *redistest.Server) { r.Do("ACL", "SETUSER", "app", "on", ">other", "~*", "+@all") },
			want:   []string{"BAD answer redisstore: ping: identify the server of {0}: WRONGPASS"},
		},
		"forbids a command": {
			user: "app:hunter2@",
			strike: func(r *redistest.Server) {
				r.Do("ACL", "SETUSER", "app", "on", ">hunter2", "~*", "+@all", "-evalsha")
			},
			want: []string{"BAD answer redisstore: ping: identify the server of {0}: NOPERM this user has no permissions to run the 'evalsha' command"},
		},
		"not there": {
			strike: func(r *redistest.Server) { r.Kill() },
			want:   []string{"BAD answer redisstore: ping: identify the server of {0}: dial tcp 127.0.0.1:"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t, c.args...)
			if c.strike != nil {
				// Somebody has used it before, so that what is wrong is wrong with what a write needs.
				if text, err := command(t, "check", "--online", "--config", redisFile(t, nowhere, redis.URL(), "")); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				c.strike(redis)
			}
			text, err := command(t, "check", "--online", "--config", redisFile(t, nowhere, "redis://"+c.user+redis.Addr, c.options))
			if (err == nil) != c.serves {
				t.Errorf("the error is %v", err)
			}
			for _, want := range c.want {
				if !says(text, want) {
					t.Errorf("it does not say %q, but:\n%s", want, text)
				}
			}
			if c.serves && strings.Contains(text, "BAD") || strings.Contains(text, "hunter2") {
				t.Errorf("it says:\n%s", text)
			}
		})
	}
}

// TestOnlineAsksRedisBeforeTheBackend and whatever it says of the one, it asks the other.
func TestOnlineAsksRedisBeforeTheBackend(t *testing.T) {
	sound, evicting := redistest.Start(t), redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	for name, c := range map[string]struct {
		redis   *redistest.Server
		backend func(*origin)
		err     []string
	}{
		"both serve":      {sound, func(*origin) {}, nil},
		"Redis may evict": {evicting, func(*origin) {}, []string{errUnfit.Error()}},
		"neither": {evicting, func(o *origin) { o.tag, o.content = nil, "<p>" }, []string{
			errUnfit.Error(), errNotGuarded.Error(),
		}},
	} {
		o := newOrigin(t, c.backend)
		text, err := command(t, "check", "--online", "/doc", "--pause", "0s", "--config", redisFile(t, o.url, c.redis.URL(), ""))
		if (err == nil) != (c.err == nil) {
			t.Errorf("%s: the error is %v", name, err)
		}
		for _, want := range c.err {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v, want %s", name, err, want)
			}
		}
		redis, backend := strings.Index(text, "store redis (single)"), strings.Index(text, "GET "+o.url+"/doc")
		if redis < 0 || backend < redis {
			t.Errorf("%s: it says:\n%s", name, text)
		}
	}
}

func TestOnlineComparesTheReplicasThereAreWithThoseThatAreWanted(t *testing.T) {
	master := redistest.Start(t)
	redistest.StartReplica(t, master)
	text, err := command(t, "check", "--online", "--config", redisFile(t, "http://127.0.0.1:1", master.URL(), ", wait_replicas: 1"))
	if err != nil || !says(text, "ok replicas 1 connected, wait_replicas is 1") ||
		!says(text, "ok swap a value of a second's life was stored, and 1 replica acknowledged it") {
		t.Errorf("%v\n%s", err, text)
	}
	text, err = command(t, "check", "--online", "--config", redisFile(t, "http://127.0.0.1:1", master.URL(), ""))
	if err == nil || !says(text, "BAD setup Redis at "+master.Addr+" has 1 replicas, but wait_replicas is 0") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestOnlineSaysHowLongAFreshRedisHasGrace(t *testing.T) {
	redis := redistest.Start(t)
	path := filepath.Join(t.TempDir(), "proxy409.yaml")
	text := fmt.Sprintf("upstream: http://127.0.0.1:1\nstore: {redis: {url: '%s', timeout: 5s}}\n", redis.URL())
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := command(t, "check", "--online", "--config", path)
	if err != nil || !says(said, "note grace Redis is new or was restarted: guarded writes get 503 for another ") {
		t.Errorf("%v\n%s", err, said)
	}
	if keys := redis.Do("DBSIZE"); keys != "1" && keys != "2" { // the epoch, and for a second what was tried
		t.Errorf("%s keys are left behind", keys)
	}
}

func TestOnlineHasNothingToAskOfTheEmbeddedStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proxy409.yaml")
	if err := os.WriteFile(path, []byte("upstream: http://127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := command(t, "check", "--online", "--config", path)
	if err != nil || !says(text, "ok store in this process's memory") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestOnlineWaitsNoLongerThanRedisHasTime: somebody who listens and never answers is as good as nobody.
func TestOnlineWaitsNoLongerThanRedisHasTime(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	path := redisFile(t, "http://127.0.0.1:1", "redis://"+silent.Addr().String(), "")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(content), "5s", "100ms", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := command(t, "check", "--online", "--config", path)
	if err == nil || !says(text, "BAD answer redisstore: ping: identify the server of {0}: ") {
		t.Errorf("%v\n%s", err, text)
	}
}
