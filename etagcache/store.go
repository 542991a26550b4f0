package etagcache

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// Key names one resource in a [Store]. It is a digest: a store never sees a path, and no byte that a client chose
// reaches a Redis key.
type Key [16]byte

// String is the key as it stands in the store and in logs: 22 characters of base64url.
func (k Key) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// Instant is a point in time on the store's own clock, in milliseconds since the Unix epoch. Leases and grace are
// judged by this clock alone, never by the clocks of two replicas.
type Instant int64

// Add returns the instant d later, rounded up to a whole millisecond so that a lease is never cut short.
func (i Instant) Add(d time.Duration) Instant {
	return i + Instant((d+time.Millisecond-1)/time.Millisecond)
}

// Sub returns the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// Epoch names one uninterrupted memory of a store. A store that was emptied, restarted or failed over begins a new one:
// it may have forgotten leases, so nothing that was judged under the old epoch may be swapped under the new one.
type Epoch struct {
	ID    EpochID
	Start Instant // when the epoch began, on the store's clock
}

// EpochID is random, and different for every epoch that any store ever began. The zero value is no epoch.
type EpochID [8]byte

// Reply is what a store answers. All of it comes from one atomic step of the store.
type Reply struct {
	Value   []byte // what is stored under the key now; nil: nothing. The caller must not modify it
	Swapped bool   // Swap only: Value is the new value, put there by this very call
	Now     Instant
	Epoch   Epoch // the epoch the store is in now
}

// Change is one compare-and-swap.
type Change struct {
	Epoch EpochID       // the epoch that the change was judged under; in any other it must not be made
	Old   []byte        // what must be stored now, byte for byte; nil: nothing
	New   []byte        // what is stored instead; never empty
	TTL   time.Duration // how long New is kept if it is not replaced; 0: it never expires and is never forgotten
	// Keep is for how long New is not forgotten even by a store that is full, at most TTL. What has no TTL is kept in any case.
	Keep time.Duration
	// By is the last instant at which the change may be made; 0: at any time. What is stored guards every other swap
	// against a late copy of it; a swap from nothing has nothing but this.
	By Instant
}

// Validate says what is wrong with a change that no store makes.
func (c Change) Validate() error {
	switch {
	case len(c.New) == 0:
		return errors.New("the new value is empty")
	case c.TTL < 0:
		return fmt.Errorf("the TTL is negative (%v)", c.TTL)
	case c.Keep < 0 || c.TTL > 0 && c.Keep > c.TTL:
		return fmt.Errorf("it is to be kept for %v, and its TTL is %v", c.Keep, c.TTL)
	}
	return nil
}

// Store keeps opaque values and replaces them whole, by compare-and-swap. Implementations are [memstore] and
// [redisstore]; [storetest] holds the contract as a test suite.
//
// Every method may fail. An error from Get or Ping means that nothing was learned. An error from Swap means that
// nobody knows whether the value was swapped, unless the error is [ErrNotSent]. No implementation retries by itself.
type Store interface {
	// Get returns the value under key, with the store's time and epoch.
	Get(ctx context.Context, key Key) (Reply, error)
	// Swap makes the change if the store is in the epoch c.Epoch, holds c.Old under key, and it is not later than c.By
	// there; else it changes nothing.
	// Either way the reply says what is stored now.
	Swap(ctx context.Context, key Key, c Change) (Reply, error)
	// Ping checks that the store answers, and returns its time and the latest epoch that any part of it is in, so
	// that readiness can tell how long the grace period lasts.
	Ping(ctx context.Context) (Reply, error)
}

// ErrNotSent is wrapped by an error of a Swap that certainly changed nothing.
var ErrNotSent = errors.New("nothing was sent to the store")
