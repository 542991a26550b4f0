package proxy

import (
	"context"
	"crypto/tls"
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

var errReplayed = errors.New("the transport would have sent the request again")

// dispatch sends a write and waits for its answer until the deadline, whatever its client does meanwhile. sent is false
// when certainly nothing of it reached the backend.
func (g *guard) dispatch(req *http.Request, x *exchange, deadline time.Time) (res *http.Response, sent bool, err error) {
	neverReplayed(req)
	client := req.Context()
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(client))
	var asked, got atomic.Bool
	ctx = traced(ctx, once(cancel, func() { asked.Store(true) }, func() { got.Store(true) }))
	if !time.Now().Before(deadline) {
		cancel(nil)
		return nil, false, errLeaseEnded
	}
	timer := time.AfterFunc(time.Until(deadline), func() { cancel(errLeaseEnded) })
	res, err = g.send(req.WithContext(ctx), x)
	timer.Stop()
	if cause := context.Cause(ctx); err != nil && (errors.Is(cause, errLeaseEnded) || errors.Is(cause, errReplayed)) {
		err = cause
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

// connecting is a trace of how a request gets its connection, and of its header.
type connecting struct {
	asked func()                           // for a connection
	got   func(info httptrace.GotConnInfo) // from then on anything may have been sent
	wrote func()                           // the header is written, and over HTTP/2 flushed too, which may take as long as the backend likes
}

// once is the trace that lets a request be sent once. Over HTTP/2 net/http takes a stream that was reset with PROTOCOL_ERROR for one
// that was never begun, and sends a request without a body again, for ever; so one that has been written and gets another
// connection is called off. Over HTTP/1 a written header may not have been flushed, and another connection is a good one.
func once(cancel context.CancelCauseFunc, asked, got func()) connecting {
	var written atomic.Bool
	return connecting{
		asked: asked,
		got: func(info httptrace.GotConnInfo) {
			got()
			secure, ok := info.Conn.(*tls.Conn)
			if ok && secure.ConnectionState().NegotiatedProtocol == "h2" && written.Load() {
				cancel(errReplayed)
			}
		},
		wrote: func() { written.Store(true) },
	}
}

// traced is the context with a trace. The one by which the reverse proxy passes 1xx on stays; it is copied, because httptrace
// would join the two by reflection, on every write.
func traced(ctx context.Context, c connecting) context.Context {
	var trace httptrace.ClientTrace
	if outer := httptrace.ContextClientTrace(ctx); outer != nil && outer.GetConn == nil && outer.GotConn == nil && outer.WroteHeaders == nil {
		trace, ctx = *outer, untraced{ctx}
	}
	trace.GetConn = func(string) { c.asked() }
	trace.GotConn, trace.WroteHeaders = c.got, c.wrote
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
