package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// What [ReadRequest] and those who read from its documents refuse, to be matched with [errors.Is]. The texts of the errors themselves are
// fit for the client.
var (
	ErrUnsupported = errors.New("the body is of a type that cannot be read") // 415
	ErrMalformed   = errors.New("the body cannot be read")                   // 400
)

// problem is an error of one of these kinds with a text of its own.
type problem struct {
	kind error
	text string
}

func (p problem) Error() string { return p.text }
func (p problem) Unwrap() error { return p.kind }

func malformed(format string, args ...any) error {
	return problem{ErrMalformed, fmt.Sprintf(format, args...)}
}
func unsupported(text string) error { return problem{ErrUnsupported, text} }

// Document is the body of a request as JSON or a form describes it. The zero value is an empty body.
type Document struct {
	kind  kind
	value any    // as encoding/json has it
	form  string // as it was sent
}

type kind uint8

const (
	noBody kind = iota
	jsonBody
	formBody
)

// Empty reports whether there is no body. One that is null is not empty.
func (d Document) Empty() bool { return d.kind == noBody }

// IsForm reports whether the body is a form.
func (d Document) IsForm() bool { return d.kind == formBody }

// Value is the document as encoding/json has it, numbers as [json.Number]. A form is a map of strings, in which a name that comes more than once
// has an array of them. It is nil where there is no body. It is shared: who gets it does not change it.
//
// Nobody has looked yet for what readers differ in; [Document.Field] does.
func (d Document) Value() any { return d.value }

// ReadRequest reads the body of a request. An empty one is a document whatever its type is. The errors are [ErrUnsupported] and
// [ErrMalformed].
func ReadRequest(h http.Header, content []byte) (Document, error) {
	if len(content) == 0 {
		return Document{}, nil
	}
	if isEncoded(h) {
		return Document{}, unsupported("the body has a Content-Encoding, and is only read without")
	}
	kind, charset, err := typeOf(h)
	if err != nil {
		return Document{}, err
	}
	if charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return Document{}, malformed("the body is in a charset other than UTF-8, and is only read in that")
	}
	if kind == formBody {
		return readForm(string(content))
	}
	return readJSON(content)
}

// ReadAnswer reads what a backend answered to a question. It is JSON whatever its type says: PHP sends text/html unless told otherwise. An
// empty answer is nil. The errors are for the log.
//
// A backend is not suspected of deceiving the proxy about its own state: halves of surrogates (a text that was cut within an emoji) and bytes that are
// no UTF-8 are replaced as encoding/json does, and a byte order mark is skipped. Two members of one name stay an error: nobody can tell which is meant.
func ReadAnswer(h http.Header, content []byte) (any, error) {
	switch {
	case len(content) == 0:
		return nil, nil
	case isEncoded(h):
		return nil, errors.New("the answer has a Content-Encoding")
	}
	value, err := decode(trimMark(content), mostValues)
	if err != nil {
		return nil, fmt.Errorf("the answer %w", err)
	}
	return value, nil
}

// isEncoded reports whether somebody must decode the content before it can be read.
func isEncoded(h http.Header) bool {
	for _, line := range h.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(line), "identity") {
			return true
		}
	}
	return false
}

// notTheResource are parts of the names of types that have JSON in them, but not what the resource becomes.
var notTheResource = []string{"json-patch", "json-seq", "ndjson", "jsonl"}

// typeOf is what the one Content-Type of a request says. Some backends look for a word anywhere in it, so none that names another
// kind may stand in it.
func typeOf(h http.Header) (k kind, charset string, err error) {
	lines := h.Values("Content-Type")
	if len(lines) != 1 {
		return noBody, "", unsupported("a body that is read has one Content-Type; " + readable)
	}
	line := strings.ToLower(lines[0])
	media, params, err := mime.ParseMediaType(line)
	if err != nil {
		return noBody, "", unsupported("the Content-Type cannot be read; " + readable)
	}
	for _, part := range notTheResource {
		if strings.Contains(media, part) {
			return noBody, "", unsupported("the body is a list of changes or of documents, not the resource or the members that change; " + readable)
		}
	}
	isJSON := media == "application/json" || strings.HasSuffix(media, "+json")
	names := func(word string) bool { return strings.Contains(line, word) }
	switch {
	case isJSON && !names("urlencoded") && !names("multipart/"):
		return jsonBody, params["charset"], nil
	case media == "application/x-www-form-urlencoded" && !names("/json") && !names("+json") && !names("multipart/"):
		return formBody, params["charset"], nil
	}
	return noBody, "", unsupported("the body is of a type that is not read; " + readable)
}

const readable = "send application/json, application/merge-patch+json or application/x-www-form-urlencoded"

// Field is what a document has where a pointer leads.
type Field struct {
	Present bool
	Null    bool
	Scalar  bool            // a string, a number, true or false
	Text    string          // of a scalar: a string's content, a number as [Number] has it, true or false
	Raw     json.RawMessage // of a scalar: the JSON of it
}

// Field finds what the pointer leads to. The error, [ErrMalformed], says that readers differ in what that is. The token of a form's
// parameter is its name; a pointer with more tokens finds nothing in a form.
func (d Document) Field(p Pointer) (Field, error) {
	if d.kind == noBody {
		return Field{}, nil
	}
	find := d.member
	if d.kind == formBody && len(p.tokens) > 0 {
		find = d.parameter
	}
	value, present, err := find(p)
	if err != nil || !present {
		return Field{}, err
	}
	return fieldOf(value, p)
}

// Bars reports whether the pointer leads to nothing because there is something else on the way than an object: an array, a single value,
// or null. Where the body says what changes, that is no body without the member: it replaces what has it (RFC 7396 section 2), or
// is a list of changes (RFC 6902) by the name of plain JSON.
func (d Document) Bars(p Pointer) bool {
	if d.kind != jsonBody {
		return false
	}
	value := d.value
	for _, token := range p.tokens {
		next, found := child(value, token)
		if _, isObject := value.(map[string]any); !found {
			return !isObject
		}
		value = next
	}
	return false
}

// Text is the text of the scalar that the pointer leads to. The error, [ErrMalformed], says that there is none.
func (d Document) Text(p Pointer) (string, error) {
	f, err := d.Field(p)
	switch {
	case err != nil:
		return "", err
	case f.Scalar:
		return f.Text, nil
	case d.kind == noBody:
		return "", malformed("the request has no body, and so no %s", d.name(p))
	case !f.Present && d.kind == formBody:
		return "", malformed("the form has no parameter %s", d.name(p))
	case !f.Present:
		return "", malformed("the body has no member %s", d.name(p))
	case f.Null:
		return "", malformed("%s is null, not a single value", d.name(p))
	}
	if value, _ := Lookup(d.value, p); isArray(value) {
		return "", malformed("%s is an array, not a single value", d.name(p))
	}
	return "", malformed("%s is an object, not a single value", d.name(p))
}

func isArray(value any) bool {
	_, is := value.([]any)
	return is
}

// name is what a member is called towards who sent the document.
func (d Document) name(p Pointer) string {
	switch {
	case len(p.tokens) == 0:
		return "the body"
	case d.kind == formBody && len(p.tokens) == 1:
		return p.tokens[0]
	}
	return p.text
}
