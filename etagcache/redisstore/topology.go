package redisstore

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// topology finds the master that has a key.
type topology interface {
	// master returns the client of the node that is believed to have key.
	master(ctx context.Context, key string) (*redis.Client, error)
	// doubt is told of an operation that failed: the belief may be wrong.
	doubt(ctx context.Context)
	// each calls f for every master.
	each(ctx context.Context, f func(context.Context, *redis.Client) error) error
	Close() error
}

// single is one server; that which Sentinels name, too: go-redis asks them whenever it dials.
type single struct{ *redis.Client }

func (s single) master(context.Context, string) (*redis.Client, error) { return s.Client, nil }

func (s single) doubt(context.Context) {}

func (s single) each(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	return f(ctx, s.Client)
}

// cluster runs nothing on the cluster client, which would repeat commands and follow redirections.
type cluster struct{ *redis.ClusterClient }

func (c cluster) master(ctx context.Context, key string) (*redis.Client, error) {
	return c.MasterForKey(ctx, key)
}

// doubt has the slots read anew, in the background and five times a second at most. A caller who has hung up is no
// reason to.
func (c cluster) doubt(ctx context.Context) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		c.ReloadState(ctx)
	}
}

func (c cluster) each(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	var one sync.Mutex // go-redis calls for all nodes at once
	return c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		one.Lock()
		defer one.Unlock()
		return f(ctx, node)
	})
}
