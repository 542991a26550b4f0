package framing

import (
	"encoding/binary"
	"math/bits"
)

// token maps the bytes of a token (RFC 9110 section 5.6.2) to themselves, with letters made small, and others to 0.
var token = func() (t [256]byte) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789") {
		t[c] = c
	}
	for c := byte('a'); c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = c, c
	}
	return t
}()

// lower is c as a small letter, if it is a letter.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// leading is how many bytes at the beginning of b are at least least, which is at most 0x80, and not DEL. It looks at eight at once.
func leading(b []byte, least byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		// A top bit stands where a byte is below least, or is 0x7f; a borrow can set wrong ones above the first alone.
		del := x ^ 0x7f*ones
		if hit := ((x-uint64(least)*ones)&^x | (del-ones)&^del) & tops; hit != 0 {
			return n + bits.TrailingZeros64(hit)/8
		}
	}
	for ; n < len(b) && b[n] >= least && b[n] != 0x7f; n++ {
	}
	return n
}

// alphanumeric says whether c is a letter or a digit.
func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= lower(c) && lower(c) <= 'z'
}
