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
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	var warnings []string
	err := s.topology.each(ctx, func(ctx context.Context, node *redis.Client) error {
		info := make(map[string]string)
		for _, section := range []string{"memory", "replication"} {
			text, err := node.Info(ctx, section).Result()
			if err != nil {
				return err
			}
			parseInfo(info, text)
		}
		warnings = append(warnings, s.judge(node.NodeAddress(), info)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("redisstore: check: %w", explain(err))
	}
	return warnings, nil
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
