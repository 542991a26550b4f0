package etagcache

import (
	"bytes"
	"testing"
	"time"
)

var keyMemo = Key{'m'}

// add makes a memo longer by text.
func add(text string) func([]byte, Instant) []byte {
	return func(old []byte, _ Instant) []byte { return append(bytes.Clone(old), text...) }
}

func (b *bench) memo(want string) {
	b.Helper()
	got, now, err := b.cache.Recall(b.ctx, keyMemo)
	if err != nil || string(got) != want || now != b.store.now() {
		b.Errorf("%q at %v, %v; want %q", got, now, err, want)
	}
}

func TestAMemoIsKeptForItsTime(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		b.memo("")
		for _, text := range []string{"a", "b"} {
			if err := b.cache.Memorize(b.ctx, keyMemo, time.Minute, add(text)); err != nil {
				b.Fatal(err)
			}
			time.Sleep(50 * time.Second)
		}
		b.memo("ab") // each change gives it its time anew
		time.Sleep(11 * time.Second)
		b.memo("")
	})
}

func TestAMemoLosesNoChange(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		calls := 0
		err := b.cache.Memorize(b.ctx, keyMemo, time.Minute, func(old []byte, now Instant) []byte {
			if calls++; calls == 1 { // somebody else is faster
				if err := New(b.store, Options{}).Memorize(b.ctx, keyMemo, time.Minute, add("theirs ")); err != nil {
					b.Fatal(err)
				}
			}
			return add("mine")(old, now)
		})
		if b.memo("theirs mine"); err != nil || calls != 2 {
			b.Error(calls, err)
		}
	})
}

func TestAMemoThatStaysIsNotStored(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		same := func(old []byte, _ Instant) []byte { return old }
		if err := b.cache.Memorize(b.ctx, keyMemo, time.Minute, same); err != nil {
			b.Error(err)
		}
		_ = b.cache.Memorize(b.ctx, keyMemo, time.Minute, add("a"))
		time.Sleep(50 * time.Second)
		if err := b.cache.Memorize(b.ctx, keyMemo, time.Minute, same); err != nil {
			b.Error(err)
		}
		time.Sleep(11 * time.Second)
		b.memo("")
	})
}

// A record under the key is no memo, and a memo is no record that anybody decides by.
func TestAMemoIsNoRecord(t *testing.T) {
	inCache(t, Options{}, func(b *bench) {
		b.known(keyMemo)
		b.memo("")
	})
	inCache(t, Options{}, func(b *bench) {
		_ = b.cache.Memorize(b.ctx, keyMemo, time.Minute, add("a"))
		if v, err := b.cache.Fetch(b.ctx, keyMemo); err == nil {
			b.Errorf("read as a record: %+v", v.Record)
		}
		b.memo("a")
	})
}
