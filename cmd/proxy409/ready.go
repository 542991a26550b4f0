package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"proxy409/etagcache"
)

// readiness is what /readyz says: not ready before the first contact with the store, in its grace period, and while
// draining, and while replicas with other key settings were there first. A later outage of the store, and a store that is not set up as
// it should be, show in the body only, unless ?strict asks: reads go on without the store, and if all replicas left the balancer
// at once they would not.
type readiness struct {
	cache *etagcache.Cache
	check func(context.Context) ([]string, error) // what an operator should know of the store; nil: nothing
	log   *slog.Logger
	show  storeState

	mu       sync.Mutex
	reached  bool
	storeErr error // of the latest ping
	grace    time.Duration
	unlike   int
	warnings []string
	draining bool
}

func newReadiness(cache *etagcache.Cache, log *slog.Logger, show storeState) *readiness {
	return &readiness{cache: cache, log: log, show: show}
}

// storeState is where the state of the store is counted.
type storeState interface {
	StoreGrace(left time.Duration)
	StoreWarnings(n int)
	UnlikeReplicas(n int)
}

const (
	pingEvery  = time.Second // how often the store is asked whether it answers
	checkEvery = time.Minute // how often it is asked how it is set up
)

// watch pings the store until ctx ends.
func (r *readiness) watch(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	var checked time.Time
	for {
		if r.ping(ctx) && r.check != nil && time.Since(checked) >= checkEvery && r.inspect(ctx) {
			checked = time.Now()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// inspect finds out what an operator should know of the store, logs what is new, and reports whether the store could be asked.
func (r *readiness) inspect(ctx context.Context) bool {
	warnings, err := r.check(ctx)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range warnings {
		if !slices.Contains(r.warnings, w) {
			r.log.Warn("the store is not set up as the guarantees need it", "store", w)
		}
	}
	if len(warnings) == 0 && len(r.warnings) > 0 {
		r.log.Info("the store is set up as the guarantees need it again")
	}
	r.warnings = warnings
	r.show.StoreWarnings(len(warnings))
	return true
}

// ping asks the store once, and reports whether it answered.
func (r *readiness) ping(ctx context.Context) bool {
	grace, err := r.cache.Ping(ctx)
	if ctx.Err() != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return err == nil // the replica may have left the others already, and says no more of the store
	}
	unlike := r.cache.Unlike()
	switch stranger := errors.Is(err, etagcache.ErrUnlike); {
	case stranger && !errors.Is(r.storeErr, etagcache.ErrUnlike):
		r.log.Error("replicas with other key settings share the store: guarded writes get 503 here until those have ended; "+
			"give all replicas one configuration, and stop the old ones before you start new ones when keys change", "cause", err)
	case err != nil && !stranger && (r.storeErr == nil || errors.Is(r.storeErr, etagcache.ErrUnlike)):
		r.log.Error("the store does not answer: guarded writes get 503, reads go on", "cause", err)
	case err == nil && r.storeErr != nil:
		r.log.Info("the store answers again")
	}
	if err == nil && unlike > r.unlike {
		r.log.Error("replicas with other key settings have come to the store: they refuse guarded writes; give all replicas one configuration",
			"replicas", unlike)
	}
	switch {
	case err == nil && grace > 0 && r.grace == 0:
		r.log.Warn("the store is new or was restarted: guarded writes get 503 until the grace period is over", "grace", grace)
	case err == nil && grace == 0 && r.grace > 0:
		r.log.Info("the grace period is over: guarded writes are judged again")
	}
	r.storeErr, r.unlike = err, unlike
	if err == nil {
		r.reached, r.grace = true, grace
		r.show.StoreGrace(grace)
	}
	r.show.UnlikeReplicas(unlike)
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
	case errors.Is(r.storeErr, etagcache.ErrUnlike):
		return false, "settings: replicas with other key settings share the store, so guarded writes get 503 here; the log says what differs"
	case !r.reached:
		return false, "store: it has not answered yet, so guarded writes get 503; the log says why"
	case r.storeErr != nil:
		return !strict, "store: it does not answer now, so guarded writes get 503 and reads go on; the log says why"
	case r.grace > 0:
		return false, fmt.Sprintf("grace: the store is new or was restarted; guarded writes are judged again in %s", r.grace.Round(time.Second))
	}
	why = "ready"
	if r.unlike > 0 {
		why += "\nsettings: replicas with other key settings have come to the store; they refuse guarded writes"
	}
	for _, w := range r.warnings {
		why += "\nstore: " + w
	}
	return len(r.warnings) == 0 || !strict, why
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
