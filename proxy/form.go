package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"proxy409/proxy/target"
)

// form is what a backend may read parameters from beside the query: a form (RFC 7578, or as browsers send it by default), or a JSON
// object. The zero value is none.
type form struct {
	kind  string
	parts []part // those that were asked for
}

// part is one parameter of a form. Of its value only the beginning is kept: neither methods nor keys are long.
type part struct{ name, value string }

const (
	longestValue = 1 << 10
	mostParts    = 10_000 // that are looked at; no backend reads as many
	mostObeyed   = 64     // that have one of the names that are asked for
)

// readForm reads a request's form whole: where in it a name stands is up to who sends it. Of its parameters it keeps those that a
// backend may take for one of the names. The request still has its body. A JSON body that is over the limit is not looked into.
func readForm(r *http.Request, held *body, limit int64, names []string) (form, *objection) {
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
	f := form{kind: kind}
	switch {
	case kind == twoKinds, oddForm(r.Header):
		return form{}, unreadable
	case kind == jsonObject:
		f.parts, err = membersOf(content, names)
	case kind == urlencoded:
		f.parts, err = pairsOf(content, names)
	default:
		f.parts, err = partsOf(content, r.Header.Get("Content-Type"), names)
	}
	if err != nil {
		return form{}, unreadable
	}
	return f, nil
}

// named reports whether a backend may take the name of a parameter for one of names.
func named(name string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return target.SameParameter(name, n) })
}

// values lists what a parameter has in the form, under every name that a backend may take for its own.
func (f form) values(name string) []string {
	var values []string
	for _, p := range f.parts {
		if target.SameParameter(p.name, name) {
			values = append(values, p.value)
		}
	}
	return values
}

var unreadable = malformed("The form cannot be read, so that it cannot be told which method it stands for.")

var (
	errBoundary     = errors.New("it cannot be told where the parts of the form begin")
	errNamelessPart = errors.New("a part of the form has no name") // or one that others can read
	errNoUTF8       = errors.New("the JSON is not in UTF-8, or has a mark before it")
	errManyParts    = errors.New("the form has more parts than anybody reads")
)

// pairsOf lists the parameters of a form as browsers send it by default.
func pairsOf(content []byte, names []string) ([]part, error) {
	found, ok := target.Named(string(content), names, mostObeyed, 3*longestValue) // escaped, it may be thrice as long
	if !ok {
		return nil, errManyParts
	}
	list := make([]part, len(found))
	for i, p := range found {
		list[i] = part{p[0], p[1]}
	}
	return list, nil
}

// partsOf lists the parts of a form (RFC 7578) that may have one of the names.
func partsOf(content []byte, contentType string, names []string) ([]part, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	if err != nil || strings.ContainsAny(boundary, `"\`) || kind == multiparts && !boundaryFirst(contentType) {
		return nil, errBoundary
	}
	var list []part
	parts := multipart.NewReader(bytes.NewReader(content), boundary)
	for n := 0; ; n++ {
		if n == mostParts || len(list) == mostObeyed {
			return nil, errManyParts
		}
		next, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			if bytes.Count(content, []byte("--"+boundary)) != n+1 {
				return nil, errBoundary // where some see a part, and some see content
			}
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		name, ok := partName(next)
		if !ok && kind == multiparts {
			return nil, errNamelessPart
		}
		if !named(name, names) {
			continue
		}
		value, err := io.ReadAll(io.LimitReader(next, longestValue))
		if err != nil {
			return nil, err
		}
		list = append(list, part{name, string(value)})
	}
}

// boundaryFirst reports whether the parameter boundary is what comes first under that name: PHP takes the first "boundary" for
// it, be that part of another parameter's name or value.
func boundaryFirst(contentType string) bool {
	before, after, _ := strings.Cut(strings.ToLower(contentType), "boundary")
	return strings.HasPrefix(strings.TrimLeft(after, " \t"), "=") && !strings.Contains(before, `"`) &&
		strings.HasSuffix(strings.TrimRight(before, " \t"), ";")
}

// extended are the parameters by which RFC 2231 gives a name in another way. Not everybody knows them.
var extended = regexp.MustCompile(`(?i)(?:^|[;\s])name\s*\*`)

// partName is the name of a part. A backslash in it stands for the character after it (Rack), if not for itself. It is not ok where
// some read another one: quotes of the other kind, words encoded by RFC 2047, extended parameters.
func partName(part *multipart.Part) (name string, ok bool) {
	for name := range part.Header {
		if strings.ContainsAny(name, " \t") { // which is no name to some, and one to others
			return "", false
		}
	}
	lines := part.Header["Content-Disposition"]
	if len(lines) != 1 {
		return "", false
	}
	_, params, err := mime.ParseMediaType(lines[0])
	name = strings.ReplaceAll(params["name"], `\`, "")
	plain := !strings.ContainsAny(name, "'\t") && !strings.Contains(name, "=?") && !extended.MatchString(lines[0])
	return name, err == nil && name != "" && plain
}
