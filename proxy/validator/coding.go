package validator

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// coding is a content coding that can be undone, RFC 9110 section 8.4.1.
type coding uint8

const (
	identity coding = iota
	zipped          // gzip
)

func (c coding) encoded() bool { return c != identity }

// codingOf reads Content-Encoding. All its lines are one list; what is encoded twice is a case for [Coding].
func codingOf(h http.Header) (coding, error) {
	c, count := identity, 0
	for _, line := range h["Content-Encoding"] {
		for name := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case "":
				continue // an empty element of a list counts for nothing (section 5.6.1.2)
			case "identity": // is not for this field, but harmless
			case "gzip", "x-gzip":
				c = zipped
			default:
				return identity, Coding
			}
			count++
		}
	}
	if count > 1 {
		return identity, Coding
	}
	return c, nil
}

// decode writes the content, decoded, to w, which must not fail. Decoding ends one byte over the limit.
func (c coding) decode(w io.Writer, body []byte, limit int64) error {
	if c == identity {
		if int64(len(body)) > limit {
			return TooLarge
		}
		_, err := w.Write(body)
		return err
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return Coding
	}
	switch n, err := io.CopyN(w, r, limit+1); {
	case n > limit:
		return TooLarge
	case !errors.Is(err, io.EOF): // cut short, or with a checksum that does not fit
		return Coding
	}
	return nil
}

// decoded is the content, decoded; where nothing need be undone it is body itself.
func (c coding) decoded(body []byte, limit int64) ([]byte, error) {
	if c == identity {
		if int64(len(body)) > limit {
			return nil, TooLarge
		}
		return body, nil
	}
	room := sizeHint(body, limit) + 1 + bytes.MinRead // for the byte that is too many, and to find the end in
	buf := bytes.NewBuffer(make([]byte, 0, room))
	err := c.decode(buf, body, limit)
	return buf.Bytes(), err
}

// Decoded is the content of an answer without its Content-Encoding. An error is a [Cause].
func (m *Maker) Decoded(h http.Header, body []byte) ([]byte, error) {
	c, err := codingOf(h)
	if err != nil {
		return nil, err
	}
	return c.decoded(body, m.limit)
}

// sizeHint is how large the content is once it is decoded, if that stands at its end and is likely: RFC 1952 section
// 2.3.1, ISIZE.
func sizeHint(body []byte, limit int64) int {
	if len(body) < 4 {
		return 0
	}
	size := int64(binary.LittleEndian.Uint32(body[len(body)-4:]))
	return int(min(size, limit, DefaultLimit))
}

// AcceptEncoding is the Accept-Encoding that goes to the backend when the content will be read here: "gzip" if the
// client takes that, and else "identity". values are the lines of the client's field.
//
// A client that sends none takes anything (RFC 9110 section 12.5.3), but most that do not send it cannot decode; what
// is said of gzip in two ways, or malformed, counts as refused.
func AcceptEncoding(values []string) string {
	accepted, said := accepts(values, "gzip", "x-gzip") // one and the same, section 8.4.1.3
	if !said {
		accepted, said = accepts(values, "*")
	}
	if said && accepted {
		return "gzip"
	}
	return "identity"
}

// accepts reports whether Accept-Encoding says something of a coding, and then whether it never refuses it.
func accepts(values []string, names ...string) (accepted, said bool) {
	accepted = true
	for _, line := range values {
		for element := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(element, ";")
			if slices.Contains(names, strings.ToLower(strings.Trim(name, " \t"))) {
				said = true
				accepted = accepted && positive(params)
			}
		}
	}
	return accepted, said
}

// positive reports whether the weight is more than 0; where there is none it is 1 (RFC 9110 section 12.4.2).
func positive(params string) bool {
	params = strings.Trim(params, " \t")
	if params == "" {
		return true
	}
	value, ok := strings.CutPrefix(strings.ToLower(params), "q=")
	if !ok || strings.Trim(value, "0123456789.") != "" { // ParseFloat takes more than a weight may be, such as 1e-1
		return false
	}
	q, err := strconv.ParseFloat(value, 64)
	return err == nil && q > 0 && q <= 1
}
