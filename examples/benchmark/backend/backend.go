// Package backend is the API that the benchmark's proxies stand before: as cheap as it can be made, so that what is
// measured is the proxy, and yet one whose versions really change. It is last write wins: If-Match is not looked at.
package backend

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// CountPath answers with the number of writes that came, in decimal, so that a benchmark can find out whether one was
// lost or came twice.
const CountPath = "/-/writes"

// Server speaks as much of HTTP/1.1 as a proxy needs of it: GET, HEAD, PUT and PATCH, persistent connections, bodies
// with a Content-Length. Every path is a resource that begins at version 0, a write adds one, and every answer names the
// version as the entity tag "v<N>". It sends neither Date nor Last-Modified. The zero value is ready.
//
// It is no net/http server, because that would take more of the machine than the proxies themselves.
type Server struct {
	writes   atomic.Uint64
	mu       sync.RWMutex
	versions map[string]*atomic.Uint64
}

// Writes is how many writes came.
func (s *Server) Writes() uint64 { return s.writes.Load() }

// Serve answers on the listener until that is closed.
func (s *Server) Serve(ln net.Listener) error {
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go s.serve(conn)
	}
}

func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	var req request
	var body, out []byte
	for req.read(in) == nil {
		var status string
		var etag uint64
		status, etag, body = s.answer(&req, body[:0])
		out = append(append(out[:0], "HTTP/1.1 "...), status...)
		out = append(out, "\r\nContent-Type: application/json\r\nETag: \"v"...)
		out = strconv.AppendUint(out, etag, 10)
		out = append(out, "\"\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(body)), 10)
		if req.last {
			out = append(out, "\r\nConnection: close"...)
		}
		out = append(out, "\r\n\r\n"...)
		if string(req.method) != "HEAD" {
			out = append(out, body...)
		}
		if _, err := conn.Write(out); err != nil || req.last {
			return
		}
	}
}

// answer does what is asked, and appends the body of the answer to b.
func (s *Server) answer(req *request, b []byte) (status string, version uint64, body []byte) {
	switch method := string(req.method); {
	case req.chunked:
		req.last = true // where the next request begins is not known
		return "411 Length Required", 0, b
	case string(req.path) == CountPath:
		return "200 OK", 0, strconv.AppendUint(b, s.Writes(), 10)
	case method == "GET" || method == "HEAD":
		version = s.version(req.path)
		return "200 OK", version, appendRepresentation(b, version)
	case method == "PUT" || method == "PATCH":
		version = s.write(req.path)
		b = strconv.AppendUint(append(b, `{"ok":true,"version":`...), version, 10)
		return "200 OK", version, append(b, '}')
	}
	return "405 Method Not Allowed", 0, b
}

// appendRepresentation makes some two hundred bytes that differ from version to version.
func appendRepresentation(b []byte, version uint64) []byte {
	b = strconv.AppendUint(append(b, `{"version":`...), version, 10)
	return append(b, `,"title":"Quarterly report","author":"Ada","body":"Revenue is up, costs are down, and what is `+
		`written here is as long as the small documents of a legacy API tend to be.","tags":["report","draft"]}`...)
}

func (s *Server) version(path []byte) uint64 {
	s.mu.RLock()
	v := s.versions[string(path)]
	s.mu.RUnlock()
	if v == nil {
		return 0
	}
	return v.Load()
}

func (s *Server) write(path []byte) uint64 {
	s.writes.Add(1)
	s.mu.RLock()
	v := s.versions[string(path)]
	s.mu.RUnlock()
	if v == nil {
		s.mu.Lock()
		if s.versions == nil {
			s.versions = make(map[string]*atomic.Uint64)
		}
		if v = s.versions[string(path)]; v == nil {
			v = new(atomic.Uint64)
			s.versions[string(path)] = v
		}
		s.mu.Unlock()
	}
	return v.Add(1)
}

// request is what the server wants to know of one. Its slices are reused by the next.
type request struct {
	method, path  []byte
	chunked, last bool
}

// read takes the next request off the connection, its body with it.
func (r *request) read(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	method, rest, _ := bytes.Cut(line, []byte(" "))
	path, proto, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return errors.New("backend: no request line")
	}
	r.method, r.path = append(r.method[:0], method...), append(r.path[:0], path...)
	r.chunked, r.last = false, bytes.HasPrefix(proto, []byte("HTTP/1.0"))
	length := 0
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			r.chunked = true
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			r.last = true
		}
	}
	_, err = in.Discard(length)
	return err
}
