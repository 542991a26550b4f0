package proxy

import (
	"bytes"
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

// formMethods returns the methods that a form names as _method, by which frameworks let a browser's POST be another method.
// The form is read whole: where in it the name stands is up to who sends it. The request still has its body.
func formMethods(r *http.Request, limit int64) ([]string, *objection) {
	if !strings.EqualFold(r.Method, http.MethodPost) {
		return nil, nil
	}
	kind := formKind(r.Header)
	if kind == "" {
		return nil, nil
	}
	content, err := buffer(r, limit)
	if err != nil || len(content) == 0 {
		return nil, bodyObjection(err, fmt.Sprintf("A form may say that it stands for another method (_method), and this one is over "+
			"the limit of %d bytes up to which forms are read.", limit))
	}
	if oddForm(r.Header) {
		return nil, unreadable
	}
	if kind == urlencoded {
		methods, _ := target.QueryValues(string(content), "_method")
		return methods, nil
	}
	methods, err := multipartMethods(content, r.Header.Get("Content-Type"))
	if err != nil {
		return nil, unreadable
	}
	return methods, nil
}

var unreadable = malformed("The form cannot be read, so that it cannot be told which method it stands for.")

// The types of forms.
const (
	urlencoded = "application/x-www-form-urlencoded"
	multiparts = "multipart/form-data"
)

// formKind is the media type of a request that a backend may take for a form, whatever else stands in the field, and "" of
// any other. Rack takes a POST without Content-Type for one, and looks into multipart/related and multipart/mixed too.
func formKind(h http.Header) string {
	lines := h["Content-Type"]
	if len(lines) == 0 {
		return urlencoded
	}
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

// multipartMethods lists the values of the parts named _method (RFC 7578).
func multipartMethods(content []byte, contentType string) ([]string, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	if err != nil || strings.ContainsAny(boundary, `"\`) || kind == multiparts && !boundaryFirst(contentType) {
		return nil, errBoundary
	}
	var methods []string
	parts := multipart.NewReader(bytes.NewReader(content), boundary)
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return methods, nil
		}
		if err != nil {
			return nil, err
		}
		name, ok := partName(part)
		if !ok && kind == multiparts {
			return nil, errNamelessPart
		}
		if target.SameParameter(name, "_method") {
			value, err := io.ReadAll(part)
			if err != nil {
				return nil, err
			}
			methods = append(methods, string(value))
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
