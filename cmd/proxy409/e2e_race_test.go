package main_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

const (
	writers = 8
	rounds  = 40
)

// backends are the servers that the promises are tested on.
var backends = []struct {
	name  string
	start func(testing.TB) *backend
}{
	{"json-server", startJSONServer},
	{"apache", startApache},
	{"nginx", startNginx},
}

// formOf is the kind of a tag.
func formOf(tag string) string {
	switch {
	case tag == "":
		return "none"
	case strings.Contains(tag, ";p409-"):
		return "qualified"
	case strings.HasPrefix(tag, "W/"):
		return "weak"
	}
	return "strong"
}

func long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long")
	}
}

// TestWithoutTheProxyUpdatesAreLost is the disease. If it did not break out here, the tests below would prove nothing.
func TestWithoutTheProxyUpdatesAreLost(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tc := range backends {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.start(t)
			c := newContest(t, "direct", b.document())
			// Apache is the one that heeds If-Match. It refuses every weak tag, and so everybody for a second after each
			// write; people who want to work leave it out.
			c.reckless = b.name == "Apache"
			for n := range 3 {
				c.round(n, writers, nil)
			}
			last, err := parseDocument(get(t, b.document()))
			if err != nil {
				t.Fatal(err)
			}
			lost := c.lost(last)
			t.Logf("%d of %d confirmed writes are lost", len(lost), len(c.acked))
			if len(lost) == 0 {
				t.Error("no update is lost, so this contest is no test of the proxy")
			}
		})
	}
}

func TestOfEachVersionExactlyOneWriteWinsOverTwoReplicas(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tc := range backends {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.start(t)
			replicas := setup{upstream: b.url, redis: redistest.Start(t).URL()}.pair(t)
			c := over(t, "fair", b, replicas)
			winner, returned, before := firstDocument.Self, 0, ""
			for n := range rounds {
				var pause func()
				if b.name == "Apache" && n%20 == 19 {
					pause = untilStrong // half of the writers hold a weak tag, half a strong one
				}
				winner = c.fair(n, writers, winner, pause)
				now := get(t, b.document())
				if !strings.Contains(now.body, winner) {
					t.Fatalf("round %d: %q won, but the backend has %s", n, winner, now.body)
				}
				if now.etag() == before {
					returned++
				}
				before = now.etag()
			}
			c.settled(b)
			if len(c.acked) != rounds {
				t.Errorf("%d writes won in %d rounds", len(c.acked), rounds)
			}
			switch {
			case b.name == "nginx" && returned == 0:
				t.Error("no tag came back, so the hard case was not met")
			case b.name == "Apache" && !(c.tags["weak"] && c.tags["strong"]):
				t.Errorf("the readers did not see both weak and strong tags: %v", c.tags)
			}
		})
	}
}

// untilStrong waits until a tag of Apache's that was weak has become strong.
func untilStrong() { time.Sleep(1200 * time.Millisecond) }

func TestNothingIsLostWhereReadsAndWritesInterleave(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tc := range backends {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.start(t)
			replicas := setup{upstream: b.url, redis: redistest.Start(t).URL()}.pair(t)
			c := over(t, "scramble", b, replicas)
			ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second) // a busy machine needs them
			defer cancel()
			if n, err := c.scramble(ctx, writers); err != nil {
				t.Fatalf("%d requests got no answer, the last for: %v", n, err)
			}
			c.settled(b)
			if len(c.acked) < 20 || len(c.refusals) == 0 {
				t.Errorf("%d writes won and %v were refused: too few to prove anything", len(c.acked), c.refusals)
			}
			for refusal := range c.refusals {
				if refusal != "409 stale" && refusal != "409 busy" {
					t.Errorf("refused with %s", refusal)
				}
			}
		})
	}
}

func TestNothingIsLostWhenAReplicaIsKilledAndWhenRedisForgets(t *testing.T) {
	long(t)
	t.Parallel()
	b := startNginx(t)
	redis := redistest.Start(t)
	replicas := setup{upstream: b.url, redis: redis.URL(), timeouts: "{write: 1s, settle: 200ms, busy_wait: 500ms}"}.pair(t)
	c := over(t, "chaos", b, replicas)
	unanswered := c.during(writers, func() {
		c.goOn()
		replicas[0].kill()
		c.goOn() // what it held has run out
		redis.Kill()
		redis.Restart()
		c.meet("503 grace")
		c.goOn()
	})
	c.settled(b)
	if unanswered == 0 {
		t.Error("every request was answered, so nothing was killed")
	}
	after := lonely{contest: newContest(t, "after", c.targets[1]), t: t}
	after.cycle(0, 0)
}
