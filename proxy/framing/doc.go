// Package framing makes net/http strict about where a request ends.
//
// net/http reads HTTP/1 more kindly than a proxy may: it takes Content-Length beside Transfer-Encoding, the same length twice, a
// bare LF for a line end, continuation lines, and a Transfer-Encoding that it ignores in HTTP/1.0, and a handler can see none of
// that. A proxy in front of this one, or the backend behind it, may read the same bytes otherwise, and then what is the body of
// one request here is another request there: request smuggling, RFC 9112 section 11.2. For a guard this means that a write gets
// past it, unseen.
//
// A [Listener] accepts connections that follow the framing of what is read from them. Sound bytes pass unchanged, none is kept
// back, and nothing is written to the client. At the first violation the connection gives net/http, in the place of what the
// client sent, bytes that it refuses wherever they stand. So
//
//   - all that came before is answered, in order,
//   - a request whose header section has the violation is answered 400 by net/http, and no handler sees it,
//   - one whose body has it fails in the handler's read of the body, which never ends as if it were whole,
//   - nothing that the client sent behind the violation is read as HTTP, and the connection is closed.
//
// A connection that a handler has hijacked is not followed any more: see [ConnState]. What came before that is HTTP, for a client
// must wait for the answer (RFC 6455 section 4.1).
//
// # What is refused
//
//   - Line ends: a bare LF or CR in request line, header section, chunk lines and trailer section (RFC 9112 section 2.2); more than one
//     empty line before a request. One is left to net/http, which takes it after a POST.
//   - The request line: anything but METHOD SP TARGET SP VERSION with single spaces, and a control character in it; a version other than HTTP/1.1 and
//     HTTP/1.0, and so the preface of HTTP/2 (sections 2.3, 3).
//   - The target: a form that is none of the four of section 3.2, a star that is not of OPTIONS, a CONNECT whose target is no
//     authority, an absolute target that is not of http or https, or has a user or no host.
//   - Host: none in HTTP/1.1, two, one that is not a host with or without a port, one that is not that of an absolute target
//     (section 3.2.2; RFC 9110 section 7.2).
//   - Field lines: white space at the beginning of a line, whether a continuation or not (section 5.2), or before the colon (section 5.1);
//     a name that is empty or no token; control characters in a value (RFC 9110 section 5.5).
//   - Content-Length: two, a list, anything but digits with white space around, more than 63 bits (section 6.3; RFC 9110 section 8.6).
//   - Transfer-Encoding: two, anything but chunked alone, any in HTTP/1.0 (section 6.1). RFC 9112 has 501 for codings that are not known; it is 400 here,
//     as for all that is ambiguous.
//   - Both of them (section 6.1), and either in a CONNECT (RFC 9110 section 9.3.6).
//   - Names that servers behind CGI or WSGI take for these two, such as Content_Length or Transfer.Encoding.
//   - Chunks: a size that is not 1 to 16 hexadecimal digits of 63 bits with nothing around them, data that no CRLF follows (section 7.1).
//   - Chunk extensions that are not by the grammar, that have white space outside of quotes or anything that is not ASCII, or more than 256
//     bytes of them in one chunk. Sound ones pass, for a recipient must ignore them (section 7.1.1).
//   - Trailers: Content-Length, Transfer-Encoding, Host, Trailer, Connection, the aliases of the first two, a section of more than 4000 bytes
//     (RFC 9110 section 6.5.1), and all that is refused in a header section.
//
// Length and form of everything else are left to those who see it: http.Server.MaxHeaderBytes bounds a header section, and a
// target is judged by the handler. HTTP/2 has frames, and net/http checks them.
//
// # What it costs
//
// Some 400 ns for the header section of a browser's request, and 650 ns for it and its answer together with [Options.Send], of the
// 13 us that the smallest exchange takes on loopback; next to nothing for a body; no memory but some 300 bytes for a connection;
// and sendfile, because a connection has no ReadFrom. A connection that is refused
// is kept for up to half a second, so that the client reads the answer and not a reset. See the benchmarks.
//
// # What comes with it
//
// Since it stands where connections are accepted, the Listener also does TLS handshakes, within a time and bounded in number, and
// bounds the time for which a client may take nothing of what is sent to it. [Streams] does that for the streams of HTTP/2.
package framing
