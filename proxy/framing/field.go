package framing

import "math"

// fieldLine is the beginning of a line of the header section, or of the trailer section.
func (f *follower) fieldLine(b []byte) int {
	switch b[0] {
	case '\r':
		f.step = (*follower).sectionEnd
		return 1
	case ' ', '\t':
		return f.refuse(0, Folding)
	}
	f.begin((*follower).fieldName)
	return 0
}

func (f *follower) fieldName(b []byte) int {
	n := f.n
	for i, c := range b {
		small := token[c]
		if small == 0 {
			f.n = n
			return i + f.colon(b[i:])
		}
		if n < len(f.word) {
			f.word[n] = small
		}
		n++
	}
	f.n = n
	return len(b)
}

// colon reads what comes behind a name, and makes way for the value.
func (f *follower) colon(b []byte) int {
	if b[0] != ':' || f.n == 0 {
		return f.unexpected(0, b[0], FieldName)
	}
	if problem := f.field(); problem != "" {
		return f.refuse(0, problem)
	}
	return 1
}

const contentLength, transferEncoding = "content-length", "transfer-encoding"

// field chooses the step that reads the value, by the name.
func (f *follower) field() (problem string) {
	step := (*follower).value
	switch string(f.collected()) {
	case "host":
		step, problem = (*follower).hostValue, f.hostField()
	case contentLength:
		step, problem = (*follower).lengthValue, f.lengthField()
	case transferEncoding:
		step, problem = (*follower).codingValue, f.codingField()
	case "trailer", "connection":
	default:
		if !f.resembles(contentLength) && !f.resembles(transferEncoding) {
			f.step = step
			return ""
		}
		problem = Alias
	}
	if f.trailing {
		problem = Trailer
	}
	f.padded = false
	f.begin(step)
	return problem
}

func (f *follower) lengthField() (problem string) {
	switch {
	case f.sized:
		return ContentLength
	case f.chunked:
		return TwoFramings
	case f.connect:
		return Connect
	}
	f.sized = true
	return ""
}

func (f *follower) codingField() (problem string) {
	switch {
	case f.chunked, f.minor == 0:
		return TransferEncoding
	case f.sized:
		return TwoFramings
	case f.connect:
		return Connect
	}
	f.chunked = true
	return ""
}

func (f *follower) hostField() (problem string) {
	if f.hosted {
		return Host
	}
	f.hosted = true
	return ""
}

// value reads a value that says nothing about framing.
func (f *follower) value(b []byte) int {
	for i := 0; ; i++ {
		i += leading(b[i:], ' ')
		switch {
		case i == len(b):
			return i
		case b[i] == '\r':
			return i + f.endOfLine(b[i:], (*follower).fieldLine)
		case b[i] != '\t':
			return f.unexpected(i, b[i], FieldValue)
		}
	}
}

// lengthValue reads 1*DIGIT (RFC 9110 section 8.6).
func (f *follower) lengthValue(b []byte) int {
	for i, c := range b {
		switch {
		case c == ' ', c == '\t':
			f.padded = f.n > 0
		case c == '\r' && f.n > 0:
			return i + f.endOfLine(b[i:], (*follower).fieldLine)
		case f.padded, c < '0', c > '9', f.length > (math.MaxInt64-uint64(c-'0'))/10:
			return f.unexpected(i, c, ContentLength)
		default:
			f.length = f.length*10 + uint64(c-'0')
			f.n++
		}
	}
	return len(b)
}

// codingValue reads chunked, in letters of either case, and nothing else.
func (f *follower) codingValue(b []byte) int {
	for i, c := range b {
		switch {
		case c == ' ', c == '\t':
			f.padded = f.n > 0
		case c == '\r' && f.is("chunked"):
			return i + f.endOfLine(b[i:], (*follower).fieldLine)
		case f.padded, token[c] == 0:
			return f.unexpected(i, c, TransferEncoding)
		default:
			f.collect(token[c])
		}
	}
	return len(b)
}

// hostValue reads a host with or without a port, the same as in the target if there was one there (RFC 9112 section 3.2.2).
// An empty one is sound for a target without.
func (f *follower) hostValue(b []byte) int {
	for i, c := range b {
		switch {
		case c == ' ', c == '\t':
			f.padded = f.n > 0
		case c == '\r' && f.host.whole() && (len(f.target) == 0 || len(f.target) == f.n):
			return i + f.endOfLine(b[i:], (*follower).fieldLine)
		case f.padded, !f.host.next(c), !f.targeted(c):
			return f.unexpected(i, c, Host)
		default:
			f.n++
		}
	}
	return len(b)
}

// targeted says whether c is the next byte of the authority of the target, if that has one.
func (f *follower) targeted(c byte) bool {
	return len(f.target) == 0 || f.n < len(f.target) && f.target[f.n] == lower(c)
}

// sectionEnd has the LF of the empty line before it. Nobody acts on a header before that byte, so what is missing is found here.
func (f *follower) sectionEnd(b []byte) int {
	switch {
	case b[0] != '\n':
		return f.refuse(0, BareCR)
	case f.trailing:
		f.next()
	case !f.hosted && f.minor == 1:
		return f.refuse(0, Host)
	case f.chunked:
		f.begin((*follower).chunkSize)
	case f.length > 0:
		f.left = f.length
		f.step = (*follower).body
	default:
		f.next()
	}
	return 1
}
