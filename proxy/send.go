package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"proxy409/etagcache"
)

// errLeaseEnded is why a write was given up on: the backend did not answer within timeouts.write.
var errLeaseEnded = fmt.Errorf("timeouts.write is over: %w", context.DeadlineExceeded)

// dispatch sends a write and waits for its answer until the deadline, whatever its client does meanwhile. sent is false
// when certainly nothing of it reached the backend.
func (g *guard) dispatch(req *http.Request, x *exchange, deadline time.Time) (res *http.Response, sent bool, err error) {
	neverReplayed(req)
	client := req.Context()
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(client))
	var asked, got atomic.Bool
	ctx = traced(ctx, func() { asked.Store(true) }, func() { got.Store(true) })
	if !time.Now().Before(deadline) {
		cancel(nil)
		return nil, false, errLeaseEnded
	}
	timer := time.AfterFunc(time.Until(deadline), func() { cancel(errLeaseEnded) })
	res, err = g.send(req.WithContext(ctx), x)
	if !timer.Stop() && err != nil && errors.Is(context.Cause(ctx), errLeaseEnded) {
		err = errLeaseEnded
	}
	if err != nil {
		cancel(nil)
		return nil, (got.Load() || !asked.Load()) && !dialFailed(err), err
	}
	// The answer is decided; its body is the client's, and ends with it.
	stop := context.AfterFunc(client, func() { cancel(context.Cause(client)) })
	res.Body = &closer{ReadCloser: res.Body, after: func() { stop(); cancel(nil) }}
	return res, true, nil
}

// traced is the context with functions that are told when the transport asks for a connection and when it has got one. From then
// on anything may have been sent: over HTTP/2, WroteHeaders comes only when the header has been flushed, which may take as long as
// the backend likes, and a request that was given up on meanwhile still goes out. The trace by which the reverse proxy passes
// 1xx on stays; it is copied, because httptrace would join the two by reflection, on every write.
func traced(ctx context.Context, asked, got func()) context.Context {
	var trace httptrace.ClientTrace
	if outer := httptrace.ContextClientTrace(ctx); outer != nil && outer.GetConn == nil && outer.GotConn == nil {
		trace, ctx = *outer, untraced{ctx}
	}
	trace.GetConn = func(string) { asked() }
	trace.GotConn = func(httptrace.GotConnInfo) { got() }
	return httptrace.WithClientTrace(ctx, &trace)
}

// dialFailed reports whether no connection could be made. The transport sends a request again only when nothing of it was
// written, so this error means that nothing ever was.
func dialFailed(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// outcomeOf says what is known of a write by its answer's status.
func outcomeOf(status int) etagcache.Outcome {
	switch {
	case status == http.StatusAccepted, status == http.StatusRequestTimeout,
		status >= http.StatusBadGateway && status <= http.StatusGatewayTimeout:
		return etagcache.Doubt // the backend, or a hop before it, may be working yet
	case status < http.StatusBadRequest, status >= http.StatusInternalServerError:
		return etagcache.Applied
	case status == http.StatusNotFound, status == http.StatusConflict,
		status == http.StatusGone, status == http.StatusPreconditionFailed:
		return etagcache.Applied // the backend says that the record is wrong, or a hop between has tried twice
	default:
		return etagcache.Unapplied
	}
}

func success(status int) bool { return status >= 200 && status < 300 }
