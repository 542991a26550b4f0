package etagcache

import (
	"crypto/rand"
	"sync"
)

// randomness hands out what crypto/rand gives in larger pieces: each call of it is one of the operating system.
type randomness struct {
	mu   sync.Mutex
	left []byte
	room [120 * len(Version{})]byte
}

func (r *randomness) id() (id [12]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.left) == 0 {
		rand.Read(r.room[:]) // never fails (package crypto/rand)
		r.left = r.room[:]
	}
	r.left = r.left[copy(id[:], r.left):]
	return id
}

// vouched is set in the first byte of every version that a record may have, and clear in those of FreshVersion.
const vouched = 0x80

// FreshVersion returns a version that is on no record and never will be. A tag that is qualified with it can never be
// admitted; [Version.Vouched] tells that nobody ever said it would be.
func (c *Cache) FreshVersion() Version {
	v := Version(c.opt.Fresh())
	v[0] &^= vouched
	return v
}

// mint returns a version for a record.
func (c *Cache) mint() Version {
	v := Version(c.opt.Fresh())
	v[0] |= vouched
	return v
}
