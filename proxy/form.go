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
	"regexp"
	"slices"
	"strings"
	"unicode"

	"proxy409/proxy/target"
)

// form is what a backend may read parameters from beside the query: a form (RFC 7578, or as browsers send it by default), or a JSON
// object. The zero value is none.
type form struct {
	kind    string
	content []byte
	parts   []part // of a form in parts, or a JSON object, those that were asked for
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
	f := form{kind: kind, content: content}
	switch {
	case kind == twoKinds, oddForm(r.Header):
		return form{}, unreadable
	case kind == jsonObject:
		f.parts, err = membersOf(content, names)
	case kind != urlencoded:
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
	twoKinds   = "a form, and JSON"
)

// formKind is the media type of a request that a backend may take for a form, whatever else stands in the field, and "" of
// any other. Rack takes a POST without Content-Type for one, and looks into multipart/related and multipart/mixed too; Laravel
// reads _method from JSON.
func formKind(r *http.Request) string {
	lines := r.Header["Content-Type"]
	if len(lines) == 0 && strings.EqualFold(r.Method, http.MethodPost) {
		return urlencoded
	}
	found := ""
	for _, line := range lines {
		switch kind := kindOf(line); {
		case kind == "" || kind == found:
		case found == "" || found == jsonObject && kind != jsonObject:
			found = kind
		default:
			found = twoKinds
		}
	}
	return found
}

// kindOf is the kind of form that one Content-Type names, if any. Many look for a word anywhere in it rather than at the media type:
// where the word is somewhere else, it is two things.
func kindOf(line string) string {
	line = strings.ToLower(line)
	kind := strings.TrimLeft(line, " \t")
	if i := strings.IndexAny(kind, ";, \t"); i >= 0 {
		kind = kind[:i]
	}
	coded, parts := strings.Contains(line, "urlencoded"), strings.Contains(line, "multipart/")
	json := strings.Contains(line, "/json") || strings.Contains(line, "+json")
	switch {
	case kind == "":
		return urlencoded
	case coded && kind == urlencoded && !parts && !json:
		return urlencoded
	case parts && strings.HasPrefix(kind, "multipart/") && !coded && !json:
		return kind
	case json && !coded && !parts:
		return jsonObject
	case coded || parts || json:
		return twoKinds
	}
	return ""
}

// oddForm reports whether backends differ in how they read the form, because of what its header says.
func oddForm(h http.Header) bool {
	lines := h["Content-Type"]
	if len(lines) == 0 {
		return false
	}
	_, params, err := mime.ParseMediaType(lines[0])
	odd := len(lines) > 1 || err != nil && lines[0] != "" &&
		(!errors.Is(err, mime.ErrInvalidMediaParameter) || strings.Contains(strings.ToLower(lines[0]), "charset="))
	return odd || !likeASCII.MatchString(params["charset"]) ||
		slices.ContainsFunc(h["Content-Encoding"], func(s string) bool { return !strings.EqualFold(strings.TrimSpace(s), "identity") })
}

// likeASCII are the character sets in which ASCII looks like ASCII.
var likeASCII = regexp.MustCompile(`(?i)^(?:|utf-?8|(?:us-)?ascii|iso-?8859-?\d+|latin-?\d+|windows-(?:125\d|31j|874)|cp125\d|shift[-_]?jis|sjis|euc-(?:jp|kr)|gb(?:2312|k|18030)|big5|koi8-[ru]|tis-620)$`)

var (
	errBoundary     = errors.New("it cannot be told where the parts of the form begin")
	errNamelessPart = errors.New("a part of the form has no name") // or one that others can read
	errNoUTF8       = errors.New("the JSON is not in UTF-8, or has a mark before it")
	errManyParts    = errors.New("the form has more parts than anybody reads")
)

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

// membersOf lists the members of a JSON object that may have one of the names and that have a single value, those that come twice too.
// What is no object has none: who reads parameters from JSON gets none from it either. An object that is broken before its end is one to some, who are
// lenient with numbers, comments or depth; so is a text in another encoding than UTF-8 (RFC 8259, section 8.1).
func membersOf(content []byte, names []string) ([]part, error) {
	if bytes.HasPrefix(content, []byte("\xef\xbb\xbf")) || bytes.IndexByte(content[:min(4, len(content))], 0) >= 0 ||
		bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return nil, errNoUTF8
	}
	if !mayHave(content, names) {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(content))
	if begin, err := d.Token(); err == nil && begin != json.Delim('{') {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var list []part
	for n := 0; d.More(); n++ {
		if n == mostParts || len(list) == mostObeyed {
			return nil, errManyParts
		}
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := skipValue(d)
		if err != nil {
			return nil, err
		}
		if member, _ := name.(string); named(member, names) && value != nil {
			list = append(list, part{member, fmt.Sprint(value)})
		}
	}
	_, err := d.Token()
	return list, err
}

// skipValue reads a value, however deep it is, and returns it if it is a single one. Of an array or object it returns how that begins,
// which is no method and no key: some backends take a part of it.
func skipValue(d *json.Decoder) (any, error) {
	d.UseNumber()
	first, err := d.Token()
	if err != nil {
		return nil, err
	}
	depth := 0
	for token := first; ; {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return first, nil
		}
		if token, err = d.Token(); err != nil {
			return nil, err
		}
	}
}

// mayHave reports whether one of the names can be in a JSON text, as it stands or by an escape. It spares large texts the parsing.
func mayHave(content []byte, names []string) bool {
	return hasOddEscape(content) || slices.ContainsFunc(names, func(name string) bool {
		notLetter := func(r rune) bool { return !unicode.IsLetter(r) } // what stands between letters may be another character
		longest := ""
		for _, letters := range strings.FieldsFunc(name, notLetter) {
			if len(letters) > len(longest) {
				longest = letters
			}
		}
		return longest == "" || containsFold(content, longest)
	})
}

// hasOddEscape reports whether a JSON text has an escape that may stand for a letter: \u0041, and those that JSON does not know, of which
// some parsers drop the backslash.
func hasOddEscape(content []byte) bool {
	for {
		i := bytes.IndexByte(content, '\\')
		if i < 0 || i+1 == len(content) {
			return i >= 0
		}
		if strings.IndexByte(`"\/bfnrt`, content[i+1]) < 0 {
			return true
		}
		content = content[i+2:]
	}
}

// containsFold reports whether a text has the letters in it, whatever their case is.
func containsFold(content []byte, letters string) bool {
	for i := range len(content) - len(letters) + 1 {
		if content[i]|0x20 == letters[0]|0x20 && strings.EqualFold(string(content[i:i+len(letters)]), letters) {
			return true
		}
	}
	return false
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
