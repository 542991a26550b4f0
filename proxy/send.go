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
	way, ctx := newPassage(context.WithoutCancel(client))
	if !time.Now().Before(deadline) {
		way.end(nil)
		return nil, false, errLeaseEnded
	}
	timer := time.AfterFunc(time.Until(deadline), func() { way.end(errLeaseEnded) })
	res, err = g.send(req.WithContext(ctx), x)
	timer.Stop()
	if cause := context.Cause(ctx); err != nil && (errors.Is(cause, errLeaseEnded) || errors.Is(cause, errReplayed)) {
		err = cause
	}
	if err != nil {
		way.end(nil)
		return nil, way.sent() && !dialFailed(err), err
	}
	// The answer is decided; its body is the client's, and ends with it.
	stop := context.AfterFunc(client, func() { way.end(context.Cause(client)) })
	res.Body = &closer{ReadCloser: res.Body, after: func() { stop(); way.end(nil) }}
	return res, true, nil
}

// passage is a write's way to the backend: it is sent once, and tells whether anything of it was.
//
// Over HTTP/2 net/http takes a stream that was reset with PROTOCOL_ERROR for one that was never begun, and sends a request without
// a body again, for ever; so one that has been written and gets another connection is called off. Over HTTP/1 a written
// header may not have been flushed, and another connection is a good one.
type passage struct {
	end   context.CancelCauseFunc
	asked atomic.Bool // for a connection
	got   atomic.Bool // one: from then on anything may have been sent
	wrote atomic.Bool // the header; over HTTP/2 it is flushed, too, which may take as long as the backend likes
}

// newPassage returns a passage, and the context that the write is to be sent in. It ends with ctx at the latest.
func newPassage(ctx context.Context) (*passage, context.Context) {
	p := &passage{}
	ctx, p.end = context.WithCancelCause(ctx)
	return p, p.traced(ctx)
}

// sent reports whether anything of the write may have reached the backend, as far as its connections tell.
func (p *passage) sent() bool { return p.got.Load() || !p.asked.Load() }

func (p *passage) connected(info httptrace.GotConnInfo) {
	p.got.Store(true)
	secure, ok := info.Conn.(*tls.Conn)
	if ok && secure.ConnectionState().NegotiatedProtocol == "h2" && p.wrote.Load() {
		p.end(errReplayed)
	}
}

// traced is the context with the passage's trace. The one by which the reverse proxy passes 1xx on stays; it is copied, because
// httptrace would join the two by reflection, on every write.
func (p *passage) traced(ctx context.Context) context.Context {
	var trace httptrace.ClientTrace
	if outer := httptrace.ContextClientTrace(ctx); outer != nil && outer.GetConn == nil && outer.GotConn == nil && outer.WroteHeaders == nil {
		trace, ctx = *outer, untraced{ctx}
	}
	trace.GetConn = func(string) { p.asked.Store(true) }
	trace.GotConn = p.connected
	trace.WroteHeaders = func() { p.wrote.Store(true) }
	if x := exchangeOf(ctx); x != nil && x.body.whole() {
		x.body.follow(&trace)
	}
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

// wentWell reports whether a status says that what was asked for was done, be it by a redirection to what is shown next.
func wentWell(status int) bool { return status >= 200 && status < 400 }
