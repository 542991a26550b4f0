package main_test

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// framing is how a backend tells where a request ends when its header says it twice.
type framing struct {
	chunkedWins bool // Transfer-Encoding rather than Content-Length
	lastLength  bool // of two lengths the last
}

// message is a request as it was read.
type message struct {
	head   string // as it came
	method string
	target string
	fields []field // trailers too
	body   string
}

// field is a header field, its name in small letters, and with "-" for everything that is neither a letter nor a digit, as CGI and
// WSGI would have it.
type field struct{ name, value, line string }

// values are those of all the fields that it takes for this one.
func (m message) values(name string) []string {
	var found []string
	for _, f := range m.fields {
		if f.name == name {
			found = append(found, f.value)
		}
	}
	return found
}

func (m message) value(name string) string { return strings.Join(m.values(name), ", ") }

const maxHead = 1 << 20

var errHead = errors.New("the head of the request is too large")

// read takes one request from a connection: bare LF and CR end lines, white space may stand anywhere, lines may be folded, and
// what cannot be a length is the part of it that can. goOn answers an expectation.
func (f framing) read(r *bufio.Reader, goOn func()) (message, error) {
	var m message
	line, err := readLine(r)
	for err == nil && line == "" {
		line, err = readLine(r)
	}
	if err != nil {
		return m, err
	}
	m.head = line + "\n"
	words := strings.FieldsFunc(line, isBlank)
	m.method = words[0]
	if len(words) > 1 {
		m.target = strings.TrimFunc(strings.TrimPrefix(line, words[0]), isBlank)
		if i := strings.LastIndex(strings.ToUpper(m.target), "HTTP/"); i > 0 && isBlank(rune(m.target[i-1])) {
			m.target = strings.TrimRightFunc(m.target[:i], isBlank)
		}
	}
	if !strings.Contains(strings.ToUpper(line), "HTTP/") {
		return m, nil // HTTP/0.9
	}
	if err := m.readFields(r); err != nil {
		return m, err
	}
	if m.value("expect") != "" {
		goOn()
	}
	m.body, err = f.readBody(r, &m)
	return m, err
}

func (m *message) readFields(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if err != nil || line == "" {
			return err
		}
		if m.head += line + "\n"; len(m.head) > maxHead {
			return errHead
		}
		for one := range strings.SplitSeq(line, "\r") {
			if last := len(m.fields) - 1; isBlank(rune((one + "x")[0])) && last >= 0 {
				m.fields[last].value += " " + strings.TrimFunc(one, isBlank)
				continue
			}
			name, value, _ := strings.Cut(one, ":")
			m.fields = append(m.fields, field{foldName(name), strings.TrimFunc(value, isBlank), one})
		}
	}
}

// readLine reads up to a line feed, and drops a carriage return before it.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}

func isBlank(c rune) bool { return c <= ' ' || c == 0x7f }

func foldName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(strings.TrimFunc(name, isBlank)))
}

func (f framing) readBody(r *bufio.Reader, m *message) (string, error) {
	chunked := strings.Contains(strings.ToLower(m.value("transfer-encoding")), "chunked")
	lengths := m.values("content-length")
	if chunked && (f.chunkedWins || len(lengths) == 0) {
		return readChunks(r, m)
	}
	if len(lengths) == 0 {
		return "", nil
	}
	length := lengths[0]
	if f.lastLength {
		length = lengths[len(lengths)-1]
	}
	b := make([]byte, number(length, 10))
	_, err := io.ReadFull(r, b)
	return string(b), err
}

var digits = map[int]*regexp.Regexp{10: regexp.MustCompile(`[0-9]+`), 16: regexp.MustCompile(`[0-9A-Fa-f]+`)}

// number is the first one that stands in the text.
func number(s string, base int) int64 {
	n, err := strconv.ParseInt(digits[base].FindString(strings.TrimPrefix(s, "0x")), base, 32)
	if err != nil {
		return 0
	}
	return min(n, maxHead)
}

// readChunks reads a chunked body, and takes its trailers for fields like the others.
func readChunks(r *bufio.Reader, m *message) (string, error) {
	var body strings.Builder
	for {
		line, err := readLine(r)
		if err != nil {
			return "", err
		}
		size, _, _ := strings.Cut(line, ";")
		n := number(size, 16)
		if n == 0 {
			return body.String(), m.readFields(r)
		}
		if _, err := io.CopyN(&body, r, n); err != nil {
			return "", err
		}
		if _, err := readLine(r); err != nil {
			return "", err
		}
	}
}
