package etagcache

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// The world is a fleet, its store, a backend and clients, through whose steps rapid wanders at random. It knows the
// true sequence of writes that the backend has applied, and for each tag that a client holds the true state that the
// client was shown with it.
type world struct {
	t        *rapid.T
	ctx      context.Context
	store    *fakeStore
	replicas []*replica
	keys     []Key
	backend  map[Key]*resource
	// collide is after how many states a tag comes back; zero: never.
	collide int
	term    Term
	grace   time.Duration

	held   []clientTag // what clients remember
	reads  []*readOp
	writes []*writeOp
	posts  []*postOp
	// went counts the writes that left each version for the backend and were not certainly refused by it.
	went    map[string]int
	serial  int
	tampers []string // what the store's hook found
	saw     map[string]int
	forgot  map[Key]time.Time // when the store last forgot the record
}

type replica struct {
	*conn
	cache *Cache
}

// resource is the truth.
type resource struct {
	state  int // counts the writes that were applied
	absent bool
}

// clientTag is a tag that a client was given, with what it was shown.
type clientTag struct {
	key   Key
	tag   Tag
	state int
	// outlived: the record that it was noted on was forgotten. Of a backend whose tags come back, it then promises nothing.
	outlived bool
}

const worldLocalFor = time.Second

// TestNoInterleavingBreaksThePromises checks P1, P2 and what the design builds on them.
func TestNoInterleavingBreaksThePromises(t *testing.T) {
	saw := map[string]int{}
	for range 8 { // times -rapid.checks
		rapid.Check(t, func(rt *rapid.T) {
			inBubble(t, func() {
				w := newWorld(rt)
				w.saw = saw
				w.run()
			})
		})
	}
	for _, what := range []string{
		"read done", "read late", "read without reply", "tag bare", "tag qualified",
		"write ask", "write stale", "write busy", "write grace",
		"claim admit", "claim without reply", "claim ask", "claim busy", "claim exists", "claim stale",
		"applied", "applied in doubt", "overlapped", "conclude done", "conclude late", "conclude without reply",
		"late swap made", "late swap refused", "undisturbed write",
	} {
		if saw[what] == 0 {
			t.Errorf("it never came to this: %s", what)
		}
	}
	t.Log(saw)
}

// inBubble gives f virtual time, and hands on its panics, by which rapid ends a run.
func inBubble(t *testing.T, f func()) {
	var failure any
	synctest.Test(t, func(*testing.T) {
		defer func() { failure = recover() }()
		f()
	})
	switch {
	case failure == nil:
	case fmt.Sprintf("%T", failure) == "rapid.stopTest":
		panic(failure) // a test that failed
	default:
		panic(failure) // rapid tells failures apart by the line; it must not take a run that it cut short for this one
	}
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, ctx: context.Background(), store: newFakeStore(), backend: map[Key]*resource{}, went: map[string]int{}, forgot: map[Key]time.Time{},
		collide: rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(t, "tags come back after"),
		term:    Term{Work: 10 * time.Second, Settle: 5 * time.Second},
	}
	w.grace = w.term.Work + w.term.margin() + w.term.Settle
	for i := range rapid.IntRange(1, 2).Draw(t, "keys") {
		k := Key{byte('x' + i)}
		w.keys = append(w.keys, k)
		w.backend[k] = &resource{}
	}
	for range 2 {
		w.replicas = append(w.replicas, w.newReplica())
	}
	w.store.swapped = w.noDrift
	return w
}

func (w *world) newReplica() *replica {
	c := &conn{Store: w.store}
	var minted atomic.Uint64
	w.serial++
	n := uint32(w.serial)
	fresh := func() (v [12]byte) {
		binary.BigEndian.PutUint32(v[:], n)
		binary.BigEndian.PutUint64(v[4:], minted.Add(1))
		return v
	}
	return &replica{conn: c, cache: New(c, Options{Grace: w.grace, LocalFor: worldLocalFor, Fresh: fresh})}
}

// noDrift: all writers go through the fleet, so no read may ever contradict a record.
func (w *world) noDrift(key Key, before, after []byte) {
	old, _ := decode(before, w.store.epoch.ID)
	now, _ := decode(after, w.store.epoch.ID)
	if old.State != Known && old.State != Unknown {
		return
	}
	if now.State == Known && now.Version != old.Version || now.State == Writing && now.Lease.BeforeVersion != old.Version {
		w.tampers = append(w.tampers, fmt.Sprintf("drift at %s:\n%+v\n%+v", key, old, now))
	}
}

func (w *world) run() {
	w.sleep(w.grace) // the first epoch has just begun
	actions := []struct {
		weight int
		f      func()
	}{
		{5, w.beginRead},
		{10, w.stepRead},
		{6, w.beginWrite},
		{24, w.stepWrite},
		{1, w.beginPost},
		{4, w.stepPost},
		{3, w.pass},
		{2, w.spoilSwaps},
		{2, w.deliver},
		{1, w.toggleStore},
		{1, w.killReplica},
		{1, w.forget},
		{1, w.emptyStore},
		{2, w.quietWrite},
	}
	var wheel []func()
	for _, a := range actions {
		for range a.weight {
			wheel = append(wheel, a.f)
		}
	}
	for range 20 + w.draw(130, "steps") {
		wheel[w.draw(len(wheel), "step")]()
		w.tick()
		w.check()
	}
	w.settle()
	for _, k := range w.keys {
		w.undisturbed(w.replicas[0], k) // every resource is writable again
	}
	w.check()
	for _, r := range w.replicas {
		if err := r.cache.Drain(w.ctx); err != nil {
			w.t.Fatal(err)
		}
	}
	w.sleep(w.grace) // what dead replicas still try
}

// tick parts any two steps in time, by no round amount, so that timers never fire at the same instant.
func (w *world) tick() {
	time.Sleep(1001 * time.Nanosecond)
	synctest.Wait()
}

func (w *world) check() {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if len(w.tampers) > 0 {
		w.t.Fatal(w.tampers)
	}
	if len(w.store.returned) > 0 {
		w.t.Fatalf("a stored value returned (ABA): %s", w.store.returned)
	}
}

// settle ends everything that is under way and lets all leases run out.
func (w *world) settle() {
	for range w.store.heal() {
		w.store.deliver(0)
	}
	for _, o := range slices.Clone(w.writes) {
		if o.phase == sent && !o.abandoned {
			w.giveUp(o)
			w.tick()
		}
	}
	w.reads = nil
	w.writes = slices.DeleteFunc(w.writes, func(o *writeOp) bool { return o.phase != sent })
	w.sleep(w.term.Work + w.term.margin() + w.term.Settle + w.grace)
}

func (w *world) tagOf(state, rep int) Tag {
	if w.collide > 0 {
		state %= w.collide
	}
	return Tag{Opaque: fmt.Sprintf("r%d-s%d", rep, state)}
}

func (w *world) validator(state, rep int) Validator {
	return Validator{Tag: w.tagOf(state, rep).Digest(), Rep: DigestOf("rep", fmt.Sprint(rep))}
}

// draw is uniform, unlike rapid's integers, which prefer small ones.
func (w *world) draw(n int, label string) int {
	v := 0
	for _, bit := range rapid.SliceOfN(rapid.Bool(), 10, 10).Draw(w.t, label) {
		v *= 2
		if bit {
			v++
		}
	}
	return v * n >> 10
}

func (w *world) oneIn(n int, label string) bool { return w.draw(n, label) == 0 }

func (w *world) drawReplica() *replica { return w.replicas[w.draw(len(w.replicas), "replica")] }
func (w *world) drawKey() Key          { return w.keys[w.draw(len(w.keys), "key")] }

// pick draws one of those that are ready, or nil.
func pick[T any](w *world, all []*T, ready func(*T) bool) *T {
	var some []*T
	for _, o := range all {
		if ready(o) {
			some = append(some, o)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[w.draw(len(some), "which")]
}
