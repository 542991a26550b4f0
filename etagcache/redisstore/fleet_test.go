package redisstore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/redisstore"
	"proxy409/etagcache/redisstore/redistest"
)

// TestAMovedSlotBeginsANewEpoch: the records come along, but the node is another.
func TestAMovedSlotBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	store := open(t, redisstore.Options{URL: nodes[0].URL(), Mode: redisstore.Cluster})
	before := put(t, store, "before")
	epochKey := fmt.Sprintf("proxy409:{%d}:epoch", key[0])
	i := slices.IndexFunc(nodes, func(n *redistest.Server) bool {
		return contains(n.Do("CLUSTER", "GETKEYSINSLOT", n.Do("CLUSTER", "KEYSLOT", epochKey), "9"), epochKey)
	})
	if i < 0 {
		t.Fatal("no node has the epoch")
	}
	redistest.MoveSlot(t, epochKey, nodes[i], nodes[(i+1)%3])

	_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("late")})
	if !errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap at the node that had the slot: %v", err)
	}
	redistest.Eventually(t, 5*time.Second, func() error {
		_, err := store.Get(t.Context(), key)
		return err
	})
	if got := get(t, store); string(got.Value) != "before" {
		t.Errorf("the record did not come along: %+v", got)
	}
	now := get(t, store)
	if now.Epoch.ID == before.Epoch.ID {
		t.Error("the epoch is the old one")
	}
	put(t, store, "after")
}

func TestAFailoverBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a failover takes seconds")
	}
	trio := redistest.StartSentinel(t)
	store := open(t, redisstore.Options{URL: trio.URL(), Mode: redisstore.Sentinel, Timeout: time.Second})
	before := put(t, store, "before")
	redistest.Eventually(t, 5*time.Second, func() error {
		if trio.Replica.Do("EXISTS", "proxy409:{0}:"+key.String()) != "1" {
			return errors.New("the replica is not in step")
		}
		return nil
	})
	trio.Master.Kill()
	var now etagcache.Reply
	redistest.Eventually(t, 18*time.Second, func() (err error) {
		now, err = store.Get(t.Context(), key)
		return err
	})
	if string(now.Value) != "before" {
		t.Errorf("the replica has %q", now.Value)
	}
	wantNewEpoch(t, store, before, true)
}

// TestAFailoverForgetsNoConfirmedSwap: replication is cut, a swap is made at the master alone, and the replica that has
// not heard of it takes over. Nobody was told that the swap was made.
func TestAFailoverForgetsNoConfirmedSwap(t *testing.T) {
	if testing.Short() {
		t.Skip("a failover takes seconds")
	}
	t.Parallel()
	const timeout = time.Second
	trio := redistest.StartSentinel(t)
	store := open(t, redisstore.Options{URL: trio.URL(), Mode: redisstore.Sentinel, Timeout: timeout, WaitReplicas: 1})
	before := put(t, store, "before")

	trio.Replica.Pause()
	trio.Master.Do("CLIENT", "KILL", "TYPE", "replica") // or it would find the swap among what it has received
	err := wantQuick(t, timeout, func() error {
		_, err := store.Swap(t.Context(), key, etagcache.Change{Epoch: before.Epoch.ID, Old: before.Value, New: []byte("claim")})
		return err
	})
	if err == nil || errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap that no replica has: %v", err)
	}
	if got := trio.Master.Do("GET", "proxy409:{0}:"+key.String()); got != "claim" {
		t.Errorf("the master has %q; the test wants the swap to be made there", got)
	}
	trio.Master.Kill()
	trio.Replica.Resume()

	var now etagcache.Reply
	redistest.Eventually(t, 20*time.Second, func() (err error) {
		now, err = store.Get(t.Context(), key)
		return err
	})
	if string(now.Value) != "before" || now.Epoch.ID == before.Epoch.ID {
		t.Errorf("the new master has %q, under a new epoch: %v", now.Value, now.Epoch.ID != before.Epoch.ID)
	}
	change := etagcache.Change{Epoch: now.Epoch.ID, Old: now.Value, New: []byte("after")}
	if r, err := store.Swap(t.Context(), key, change); err == nil || errors.Is(err, etagcache.ErrNotSent) {
		t.Errorf("a swap without any replica: %+v, %v", r, err)
	}
	redistest.StartReplica(t, trio.Replica)
	put(t, store, "with a replica")
}

// TestASlotOnItsWayIsAnErrorUntilItHasArrived: nothing is made at either node while the slot moves, and then all is there.
func TestASlotOnItsWayIsAnErrorUntilItHasArrived(t *testing.T) {
	t.Parallel()
	const timeout = 300 * time.Millisecond
	nodes := redistest.StartCluster(t, 2)
	store := open(t, redisstore.Options{URL: nodes[0].URL(), Mode: redisstore.Cluster, Timeout: timeout})
	contact(t, store)
	before := put(t, store, "before")
	epochKey := fmt.Sprintf("proxy409:{%d}:epoch", key[0])
	recordKey := fmt.Sprintf("proxy409:{%d}:%s", key[0], key)
	from, to := nodes[0], nodes[1]
	if _, err := from.Try("EXISTS", epochKey); err != nil {
		from, to = to, from
	}
	absent := etagcache.Key{key[0], 99}
	for _, n := range nodes {
		n.Do("CONFIG", "RESETSTAT")
	}
	wantError := func(stage string, k etagcache.Key, old []byte, code string) {
		t.Helper()
		change := etagcache.Change{Epoch: before.Epoch.ID, Old: old, New: []byte("late")}
		err := wantQuick(t, timeout, func() error { _, err := store.Swap(t.Context(), k, change); return err })
		if !errors.Is(err, etagcache.ErrNotSent) || !contains(err.Error(), code) {
			t.Errorf("%s: the error of a swap is %v; want one that says %s", stage, err, code)
		}
		err = wantQuick(t, timeout, func() error { _, err := store.Get(t.Context(), k); return err })
		if err == nil || !contains(err.Error(), code) {
			t.Errorf("%s: the error of a Get is %v; want one that says %s", stage, err, code)
		}
	}

	move := redistest.BeginMove(epochKey, from, to)
	if got := get(t, store); string(got.Value) != "before" || got.Epoch != before.Epoch {
		t.Errorf("what has not moved yet is there: %+v", got)
	}
	wantError("nothing has moved yet", absent, nil, "TRYAGAIN")
	move.Keys(recordKey)
	wantError("the record has moved", key, before.Value, "TRYAGAIN")
	move.Keys(epochKey)
	wantError("both have moved", key, before.Value, "ASK")
	move.End()
	if made := nodes[0].Calls("set") + nodes[1].Calls("set"); made != 0 {
		t.Errorf("%d swaps were made meanwhile", made)
	}

	redistest.Eventually(t, 5*time.Second, func() error { _, err := store.Ping(t.Context()); return err })
	now := get(t, store)
	if string(now.Value) != "before" || now.Epoch.ID == before.Epoch.ID {
		t.Errorf("the record is %q, under a new epoch: %v", now.Value, now.Epoch.ID != before.Epoch.ID)
	}
	put(t, store, "after")
}
