package redisstore

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"proxy409/etagcache"
)

//go:embed fence.lua
var fenceLua string

//go:embed open.lua
var openLua string

//go:embed get.lua
var getLua string

//go:embed swap.lua
var swapLua string

// bucket is the part of the store that shares an epoch, and in a cluster a slot.
type bucket struct {
	name     string // in braces
	epochKey string
	server   atomic.Pointer[server] // the server that the epoch was last opened on; nil: none yet
}

// server is one process of redis-server with one history of its data, and the scripts as they were loaded on it.
type server struct {
	runID, history  string
	get, swap, open string // digests
	epoch           etagcache.Epoch
	clock           *clockWatch
}

// script is body with the fence, for this server alone.
func (s *server) script(body string) string {
	return "-- proxy409 " + s.runID + " " + s.history + "\n" +
		"local run, history = '" + s.runID + "', '" + s.history + "'\n" + fenceLua + body
}

// current returns the server that b's epoch was opened on, and opens it if it never was.
func (s *Store) current(ctx context.Context, b *bucket) (*server, error) {
	if srv := b.server.Load(); srv != nil {
		return srv, nil
	}
	return s.reopen(ctx, b, nil)
}

// reopen identifies the server of b and opens the epoch, unless somebody has done so since stale was b's server. All who
// ask at the same time wait for the same answer; it outlives the context of the one who happened to ask first.
func (s *Store) reopen(ctx context.Context, b *bucket, stale *server) (*server, error) {
	opening := s.opening.DoChan(b.name, func() (any, error) {
		if srv := b.server.Load(); srv != stale {
			return srv, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
		defer cancel()
		srv, err := s.open(ctx, b, stale)
		if err != nil {
			s.topology.doubt(ctx)
			return nil, fmt.Errorf("identify the server of %s: %w", b.name, explain(err))
		}
		if stale == nil || stale.epoch != srv.epoch {
			s.options.Logger.InfoContext(ctx, "the store is in a new epoch, or one that is new to this process",
				"bucket", b.name, "epoch", hex.EncodeToString(srv.epoch.ID[:]),
				"start", time.UnixMilli(int64(srv.epoch.Start)).UTC(), "run_id", srv.runID)
		}
		b.server.Store(srv)
		return srv, nil
	})
	select {
	case r := <-opening:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*server), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("identify the server of %s: %w", b.name, ctx.Err())
	}
}

// open does all on one connection: what it learned about the server holds for what it loads there, since no connection
// outlives the process at its other end. The connection is given up afterwards. If it leads to what is no longer the
// master, the next one may not. A server that is the same process as before has the same clock.
func (s *Store) open(ctx context.Context, b *bucket, before *server) (*server, error) {
	node, err := s.topology.master(ctx, b.epochKey)
	if err != nil {
		return nil, err
	}
	conn := node.EphemeralConn()
	defer conn.Close()

	srv, err := identify(ctx, conn, s.options.Mode)
	if err != nil {
		return nil, err
	}
	for _, load := range []struct {
		body   string
		digest *string
	}{{getLua, &srv.get}, {swapLua, &srv.swap}, {openLua, &srv.open}} {
		if *load.digest, err = conn.ScriptLoad(ctx, srv.script(load.body)).Result(); err != nil {
			return nil, err
		}
	}
	srv.clock = new(clockWatch)
	if before != nil && before.runID == srv.runID {
		srv.clock = before.clock
	}
	r, err := s.openEpoch(ctx, conn, b, srv, "")
	if err != nil {
		return nil, err
	}
	if r.Swapped {
		srv.clock.restart(r)
	}
	srv.epoch = r.Epoch
	return srv, nil
}

// openEpoch runs open.lua. over is the epoch that is over, or "". In the reply, Swapped tells whether an epoch has begun.
func (s *Store) openEpoch(ctx context.Context, conn processor, b *bucket, srv *server, over string) (r reading, err error) {
	var id etagcache.EpochID
	rand.Read(id[:]) // never fails
	cmd := redis.NewCmd(ctx, "evalsha", srv.open, 1, b.epochKey, hex.EncodeToString(id[:]), over)
	r = srv.clock.send(s.options.Clock())
	err = conn.Process(ctx, cmd)
	r.received = s.options.Clock()
	if err != nil {
		return r, err
	}
	r.Reply, err = parseReply(cmd)
	return r, err
}

// processor is a connection, or a client that has some.
type processor interface {
	Process(ctx context.Context, cmd redis.Cmder) error
}

// identifier is what run_id and master_replid look like. They become part of a script.
var identifier = regexp.MustCompile(`^[0-9A-Za-z_-]{8,64}$`)

// identify asks the server who it is, and refuses one on which the fence would not hold.
func identify(ctx context.Context, conn *redis.Conn, mode Mode) (*server, error) {
	info, err := askInfo(ctx, conn, "server", "replication")
	if err != nil {
		return nil, err
	}
	version := info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	switch n, err := strconv.Atoi(major); {
	case err != nil:
		return nil, fmt.Errorf("INFO says redis_version %q; Redis 7.0 or later is needed", version)
	case n < 7:
		return nil, fmt.Errorf("Redis %s is too old: it replicates and persists scripts, by which a failover is noticed; 7.0 or later is needed", version)
	case info["redis_mode"] == "sentinel":
		return nil, errors.New("this is a Sentinel; set the mode to sentinel")
	case info["redis_mode"] == "cluster" && mode != Cluster:
		return nil, errors.New("this server is part of a cluster; set the mode to cluster")
	case info["role"] != "master":
		return nil, fmt.Errorf("this server is not a master (role:%s)", info["role"])
	}
	srv := &server{runID: info["run_id"], history: info["master_replid"]}
	if !identifier.MatchString(srv.runID) || !identifier.MatchString(srv.history) {
		return nil, fmt.Errorf("INFO does not say which server this is (run_id %q, master_replid %q), so that a restart could not be noticed", srv.runID, srv.history)
	}
	return srv, nil
}

func parseInfo(into map[string]string, text string) {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			into[name] = value
		}
	}
}

// parseEpoch reads the epoch record: id, start, run_id, master_replid.
func parseEpoch(text string) (etagcache.Epoch, error) {
	var e etagcache.Epoch
	fields := strings.Fields(text)
	if len(fields) != 4 || len(fields[0]) != 2*len(e.ID) {
		return e, fmt.Errorf("the epoch record is not one: %q", text)
	}
	if _, err := hex.Decode(e.ID[:], []byte(fields[0])); err != nil {
		return e, fmt.Errorf("the epoch record is not one: %q: %w", text, err)
	}
	start, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return e, fmt.Errorf("the epoch record is not one: %q: %w", text, err)
	}
	e.Start = etagcache.Instant(start)
	return e, nil
}
