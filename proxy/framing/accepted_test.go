package framing

import (
	"slices"
	"strings"
	"testing"
)

// sound are requests that mean the same to everybody.
var sound = []struct {
	name, raw string
	seen      []request
}{
	{"one request", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", []request{get("GET / h")}},
	{"many in one piece", strings.Repeat("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 3), []request{get("GET / h"), get("GET / h"), get("GET / h")}},
	{"a body and another request", "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{sent("PUT /a h", "a\r\n"), get("GET /b h")}},
	{"a body that looks like a request", "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 39\r\n\r\n" + smuggled + "....", []request{sent("PUT /a h", smuggled+"....")}},
	{"a body of a GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nxGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{sent("GET /a h", "x"), get("GET /b h")}},
	{"no body, said", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{get("POST /a h"), get("GET /b h")}},
	{"a length with white space around", "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: \t 1 \t\r\n\r\nx", []request{sent("PUT /a h", "x")}},
	{"a length after white space", "PUT /a HTTP/1.1\r\nHost: h \r\nContent-Length:1\r\n\r\nx", []request{sent("PUT /a h", "x")}},
	{"a coding after white space", "PUT /a HTTP/1.1\r\nHost: h\t\r\nTransfer-Encoding:chunked\r\n\r\n0\r\n\r\n", []request{sent("PUT /a h", "")}},
	{"an absolute target, then another host", "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: g\r\n\r\n", []request{get("GET http://h/a h"), get("GET /b g")}},
	{"a length with zeros", "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 00000000000000000000000000001\r\n\r\nx", []request{sent("PUT /a h", "x")}},
	{"a length without a space", "PUT /a HTTP/1.1\r\nHost:h\r\ncontent-length:1\r\n\r\nx", []request{sent("PUT /a h", "x")}},
	{"chunks", chunkedHeader + "1\r\nx\r\n00A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{sent("POST /c h", "x01234567890123456789a"), get("GET /b h")}},
	{"no chunks", chunkedHeader + "0\r\n\r\n", []request{sent("POST /c h", "")}},
	{"a last chunk of many zeros", chunkedHeader + "0000000000000000\r\n\r\n", []request{sent("POST /c h", "")}},
	{"chunks of CR and LF", chunkedHeader + "2\r\n\r\n\r\n4\r\n0\r\n\r\r\n0\r\n\r\n", []request{sent("POST /c h", "\r\n0\r\n\r")}},
	{"chunked in capitals", "POST /c HTTP/1.1\r\nHost: h\r\ntransfer-encoding: \tCHUNKED \r\n\r\n1\r\nx\r\n0\r\n\r\n", []request{sent("POST /c h", "x")}},
	{"extensions", chunkedHeader + "1;a;b=c;d=\"e;=\\\" \\\\\t\";f\r\nx\r\n0;last=\"\"\r\n\r\n", []request{sent("POST /c h", "x")}},
	{"an extension after white space in a field", "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h \r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n", []request{sent("POST /c h", "x")}},
	{"a trailer", chunkedHeader + "1\r\nx\r\n0\r\nX-Sum: a\r\nX-Empty:\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{sent("POST /c h", "x"), get("GET /b h")}},
	{"a trailer that was announced", "POST /c HTTP/1.1\r\nHost: h\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", []request{sent("POST /c h", "")}},
	{"a long trailer", chunkedHeader + "0\r\nX: " + strings.Repeat("y", 3900) + "\r\n\r\n", []request{sent("POST /c h", "")}},
	{"an empty line after a POST", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{sent("POST /a h", "x"), get("GET /b h")}},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", []request{get("GET / ")}},
	{"HTTP/1.0 with a body", "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", []request{sent("POST / h", "x")}},
	{"HTTP/1.0 that stays", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n", []request{get("GET /a "), get("GET /b ")}},
	{"an absolute target", "GET http://H:80/a HTTP/1.1\r\nHost: h:80\r\n\r\n", []request{get("GET http://H:80/a H:80")}},
	{"an absolute target without path", "GET HTTPS://h?a HTTP/1.1\r\nHost: h\r\n\r\n", []request{get("GET HTTPS://h?a h")}},
	{"an absolute target in HTTP/1.0", "GET http://h/ HTTP/1.0\r\n\r\n", []request{get("GET http://h/ h")}},
	{"a target with a user in the path", "GET /u@h//g?u@h:x HTTP/1.1\r\nHost: h\r\n\r\n", []request{get("GET /u@h//g?u@h:x h")}},
	{"a target that is not ASCII", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", []request{get("GET /\xc3\xa4 h")}},
	{"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", []request{get("CONNECT h:443 h:443")}},
	{"a method of one's own", "x!#$%&'*+-.^_`|~9 /a HTTP/1.1\r\nHost: h\r\n\r\n", []request{get("x!#$%&'*+-.^_`|~9 /a h")}},
	{"a host with white space around", "GET / HTTP/1.1\r\nHost: \t h:80 \t\r\n\r\n", []request{get("GET / h:80")}},
	{"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", []request{get("GET / ")}},
	{"an IPv6 address", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", []request{get("GET / [2001:db8::1]:80")}},
	{"an empty port", "GET / HTTP/1.1\r\nHost: h_1.example:\r\n\r\n", []request{get("GET / h_1.example:")}},
	{"values of all sorts", "GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB: \r\nC:\t\r\nD: a\tb c\r\nE: \xe4\xff\x80 and some more of it\r\nF: a:b\r\nLong: " + strings.Repeat("y ", 3000) + "\r\n\r\n", []request{get("GET / h")}},
	{"names of all sorts", "GET / HTTP/1.1\r\nHost: h\r\n!#$%&'*+-.^_`|~9: x\r\nX_Y.Z: x\r\nContent-Lengths: 1\r\nContent-Lengt: 1\r\nTransfer-Encodings: x\r\nContentLength: 1\r\n" + strings.Repeat("n", 3000) + ": x\r\n\r\n", []request{get("GET / h")}},
	{"an upgrade that is not taken", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{get("GET /a h"), get("GET /b h")}},
	{"100-continue", "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nxGET /b HTTP/1.1\r\nHost: h\r\n\r\n", []request{sent("PUT /a h", "x"), get("GET /b h")}},
}

// What is sound is seen as it is, whether it comes as one piece or byte by byte, and nothing is said to be wrong with it.
func TestSoundRequestsPass(t *testing.T) {
	whole, single := serve(t, loopback(t), Options{}), serveByBytes(t)
	for _, c := range sound {
		for what, s := range map[string]*server{c.name: whole, c.name + ", byte by byte": single} {
			pieces := []string{c.raw}
			if s == single {
				pieces = strings.Split(c.raw, "")
			}
			got := s.say(true, pieces...)
			seen, problems := s.found()
			equal(t, what, seen, c.seen)
			if slices.ContainsFunc(got, func(status int) bool { return status != 200 && status != 100 }) || len(problems) > 0 {
				t.Errorf("%s: answered %v, found %q", what, got, problems)
			}
		}
	}
}

// A violation is refused in the same way when it comes byte by byte.
func TestViolationsAreRefusedByteByByte(t *testing.T) {
	s := serveByBytes(t)
	for _, c := range refusedHeader {
		got := s.say(false, strings.Split("GET /before HTTP/1.1\r\nHost: h\r\n\r\n"+c.raw+smuggled, "")...)
		seen, problems := s.found()
		equal(t, c.name, seen, []request{get("GET /before h")})
		if !slices.Equal(got, []int{200, 400}) || !slices.Equal(problems, []string{c.problem}) {
			t.Errorf("%s: answered %v, found %q, want %q", c.name, got, problems, c.problem)
		}
	}
	for _, c := range refusedBody {
		got := s.say(false, strings.Split(chunkedHeader+c.raw+smuggled, "")...)
		seen, problems := s.found()
		equal(t, c.name, seen, []request{{line: "POST /c h", body: c.read}})
		if !slices.Equal(got, []int{422}) || !slices.Equal(problems, []string{c.problem}) {
			t.Errorf("%s: answered %v, found %q, want %q", c.name, got, problems, c.problem)
		}
	}
}

// Wherever what a client sends is cut in two, it is judged in the same way, up to the same byte.
func TestCutsMakeNoDifference(t *testing.T) {
	var all []string
	for _, c := range sound {
		all = append(all, c.raw+c.raw)
	}
	for _, c := range refusedHeader {
		all = append(all, c.raw)
	}
	for _, c := range refusedBody {
		all = append(all, chunkedHeader+c.raw)
	}
	for _, raw := range all {
		sound, problem := followAll(raw)
		for i := 1; i < len(raw); i += 1 + len(raw)/1000 {
			if s, p := followAll(raw[:i], raw[i:]); s != sound || p != problem {
				t.Fatalf("%q, cut before byte %d: %d bytes are sound, then %q; in one piece %d, then %q", raw, i, s, p, sound, problem)
			}
		}
	}
}

// followAll gives the pieces to a follower.
func followAll(pieces ...string) (sound int, problem string) {
	f := newFollower()
	for _, p := range pieces {
		n, problem := f.follow([]byte(p))
		sound += n
		if problem != "" {
			return sound, problem
		}
	}
	return sound, ""
}
