package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"proxy409/etagcache"
)

// readiness is what /readyz says: not ready before the first contact with the store, in its grace period, and while
// draining. A later outage of the store shows in the body only, unless ?strict asks: reads go on without the store, and if all
// replicas left the balancer at once they would not.
type readiness struct {
	cache *etagcache.Cache
	check func(context.Context) ([]string, error) // what an operator should know of the store; nil: nothing
	log   *slog.Logger

	mu       sync.Mutex
	reached  bool
	storeErr error // of the latest ping
	grace    time.Duration
	draining bool
}

func newReadiness(cache *etagcache.Cache, log *slog.Logger) *readiness {
	return &readiness{cache: cache, log: log}
}

// pingEvery is how often the store is asked whether it answers.
const pingEvery = time.Second

// watch pings the store until ctx ends.
func (r *readiness) watch(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for checked := r.check == nil; ; {
		if r.ping(ctx) && !checked {
			checked = r.warn(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// warn logs what an operator should know of the store, and reports whether the store could be asked.
func (r *readiness) warn(ctx context.Context) bool {
	warnings, err := r.check(ctx)
	for _, w := range warnings {
		r.log.Warn("the store is not set up as the guarantees need it", "store", w)
	}
	return err == nil
}

// ping asks the store once, and reports whether it answered.
func (r *readiness) ping(ctx context.Context) bool {
	grace, err := r.cache.Ping(ctx)
	if ctx.Err() != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil && (r.storeErr == nil):
		r.log.Error("the store does not answer: guarded writes get 503, reads go on", "cause", err)
	case err == nil && r.storeErr != nil:
		r.log.Info("the store answers again")
	}
	switch {
	case err == nil && grace > 0 && r.grace == 0:
		r.log.Warn("the store is new or was restarted: guarded writes get 503 until the grace period is over", "grace", grace)
	case err == nil && grace == 0 && r.grace > 0:
		r.log.Info("the grace period is over: guarded writes are judged again")
	}
	r.storeErr = err
	if err == nil {
		r.reached, r.grace = true, grace
	}
	return err == nil
}

// drain makes /readyz fail from now on.
func (r *readiness) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draining = true
}

// state says whether the proxy is ready, and why or why not, without any detail that could hold a secret.
func (r *readiness) state(strict bool) (ready bool, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.draining:
		return false, "draining: the process is about to end"
	case !r.reached:
		return false, "store: it has not answered yet, so guarded writes get 503; the log says why"
	case r.storeErr != nil:
		return !strict, "store: it does not answer now, so guarded writes get 503 and reads go on; the log says why"
	case r.grace > 0:
		return false, fmt.Sprintf("grace: the store is new or was restarted; guarded writes are judged again in %s", r.grace.Round(time.Second))
	}
	return true, "ready"
}

// ServeHTTP asks the store anew, so that nobody is told of a store that was there a second ago.
func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.ping(req.Context())
	ready, why := r.state(req.URL.Query().Has("strict"))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, why)
}
