package redistest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// StartReplica starts a server that replicates master, and waits until it is in step. args are as in [Start].
func StartReplica(t testing.TB, master *Server, args ...string) *Server {
	t.Helper()
	r := Start(t, append([]string{"--replicaof", "127.0.0.1 " + port(master.Addr)}, args...)...)
	Eventually(t, 10*time.Second, func() error {
		if !strings.Contains(master.Do("INFO", "replication"), "port="+port(r.Addr)+",state=online") {
			return errors.New("the master does not count the replica yet")
		}
		return wantLine(r.Do("INFO", "replication"), "master_link_status:up")
	})
	return r
}

// StartCluster starts a Redis Cluster of n masters without replicas that share the slots evenly, and waits until all
// agree that it is up.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	nodes := make([]*Server, n)
	for i := range nodes {
		nodes[i] = Start(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t))
	}
	join(t, nodes, func(s *Server) (*Server, string) { return s, port(s.Addr) })
	return nodes
}

// join makes a cluster of nodes, whose ports are those at which they meet each other.
func join[T any](t testing.TB, nodes []T, of func(T) (node *Server, port string)) {
	t.Helper()
	const slots = 16384
	n := len(nodes)
	first, firstPort := of(nodes[0])
	for i := range nodes {
		node, _ := of(nodes[i])
		node.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(slots*i/n), strconv.Itoa(slots*(i+1)/n-1))
		if i > 0 {
			node.Do("CLUSTER", "MEET", "127.0.0.1", firstPort, first.option("cluster-port"))
		}
	}
	for i := range nodes {
		node, _ := of(nodes[i])
		Eventually(t, 15*time.Second, func() error {
			info := node.Do("CLUSTER", "INFO")
			return errors.Join(wantLine(info, "cluster_state:ok"), wantLine(info, fmt.Sprintf("cluster_known_nodes:%d", n)))
		})
	}
}

// MoveSlot moves the slot of key from one node of a cluster to another, with all that is in it.
func MoveSlot(t testing.TB, key string, from, to *Server) {
	t.Helper()
	m := BeginMove(key, from, to)
	if keys := from.Do("CLUSTER", "GETKEYSINSLOT", m.slot, "1000"); keys != "" {
		m.Keys(strings.Split(keys, "\n")...)
	}
	m.End()
}

// Move is a slot on its way from one node of a cluster to another.
type Move struct {
	slot     string
	from, to *Server
}

// BeginMove begins to move the slot of key. None of its keys has been moved yet.
func BeginMove(key string, from, to *Server) Move {
	slot := to.Do("CLUSTER", "KEYSLOT", key)
	to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do("CLUSTER", "MYID"))
	from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", to.Do("CLUSTER", "MYID"))
	return Move{slot: slot, from: from, to: to}
}

// Keys moves some keys of the slot.
func (m Move) Keys(keys ...string) {
	migrate := []string{"MIGRATE", "127.0.0.1", port(m.to.Addr), "", "0", "5000", "KEYS"}
	m.from.Do(append(migrate, keys...)...)
}

// End gives the slot to the other node.
func (m Move) End() {
	target := m.to.Do("CLUSTER", "MYID")
	m.to.Do("CLUSTER", "SETSLOT", m.slot, "NODE", target)
	m.from.Do("CLUSTER", "SETSLOT", m.slot, "NODE", target)
}

// Trio is a master with one replica, and a Sentinel that watches them under the name "mymaster" and by itself decides on a
// failover.
type Trio struct{ Master, Replica, Sentinel *Server }

// StartSentinel starts a [Trio].
func StartSentinel(t testing.TB) Trio {
	t.Helper()
	master := Start(t)
	trio := Trio{Master: master, Replica: StartReplica(t, master)}
	sentinelPort := freePort(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "sentinel.conf") // a Sentinel writes what it learns into it
	text := "port " + sentinelPort + "\nbind 127.0.0.1\ndir " + dir + "\nlogfile " + filepath.Join(dir, "sentinel.log") + "\n" +
		"sentinel monitor mymaster 127.0.0.1 " + port(master.Addr) + " 1\n" +
		"sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	trio.Sentinel = &Server{t: t, Addr: "127.0.0.1:" + sentinelPort, dir: dir, args: []string{conf, "--sentinel"}}
	if !trio.Sentinel.run() {
		t.Fatal("redistest: the Sentinel does not start")
	}
	t.Cleanup(trio.Sentinel.Kill)
	Eventually(t, 15*time.Second, func() error {
		if trio.Sentinel.Do("SENTINEL", "REPLICAS", "mymaster") == "" {
			return errors.New("the Sentinel does not know the replica yet")
		}
		return nil
	})
	return trio
}

// URL returns the URL for mode sentinel.
func (t Trio) URL() string { return t.Sentinel.URL() + "/0?master_name=mymaster" }
