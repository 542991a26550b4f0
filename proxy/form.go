package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"proxy409/proxy/target"
)

// form is what a backend may read parameters from beside the query: a form (RFC 7578, or as browsers send it by default), or a JSON
// object. The zero value is none.
type form struct {
	kind    string
	content []byte
	parts   []part // of a form in parts, or a JSON object
}

// part is one parameter of a form. Of its value only the beginning is kept: neither methods nor keys are long.
type part struct{ name, value string }

const longestValue = 1 << 10

// readForm reads a request's form whole: where in it a name stands is up to who sends it. The request still has its body. A JSON
// body that is over the limit is not looked into.
func readForm(r *http.Request, held *body, limit int64) (form, *objection) {
	kind := formKind(r)
	if kind == "" || r.Body == nil || r.Body == http.NoBody {
		return form{}, nil
	}
	content, err := held.buffer(r, limit)
	if kind == jsonObject && errors.Is(err, errBodyTooLarge) {
		return form{}, nil
	}
	if err != nil || len(content) == 0 {
		return form{}, bodyObjection(err, fmt.Sprintf("A form may say that it stands for another method (_method), and this one is over "+
			"the limit of %d bytes up to which forms are read.", limit))
	}
	f := form{kind: kind, content: content}
	switch {
	case kind == jsonObject:
		f.parts = membersOf(content)
	case oddForm(r.Header):
		return form{}, unreadable
	case kind != urlencoded:
		if f.parts, err = partsOf(content, r.Header.Get("Content-Type")); err != nil {
			return form{}, unreadable
		}
	}
	return f, nil
}

// values lists what a parameter has in the form, under every name that a backend may take for its own.
func (f form) values(name string) []string {
	if f.kind == urlencoded {
		values, _ := target.QueryValues(string(f.content), name)
		return values
	}
	var values []string
	for _, p := range f.parts {
		if target.SameParameter(p.name, name) {
			values = append(values, p.value)
		}
	}
	return values
}

var unreadable = malformed("The form cannot be read, so that it cannot be told which method it stands for.")

// The types of forms.
const (
	urlencoded = "application/x-www-form-urlencoded"
	multiparts = "multipart/form-data"
	jsonObject = "json"
)

// formKind is the media type of a request that a backend may take for a form, whatever else stands in the field, and "" of
// any other. Rack takes a POST without Content-Type for one, and looks into multipart/related and multipart/mixed too; Laravel
// reads _method from JSON.
func formKind(r *http.Request) string {
	lines := r.Header["Content-Type"]
	if len(lines) == 0 && strings.EqualFold(r.Method, http.MethodPost) {
		return urlencoded
	}
	kinds := ""
	for _, line := range lines {
		kind := strings.ToLower(strings.TrimLeft(line, " \t"))
		if i := strings.IndexAny(kind, ";, \t"); i >= 0 {
			kind = kind[:i]
		}
		switch kind {
		case "":
			return urlencoded
		case urlencoded, multiparts, "multipart/related", "multipart/mixed":
			return kind
		}
		if strings.HasSuffix(kind, "/json") || strings.HasSuffix(kind, "+json") {
			kinds = jsonObject // unless another line says that it is a form
		}
	}
	return kinds
}

// oddForm reports whether backends differ in how they read the form, because of what its header says.
func oddForm(h http.Header) bool {
	lines := h["Content-Type"]
	if len(lines) == 0 {
		return false
	}
	_, params, err := mime.ParseMediaType(lines[0])
	odd := len(lines) > 1 || err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) && lines[0] != "" ||
		slices.ContainsFunc(h["Content-Encoding"], func(s string) bool { return !strings.EqualFold(strings.TrimSpace(s), "identity") })
	for _, wide := range []string{"utf-7", "utf-16", "utf-32", "ucs", "ibm", "ebcdic"} { // ASCII looks otherwise in them
		odd = odd || strings.HasPrefix(strings.ToLower(params["charset"]), wide)
	}
	return odd
}

var (
	errBoundary     = errors.New("it cannot be told where the parts of the form begin")
	errNamelessPart = errors.New("a part of the form has no name") // or one that others can read
)

// partsOf lists the parts of a form (RFC 7578).
func partsOf(content []byte, contentType string) ([]part, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	if err != nil || strings.ContainsAny(boundary, `"\`) || kind == multiparts && !boundaryFirst(contentType) {
		return nil, errBoundary
	}
	var list []part
	parts := multipart.NewReader(bytes.NewReader(content), boundary)
	for {
		next, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		name, ok := partName(next)
		if !ok && kind == multiparts {
			return nil, errNamelessPart
		}
		value, err := io.ReadAll(io.LimitReader(next, longestValue))
		if err != nil {
			return nil, err
		}
		list = append(list, part{name, string(value)})
	}
}

// membersOf lists the members of a JSON object that have a single value, those that come twice too, up to where it ends or is
// no JSON any more.
func membersOf(content []byte) []part {
	d := json.NewDecoder(bytes.NewReader(content))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil
	}
	var list []part
	for {
		name, err := d.Token()
		if err != nil {
			return list
		}
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return list
		}
		member, ok := name.(string)
		var value any
		if !ok || raw[0] == '{' || raw[0] == '[' || len(raw) > longestValue || json.Unmarshal(raw, &value) != nil || value == nil {
			continue
		}
		if text, ok := value.(string); ok {
			list = append(list, part{member, text})
		} else {
			list = append(list, part{member, string(raw)})
		}
	}
}

// boundaryFirst reports whether the parameter boundary is what comes first under that name: PHP takes the first "boundary" for
// it, be that part of another parameter's name or value.
func boundaryFirst(contentType string) bool {
	before, after, _ := strings.Cut(strings.ToLower(contentType), "boundary")
	return strings.HasPrefix(strings.TrimLeft(after, " \t"), "=") && !strings.Contains(before, `"`) &&
		strings.HasSuffix(strings.TrimRight(before, " \t"), ";")
}

// partName is the name of a part. A backslash in it stands for the character after it (Rack), if not for itself.
func partName(part *multipart.Part) (name string, ok bool) {
	lines := part.Header["Content-Disposition"]
	if len(lines) != 1 {
		return "", false
	}
	_, params, err := mime.ParseMediaType(lines[0])
	name = strings.ReplaceAll(params["name"], `\`, "")
	return name, err == nil && name != ""
}
