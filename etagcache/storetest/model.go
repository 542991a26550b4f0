package storetest

import (
	"bytes"
	"context"
	"time"

	"pgregory.net/rapid"

	"proxy409/etagcache"
)

// CheckModel does random operations on the store and on a map, and fails t where their answers differ. It draws new keys
// every time, so one store can be used for all the runs of a [rapid.Check].
func CheckModel(ctx context.Context, t *rapid.T, store etagcache.Store, o Options) {
	first, err := store.Ping(ctx)
	if err != nil {
		t.Fatalf("Ping failed: %v", err)
	}
	m := &model{
		ctx: ctx, store: store, options: o.withDefaults(), last: first.Now,
		keys: []etagcache.Key{newKey(), newKey(), newKey()}, values: make(map[etagcache.Key]modelValue),
	}
	actions := map[string]func(*rapid.T){"Get": m.get, "Swap": m.swap}
	if o.Advance != nil {
		actions["Advance"] = m.advance
	}
	t.Repeat(actions)
}

type model struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call of CheckModel
	store   etagcache.Store
	options Options
	keys    []etagcache.Key
	values  map[etagcache.Key]modelValue // the whole of what a store is
	last    etagcache.Instant
}

type modelValue struct {
	value []byte
	ttl   time.Duration // what is left; 0: for ever
}

// values are few, so that swaps often meet what they expect, and awkward.
var values = rapid.SampledFrom([][]byte{[]byte("a"), []byte("b"), {0}, []byte("a\x00"), []byte("\r\n"), []byte("0")})

func (m *model) get(t *rapid.T) {
	key := rapid.SampledFrom(m.keys).Draw(t, "key")
	r, err := m.store.Get(m.ctx, key)
	if err != nil {
		t.Fatalf("Get failed: %v", err)
	}
	m.compare(t, r, key, false)
}

func (m *model) swap(t *rapid.T) {
	key := rapid.SampledFrom(m.keys).Draw(t, "key")
	now, err := m.store.Get(m.ctx, key)
	if err != nil {
		t.Fatalf("Get failed: %v", err)
	}
	c := etagcache.Change{
		Epoch: now.Epoch.ID,
		Old:   rapid.OneOf(rapid.Just(m.values[key].value), values, rapid.Just[[]byte](nil), rapid.Just([]byte{})).Draw(t, "old"),
		New:   values.Draw(t, "new"),
		TTL:   rapid.SampledFrom([]time.Duration{0, time.Hour, 3 * time.Hour}).Draw(t, "ttl"),
	}
	otherEpoch := rapid.IntRange(0, 9).Draw(t, "epoch") == 0
	if otherEpoch {
		c.Epoch[0] ^= 1
	}
	old := m.values[key].value
	made := !otherEpoch && (old == nil) == (c.Old == nil) && bytes.Equal(old, c.Old)
	if made {
		m.values[key] = modelValue{value: c.New, ttl: c.TTL}
	}
	r, err := m.store.Swap(m.ctx, key, c)
	if err != nil {
		t.Fatalf("Swap failed: %v", err)
	}
	m.compare(t, r, key, made)
}

// advance never comes near the end of a TTL: what the store's own resolution does there is not the model's business.
func (m *model) advance(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Minute, 2 * time.Hour}).Draw(t, "time")
	m.options.Advance(d)
	for key, v := range m.values {
		if v.ttl == 0 {
			continue
		}
		if v.ttl -= d; v.ttl <= 0 {
			delete(m.values, key)
		} else {
			m.values[key] = v
		}
	}
}

func (m *model) compare(t *rapid.T, r etagcache.Reply, key etagcache.Key, swapped bool) {
	if want := m.values[key].value; (r.Value == nil) != (want == nil) || !bytes.Equal(r.Value, want) {
		t.Fatalf("the reply has the value %s, want %s", show(r.Value), show(want))
	}
	if r.Swapped != swapped {
		t.Fatalf("the reply says Swapped: %v, want %v", r.Swapped, swapped)
	}
	if r.Now < m.last {
		t.Fatalf("the reply says that it is %d, before %d", r.Now, m.last)
	}
	m.last = r.Now
}
