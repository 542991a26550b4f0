package main_test

import (
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// TestAMasterThatIsCutOffFromItsReplicaGrantsNothing cuts replication, then the master from everybody, lets a Sentinel
// promote the replica, and the old master wake up again, which does not know that it is none any more.
func TestAMasterThatIsCutOffFromItsReplicaGrantsNothing(t *testing.T) {
	long(t)
	t.Parallel()
	trio := redistest.StartSentinel(t)
	i := &ill{t: t, redis: trio.Master, origin: newOrigin(t)}
	i.serve(trio.URL(), "auto", "mode: sentinel, wait_replicas: 1, timeout: 700ms")
	calm := i.replicas[0].url + "/calm"
	tag := get(t, calm).etag()
	unanswered := i.contest.during(2, func() {
		i.contest.goOn()
		// Who is refused the commands of a replica is cut off, and nobody else.
		trio.Master.Do("ACL", "SETUSER", "default", "-psync", "-sync", "-replconf")
		trio.Master.Do("CLIENT", "KILL", "TYPE", "replica")
		i.contest.meet("503 store")
		i.blind(calm, tag, "503 store", "409 busy") // the claim is made, and not confirmed
		before := i.origin.writes()                 // by now those are through whose claim was confirmed
		i.blind(calm, tag, "503 store", "409 busy")
		if n := i.origin.writes() - before; n != 0 {
			t.Errorf("%d writes were sent by leave of a master that could not tell its replica", n)
		}

		trio.Master.Pause()
		eventually(t, 45*time.Second, func() error { // a Sentinel on a busy machine may hold back for half a minute
			now := strings.ReplaceAll(trio.Sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"), "\n", ":")
			if now != trio.Replica.Addr {
				return errorf("the replica at %s is not promoted yet: the master is at %s", trio.Replica.Addr, now)
			}
			return nil
		})
		trio.Master.Resume()
		eventually(t, 10*time.Second, func() error {
			if said := i.replicas[0].logs.String(); !strings.Contains(said, "the store is new or was restarted") {
				return errorf("there is no grace after the failover; it said:\n%s", said)
			}
			return nil
		})
		redistest.StartReplica(t, trio.Replica) // or nobody could confirm a claim
		i.heals(calm)
		i.up(1, "ready")
		i.contest.goOn()
	})
	if unanswered != 0 {
		t.Errorf("%d requests got no answer", unanswered)
	}
	i.contest.settled(&backend{url: i.origin.url(), path: "/doc"})
	contains(t, i.replicas[0].logs.String()+i.replicas[1].logs.String(), "of the 1 replicas that must have it acknowledged it")
}
