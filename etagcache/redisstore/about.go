package redisstore

import (
	"context"
	"fmt"
	"strconv"
)

// About is what a server says of itself, for an operator to see.
type About struct {
	Addr     string
	Version  string // of Redis
	Policy   string // maxmemory-policy
	Replicas int    // how many are connected
	// AOF tells that the append-only file is on; Snapshots is how many the server has made since it was started.
	AOF       bool
	Snapshots int
	// Unsaved tells that the latest attempt to keep the data on disk failed. Redis may then refuse to write (MISCONF).
	Unsaved bool
}

// About asks every master what it is. Like [Store.Check] it asks by INFO.
func (s *Store) About(ctx context.Context) ([]About, error) {
	var all []About
	err := s.eachInfo(ctx, func(addr string, info map[string]string) {
		all = append(all, about(addr, info))
	}, "server", "memory", "replication", "persistence")
	if err != nil {
		return nil, fmt.Errorf("redisstore: about: %w", explain(err))
	}
	return all, nil
}

func about(addr string, info map[string]string) About {
	a := About{Addr: addr, Version: info["redis_version"], Policy: info["maxmemory_policy"], AOF: info["aof_enabled"] == "1"}
	a.Replicas, _ = strconv.Atoi(info["connected_slaves"]) // what is not said is 0
	a.Snapshots, _ = strconv.Atoi(info["rdb_saves"])
	a.Unsaved = info["rdb_last_bgsave_status"] == "err" || info["aof_last_write_status"] == "err"
	return a
}
