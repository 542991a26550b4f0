package etagcache_test

import (
	"encoding/binary"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
)

// Whoever sends ever new paths fills a store to its bound, and no further.
func TestMadeUpPathsFillABoundedStoreNoFurther(t *testing.T) {
	for name, touch := range map[string]func(*etagcache.Cache, etagcache.View) error{
		"read": func(c *etagcache.Cache, v etagcache.View) error {
			_, _, err := c.Learn(t.Context(), v, v.Begin(0), etagcache.Validator{Tag: etagcache.DigestOf("a"), Rep: etagcache.DigestOf("r")})
			return err
		},
		"passed": func(c *etagcache.Cache, v etagcache.View) error {
			m, err := c.Mark(t.Context(), v, etagcache.Term{Work: time.Second, Settle: time.Second})
			if err != nil {
				return err
			}
			return m.Close(t.Context())
		},
		"passed, and in doubt": func(c *etagcache.Cache, v etagcache.View) error {
			_, err := c.Mark(t.Context(), v, etagcache.Term{Work: time.Second, Settle: time.Second})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			const bound, keys = 1 << 20, 20_000
			now := time.Now()
			clock := func() time.Time { return now }
			store := memstore.New(memstore.Options{MaxBytes: bound, Clock: clock})
			c := etagcache.New(store, etagcache.Options{Clock: clock})
			for i := range keys {
				var key etagcache.Key
				binary.BigEndian.PutUint64(key[:], uint64(i)*0x9e3779b97f4a7c15)
				v, err := c.Fetch(t.Context(), key)
				if err == nil {
					err = touch(c, v)
				}
				if err != nil {
					t.Fatal(err)
				}
				now = now.Add(time.Second)
			}
			if n := store.Len(); n == 0 || n > bound/memstore.Overhead {
				t.Errorf("a store with room for %d records has %d", bound/memstore.Overhead, n)
			}
		})
	}
}
