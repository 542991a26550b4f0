package framing

// authority follows a host with or without a port, byte by byte: RFC 3986 section 3.2, without user, and without the comma
// that stands between two Host lines made into one.
type authority uint8

const (
	authorityBegins authority = iota
	inHost
	inLiteral // an IPv6 address in brackets
	afterLiteral
	inPort
)

// next takes one more byte. It returns false if none of that kind may stand there.
func (a *authority) next(c byte) bool {
	switch *a {
	case authorityBegins:
		*a = inHost
		if c == '[' {
			*a = inLiteral
			return true
		}
		return hostByte(c)
	case inHost:
		if c == ':' {
			*a = inPort
			return true
		}
		return hostByte(c)
	case inLiteral:
		if c == ']' {
			*a = afterLiteral
			return true
		}
		return c == ':' || hostByte(c)
	case afterLiteral:
		*a = inPort
		return c == ':'
	case inPort:
		return '0' <= c && c <= '9'
	}
	return false
}

// whole says whether it may end here.
func (a authority) whole() bool { return a != inLiteral }

// hostByte says whether c may stand in a registered name or an IPv4 address.
func hostByte(c byte) bool {
	switch c {
	case '-', '.', '_', '~', '%', '!', '$', '&', '\'', '(', ')', '*', '+', ';', '=':
		return true
	}
	return alphanumeric(c)
}
