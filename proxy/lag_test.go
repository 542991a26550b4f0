package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"proxy409/proxy/refusal"
)

// lagging is a backend whose reads come from a replica, which shows what was there before the writes until it catches up.
type lagging struct {
	mu         sync.Mutex
	text       string // "": there is none
	shown      string
	behind     time.Duration // after how long a write shows by itself; 0: when catchUp is called
	overwrites []string      // "base -> text", as the writers say
}

func newLagging(t *testing.T, lag time.Duration) (*lagging, *fleet) {
	b := newBackend(t)
	l := &lagging{text: "one", shown: "one"}
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case r.Method != http.MethodGet:
			l.overwrites = append(l.overwrites, fmt.Sprintf("%s -> %s", l.text, body))
			l.text = string(body)
			if l.behind > 0 {
				time.AfterFunc(l.behind, func() { l.show(string(body)) })
			}
			w.WriteHeader(http.StatusNoContent)
		case l.shown == "":
			http.NotFound(w, r)
		default:
			w.Header().Set("ETag", fmt.Sprintf("%q", l.shown))
			_, _ = io.WriteString(w, l.shown)
		}
		return true
	})
	f := newFleet(t, b)
	f.cfg.Routes[0].Version.Lag = lag
	return l, f
}

func (l *lagging) set(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text, l.shown = text, text
}

func (l *lagging) catchUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = l.text
}

// show is the replica's catching up with one write, in the order of the writes.
func (l *lagging) show(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = text
}

func (l *lagging) written() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.overwrites)
}

func TestWhatALaggingReplicaShowsIsNotTheVersion(t *testing.T) {
	l, f := newLagging(t, time.Hour)
	c, other := f.replica(), f.replica()
	tag := c.get("/a").etag()
	c.put("/a", "two", tag).want(t, 204)
	for _, at := range []*client{c, other} {
		old := at.get("/a")
		if old.body != "one" || !strings.Contains(old.etag(), ";p409-") {
			t.Errorf("an old answer has the tag %s, which would be believed", old.etag())
		}
		at.put("/a", "lost", old.etag()).want(t, 409)
		at.put("/a", "lost", tag).want(t, 409, refusal.Stale)
		got := at.put("/a", "lost", `"unseen"`)
		if got.want(t, 503, refusal.Unverifiable); got.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if at.get("/a", "If-None-Match", old.etag()).StatusCode == 304 {
			t.Error("an old copy was confirmed")
		}
	}
	if l.written() != 1 {
		t.Errorf("the backend got %q", l.overwrites)
	}
}

// A page that is read at once after it was saved, and saved again when the lag is over, by whoever read it.
func TestWhatIsReadWithinTheLagIsGoodWhenTheBackendShowsItAfterwards(t *testing.T) {
	const lag = 300 * time.Millisecond
	l, f := newLagging(t, lag)
	c, other := f.replica(), f.replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	l.catchUp()
	now := other.get("/a")
	eventually(t, "it is admitted", func() bool {
		return c.put("/a", "three", now.etag()).StatusCode == 204
	})
	if l.written() != 2 {
		t.Errorf("the backend got %q", l.overwrites)
	}
}

// Nobody had read the state between two writes that nobody judged, so its tag is not known as an old one.
func TestAStateThatNobodyReadInTimeIsNotBelievedWithinTheLag(t *testing.T) {
	l, f := newLagging(t, time.Hour)
	c := f.replica()
	c.do("POST", "/a", "two").want(t, 204)
	l.catchUp()
	c.do("POST", "/a", "three").want(t, 204)
	old := c.get("/a")
	if old.body != "two" {
		t.Fatalf("the replica shows %q", old.body)
	}
	for _, tag := range []string{old.etag(), `"two"`} {
		got := c.put("/a", "lost", tag)
		if got.StatusCode == 204 {
			t.Errorf("a write with %s, the tag of an old state, was admitted", tag)
		}
	}
	if l.written() != 2 {
		t.Errorf("the backend got %q", l.overwrites)
	}
}

func TestNothingIsCreatedOverWhatALaggingReplicaDoesNotShowYet(t *testing.T) {
	l, f := newLagging(t, time.Hour)
	l.set("")
	c, other := f.replica(), f.replica()
	c.do("PUT", "/a", "two", "If-None-Match", "*").want(t, 204)
	for _, at := range []*client{c, other} {
		at.do("PUT", "/a", "lost", "If-None-Match", "*").want(t, 503, refusal.Unverifiable)
		at.put("/a", "lost", `"unseen"`).want(t, 409, refusal.Absent) // it may be a mask, of which no more must show
	}
	if l.written() != 1 {
		t.Errorf("the backend got %q", l.overwrites)
	}
}

func TestAWriteThatNobodyJudgedIsFollowedByTheLagToo(t *testing.T) {
	l, f := newLagging(t, time.Hour)
	c := f.replica()
	tag := c.get("/a").etag()
	c.do("POST", "/a", "two").want(t, 204)
	c.put("/a", "lost", c.get("/a").etag()).want(t, 409, refusal.Stale)
	c.put("/a", "lost", tag).want(t, 409, refusal.Stale)
	if l.written() != 1 {
		t.Errorf("the backend got %q", l.overwrites)
	}
}

func TestAfterTheLagATagMayComeBack(t *testing.T) {
	l, f := newLagging(t, 300*time.Millisecond)
	c := f.replica()
	c.put("/a", "two", c.get("/a").etag()).want(t, 204)
	l.set("one") // somebody, past the proxy
	var again answer
	eventually(t, "what the replica shows is believed", func() bool {
		again = c.get("/a")
		return c.put("/a", "three", again.etag()).StatusCode == 204
	})
	if !strings.Contains(again.etag(), ";p409-") {
		t.Errorf("a tag that came back is %s", again.etag())
	}
}

// Read under the lease, a replica that lags shows what was there before the write.
func TestATagThatAWriteIsAnsweredWithOutlivesTheLag(t *testing.T) {
	l, f := newLagging(t, time.Hour)
	f.cfg.Routes[0].Version.Reread = true
	o := &told{}
	f.cfg.Observer = o
	c := f.replica()
	next := c.put("/a", "two", c.get("/a").etag()).etag()
	l.catchUp()
	c.get("/a")
	if o.count("drift") > 0 {
		t.Error("a drift, though nobody wrote past the proxy")
	}
	if next != "" {
		c.put("/a", "three", next).want(t, 204)
	}
}

// Writers who use what the lagging replica showed them lose; those who wait for the new text win.
func TestNoUpdateIsLostToALaggingReplica(t *testing.T) {
	const lag = 200 * time.Millisecond
	l, f := newLagging(t, lag)
	l.behind = lag / 10 // on a busy machine timers are late
	replicas := []*client{f.replica(), f.replica(), f.replica()}
	var editors sync.WaitGroup
	end := time.Now().Add(1500 * time.Millisecond)
	for i := range 6 {
		editors.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				c := replicas[(i+n)%3]
				read := c.get("/a")
				c.put("/a", fmt.Sprintf("%s.%d", read.body, i), read.etag())
			}
		})
	}
	editors.Wait()
	for _, w := range l.overwrites {
		base, text, _ := strings.Cut(w, " -> ")
		if !strings.HasPrefix(text, base+".") {
			t.Errorf("lost: %s", w)
		}
	}
	if l.written() < 3 {
		t.Errorf("only %d writes were applied", l.written())
	}
}
