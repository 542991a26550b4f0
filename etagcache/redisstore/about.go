package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
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
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	var all []About
	err := s.topology.each(ctx, func(ctx context.Context, node *redis.Client) error {
		info := make(map[string]string)
		for _, section := range []string{"server", "memory", "replication", "persistence"} {
			text, err := node.Info(ctx, section).Result()
			if err != nil {
				return err
			}
			parseInfo(info, text)
		}
		all = append(all, about(node.NodeAddress(), info))
		return nil
	})
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
