package merge

import (
	"bytes"
	"encoding/json"
	"fmt"

	"proxy409/proxy/rules"
)

// Document is a JSON document. It does not change. The zero value is none, which is equal to no document.
type Document struct {
	content []byte
	root    *node
}

// Parse reads a document, which keeps the content. What readers differ in is refused, as [rules.CheckJSON] has it. The errors are fit for who sent it.
func Parse(content []byte) (Document, error) {
	if err := rules.CheckJSON(content); err != nil {
		return Document{}, fmt.Errorf("the document %w", err)
	}
	r := reader{json.NewDecoder(bytes.NewReader(content)), content}
	r.UseNumber()
	root, err := r.value()
	if err != nil {
		return Document{}, fmt.Errorf("the document cannot be read: %w", err)
	}
	return Document{content, root}, nil
}

// Bytes is the document as it was written, or as [Apply] and [Comparison.Merged] write it. It is shared: who gets it does not change it.
func (d Document) Bytes() []byte { return d.content }

// document is what a tree says, as far as it is one that [Parse] reads: those of two documents can be too many values for one.
func document(root *node) (Document, error) {
	if root == nil {
		return Document{}, nil
	}
	return Parse(root.appendTo(nil))
}

// reader reads a document that is known to be valid. It keeps how everything in it is written.
type reader struct {
	*json.Decoder

	content []byte
}

// token reads the next token, and tells where it begins.
func (r *reader) token() (token json.Token, begin int64, err error) {
	begin = r.InputOffset()
	token, err = r.Token()
	for begin < int64(len(r.content)) && bytes.IndexByte([]byte(" \t\r\n,:"), r.content[begin]) >= 0 {
		begin++
	}
	return token, begin, err
}

func (r *reader) value() (*node, error) {
	token, begin, err := r.token()
	if err != nil {
		return nil, err
	}
	n := &node{}
	switch t := token.(type) {
	case json.Delim:
		if n.kind = array; t == '{' {
			n.kind = object
		}
		if err := r.within(n); err != nil {
			return nil, err
		}
	case string:
		n.kind, n.text = text, t
	case json.Number:
		n.kind, n.text = number, decimal(t.String())
	case bool:
		if n.kind = isFalse; t {
			n.kind = isTrue
		}
	case nil:
		n.kind = null
	}
	n.raw = r.content[begin:r.InputOffset()]
	return n, nil
}

// within reads an array or object up to its end.
func (r *reader) within(n *node) error {
	for r.More() {
		if n.kind == array {
			element, err := r.value()
			if err != nil {
				return err
			}
			n.elements = append(n.elements, element)
			continue
		}
		token, begin, err := r.token()
		if err != nil {
			return err
		}
		m := member{raw: r.content[begin:r.InputOffset()]}
		m.name, _ = token.(string)
		if m.value, err = r.value(); err != nil {
			return err
		}
		n.members = append(n.members, m)
	}
	_, err := r.Token()
	return err
}
