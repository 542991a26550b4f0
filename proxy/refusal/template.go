package refusal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"unicode/utf8"
)

// maxBody is the longest body that a template may make, in bytes.
const maxBody = 64 << 10

// Template makes bodies of refusals in a form that other clients know. [ParseTemplate] makes one; it is safe for
// concurrent use.
type Template struct {
	parsed *template.Template
	kind   bodyKind
}

// ParseTemplate reads a template in the language of package text/template, whose dot is a [Members]. Beside that
// language's functions there is json, which encodes any value: {{json .Detail}} is a JSON string with its quotes. For XML,
// {{html .Detail}} escapes what has to be.
//
// What the template makes says how it is sent: as application/json if it is JSON, as application/xml if it begins with
// "<?xml", else as text/plain; never as HTML. White space before it is dropped. ParseTemplate tries it on refusals of
// every reason, with and without all that a refusal may tell, so that what is wrong with it shows here. What shows only
// later, as a body over 64 KiB, is answered as if there were no template.
func ParseTemplate(text string) (*Template, error) {
	functions := template.FuncMap{"json": encodeJSON}
	parsed, err := template.New("body").Option("missingkey=error").Funcs(functions).Parse(text)
	if err != nil {
		return nil, explainTemplate(err)
	}
	t := &Template{parsed: parsed}
	if t.kind, err = t.tryOut(); err != nil {
		return nil, err
	}
	return t, nil
}

// render makes the body of one problem.
func (t *Template) render(p problem) ([]byte, error) {
	body, err := t.execute(p)
	if err != nil {
		return nil, err
	}
	return body, t.kind.check(body)
}

func (t *Template) execute(p problem) ([]byte, error) {
	var b bounded
	if err := t.parsed.Execute(&b, p.members()); err != nil {
		return nil, explainTemplate(err)
	}
	body := bytes.TrimLeft(b.Bytes(), " \t\r\n")
	switch {
	case len(body) == 0:
		return nil, errors.New("the body is empty")
	case !utf8.Valid(body):
		return nil, errors.New("the body is not UTF-8: a character was cut in two")
	}
	return body, nil
}

// bounded is a buffer that takes no more than maxBody.
type bounded struct{ bytes.Buffer }

var errTooLong = fmt.Errorf("the body is over %d KiB", maxBody>>10)

// Write implements [io.Writer].
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxBody {
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}

// Members are what a template can show of a refusal: the members of its usual body. What a refusal does not tell is "",
// and a list of none. Texts are printable, but not escaped for any format.
type Members struct {
	Type, Title string
	Status      int
	Detail      string
	Instance    string

	Error, Reason, Message string

	CurrentETag                  string
	CurrentVersion               Version
	Rule                         string
	Fields                       []string
	ExpectedVersion              Version
	CurrentState, RequestedState string
	AllowedStates                []string
	Location                     string
	Changes                      Changes
}

// Version is a version of a resource: its JSON with {{json .CurrentVersion}}, null if there is none, and the text that
// it is or holds with {{.CurrentVersion}}.
type Version json.RawMessage

// MarshalJSON implements [json.Marshaler].
func (v Version) MarshalJSON() ([]byte, error) { return json.RawMessage(v).MarshalJSON() }

// String is the text of a JSON string, and any other JSON on one line.
func (v Version) String() string {
	var text string
	if json.Unmarshal(v, &text) != nil {
		text = compact(json.RawMessage(v))
	}
	return printable(text, maxVersion)
}

// Changes is what has changed since the client read a resource, a list in JSON: whole with {{json .Changes}}, null if it is not known, and
// printable and on one line with {{.Changes}}.
type Changes json.RawMessage

// MarshalJSON implements [json.Marshaler].
func (c Changes) MarshalJSON() ([]byte, error) { return json.RawMessage(c).MarshalJSON() }

// String is the JSON on one line.
func (c Changes) String() string { return printable(compact(json.RawMessage(c)), maxChanges) }

func (p problem) members() Members {
	return Members{
		Type: p.Type, Title: p.Title, Status: p.Status, Detail: p.Detail, Instance: p.Instance,
		Error: p.Error, Reason: p.Reason, Message: p.Message,
		CurrentETag: p.CurrentETag, CurrentVersion: Version(p.CurrentVersion),
		Rule: p.Rule, Fields: append([]string{}, p.Fields...), ExpectedVersion: Version(p.ExpectedVersion),
		CurrentState: p.CurrentState, RequestedState: p.RequestedState, AllowedStates: append([]string{}, p.AllowedStates...),
		Location: p.Location, Changes: Changes(p.Changes),
	}
}

// encodeJSON is the function json of templates. "<" and "&" stay readable: the result is never sent as HTML.
func encodeJSON(value any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
