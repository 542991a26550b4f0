package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// errAnswerLate is why a request that is no guarded write was given up on.
var errAnswerLate = fmt.Errorf("timeouts.answer is over: %w", context.DeadlineExceeded)

// begin forwards a request that holds no lease, and gives up on a backend that does not begin its answer in timeouts.answer. The time
// counts from when the backend has the whole request: how long its body takes is up to the client. An answer that has begun may be
// a stream, and is not bounded.
func (g *guard) begin(req *http.Request, x *exchange) (*http.Response, error) {
	if x.body.whole() && !x.body.onItsWay {
		var trace httptrace.ClientTrace
		x.body.follow(&trace)
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &trace))
	}
	streamed := !repeatable(req) && !x.body.whole()
	if streamed {
		x.heard = &heard{ReadCloser: req.Body, client: x.body.client, within: g.silence}
		req.Body = x.heard
	}
	if x.route.timeouts.Answer == 0 {
		return g.send(req, x)
	}
	ctx, end := context.WithCancelCause(req.Context())
	p := &patience{lasts: x.route.timeouts.Answer, end: func() { end(errAnswerLate) }}
	sent := req.WithContext(ctx)
	if !streamed {
		p.start()
	} else {
		sent.Body = &uploading{ReadCloser: req.Body, over: p.start}
	}
	res, err := g.send(sent, x)
	p.stop()
	late := errors.Is(context.Cause(ctx), errAnswerLate)
	switch {
	case late && err == nil: // at the same time
		_ = res.Body.Close()
		return nil, errAnswerLate
	case late:
		return nil, errAnswerLate
	case err != nil:
		end(nil)
	}
	return res, err // the context ends with the client's request
}

// patience is how long a backend is waited for, once that has started.
type patience struct {
	lasts time.Duration
	end   func()

	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

// start begins to count, unless that has begun or is over.
func (p *patience) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil && !p.over {
		p.timer = time.AfterFunc(p.lasts, p.timeout)
	}
}

func (p *patience) timeout() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.end()
	}
}

// stop ends it. Nothing is called off afterwards.
func (p *patience) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// uploading tells when the body has been read to its end, or is not read any more.
type uploading struct {
	io.ReadCloser
	over func()
}

func (u *uploading) Read(b []byte) (int, error) {
	n, err := u.ReadCloser.Read(b)
	if err != nil {
		u.over()
	}
	return n, err
}

func (u *uploading) Close() error {
	defer u.over()
	return u.ReadCloser.Close()
}

// errSilent is why a request was given up on whose client has stopped sending its body.
var errSilent = errors.New("nothing of the body came for timeouts.send")

// heard is a body that is streamed, of which the client must not send nothing for long.
type heard struct {
	io.ReadCloser
	client http.ResponseWriter
	within time.Duration // 0: no limit
	silent atomic.Bool   // it came to that
}

// Read waits for the client no longer than that. The time counts for each Read by itself: that the backend takes nothing is none of
// the client's doing.
func (h *heard) Read(b []byte) (int, error) {
	if h.within == 0 || h.client == nil {
		return h.ReadCloser.Read(b)
	}
	controller := http.NewResponseController(h.client)
	if controller.SetReadDeadline(time.Now().Add(h.within)) != nil {
		return h.ReadCloser.Read(b) // not a connection of net/http's server
	}
	n, err := h.ReadCloser.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		h.silent.Store(true)
		return n, errSilent // and the deadline stays: nobody waits for the rest
	}
	_ = controller.SetReadDeadline(time.Time{})
	return n, err
}
