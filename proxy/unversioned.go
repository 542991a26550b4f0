package proxy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"proxy409/proxy/validator"
)

// unversioned tells that an answer which describes the resource shows no version. The log says so once in a while only:
// every read of the resource would say it again.
func (g *guard) unversioned(x *exchange, err error) {
	var cause validator.Cause
	if !errors.As(err, &cause) {
		cause = validator.Stream
	}
	g.observer.Unversioned(x.route.Name, cause.String())
	elsewhere := x.safe && x.route.readAt != nil // what this read shows is not what writes are judged by
	if x.route.maker.Made() && !elsewhere && g.rarely.now(x.route.Name+" "+cause.String(), time.Now()) {
		g.tell(context.Background(), slog.LevelWarn, x, "no version can be made of an answer of the backend, so that writes to the "+
			"resource are refused; this is said once in a minute, the metric counts each", slog.String("cause", cause.Error()))
	}
}

// unversionedCause says to the operator why a write was refused as unversioned, and what helps.
func (p *route) unversionedCause() error {
	if p.maker.Made() {
		return errors.New("no version can be made of what the backend shows; the log says why where it was read, and `check --online` asks")
	}
	return errors.New("the backend sends no ETag; version: {from: body} makes one")
}

// rarely lets each of a few messages through once in a minute.
type rarely struct {
	mu   sync.Mutex
	said map[string]time.Time
}

func (r *rarely) now(message string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.said[message]; ok && now.Sub(last) < time.Minute {
		return false
	}
	if r.said == nil {
		r.said = make(map[string]time.Time)
	}
	r.said[message] = now
	return true
}
