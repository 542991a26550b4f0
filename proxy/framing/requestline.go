package framing

import "strings"

// start is where a message begins. One empty line may come before it (RFC 9112 section 2.2), from clients that end a body with
// one; net/http takes it after a POST alone.
func (f *follower) start(b []byte) int {
	if b[0] == '\r' && !f.blank {
		f.blank = true
		return f.endOfLine(b, (*follower).start)
	}
	f.begin((*follower).method)
	return 0
}

func (f *follower) method(b []byte) int {
	for i, c := range b {
		if token[c] == 0 {
			if c != ' ' || f.n == 0 {
				return f.unexpected(i, c, RequestLine)
			}
			f.connect, f.options = f.is("CONNECT"), f.is("OPTIONS")
			f.step = (*follower).requestTarget
			return i + 1
		}
		f.collect(c)
	}
	return len(b)
}

// requestTarget tells the four forms of RFC 9112 section 3.2 apart by their first byte.
func (f *follower) requestTarget(b []byte) int {
	switch {
	case f.connect:
		f.begin((*follower).targetAuthority)
	case b[0] == '/':
		f.begin((*follower).targetRest)
	case b[0] == '*' && f.options:
		f.step = (*follower).targetEnd
		return 1
	default:
		f.begin((*follower).targetScheme)
	}
	return 0
}

// targetScheme reads the beginning of an absolute target.
func (f *follower) targetScheme(b []byte) int {
	const plain, secure = "http://", "https://"
	for i, c := range b {
		f.collect(lower(c))
		word := string(f.collected())
		switch {
		case word == plain || word == secure:
			f.begin((*follower).targetAuthority)
			return i + 1
		case !strings.HasPrefix(plain, word) && !strings.HasPrefix(secure, word):
			return f.unexpected(i, c, Target)
		}
	}
	return len(b)
}

// longestAuthority is that of a name in DNS, with a port and some room.
const longestAuthority = 320

// targetAuthority reads the host of an absolute target, or all of the target of CONNECT, and keeps it for the Host field.
func (f *follower) targetAuthority(b []byte) int {
	for i, c := range b {
		if c == ' ' || !f.connect && (c == '/' || c == '?') {
			if len(f.target) == 0 || !f.host.whole() {
				return f.refuse(i, Target)
			}
			f.host = authorityBegins
			f.step = (*follower).targetRest
			return i
		}
		if !f.host.next(c) || len(f.target) >= longestAuthority {
			return f.unexpected(i, c, Target)
		}
		f.target = append(f.target, lower(c))
	}
	return len(b)
}

// targetRest reads up to the space behind the target. What its bytes mean is for those to judge who see the whole.
func (f *follower) targetRest(b []byte) int {
	n := leading(b, ' '+1)
	if n == len(b) {
		return n
	}
	if b[n] != ' ' {
		return f.unexpected(n, b[n], RequestLine)
	}
	f.begin((*follower).version)
	return n + 1
}

func (f *follower) targetEnd(b []byte) int {
	if b[0] != ' ' {
		return f.unexpected(0, b[0], Target)
	}
	f.begin((*follower).version)
	return 1
}

// version reads HTTP/1.1 or HTTP/1.0, and the CR behind it. Letter case matters (RFC 9112 section 2.3).
func (f *follower) version(b []byte) int {
	const name = "HTTP/1."
	for i, c := range b {
		switch {
		case f.n < len(name) && c == name[f.n]:
		case f.n == len(name) && (c == '0' || c == '1'):
			f.minor = c - '0'
		case f.n == len(name)+1 && c == '\r':
			return i + f.endOfLine(b[i:], (*follower).fieldLine)
		default:
			return f.unexpected(i, c, Version)
		}
		f.n++
	}
	return len(b)
}
