package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
)

// formMethods returns the methods that a form names as _method, by which frameworks let a browser's POST be another method.
// The form is read whole: where in it the name stands is up to who sends it. The request still has its body.
func formMethods(r *http.Request, limit int64) ([]string, *objection) {
	if !strings.EqualFold(r.Method, http.MethodPost) {
		return nil, nil
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) ||
		kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data" {
		return nil, nil
	}
	content, o := readForm(r, limit)
	if o != nil || !bytes.Contains(bytes.ToLower(content), []byte("method")) && !bytes.ContainsRune(content, '%') {
		return nil, o
	}
	if kind == "application/x-www-form-urlencoded" {
		return target.QueryValues(string(content), "_method"), nil
	}
	methods, err := multipartMethods(content, params["boundary"])
	if err != nil {
		return nil, malformed("The form cannot be read, so that it cannot be told which method it stands for.")
	}
	return methods, nil
}

// readForm reads the body and puts it back.
func readForm(r *http.Request, limit int64) ([]byte, *objection) {
	switch err := buffer(r, limit); {
	case errors.Is(err, errBodyTooLarge):
		return nil, &objection{
			reason: refusal.TooLarge,
			detail: fmt.Sprintf("A form may say that it stands for another method (_method), and this one is over the limit of %d "+
				"bytes up to which forms are read.", limit),
		}
	case err != nil:
		return nil, &objection{reason: refusal.Malformed, detail: "The body could not be read to its end.", cause: err, final: true}
	}
	content, err := io.ReadAll(r.Body) // from memory
	if err != nil {
		return nil, &objection{reason: refusal.Malformed, cause: err, final: true}
	}
	r.Body = io.NopCloser(bytes.NewReader(content))
	if len(content) == 0 {
		r.Body = http.NoBody
	}
	return content, nil
}

var errNamelessPart = errors.New("a part of the form has no name")

// multipartMethods lists the values of the parts named _method (RFC 7578).
func multipartMethods(content []byte, boundary string) ([]string, error) {
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
		name := part.FormName()
		if name == "" {
			return nil, errNamelessPart // or one that others can read
		}
		if strings.EqualFold(name, "_method") {
			value, err := io.ReadAll(part)
			if err != nil {
				return nil, err
			}
			methods = append(methods, string(value))
		}
	}
}
