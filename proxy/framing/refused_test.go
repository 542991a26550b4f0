package framing

import (
	"slices"
	"strings"
	"testing"
)

// smuggled is what an attacker would have the handler see.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

// refusedHeader has violations that stand before the end of a header section: their request must never be seen.
var refusedHeader = []struct{ name, raw, problem string }{
	// RFC 9112 section 2.2: line ends, white space, empty lines.
	{"bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", BareLF},
	{"bare LF after a field", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", BareLF},
	{"bare LF after a length", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\n\r\n", BareLF},
	{"bare LF after a coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\n\r\n0\r\n\r\n", BareLF},
	{"bare LF after another field", "GET / HTTP/1.1\r\nHost: h\r\nX: y\n\r\n", BareLF},
	{"bare LF as the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\n", BareLF},
	{"bare LFs throughout", "GET / HTTP/1.1\nHost: h\n\n", BareLF},
	{"bare LF in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\n: y\r\n\r\n", BareLF},
	{"bare LF in the method", "GE\nT / HTTP/1.1\r\nHost: h\r\n\r\n", BareLF},
	{"bare LF in the target", "GET /\nx HTTP/1.1\r\nHost: h\r\n\r\n", BareLF},
	{"bare LF before the request line", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", BareLF},
	{"no version", "GET /\r\n\r\n", RequestLine},
	{"no version, bare LF", "GET /\n\n", BareLF},
	{"bare CR after the request line", "GET / HTTP/1.1\rHost: h\r\n\r\n", BareCR},
	{"bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: y\rZ: z\r\n\r\n", BareCR},
	{"bare CR in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\r: y\r\n\r\n", FieldName},
	{"bare CR in the target", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"CR CR LF after a field", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", BareCR},
	{"CR CR LF as the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\r\r\n", BareCR},
	{"CR LF CR CR LF", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\rX: y\r\n\r\n", BareCR},
	{"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"a bare CR first", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", BareCR},
	{"a space first", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"a continuation line", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", Folding},
	{"a continuation line by tab", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\tz\r\n\r\n", Folding},
	{"a folded coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"a folded length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n 0\r\n\r\n0123456789", Folding},
	{"a first field with white space", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", Folding},
	{"a line of white space", "GET / HTTP/1.1\r\nHost: h\r\n \r\n\r\n", Folding},

	// Section 3: the request line.
	{"two spaces before the target", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"two spaces before the version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", Version},
	{"a space after the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", Version},
	{"a tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"a tab for the other space", "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", Version},
	{"a space at the end of the target", "GET /a HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n", Version},
	{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"DEL in the target", "GET /aaaaaaaaaaaaaaaa\x7f HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"a vertical tab in the target", "GET /\v HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"a colon in the method", "GET: / HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"no method", "/ HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"a method that is not ASCII", "G\xc9T / HTTP/1.1\r\nHost: h\r\n\r\n", RequestLine},
	{"HTTP/0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", Version},
	{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", Version},
	{"HTTP/1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", Version},
	{"HTTP/01.1", "GET / HTTP/01.1\r\nHost: h\r\n\r\n", Version},
	{"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", Version},
	{"http/1.1", "GET / http/1.1\r\nHost: h\r\n\r\n", Version},
	{"HTTP/1,1", "GET / HTTP/1,1\r\nHost: h\r\n\r\n", Version},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Target},
	{"PRI with a path", "PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n", Version},
	{"TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", RequestLine},
	{"a star that is not of OPTIONS", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"a star and more", "OPTIONS *a HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"a relative target", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"an authority that is not of CONNECT", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"a path of CONNECT", "CONNECT /x HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"an absolute target of CONNECT", "CONNECT http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", Target},

	// RFC 9112 section 3.2, RFC 9110 section 7.2: Host.
	{"no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", Host},
	{"no field at all", "GET / HTTP/1.1\r\n\r\n", Host},
	{"CONNECT without host", "CONNECT h:443 HTTP/1.1\r\n\r\n", Host},
	{"two hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: g\r\n\r\n", Host},
	{"the same host twice", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", Host},
	{"two hosts in a line", "GET / HTTP/1.1\r\nHost: h, g\r\n\r\n", Host},
	{"a host with a space", "GET / HTTP/1.1\r\nHost: h g\r\n\r\n", Host},
	{"a host with a path", "GET / HTTP/1.1\r\nHost: h/g\r\n\r\n", Host},
	{"a host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", Host},
	{"a host with a query", "GET / HTTP/1.1\r\nHost: h?g\r\n\r\n", Host},
	{"a host with a fragment", "GET / HTTP/1.1\r\nHost: h#g\r\n\r\n", Host},
	{"a host with a backslash", "GET / HTTP/1.1\r\nHost: h\\g\r\n\r\n", Host},
	{"a host with a scheme", "GET / HTTP/1.1\r\nHost: http://h\r\n\r\n", Host},
	{"a host with two ports", "GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n", Host},
	{"a port that is no number", "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", Host},
	{"a port without host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", Host},
	{"an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", Host},
	{"a bracket and a name", "GET / HTTP/1.1\r\nHost: [::1]h\r\n\r\n", Host},
	{"a closing bracket", "GET / HTTP/1.1\r\nHost: h]\r\n\r\n", Host},
	{"a host that is not ASCII", "GET / HTTP/1.1\r\nHost: h\xe4\r\n\r\n", Host},
	{"another host in the target", "GET http://g/ HTTP/1.1\r\nHost: h\r\n\r\n", Host},
	{"a longer host in the target", "GET http://hh/ HTTP/1.1\r\nHost: h\r\n\r\n", Host},
	{"a shorter host in the target", "GET http://h/ HTTP/1.1\r\nHost: hh\r\n\r\n", Host},
	{"a port in the target alone", "GET http://h:80/ HTTP/1.1\r\nHost: h\r\n\r\n", Host},
	{"a host in the target alone", "GET http://h/ HTTP/1.1\r\nHost:\r\n\r\n", Host},
	{"another host in the target, HTTP/1.0", "GET http://g/ HTTP/1.0\r\nHost: h\r\n\r\n", Host},
	{"a user in the target", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"an open bracket in the target", "GET http://[::1/ HTTP/1.1\r\nHost: [::1\r\n\r\n", Target},
	{"an empty authority", "GET http:///h HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"a scheme of files", "GET file://h/ HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"an opaque target", "GET http:h HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"an authority without end", "GET http://" + strings.Repeat("h", 400) + "/ HTTP/1.1\r\nHost: h\r\n\r\n", Target},
	{"another host of CONNECT", "CONNECT g:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", Host},

	// RFC 9112 section 5: fields.
	{"a space before the colon", "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", FieldName},
	{"a tab before the colon", "GET / HTTP/1.1\r\nHost: h\r\nX\t: y\r\n\r\n", FieldName},
	{"a space before the colon of a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 36\r\n\r\n", FieldName},
	{"a space before the colon of a coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", FieldName},
	{"a space in a name", "GET / HTTP/1.1\r\nHost: h\r\nX Y: y\r\n\r\n", FieldName},
	{"an empty name", "GET / HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n", FieldName},
	{"no colon", "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", FieldName},
	{"a name in quotes", "GET / HTTP/1.1\r\nHost: h\r\n\"X\": y\r\n\r\n", FieldName},
	{"a name with a slash", "GET / HTTP/1.1\r\nHost: h\r\nX/Y: y\r\n\r\n", FieldName},
	{"a name with NUL", "GET / HTTP/1.1\r\nHost: h\r\nX\x00: y\r\n\r\n", FieldName},
	{"a name that is not ASCII", "GET / HTTP/1.1\r\nHost: h\r\nContent\xadLength: 36\r\n\r\n", FieldName},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: y\x00z\r\n\r\n", FieldValue},
	{"escape in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \x1b[2J and some more to read\r\n\r\n", FieldValue},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a longer value than eight\x7f\r\n\r\n", FieldValue},
	{"a vertical tab in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \vy\r\n\r\n", FieldValue},
	{"a form feed before a coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\fchunked\r\n\r\n0\r\n\r\n", TransferEncoding},

	// RFC 9112 section 6: lengths and codings.
	{"length and coding", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 36\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TwoFramings},
	{"coding and length", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", TwoFramings},
	{"no length and coding", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TwoFramings},
	{"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 36\r\nContent-Length: 0\r\n\r\n", ContentLength},
	{"the same length twice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\nx", ContentLength},
	{"a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\nx", ContentLength},
	{"a list without spaces", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1,1\r\n\r\nx", ContentLength},
	{"an empty length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", ContentLength},
	{"a blank length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \t \r\n\r\n", ContentLength},
	{"a length with plus", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx", ContentLength},
	{"a length with minus", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\nx", ContentLength},
	{"a length with a space inside", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1 0\r\n\r\n0123456789", ContentLength},
	{"a hexadecimal length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x24\r\n\r\n", ContentLength},
	{"a length in letters", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: a\r\n\r\n", ContentLength},
	{"a length with a fraction", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1.0\r\n\r\nx", ContentLength},
	{"a length with an exponent", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1e1\r\n\r\n0123456789", ContentLength},
	{"a length with an underscore", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1_0\r\n\r\n0123456789", ContentLength},
	{"a length in quotes", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \"1\"\r\n\r\nx", ContentLength},
	{"a length of 64 bits", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\n", ContentLength},
	{"a length of more bits", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551617\r\n\r\nx", ContentLength},
	{"NUL behind a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\x00\r\n\r\nx", ContentLength},
	{"another digit", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \xd9\xa1\r\n\r\nx", ContentLength},
	{"two codings", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"chunked on two lines", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"identity on another line", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", TransferEncoding},
	{"gzip", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", TransferEncoding},
	{"an empty coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", TransferEncoding},
	{"chunked and a comma", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"chunked with a parameter", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"chunked in quotes", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"xchunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"a space in chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chun ked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"chunkedx", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"a coding that is very long", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunkedchunkedchunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"a vertical tab and chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"NUL behind chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"chunked with the sign of Kelvin", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chun\xe2\x84\xaaed\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"a coding in HTTP/1.0 that stays", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"a length in HTTP/1.0, with a coding", "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TransferEncoding},
	{"an alias with underscores", "POST / HTTP/1.1\r\nHost: h\r\nContent_Length: 36\r\n\r\n", Alias},
	{"an alias with a dot", "POST / HTTP/1.1\r\nHost: h\r\nContent.Length: 36\r\n\r\n", Alias},
	{"an alias with a tilde", "POST / HTTP/1.1\r\nHost: h\r\nCONTENT~LENGTH: 36\r\n\r\n", Alias},
	{"an alias of the coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\n\r\n", Alias},
	{"an alias beside the length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nTransfer.Encoding: chunked\r\n\r\n", Alias},
	{"CONNECT with a length", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 36\r\n\r\n", Connect},
	{"CONNECT with a coding", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Connect},
}

// chunkedHeader begins a request with a chunked body.
const chunkedHeader = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

// refusedBody has violations in a chunked body: the handler sees the request, but reads an error and never its end.
var refusedBody = []struct{ name, raw, read, problem string }{
	{"no size", "\r\n0\r\n\r\n", "", ChunkSize},
	{"a size with plus", "+1\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size with minus", "-1\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size with 0x", "0x1\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size with a space before", " 1\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size with a space behind", "1 \r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size with a tab behind", "1\t\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a last size with a space behind", "0 \r\n\r\n", "", ChunkSize},
	{"a size with a space inside", "1 0\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size in quotes", "\"1\"\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size that is no number", "g\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size with an underscore", "1_0\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size of 64 bits", "8000000000000000\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size of all bits", "ffffffffffffffff\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a size of more bits", "10000000000000001\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"zeros without end", "00000000000000001\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"NUL in a size", "1\x00\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"bare LF after a size", "1\nx\r\n0\r\n\r\n", "", BareLF},
	{"bare LF after the last size", "0\n\r\n", "", BareLF},
	{"bare LFs at the end", "0\n\n", "", BareLF},
	{"bare CR after a size", "1\rx\r\n0\r\n\r\n", "", BareCR},
	{"CR CR LF after a size", "1\r\r\nx\r\n0\r\n\r\n", "", BareCR},
	{"bare LF after the last size, with a chunk before", "1\r\nx\r\n0\n\r\n", "x", BareLF},
	{"nothing after a chunk", "1\r\nx0\r\n\r\n", "x", ChunkEnd},
	{"a chunk that is too long", "1\r\nxx\r\n0\r\n\r\n", "x", ChunkEnd},
	{"bare LF after a chunk", "1\r\nx\n0\r\n\r\n", "x", BareLF},
	{"bare CR after a chunk", "1\r\nx\r0\r\n\r\n", "x", BareCR},
	{"two bytes for a line end", "1\r\nxab0\r\n\r\n", "x", ChunkEnd},
	{"an empty extension", "1;\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"an extension that ends with bare LF", "1;a\nx\r\n0\r\n\r\n", "", BareLF},
	{"an extension with bare LF", "1;a=b\nc\r\nx\r\n0\r\n\r\n", "", BareLF},
	{"an empty extension and bare LF", "1;\nx\r\n0\r\n\r\n", "", BareLF},
	{"an extension with bare CR", "1;a=b\rc\r\nx\r\n0\r\n\r\n", "", BareCR},
	{"bare LF in quotes", "1;a=\"\n\"\r\nx\r\n0\r\n\r\n", "", BareLF},
	{"CRLF in quotes", "1;a=\"\r\n\"\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"an escaped CR", "1;a=\"\\\r\n\"\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"quotes that stay open", "1;a=\"b\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"a word behind quotes", "1;a=\"b\"c\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"an extension without value", "1;a=\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"an extension with two values", "1;a=b=c\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"an extension without name", "1;=b\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"a space before an extension", "1 ;a\r\nx\r\n0\r\n\r\n", "", ChunkSize},
	{"a space in an extension", "1; a\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"NUL in an extension", "1;a\x00\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"an extension that is not ASCII", "1;a=\"\xe4\"\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"an extension that is too long", "1;" + strings.Repeat("a", 257) + "\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"quotes that are too long", "1;a=\"" + strings.Repeat("a", 257) + "\"\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"too many extensions", "1" + strings.Repeat(";a", 130) + "\r\nx\r\n0\r\n\r\n", "", ChunkExtension},
	{"a bad extension of the last chunk", "1\r\nx\r\n0;a b\r\n\r\n", "x", ChunkExtension},
	{"a length in the trailer", "0\r\nContent-Length: 36\r\n\r\n", "", Trailer},
	{"a coding in the trailer", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "", Trailer},
	{"an alias in the trailer", "0\r\nContent_Length: 36\r\n\r\n", "", Trailer},
	{"a host in the trailer", "0\r\nHost: g\r\n\r\n", "", Trailer},
	{"Trailer in the trailer", "0\r\nTrailer: X\r\n\r\n", "", Trailer},
	{"Connection in the trailer", "0\r\nConnection: close\r\n\r\n", "", Trailer},
	{"no end of the trailer but a request", "0\r\nGET /x HTTP/1.1\r\n\r\n", "", FieldName},
	{"white space in the trailer", "0\r\nX : y\r\n\r\n", "", FieldName},
	{"a continuation line in the trailer", "0\r\nX: y\r\n z\r\n\r\n", "", Folding},
	{"white space first in the trailer", "0\r\n X: y\r\n\r\n", "", Folding},
	{"bare LF in the trailer", "0\r\nX: y\n\r\n", "", BareLF},
	{"bare LF at the end of the trailer", "0\r\nX: y\r\n\n", "", BareLF},
	{"bare LF for the trailer", "0\r\n\n", "", BareLF},
	{"bare CR at the end of the trailer", "0\r\n\rx", "", BareCR},
	{"CR CR LF at the end of the trailer", "0\r\nX: y\r\n\r\r\n", "", BareCR},
	{"NUL in the trailer", "0\r\nX: \x00\r\n\r\n", "", FieldValue},
	{"a trailer that is too long", "0\r\nX: " + strings.Repeat("y", 5000) + "\r\n\r\n", "", Trailer},
	{"too many trailers", "0\r\n" + strings.Repeat("X: y\r\n", 1000) + "\r\n", "", Trailer},
}

// A request whose header section has a violation is answered 400, never seen, nothing behind it is seen, and the connection ends.
func TestHeaderViolationIsRefusedUnseen(t *testing.T) {
	s := serve(t, loopback(t), Options{})
	for _, c := range refusedHeader {
		for _, before := range []string{"", "GET /before HTTP/1.1\r\nHost: h\r\n\r\n", "POST /before HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"} {
			want, seen := []int{400}, []request(nil)
			switch {
			case before == "":
			case before[0] == 'G':
				want, seen = []int{200, 400}, []request{get("GET /before h")}
			default:
				want, seen = []int{200, 400}, []request{sent("POST /before h", "x")}
			}
			got := s.say(false, before+c.raw+smuggled)
			requests, problems := s.found()
			if !slices.Equal(got, want) {
				t.Errorf("%s, after %q: answered %v, want %v", c.name, before, got, want)
			}
			if !slices.Equal(problems, []string{c.problem}) {
				t.Errorf("%s: %q, want %q", c.name, problems, c.problem)
			}
			equal(t, c.name, requests, seen)
		}
	}
}

// The body of a request that has a violation never ends well, nothing behind it is seen, and the connection ends.
func TestBodyViolationIsNoEndOfTheBody(t *testing.T) {
	s := serve(t, loopback(t), Options{})
	for _, c := range refusedBody {
		got := s.say(false, chunkedHeader+c.raw+smuggled)
		requests, problems := s.found()
		if !slices.Equal(got, []int{422}) {
			t.Errorf("%s: answered %v, want 422", c.name, got)
		}
		if !slices.Equal(problems, []string{c.problem}) {
			t.Errorf("%s: %q, want %q", c.name, problems, c.problem)
		}
		equal(t, c.name, requests, []request{{line: "POST /c h", body: c.read}})
	}
}
