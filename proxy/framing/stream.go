package framing

import (
	"net/http"
	"time"
)

// Streams bounds for how long a client may take nothing of an answer over HTTP/2, where it can go on taking what comes on the
// connection, and open no window for the stream of the answer (RFC 9113, section 5.2). Each write of next, mostly 32 KiB, has
// the time to itself; when it is over the stream is reset. Zero: no bound. HTTP/1 is left to [Options.Send].
func Streams(next http.Handler, send time.Duration) http.Handler {
	if send == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			next.ServeHTTP(w, r)
			return
		}
		s := &stream{w, http.NewResponseController(w), send}
		next.ServeHTTP(s, r)
		_ = s.begin() // net/http writes what is left
	})
}

// stream is an answer on an HTTP/2 connection.
type stream struct {
	http.ResponseWriter
	controller *http.ResponseController
	send       time.Duration
}

// begin gives a write its time, and end takes it back: between two parts of an answer there may be any time.
func (s *stream) begin() error { return s.controller.SetWriteDeadline(time.Now().Add(s.send)) }
func (s *stream) end()         { _ = s.controller.SetWriteDeadline(time.Time{}) }

// Write writes a part of the answer.
func (s *stream) Write(p []byte) (int, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.end()
	return s.ResponseWriter.Write(p)
}

// FlushError is what [http.ResponseController] calls. Flushing may have to wait as well.
func (s *stream) FlushError() error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	return s.controller.Flush()
}

// Unwrap gives [http.ResponseController] what else there is.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }
