package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
	"proxy409/etagcache/storetest"
)

func TestMain(m *testing.M) {
	redisstore.LogDriver(slog.New(slog.DiscardHandler)) // half of the tests have no server to connect to
	goleak.VerifyTestMain(m)
}

// open returns a store that is closed when the test ends. Tests are patient by default: their machine may be busy.
func open(t testing.TB, o redisstore.Options) *redisstore.Store {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	s, err := redisstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var key = etagcache.Key{1, 2, 3}

func get(t testing.TB, s *redisstore.Store) etagcache.Reply {
	t.Helper()
	r, err := s.Get(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// put stores value under key, whatever was there.
func put(t testing.TB, s *redisstore.Store, value string) etagcache.Reply {
	t.Helper()
	now := get(t, s)
	r, err := s.Swap(context.Background(), key, etagcache.Change{Epoch: now.Epoch.ID, Old: now.Value, New: []byte(value)})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Swapped {
		t.Fatalf("the swap to %q was not made: %+v", value, r)
	}
	return r
}

func TestContract(t *testing.T) {
	mini := func(t *testing.T) (redisstore.Options, storetest.Options) {
		m := redistest.Mini(t)
		clocks := newClocks(t, m)
		return redisstore.Options{URL: m.URL(), Clock: clocks.elapsed}, storetest.Options{Advance: func(d time.Duration) {
			m.FastForward(d)
			clocks.pass(d)
		}}
	}
	for name, start := range map[string]func(*testing.T) (redisstore.Options, storetest.Options){
		"mini": mini,
		"real": func(t *testing.T) (redisstore.Options, storetest.Options) {
			return redisstore.Options{URL: redistest.Start(t).URL()}, storetest.Options{}
		},
		"with a replica": func(t *testing.T) (redisstore.Options, storetest.Options) {
			master := redistest.Start(t)
			redistest.StartReplica(t, master)
			return redisstore.Options{URL: master.URL(), WaitReplicas: 1}, storetest.Options{}
		},
		"cluster of one": func(t *testing.T) (redisstore.Options, storetest.Options) {
			return redisstore.Options{URL: redistest.StartCluster(t, 1)[0].URL(), Mode: redisstore.Cluster}, storetest.Options{}
		},
		"cluster of three": func(t *testing.T) (redisstore.Options, storetest.Options) {
			return redisstore.Options{URL: redistest.StartCluster(t, 3)[0].URL(), Mode: redisstore.Cluster}, storetest.Options{}
		},
		"sentinel": func(t *testing.T) (redisstore.Options, storetest.Options) {
			return redisstore.Options{
				URL: redistest.StartSentinel(t).URL(), Mode: redisstore.Sentinel, WaitReplicas: 1,
			}, storetest.Options{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis, suite := start(t)
			if err := storetest.TestStore(t.Context(), open(t, redis), suite); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRandomOperationsAnswerAsTheModel(t *testing.T) {
	for name, start := range map[string]func(*testing.T) (string, storetest.Options){
		"mini": func(t *testing.T) (string, storetest.Options) {
			m := redistest.Mini(t)
			return m.URL(), storetest.Options{Advance: m.FastForward}
		},
		"real": func(t *testing.T) (string, storetest.Options) { return redistest.Start(t).URL(), storetest.Options{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, suite := start(t)
			store := open(t, redisstore.Options{URL: url})
			rapid.Check(t, func(rt *rapid.T) { storetest.CheckModel(t.Context(), rt, store, suite) })
		})
	}
}

// TestEveryReplicaSeesOneStore: two processes share an epoch and the records.
func TestEveryReplicaSeesOneStore(t *testing.T) {
	server := redistest.Start(t)
	a, b := open(t, redisstore.Options{URL: server.URL()}), open(t, redisstore.Options{URL: server.URL()})
	put(t, a, "from a")
	if r := get(t, b); string(r.Value) != "from a" || r.Epoch != get(t, a).Epoch {
		t.Errorf("the other replica sees %+v", r)
	}
}

func TestKeysStayInTheirPrefix(t *testing.T) {
	server := redistest.Start(t)
	put(t, open(t, redisstore.Options{URL: server.URL(), Prefix: "one"}), "1")
	other := open(t, redisstore.Options{URL: server.URL(), Prefix: "two"})
	if r := get(t, other); r.Value != nil {
		t.Errorf("another prefix sees %q", r.Value)
	}
	for _, k := range []string{"one:{0}:epoch", "two:{0}:epoch", "one:{0}:" + key.String()} {
		if server.Do("EXISTS", k) != "1" {
			t.Errorf("there is no key %s", k)
		}
	}
}

// TestTheDocumentedACLSuffices runs the contract as a user who may do what the package comment lists, and no more.
func TestTheDocumentedACLSuffices(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	redistest.StartReplica(t, server)
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(doc), "//	ACL SETUSER ")
	rules, _, _ := strings.Cut(rest, "\n")
	if !found {
		t.Fatal("the package comment shows no ACL")
	}
	server.Do(append([]string{"ACL", "SETUSER"}, strings.Fields(rules)...)...)
	store := open(t, redisstore.Options{URL: "redis://proxy409:secret@" + server.Addr, WaitReplicas: 1})
	if err := storetest.TestStore(t.Context(), store, storetest.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := store.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestACommandThatTheACLForbidsIsNotSent(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "p", "on", ">pw", "~proxy409:*", "+info", "+script|load", "+evalsha", "+get", "+time", "+set")
	store := open(t, redisstore.Options{URL: "redis://p:pw@" + server.Addr})
	now := get(t, store)
	server.Do("ACL", "SETUSER", "p", "-evalsha")
	_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: now.Epoch.ID, New: []byte("v")})
	if !errors.Is(err, etagcache.ErrNotSent) {
		t.Error(err)
	}
}

func TestCheckWarnsOfWhatThePromisesRestOn(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	for _, c := range []struct {
		wait, replicas int
		atLeast        string // min-replicas-to-write
		want           []string
	}{
		{0, 0, "0", []string{"allkeys-lru"}},
		{1, 0, "0", []string{"allkeys-lru", "no guarded write can be admitted"}},
		{0, 1, "0", []string{"allkeys-lru", "set wait_replicas to 1", "min-replicas-to-write to 1"}},
		{0, 1, "1", []string{"allkeys-lru", "set wait_replicas to 1"}},
		{1, 1, "0", []string{"allkeys-lru"}},
	} {
		if c.replicas == 1 && !contains(server.Do("INFO", "replication"), "state=online") {
			redistest.StartReplica(t, server)
		}
		server.Do("CONFIG", "SET", "min-replicas-to-write", c.atLeast)
		store := open(t, redisstore.Options{URL: server.URL(), WaitReplicas: c.wait})
		got, err := store.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := containEach(got, c.want); err != nil {
			t.Errorf("wait_replicas %d, %d replicas: %v", c.wait, c.replicas, err)
		}
	}
	if got, err := open(t, redisstore.Options{URL: redistest.Start(t).URL()}).Check(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("a server as it should be: %q, %v", got, err)
	}
}

func containEach(got, want []string) error {
	if len(got) != len(want) {
		return fmt.Errorf("got the warnings %q, want %q", got, want)
	}
	for i := range want {
		if !contains(got[i], want[i]) {
			return fmt.Errorf("got the warning %q, want %q", got[i], want[i])
		}
	}
	return nil
}

func BenchmarkStore(b *testing.B) {
	store := open(b, redisstore.Options{URL: redistest.Start(b).URL()})
	put(b, store, "a record")
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get(b, store)
		}
	})
	b.Run("Swap", func(b *testing.B) {
		b.ReportAllocs()
		now := get(b, store)
		for b.Loop() {
			r, err := store.Swap(context.Background(), key, etagcache.Change{Epoch: now.Epoch.ID, Old: now.Value, New: now.Value})
			if err != nil || !r.Swapped {
				b.Fatal(r, err)
			}
		}
	})
}
