package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"proxy409/config"
	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
)

var errUnfit = errors.New("the store is not as the guarantees need it")

// checkStore asks the Redis of the configuration and says what it found. The error is errUnfit where that is bad news.
func checkStore(ctx context.Context, out io.Writer, cfg *config.Config) error {
	in := &instance{cfg: cfg}
	store, err := in.store(slog.New(slog.DiscardHandler), func() {})
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }()
	fmt.Fprintf(out, "store %s\n\n", storeName(cfg))
	r := &report{}
	if redis, ok := store.(*redisstore.Store); ok {
		tellStore(ctx, r, redis, cfg)
	} else {
		r.ok("store", "in this process's memory: there is nothing to ask; replicas do not share it")
	}
	if err := r.write(out); err != nil {
		return err
	}
	if r.bad > 0 {
		return errUnfit
	}
	return nil
}

// tellStore asks in the order in which a replica needs things to work; where one does not, the rest would say the same.
func tellStore(ctx context.Context, r *report, store *redisstore.Store, cfg *config.Config) {
	began := time.Now()
	reply, err := store.Ping(ctx)
	if err != nil {
		r.wrong("answer", err)
		return
	}
	r.ok("answer", "within %s, of the %s that it has (store.redis.timeout)",
		time.Since(began).Round(time.Millisecond), cfg.Store.Redis.Timeout)
	servers, err := store.About(ctx)
	for _, s := range servers {
		tellServer(r, s, cfg.Store.Redis.WaitReplicas)
	}
	warnings, err2 := store.Check(ctx)
	for _, w := range warnings {
		r.wrong("setup", errors.New(w))
	}
	if err := errors.Join(err, err2); err != nil {
		r.wrong("setup", err)
	}
	if err := trySwap(ctx, store, reply.Epoch.ID); err != nil {
		r.wrong("swap", err)
	} else {
		r.ok("swap", "a value of a second's life was stored%s", acknowledged(cfg.Store.Redis.WaitReplicas))
	}
	if left := reply.Epoch.Start.Add(cfg.GracePeriod()).Sub(reply.Now); left > 0 {
		r.note("grace", "Redis is new or was restarted: guarded writes get 503 for another %s", left.Round(time.Second))
	} else {
		r.ok("grace", "over: guarded writes are judged")
	}
}

func tellServer(r *report, s redisstore.About, wanted int) {
	r.ok("server", "%s, Redis %s", s.Addr, s.Version)
	if s.Policy == "noeviction" {
		r.ok("memory", "maxmemory-policy noeviction: what was noted is not evicted")
	}
	if s.Replicas >= wanted && (s.Replicas == 0) == (wanted == 0) {
		r.ok("replicas", "%d connected, wait_replicas is %d", s.Replicas, wanted)
	}
	switch snapshots := counted(s.Snapshots, "snapshot") + " since it was started"; {
	case s.Unsaved:
		r.note("disk", "Redis could not save its data the last time it tried; it may refuse to write (MISCONF)")
	case s.AOF:
		r.ok("disk", "append-only file, %s", snapshots)
	case s.Snapshots > 0:
		r.ok("disk", "no append-only file, %s", snapshots)
	default:
		r.ok("disk", "no append-only file, no snapshot since it was started: what is noted may not outlive the server, and is learned anew then")
	}
}

// trySwap stores something under a key that no resource has. It is what a claim needs: the permission to write, room, and
// as many replicas as must acknowledge it.
func trySwap(ctx context.Context, store *redisstore.Store, epoch etagcache.EpochID) error {
	var key etagcache.Key
	rand.Read(key[:]) // never fails
	reply, err := store.Swap(ctx, key, etagcache.Change{Epoch: epoch, New: []byte("check"), TTL: time.Second})
	if err == nil && !reply.Swapped {
		err = errors.New("another server answered in between: is it being restarted, or are there several behind one address?")
	}
	return err
}

func acknowledged(replicas int) string {
	if replicas == 0 {
		return ""
	}
	return ", and " + counted(replicas, "replica") + " acknowledged it"
}
