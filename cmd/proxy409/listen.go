package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"proxy409/config"
	"proxy409/proxy"
	"proxy409/proxy/framing"
)

// listen opens both listeners before anything is started, so that a port that is taken is found at once.
func listen(cfg *config.Config) (front, admin net.Listener, err error) {
	front, err = net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	admin, err = net.Listen("tcp", cfg.Admin.Listen)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("admin.listen: %w", err), front.Close())
	}
	return front, admin, nil
}

// framed is the clients' listener with TLS, if it has any, and with the bounds that net/http does not keep.
func (in *instance) framed(l net.Listener, log *slog.Logger) (net.Listener, error) {
	o := framing.Options{
		Handshake: in.cfg.Timeouts.Header,
		Send:      in.cfg.Timeouts.Send,
		OnRefused: in.framingRefused(log),
		// Whoever connects can cause these, as often as they like.
		OnHandshakeError: func(remote net.Addr, err error) {
			in.metrics.HandshakeFailed()
			log.Debug("a TLS handshake failed", "remote", remote.String(), "cause", err)
		},
	}
	if in.front != nil {
		var err error
		if o.TLS, err = in.front.Server(); err != nil {
			return nil, in.cfg.Problem("tls", err.Error())
		}
	}
	return framing.NewListener(l, o), nil
}

// maxStreams is how many requests one HTTP/2 connection may have under way: what RFC 9113, section 6.5.2, has for the least.
// A client that resets streams to begin others gets no further: net/http runs no more handlers at a time, keeps four times as
// many requests waiting, and then closes the connection.
const maxStreams = 100

// server is what clients talk to. It bounds the time for a header, for idling, and for a client that takes nothing of its
// answer; bodies and answers may be streams.
func (in *instance) server(log *slog.Logger) *http.Server {
	t := in.cfg.Timeouts
	return &http.Server{
		Handler:           framing.Streams(in.proxy, t.Send),
		ReadHeaderTimeout: t.Header,
		IdleTimeout:       t.Idle,
		MaxHeaderBytes:    int(in.cfg.Limits.Header),
		ConnState:         framing.ConnState,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      t.Idle,
			PingTimeout:          t.Send,
		},
		ErrorLog: proxy.QuietLog(log),
	}
}
