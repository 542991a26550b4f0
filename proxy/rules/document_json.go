package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	mostParts  = 10_000  // the members of all objects of a request, or the parameters of a form. No rule needs as many
	mostValues = 100_000 // with the elements of arrays: "{}," is three bytes as it is sent, and a hundred as it is held
	deepest    = 512     // of arrays and objects within each other: PHP reads no deeper, and many read less
)

// readJSON reads a document that a client sent.
func readJSON(content []byte) (Document, error) {
	value, err := decodeStrictly(content, mostParts)
	if err != nil {
		return Document{}, malformed("the body %v", err)
	}
	return Document{kind: jsonBody, value: value}, nil
}

// CheckJSON tells what in a document readers differ in, wherever it stands: what [ReadRequest] refuses, but for the names that differ in letter
// case, and with room for more members. The errors say it after the words "the body" or "the document", and nothing that the document says.
func CheckJSON(content []byte) error {
	_, err := decodeStrictly(content, mostValues)
	return err
}

// decodeStrictly is [decode] for documents that may be made to deceive.
func decodeStrictly(content []byte, mostMembers int) (any, error) {
	switch {
	case len(trimMark(content)) != len(content):
		return nil, errors.New("begins with a byte order mark, which JSON does not")
	case !utf8.Valid(content):
		return nil, errors.New("is not in UTF-8")
	}
	value, err := decode(content, mostMembers)
	if err != nil {
		return nil, err
	}
	if at, lone := loneSurrogate(content); lone {
		return nil, fmt.Errorf("has at byte %d an escape that is half of a character", at)
	}
	return value, nil
}

func trimMark(content []byte) []byte { return bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) }

// loneSurrogate finds an escape in a valid document that is half of a surrogate pair (RFC 8259 section 8.2).
func loneSurrogate(content []byte) (at int, found bool) {
	for at < len(content) {
		i := bytes.IndexByte(content[at:], '\\')
		if i < 0 {
			return 0, false
		}
		at += i
		switch first := surrogate(content[at:]); {
		case first == high && surrogate(content[at+6:]) == low:
			at += 12
		case first != 0:
			return at, true
		default:
			at += 2
		}
	}
	return 0, false
}

// high and low are what the first six bits of the two halves are.
const (
	high = 0xD800 >> 10
	low  = 0xDC00 >> 10
)

// surrogate tells which half a text begins with as an escape; 0: with none.
func surrogate(text []byte) uint64 {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if half := unit >> 10; err == nil && (half == high || half == low) {
		return half
	}
	return 0
}

// decode reads one value and nothing after it. It finds what [json.Unmarshal] passes over: members of one name. The errors tell what is
// wrong with the document, after the words "the body" or "the answer", and nothing that it says.
func decode(content []byte, mostMembers int) (any, error) {
	var broken *json.SyntaxError
	if err := json.Unmarshal(content, new(json.RawMessage)); errors.As(err, &broken) { // the token stream is more lenient
		return nil, fmt.Errorf("is not JSON, at byte %d", broken.Offset)
	} else if err != nil {
		return nil, errNoJSON
	}
	d := decoder{Decoder: json.NewDecoder(bytes.NewReader(content)), members: mostMembers, values: mostValues}
	d.UseNumber()
	return d.value(0)
}

var errNoJSON = errors.New("is not JSON")

// decoder reads a valid document. It counts down what is left to read.
type decoder struct {
	*json.Decoder

	members, values int
}

func (d *decoder) value(depth int) (any, error) {
	token, err := d.Token()
	d.values--
	switch {
	case err != nil:
		return nil, errNoJSON
	case d.values < 0:
		return nil, fmt.Errorf("has more than %d values, which is more than is looked at", mostValues)
	case depth > deepest:
		return nil, fmt.Errorf("has arrays and objects more than %d deep, which is deeper than is looked", deepest)
	case token == json.Delim('{'):
		return d.object(depth + 1)
	case token == json.Delim('['):
		return d.array(depth + 1)
	}
	return token, nil
}

func (d *decoder) array(depth int) (any, error) {
	elements := []any{}
	for d.More() {
		element, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, d.end()
}

func (d *decoder) object(depth int) (any, error) {
	members := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil, errNoJSON
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("has two members of one name in an object, the second at byte %d", d.InputOffset())
		}
		if d.members--; d.members < 0 {
			return nil, errors.New("has more members than are looked at")
		}
		if members[name], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	return members, d.end()
}

// end reads the end of an array or object.
func (d *decoder) end() error {
	if _, err := d.Token(); err != nil {
		return errNoJSON
	}
	return nil
}

// member is what the pointer leads to in JSON.
func (d Document) member(p Pointer) (value any, present bool, err error) {
	value = d.value
	for _, token := range p.tokens {
		if within, is := value.(map[string]any); is {
			for name := range within {
				if name != token && sameMember(name, token) {
					return nil, false, malformed("the body has, on the way to %s, a member whose name differs in letter case or after a NUL alone, "+
						"and it cannot be told which one is meant", p)
				}
			}
		}
		if value, present = child(value, token); !present {
			return nil, false, nil
		}
	}
	return value, true, nil
}

// sameMember reports whether some backend may take one name for the other.
func sameMember(spelt, name string) bool {
	spelt, _, _ = strings.Cut(spelt, "\x00")
	name, _, _ = strings.Cut(name, "\x00")
	return strings.EqualFold(spelt, name)
}

// fieldOf is what is there, as rules take it.
func fieldOf(value any, p Pointer) (Field, error) {
	f := Field{Present: true, Scalar: true}
	switch v := value.(type) {
	case nil:
		return Field{Present: true, Null: true}, nil
	case string:
		if strings.Contains(v, "\x00") {
			return Field{}, malformed("%s has a NUL in it, where some backends take it to end", p)
		}
		f.Text = v
		var raw bytes.Buffer
		encoder := json.NewEncoder(&raw)
		encoder.SetEscapeHTML(false) // for those who compare bytes
		if err := encoder.Encode(v); err != nil {
			return Field{}, malformed("%s cannot be read", p)
		}
		f.Raw = bytes.TrimSuffix(raw.Bytes(), []byte("\n"))
		return f, nil
	case json.Number:
		f.Text, f.Raw = Number(v), json.RawMessage(v)
		return f, nil
	case bool:
		f.Text = strconv.FormatBool(v)
	default:
		return Field{Present: true}, nil
	}
	f.Raw = json.RawMessage(f.Text)
	return f, nil
}

// Number is a number as text: of one that is whole, as 7.0, 7e0 and 7.00000000000000000001 are to whoever reads numbers as doubles, the digits
// alone. Others stay as they are written.
func Number(n json.Number) string {
	f, err := n.Float64()
	if whole := err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53; !whole || !strings.ContainsAny(string(n), ".eE-") {
		return n.String()
	}
	return strconv.FormatInt(int64(f), 10)
}
