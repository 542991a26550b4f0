package etagcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	errLost = errors.New("no reply came")
	errDown = errors.New("the store is down")
)

// fault is what befalls one swap.
type fault int

const (
	fine        fault = iota
	lostRequest       // it never arrives, and nobody learns that
	lostReply         // it arrives, and nobody learns that
	delayed           // it arrives when deliver is called; the caller gets an error at once
	repeated          // it arrives, and a copy of it once more when deliver is called
	notSent           // it never arrives, and the caller knows
)

func (f fault) String() string {
	return [...]string{"fine", "lost request", "lost reply", "delayed", "repeated", "not sent"}[f]
}

type fakeEntry struct {
	value   []byte
	expires time.Time // zero: never
	keep    time.Time // until when it is not forgotten
}

type lateSwap struct {
	key    Key
	change Change
}

// fakeStore is a store in a map, whose clock is time.Now moved by skew, with faults on demand. Its tests run in a synctest
// bubble, or in no time at all.
type fakeStore struct {
	mu          sync.Mutex
	skew        time.Duration
	epoch       Epoch
	data        map[Key]fakeEntry
	gets, swaps int
	faults      []fault // of the swaps to come, one each
	down        bool
	late        []lateSwap
	stored      map[string]bool // every key and value that was ever stored
	returned    []string        // and those that were stored again
	swapped     func(key Key, before, after []byte)
	gate        func() // what a swap waits for; nil: nothing
}

func newFakeStore() *fakeStore {
	s := &fakeStore{data: map[Key]fakeEntry{}, stored: map[string]bool{}, skew: 12345 * time.Second}
	s.empty()
	return s
}

func (s *fakeStore) now() Instant { return Instant(time.Now().Add(s.skew).UnixMilli()) }

// empty forgets everything and begins a new epoch.
func (s *fakeStore) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.data)
	fresh := new(randomness).id()
	s.epoch = Epoch{ID: EpochID(fresh[:8]), Start: s.now()}
}

// forget drops one key, as a bounded store or an expiry does; it says whether it might.
func (s *fakeStore) forget(key Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.data[key]
	if !ok || e.expires.IsZero() || time.Now().Before(e.keep) {
		return false
	}
	for _, l := range s.late {
		if l.key == key && l.change.Old == nil && s.now() <= l.change.By {
			return false // no store that has late copies forgets so soon
		}
	}
	delete(s.data, key)
	return true
}

func (s *fakeStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *fakeStore) fail(f ...fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f...)
}

// heal takes all faults away and returns how many late swaps there are.
func (s *fakeStore) heal() (late int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.faults = false, nil
	return len(s.late)
}

// calm: it is up, and no swap fails or is on its way.
func (s *fakeStore) calm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.down && len(s.faults)+len(s.late) == 0
}

func (s *fakeStore) latecomers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.late)
}

func (s *fakeStore) counts() (gets, swaps int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets, s.swaps
}

func (s *fakeStore) value(key Key) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookup(key)
}

// record is what the store holds, decoded.
func (s *fakeStore) record(key Key) Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := decode(s.lookup(key), s.epoch.ID)
	if err != nil {
		panic(err)
	}
	return r
}

func (s *fakeStore) lookup(key Key) []byte {
	e, ok := s.data[key]
	if !ok {
		return nil
	}
	if !e.expires.IsZero() && !time.Now().Before(e.expires) {
		delete(s.data, key)
		return nil
	}
	return e.value
}

func (s *fakeStore) Get(ctx context.Context, key Key) (Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	if s.down {
		return Reply{}, errDown
	}
	return Reply{Value: s.lookup(key), Now: s.now(), Epoch: s.epoch}, nil
}

func (s *fakeStore) Ping(ctx context.Context) (Reply, error) { return s.Get(ctx, Key{}) }

func (s *fakeStore) Swap(ctx context.Context, key Key, c Change) (Reply, error) {
	if s.gate != nil {
		s.gate()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swaps++
	if s.down || ctx.Err() != nil {
		return Reply{}, errors.Join(errDown, ctx.Err())
	}
	f := fine
	if len(s.faults) > 0 {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	switch f {
	case lostRequest:
		return Reply{}, errLost
	case lostReply:
		s.swap(key, c)
		return Reply{}, errLost
	case delayed:
		s.late = append(s.late, lateSwap{key, c})
		return Reply{}, errLost
	case notSent:
		return Reply{}, fmt.Errorf("broken pipe: %w", ErrNotSent)
	case repeated:
		s.late = append(s.late, lateSwap{key, c})
	case fine:
	}
	return s.swap(key, c), nil
}

func (s *fakeStore) swap(key Key, c Change) Reply {
	old := s.lookup(key)
	r := Reply{Value: old, Now: s.now(), Epoch: s.epoch}
	if c.Epoch != s.epoch.ID || !bytes.Equal(old, c.Old) || (old == nil) != (c.Old == nil) || c.By != 0 && r.Now > c.By {
		return r
	}
	e := fakeEntry{value: c.New}
	if c.TTL > 0 {
		e.expires, e.keep = time.Now().Add(c.TTL), time.Now().Add(c.Keep)
	}
	s.data[key] = e
	if id := string(key[:]) + string(c.New); s.stored[id] {
		s.returned = append(s.returned, fmt.Sprintf("%s: %x", key, c.New))
	} else {
		s.stored[id] = true
	}
	if s.swapped != nil {
		s.swapped(key, old, c.New)
	}
	r.Value, r.Swapped = c.New, true
	return r
}

// deliver lets the i-th late swap arrive and says whether it was made.
func (s *fakeStore) deliver(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.late[i]
	s.late = append(s.late[:i:i], s.late[i+1:]...)
	return s.swap(l.key, l.change).Swapped
}

// conn is one replica's way to the store. A dead replica reaches nothing.
type conn struct {
	Store
	mu   sync.Mutex
	dead bool
}

func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
}

func (c *conn) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *conn) Get(ctx context.Context, key Key) (Reply, error) {
	if c.gone() {
		return Reply{}, errDown
	}
	return c.Store.Get(ctx, key)
}

func (c *conn) Swap(ctx context.Context, key Key, ch Change) (Reply, error) {
	if c.gone() {
		return Reply{}, errDown
	}
	return c.Store.Swap(ctx, key, ch)
}
