package merge

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

type kind uint8

const (
	null kind = iota + 1
	isFalse
	isTrue
	number
	text
	array
	object
)

// node is a value in a document. Where there is none, it is nil. Those of a [Document] do not change.
type node struct {
	kind     kind
	raw      []byte   // as it is written; nil: what is below has changed since it was read
	text     string   // of a string its content, of a number its [decimal]
	elements []*node  // of an array
	members  []member // of an object, in their order; no two have one name
}

type member struct {
	name  string
	raw   []byte // as it is written, with its quotes
	value *node
}

// appendTo writes the value.
func (n *node) appendTo(b []byte) []byte {
	switch {
	case n.raw != nil:
		return append(b, n.raw...)
	case n.kind == array:
		b = append(b, '[')
		for i, element := range n.elements {
			if i > 0 {
				b = append(b, ',')
			}
			b = element.appendTo(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, m := range n.members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, m.raw...), ':')
		b = m.value.appendTo(b)
	}
	return append(b, '}')
}

// equal reports whether two values are the same as JSON. It takes as long as reading the smaller one.
func equal(a, b *node) bool {
	switch {
	case a == b:
		return true
	case a == nil || b == nil || a.kind != b.kind:
		return false
	case a.kind == array:
		return slices.EqualFunc(a.elements, b.elements, equal)
	case a.kind == object:
		return equalMembers(a.members, b.members)
	}
	return a.text == b.text
}

func equalMembers(a, b []member) bool {
	if len(a) != len(b) {
		return false
	}
	var named map[string]*node // is only needed where the order is another one
	for i, m := range a {
		other := b[i].value
		if b[i].name != m.name {
			if named == nil {
				named = byName(b)
			}
			other = named[m.name]
		}
		if !equal(m.value, other) {
			return false
		}
	}
	return true
}

func byName(members []member) map[string]*node {
	named := make(map[string]*node, len(members))
	for _, m := range members {
		named[m.name] = m.value
	}
	return named
}

// appendKey writes the value so that two are written alike exactly if they are [equal].
func (n *node) appendKey(b []byte) []byte {
	switch n.kind {
	case null, isFalse, isTrue:
		return append(b, n.raw...)
	case number:
		return append(b, n.text...)
	case text:
		return strconv.AppendQuote(b, n.text)
	case array:
		b = append(b, '[')
		for _, element := range n.elements {
			b = append(element.appendKey(b), ',')
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for _, m := range slices.SortedFunc(slices.Values(n.members), func(x, y member) int { return strings.Compare(x.name, y.name) }) {
			b = append(strconv.AppendQuote(b, m.name), ':')
			b = append(m.value.appendKey(b), ',')
		}
		return append(b, '}')
	}
	return b
}

// furthest is how far from zero an exponent may be that is calculated with.
const furthest = 1 << 60

// decimal is the one spelling that is chosen for all of a number: its digits from the first to the last that is not 0, and the power of ten
// that they are multiplied with. What has an exponent beyond all measure is only equal to what is written like it.
func decimal(spelt string) string {
	unsigned, negative := strings.CutPrefix(spelt, "-")
	mantissa, power := unsigned, int64(0)
	exponent := strings.IndexAny(unsigned, "eE")
	if exponent >= 0 {
		mantissa = unsigned[:exponent]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	if exponent >= 0 {
		var err error
		if power, err = strconv.ParseInt(unsigned[exponent+1:], 10, 64); err != nil || power > furthest || power < -furthest {
			return spelt
		}
	}
	significant := strings.TrimRight(digits, "0")
	power += int64(len(digits) - len(significant) - len(fraction))
	if negative {
		significant = "-" + significant
	}
	return significant + "e" + strconv.FormatInt(power, 10)
}

// quoted writes a name as JSON has it.
func quoted(name string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(name)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
