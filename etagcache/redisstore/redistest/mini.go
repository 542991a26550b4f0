package redistest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// MiniServer is a miniredis that passes for Redis 7: it says which process it is. Its embedded FastForward lets values
// expire, which they do not by themselves.
type MiniServer struct {
	*miniredis.Miniredis

	t        testing.TB
	identity atomic.Pointer[identity]
	hook     atomic.Pointer[server.Hook]
	peers    sync.Map // those of Execute
}

type identity struct{ version, runID, history, role string }

// Mini starts a miniredis. It stops when the test ends.
func Mini(t testing.TB) *MiniServer {
	t.Helper()
	m := &MiniServer{Miniredis: miniredis.RunT(t), t: t}
	m.identity.Store(newIdentity())
	m.Server().SetPreHook(m.before)
	return m
}

// URL returns the redis:// URL of the server.
func (m *MiniServer) URL() string { return "redis://" + m.Addr() }

// Become makes the server another process, with its data or without, as if it had been restarted so fast that no
// connection was lost.
func (m *MiniServer) Become(withData bool) {
	m.t.Helper()
	if !withData {
		m.FlushAll()
	}
	if _, err := do(m.Addr(), "SCRIPT", "FLUSH"); err != nil {
		m.t.Fatalf("redistest: %v", err)
	}
	m.identity.Store(newIdentity())
}

// Pretend changes what INFO says: redis_version and role. Empty: as before.
func (m *MiniServer) Pretend(version, role string) {
	id := *m.identity.Load()
	if version != "" {
		id.version = version
	}
	if role != "" {
		id.role = role
	}
	m.identity.Store(&id)
}

// Before calls hook before each command, those that scripts call included. If it returns true the command is not
// executed: the hook has answered, or closed the connection. Nil: no hook.
func (m *MiniServer) Before(hook server.Hook) { m.hook.Store(&hook) }

// Execute executes a command, past the hook, and returns the reply as it would go to the client. With it a hook can have
// a command executed now and answered later (Peer.WriteRaw), or never, or have it executed twice.
func (m *MiniServer) Execute(cmd string, args ...string) string {
	var reply bytes.Buffer
	w := bufio.NewWriter(&reply)
	p := server.NewPeer(w)
	m.peers.Store(p, true)
	defer m.peers.Delete(p)
	m.Server().Dispatch(p, append([]string{cmd}, args...))
	_ = w.Flush() // into memory
	return reply.String()
}

func (m *MiniServer) before(p *server.Peer, cmd string, args ...string) bool {
	_, past := m.peers.Load(p)
	if h := m.hook.Load(); !past && h != nil && *h != nil && (*h)(p, cmd, args...) {
		return true
	}
	if cmd != "INFO" || len(args) != 1 {
		return false
	}
	id := m.identity.Load()
	switch strings.ToLower(args[0]) {
	case "server":
		p.WriteBulk(fmt.Sprintf("# Server\r\nredis_version:%s\r\nredis_mode:standalone\r\nrun_id:%s\r\n", id.version, id.runID))
	case "replication":
		p.WriteBulk(fmt.Sprintf("# Replication\r\nrole:%s\r\nconnected_slaves:0\r\nmaster_replid:%s\r\n", id.role, id.history))
	case "memory":
		p.WriteBulk("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n")
	default:
		return false
	}
	return true
}

func newIdentity() *identity {
	var random [40]byte
	rand.Read(random[:]) // never fails
	return &identity{
		version: "7.0.15", role: "master",
		runID: hex.EncodeToString(random[:20]), history: hex.EncodeToString(random[20:]),
	}
}
