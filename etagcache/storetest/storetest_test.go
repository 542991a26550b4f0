package storetest_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/storetest"
)

func TestAFaithfulStorePasses(t *testing.T) {
	b := newBroken()
	if err := storetest.TestStore(t.Context(), b, storetest.Options{Advance: b.advance}); err != nil {
		t.Error(err)
	}
}

// TestEveryBrokenStoreIsReported: a suite that lets a broken store pass is worth nothing.
func TestEveryBrokenStoreIsReported(t *testing.T) {
	sameBytes := func(old []byte, c etagcache.Change) bool {
		return (old == nil) == (c.Old == nil) && bytes.Equal(old, c.Old)
	}
	backwards := etagcache.Instant(0)
	var aliased []byte
	for name, mutant := range map[string]struct {
		breaks func(*broken)
		report string // part of what the suite says
	}{
		"ignores the epoch": {func(b *broken) {
			b.holds = func(_ *broken, old []byte, c etagcache.Change) bool { return sameBytes(old, c) }
		}, "under another epoch"},
		"ignores the old value": {func(b *broken) {
			b.holds = func(b *broken, _ []byte, c etagcache.Change) bool { return c.Epoch == b.epoch.ID }
		}, "from another value"},
		"compares lengths": {func(b *broken) {
			b.holds = func(b *broken, old []byte, c etagcache.Change) bool {
				return c.Epoch == b.epoch.ID && (old == nil) == (c.Old == nil) && len(old) == len(c.Old)
			}
		}, "from another value"},
		"compares without case": {func(b *broken) {
			b.holds = func(b *broken, old []byte, c etagcache.Change) bool {
				return c.Epoch == b.epoch.ID && (old == nil) == (c.Old == nil) && bytes.EqualFold(old, c.Old)
			}
		}, "from another value"},
		"ignores that its time is over": {func(b *broken) {
			b.change = func(c *etagcache.Change) { c.By = 0 }
		}, "whose time is over"},
		"heeds the time from nothing alone": {func(b *broken) {
			b.change = func(c *etagcache.Change) {
				if c.Old != nil {
					c.By = 0
				}
			}
		}, "whose time is over"},
		"takes empty for nothing": {func(b *broken) {
			b.change = func(c *etagcache.Change) {
				if len(c.Old) == 0 {
					c.Old = nil
				}
			}
		}, "an empty value is not nothing"},
		"returns empty for nothing": {func(b *broken) {
			b.reply = func(_ string, r *etagcache.Reply) {
				if r.Value == nil {
					r.Value = []byte{}
				}
			}
		}, "what is absent reads as nil"},
		"compares and stores in two steps": {func(b *broken) { b.gap = true }, "exactly one is made"},
		"never swaps":                      {func(b *broken) { b.holds = func(*broken, []byte, etagcache.Change) bool { return false } }, "a swap from nothing"},
		"forgets to say Swapped":           {func(b *broken) { b.reply = func(_ string, r *etagcache.Reply) { r.Swapped = false } }, "a swap from nothing"},
		"keeps losers in the dark": {func(b *broken) {
			b.reply = func(op string, r *etagcache.Reply) {
				if op == "swap" && !r.Swapped {
					r.Value = nil
				}
			}
		}, "returns what is stored"},
		"ends values at NUL": {func(b *broken) {
			b.keep = func(v *value, _ value) { v.bytes, _, _ = bytes.Cut(v.bytes, []byte{0}) }
		}, "byte for byte"},
		"trims line ends": {func(b *broken) {
			b.keep = func(v *value, _ value) { v.bytes = bytes.TrimRight(v.bytes, "\r\n") }
		}, "byte for byte"},
		"makes everything valid UTF-8": {func(b *broken) {
			b.keep = func(v *value, _ value) { v.bytes = bytes.ToValidUTF8(v.bytes, []byte("?")) }
		}, "byte for byte"},
		"keeps the caller's slice": {func(b *broken) {
			b.change = func(c *etagcache.Change) { aliased = c.New }
			b.keep = func(v *value, _ value) { v.bytes = aliased }
		}, "stay the caller's"},
		"overwrites what it has handed out": {func(b *broken) {
			b.keep = func(v *value, old value) {
				if len(old.bytes) == len(v.bytes) {
					copy(old.bytes, v.bytes)
					v.bytes = old.bytes
				}
			}
		}, "stay the caller's"},
		"never expires": {func(b *broken) { b.keep = func(v *value, _ value) { v.expires = 0 } }, "as long as its TTL"},
		"expires at once": {func(b *broken) {
			b.change = func(c *etagcache.Change) {
				if c.TTL > 0 {
					c.TTL = time.Nanosecond
				}
			}
		}, "as long as its TTL"},
		"rounds a TTL down to none": {func(b *broken) {
			b.change = func(c *etagcache.Change) { c.TTL = c.TTL.Truncate(time.Millisecond) }
		}, "as long as its TTL"},
		"has a TTL for everything": {func(b *broken) {
			b.change = func(c *etagcache.Change) {
				if c.TTL == 0 {
					c.TTL = time.Hour
				}
			}
		}, "TTL 0 does not expire"},
		"keeps the old value's TTL": {func(b *broken) {
			b.keep = func(v *value, old value) {
				if v.expires == 0 {
					v.expires = old.expires
				}
			}
		}, "TTL 0 does not expire"},
		"has a clock that runs backwards": {func(b *broken) {
			b.reply = func(_ string, r *etagcache.Reply) { backwards++; r.Now -= backwards * 10 }
		}, "never runs backwards"},
		"has another clock for Ping": {func(b *broken) {
			b.reply = func(op string, r *etagcache.Reply) {
				if op == "ping" {
					r.Now = r.Now.Add(time.Hour)
				}
			}
		}, "one clock"},
		"has a clock that stands still": {func(b *broken) {
			b.reply = func(_ string, r *etagcache.Reply) { r.Now = r.Epoch.Start }
		}, "one clock"},
		"pings without an epoch": {func(b *broken) {
			b.reply = func(op string, r *etagcache.Reply) {
				if op == "ping" {
					r.Epoch = etagcache.Epoch{}
				}
			}
		}, "Ping reports the epoch"},
		"pings an old epoch": {func(b *broken) {
			b.reply = func(op string, r *etagcache.Reply) {
				if op == "ping" {
					r.Epoch.Start -= 5
				}
			}
		}, "Ping reports the epoch"},
		"looks at no context":      {func(b *broken) { b.asleep = true }, "a cancelled context is an error"},
		"stores an empty value":    {func(b *broken) { b.lenient = true }, "an invalid change is an error"},
		"takes all keys for one":   {func(b *broken) { b.key = func(etagcache.Key) etagcache.Key { return etagcache.Key{} } }, "broken promise"},
		"says Swapped to a reader": {func(b *broken) { b.reply = func(_ string, r *etagcache.Reply) { r.Swapped = true } }, "says Swapped"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroken()
			mutant.breaks(b)
			err := storetest.TestStore(t.Context(), b, storetest.Options{Advance: b.advance})
			if err == nil {
				t.Fatal("the suite reports nothing")
			}
			if !strings.Contains(err.Error(), mutant.report) {
				t.Errorf("the suite does not report %q, but:\n%v", mutant.report, err)
			}
		})
	}
}
