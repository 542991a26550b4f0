package framing

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
)

// maxHandshakes bounds the handshakes that are under way at once. When one more client comes, the one that has taken
// longest is given up: clients that connect and say nothing cannot keep others out.
const maxHandshakes = 512

// handshakes are those under way, in the order in which they began.
type handshakes struct {
	most         int // maxHandshakes
	mu           sync.Mutex
	cancel       map[uint64]context.CancelFunc
	oldest, next uint64
}

// begin makes room for one more. The number that it returns is for end.
func (h *handshakes) begin(cancel context.CancelFunc) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cancel == nil {
		h.cancel = make(map[uint64]context.CancelFunc)
	}
	for ; len(h.cancel) >= h.most; h.oldest++ {
		if giveUp, ok := h.cancel[h.oldest]; ok {
			giveUp()
			delete(h.cancel, h.oldest)
		}
	}
	id := h.next
	h.next++
	h.cancel[id] = cancel
	return id
}

func (h *handshakes) end(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.cancel, id)
}

// acceptAll accepts connections until the listener is closed, each with a goroutine for its handshake.
func (l *Listener) acceptAll() {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			// Whoever called Accept decides whether to wait and try again, and until then nothing is accepted.
			if !deliver(l.ctx, l.accepted, accepted{err: err}) {
				return
			}
			continue
		}
		ctx, cancel := context.WithCancel(l.ctx)
		id := l.shaking.begin(cancel)
		l.running.Go(func() {
			defer cancel()
			defer l.shaking.end(id)
			l.shake(ctx, raw)
		})
	}
}

// deliver gives one result to a call of Accept. It returns false if the context has ended before that.
func deliver(ctx context.Context, to chan<- accepted, a accepted) bool {
	select {
	case to <- a:
		return true
	case <-ctx.Done():
		return false
	}
}

// shake does the handshake and hands the connection to Accept, or closes it.
func (l *Listener) shake(ctx context.Context, raw net.Conn) {
	remote := raw.RemoteAddr()
	raw = l.bounded(raw)
	secure := tls.Server(raw, l.options.TLS)
	if err := l.handshake(ctx, secure); err != nil {
		answerPlainText(err)
		raw.Close()
		if l.options.OnHandshakeError != nil {
			l.options.OnHandshakeError(remote, err)
		}
		return
	}
	var c net.Conn = secure
	if secure.ConnectionState().NegotiatedProtocol != "h2" {
		c = newSecureConn(l, secure, raw)
	}
	if !deliver(ctx, l.accepted, accepted{conn: c}) {
		raw.Close()
	}
}

func (l *Listener) handshake(ctx context.Context, secure *tls.Conn) error {
	if l.options.Handshake > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.options.Handshake)
		defer cancel()
	}
	return secure.HandshakeContext(ctx)
}

// answerPlainText tells a client that speaks plain HTTP to a TLS port so, in the words of net/http.
func answerPlainText(err error) {
	var header tls.RecordHeaderError
	if !errors.As(err, &header) || header.Conn == nil {
		return
	}
	switch string(header.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PATCH", "DELET":
		// A client that does not take it has lost nothing else.
		_, _ = io.WriteString(header.Conn, "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
}
