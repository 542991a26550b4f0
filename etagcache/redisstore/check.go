package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Check returns what an operator should know about the servers: a sentence for each thing that is not as the promises
// of proxy409 need it. It asks by INFO, since managed services forbid CONFIG. An error means that it could not ask.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	var warnings []string
	err := s.eachInfo(ctx, func(addr string, info map[string]string) {
		warnings = append(warnings, s.judge(addr, info)...)
	}, "memory", "replication")
	if err != nil {
		return nil, fmt.Errorf("redisstore: check: %w", explain(err))
	}
	return warnings, nil
}

// eachInfo calls f with what every master says of itself.
func (s *Store) eachInfo(ctx context.Context, f func(addr string, info map[string]string), sections ...string) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	return s.topology.each(ctx, func(ctx context.Context, node *redis.Client) error {
		info, err := askInfo(ctx, node, sections...)
		if err == nil {
			f(node.NodeAddress(), info)
		}
		return err
	})
}

// askInfo asks a server for sections of its INFO, one by one: older ones take one at a time.
func askInfo(ctx context.Context, node redis.Cmdable, sections ...string) (map[string]string, error) {
	info := make(map[string]string)
	for _, section := range sections {
		text, err := node.Info(ctx, section).Result()
		if err != nil {
			return nil, err
		}
		parseInfo(info, text)
	}
	return info, nil
}

func (s *Store) judge(addr string, info map[string]string) (warnings []string) {
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		warnings = append(warnings, fmt.Sprintf("Redis at %s may evict records, and leases with them (maxmemory-policy %s);"+
			" set maxmemory-policy to noeviction, and maxmemory so that it suffices", addr, policy))
	}
	replicas, err := strconv.Atoi(info["connected_slaves"])
	switch want := s.options.WaitReplicas; {
	case err != nil:
	case want > replicas:
		warnings = append(warnings, fmt.Sprintf("Redis at %s has %d replicas, but wait_replicas is %d:"+
			" no guarded write can be admitted", addr, replicas, want))
	case want == 0 && replicas > 0:
		warnings = append(warnings, fmt.Sprintf("Redis at %s has %d replicas, but wait_replicas is 0:"+
			" a failover may lose a lease that was confirmed; set wait_replicas to 1", addr, replicas))
		if _, set := info["min_slaves_good_slaves"]; !set { // INFO shows it only where it counts for something
			warnings = append(warnings, fmt.Sprintf("Redis at %s goes on granting leases when it is cut off from its replicas,"+
				" though one of them may have taken over; set wait_replicas to 1 or, at least, min-replicas-to-write to 1", addr))
		}
	}
	return warnings
}
