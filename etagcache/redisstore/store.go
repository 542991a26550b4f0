package redisstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"proxy409/etagcache"
)

// Store is an [etagcache.Store] in Redis. It is safe for concurrent use.
type Store struct {
	options  Options
	topology topology
	buckets  []*bucket
	opening  singleflight.Group
	batchers sync.Map // from *redis.Client, one for each master, to *batcher
}

var _ etagcache.Store = (*Store)(nil)

// clusterBuckets is how many parts the records are in, so that the nodes of a cluster share the work. It must be the
// same in every process of a fleet, for ever.
const clusterBuckets = 64

// New returns a store that connects when it is first used, and again whenever it must. Close it when it is not needed
// any more.
func New(o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := o.dial()
	if err != nil {
		return nil, err
	}
	n := 1
	if o.Mode == Cluster {
		n = clusterBuckets
	}
	s := &Store{options: o, topology: t}
	for i := range n {
		name := "{" + strconv.Itoa(i) + "}"
		s.buckets = append(s.buckets, &bucket{name: name, epochKey: o.Prefix + ":" + name + ":epoch"})
	}
	return s, nil
}

// Close closes the connections. Operations fail from now on, those under way too.
func (s *Store) Close() error {
	if err := s.topology.Close(); err != nil {
		return fmt.Errorf("redisstore: close: %w", err)
	}
	return nil
}

func (s *Store) batcher(node *redis.Client) *batcher {
	b, ok := s.batchers.Load(node)
	if !ok {
		b, _ = s.batchers.LoadOrStore(node, &batcher{client: node, timeout: s.options.Timeout})
	}
	return b.(*batcher)
}

func (s *Store) bucket(key etagcache.Key) *bucket { return s.buckets[int(key[0])%len(s.buckets)] }

func (s *Store) keys(b *bucket, key etagcache.Key) []string {
	return []string{s.options.Prefix + ":" + b.name + ":" + key.String(), b.epochKey}
}

// Get returns the value under key, with the time and epoch of the key's bucket.
func (s *Store) Get(ctx context.Context, key etagcache.Key) (etagcache.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	b := s.bucket(key)
	reply, err := s.get(ctx, b, s.keys(b, key))
	if err != nil {
		return etagcache.Reply{}, fmt.Errorf("redisstore: get: %w", explain(err))
	}
	return reply, nil
}

// get reads keys; if the server is another than before, or its clock jumped, it puts that right and reads once more.
func (s *Store) get(ctx context.Context, b *bucket, keys []string) (etagcache.Reply, error) {
	srv, err := s.current(ctx, b)
	if err != nil {
		return etagcache.Reply{}, err
	}
	reply, err := s.getFrom(ctx, b, srv, keys)
	if err == nil {
		return reply, nil
	}
	if srv, err = s.goOn(ctx, b, srv, err); err != nil {
		return etagcache.Reply{}, err
	}
	reply, err = s.getFrom(ctx, b, srv, keys)
	if otherServer(err) {
		err = fmt.Errorf("the server has changed twice in a moment; are there several behind one address? %w", err)
	}
	return reply, err
}

func (s *Store) getFrom(ctx context.Context, b *bucket, srv *server, keys []string) (etagcache.Reply, error) {
	node, err := s.topology.master(ctx, keys[0])
	if err != nil {
		return etagcache.Reply{}, err
	}
	cmd := redis.NewCmd(ctx, "evalsha", srv.get, 2, keys[0], keys[1])
	r := srv.clock.send(s.options.Clock())
	_, err = s.batcher(node).do(ctx, cmd)
	r.received = s.options.Clock()
	if err != nil {
		s.topology.doubt(ctx)
		return etagcache.Reply{}, err
	}
	if r.Reply, err = parseReply(cmd); err == nil {
		err = s.checkClock(ctx, b, srv, r)
	}
	if err != nil {
		return etagcache.Reply{}, err
	}
	return r.Reply, nil
}

// Swap makes the change if it still applies. If the server turns out to be another than before, nothing was swapped; if its
// clock has jumped, what may have been swapped belongs to an epoch that is over. In both cases the reply shows what is
// stored there, under which epoch.
func (s *Store) Swap(ctx context.Context, key etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	if err := c.Validate(); err != nil {
		return etagcache.Reply{}, notSent(err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	b := s.bucket(key)
	keys := s.keys(b, key)

	srv, err := s.current(ctx, b)
	if err != nil {
		return etagcache.Reply{}, notSent(err)
	}
	reply, unchanged, err := s.swapOn(ctx, b, srv, keys, c)
	if err == nil {
		return reply, nil
	}
	if _, jump := errors.AsType[*clockJump](err); jump || unchanged {
		if _, err = s.goOn(ctx, b, srv, err); err == nil {
			reply, err = s.get(ctx, b, keys)
		}
	}
	switch {
	case err == nil:
		return reply, nil
	case unchanged:
		return etagcache.Reply{}, notSent(err)
	default:
		return etagcache.Reply{}, fmt.Errorf("redisstore: swap: nobody knows whether it was made: %w", explain(err))
	}
}

// swapOn makes the change on srv. If it fails, unchanged tells whether it is certain that nothing was changed.
func (s *Store) swapOn(ctx context.Context, b *bucket, srv *server, keys []string, c etagcache.Change) (_ etagcache.Reply, unchanged bool, err error) {
	node, err := s.topology.master(ctx, keys[0])
	if err != nil {
		s.topology.doubt(ctx)
		return etagcache.Reply{}, true, err
	}
	something := "1"
	if c.Old == nil {
		something = "0"
	}
	epoch := &mark{arg: []byte(hex.EncodeToString(c.Epoch[:]))}
	ttl := int64((c.TTL + time.Millisecond - 1) / time.Millisecond)
	cmd := redis.NewCmd(ctx, "evalsha", srv.swap, 2, keys[0], keys[1], epoch, something, c.Old, c.New, ttl, int64(c.By))
	var conn *redis.Conn
	var lost bool
	r := srv.clock.send(s.options.Clock())
	if s.options.WaitReplicas > 0 {
		conn = node.Conn() // WAIT is about the writes of its own connection
		defer conn.Close()
		err = conn.Process(ctx, cmd)
	} else {
		lost, err = s.batcher(node).do(ctx, cmd)
	}
	r.received = s.options.Clock()
	if err != nil {
		s.topology.doubt(ctx)
		return etagcache.Reply{}, !lost && (!epoch.written || refusal(err)), err
	}
	// From here on the change may have been made, whatever fails: an error reply to WAIT says nothing about it.
	if r.Reply, err = parseReply(cmd); err != nil {
		return etagcache.Reply{}, false, err
	}
	if err = s.checkClock(ctx, b, srv, r); err != nil || !r.Swapped {
		return r.Reply, !r.Swapped, err
	}
	r.Value = bytes.Clone(c.New)
	if conn != nil {
		err = s.wait(ctx, conn)
	}
	return r.Reply, false, err
}

// wait waits until enough replicas have what was written on conn.
func (s *Store) wait(ctx context.Context, conn *redis.Conn) error {
	deadline, _ := ctx.Deadline()
	// A little less than there is left, so that there may be a number rather than a time-out; never 0, which is for ever.
	left := max(time.Until(deadline)*9/10, time.Millisecond)
	n, err := conn.Wait(ctx, s.options.WaitReplicas, left).Result()
	if err != nil {
		return fmt.Errorf("wait until replicas have it: %w", err)
	}
	if n < int64(s.options.WaitReplicas) {
		return fmt.Errorf("%d of the %d replicas that must have it acknowledged it within %v", n, s.options.WaitReplicas, left)
	}
	return nil
}

// Ping asks every part of the store, and returns the epoch that began last with the time of the same server: in a
// cluster each node has a clock of its own.
func (s *Store) Ping(ctx context.Context) (etagcache.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	replies := make([]etagcache.Reply, len(s.buckets))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i, b := range s.buckets {
		group.Go(func() (err error) {
			replies[i], err = s.get(ctx, b, []string{b.epochKey, b.epochKey})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return etagcache.Reply{}, fmt.Errorf("redisstore: ping: %w", explain(err))
	}
	latest := replies[0]
	for _, r := range replies[1:] {
		// Ages are taken at slightly different moments: of those that are nearly the same, the clocks' word counts.
		older := r.Now.Sub(r.Epoch.Start) - latest.Now.Sub(latest.Epoch.Start)
		if older < -time.Second || older < time.Second && r.Epoch.Start > latest.Epoch.Start {
			latest = r
		}
	}
	return etagcache.Reply{Now: latest.Now, Epoch: latest.Epoch}, nil
}
