package refusal

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"text/template"
)

// bodyKind is the form of all bodies that one template makes.
type bodyKind struct {
	contentType string
	policy      string // Content-Security-Policy; "" sends none
	check       func([]byte) error
}

// The kinds. XML is shown by browsers, and can hold elements of HTML: it may load and run nothing.
var (
	jsonBody = bodyKind{contentType: "application/json", check: checkJSON}
	xmlBody  = bodyKind{
		contentType: "application/xml", policy: "default-src 'none'; base-uri 'none'; form-action 'none'", check: checkXML,
	}
	textBody = bodyKind{contentType: "text/plain; charset=utf-8", check: func([]byte) error { return nil }}
)

const xmlDeclaration = "<?xml"

// What most often helps.
const (
	adviceJSON = "write {{json .Detail}}, without quotes around it, which quotes and escapes a text"
	adviceXML  = "write {{html .Detail}}, which escapes a text"
)

// tryOut finds of which kind the template's bodies are. They must be of one kind: where only some of them are JSON, what
// makes the difference is a quote in a text.
func (t *Template) tryOut() (bodyKind, error) {
	var bodies [][]byte
	all, isJSON, isXML, likeJSON := samples(), 0, 0, false
	var notJSON error
	for _, s := range all {
		body, err := t.execute(s.problem)
		if err != nil {
			return bodyKind{}, s.told(err)
		}
		bodies = append(bodies, body)
		if err := checkJSON(body); err == nil {
			isJSON++
		} else if notJSON == nil {
			notJSON = s.told(err)
		}
		if bytes.HasPrefix(body, []byte(xmlDeclaration)) {
			isXML++
		}
		likeJSON = likeJSON || body[0] == '{'
	}
	switch {
	case isJSON == len(all):
		return jsonBody, nil
	case isJSON > 0:
		return bodyKind{}, fmt.Errorf("the body is JSON for some refusals and not for others: %w; %s", notJSON, adviceJSON)
	case likeJSON:
		return bodyKind{}, fmt.Errorf("the body begins like JSON, but it is none: %w; %s", notJSON, adviceJSON)
	case isXML == 0:
		return textBody, nil
	case isXML < len(all):
		return bodyKind{}, errors.New("the body begins with " + xmlDeclaration + " for some refusals and not for others")
	}
	for i, s := range all {
		if err := checkXML(bodies[i]); err != nil {
			return bodyKind{}, fmt.Errorf("the body is not well-formed XML: %w; %s", s.told(err), adviceXML)
		}
	}
	return xmlBody, nil
}

func checkJSON(body []byte) error {
	var value json.RawMessage
	return json.Unmarshal(body, &value)
}

func checkXML(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it says that it is in %s, and it is in UTF-8", charset)
	}
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// sample is a refusal that a template is tried on.
type sample struct {
	name    string
	problem problem
}

func (s sample) told(err error) error { return fmt.Errorf("%w (in %s)", err, s.name) }

// samples are refusals for every reason, each once with nothing that it need not tell, and once with all that it can, in
// texts that are not to be taken for JSON or XML.
func samples() []sample {
	const text = `<a> & "b" \ 'c' é`
	version := json.RawMessage(`{"<a>": "\"b\" & 'c'"}`)
	var all []sample
	for _, reason := range Reasons() {
		bare := Refusal{Reason: reason, Instance: "urn:x:1"}
		full := Refusal{
			Reason: reason, Detail: text, Instance: "urn:x:1", CurrentETag: `"<a>&'b'"`, CurrentVersion: version, Rule: text, Message: text,
			Fields: []string{text, text}, ExpectedVersion: version, CurrentState: text, RequestedState: text, AllowedStates: []string{text, text},
			Location: `/a?b="c"&d=<e>`, Changes: json.RawMessage(`[{"pointer": "/<a>", "base": "\"b\"", "yours": "& 'c'"}]`),
		}
		all = append(all,
			sample{"a refusal for the reason " + reason.String() + " that tells nothing else", Style{}.problem(bare)},
			sample{"a refusal for the reason " + reason.String() + " that tells all that it can", Style{}.problem(full)})
	}
	return all
}

// The errors of package text/template begin with the template's name and where in it they are.
var (
	parseError   = regexp.MustCompile(`^template: body:(\d+):(?:\d+:)? ?(.*)$`)
	executeError = regexp.MustCompile(`(?s)^template: body:(\d+):(?:\d+:)? executing "[^"]*" at <(.*?)>: (.*)$`)
	noMember     = regexp.MustCompile(`^can't evaluate field (\S+) in type refusal\.Members$`)
)

// explainTemplate says in words for an operator what package text/template says in those of Go.
func explainTemplate(err error) error {
	var failed template.ExecError
	if errors.Is(err, errTooLong) {
		return errTooLong
	}
	if errors.As(err, &failed) {
		if m := executeError.FindStringSubmatch(failed.Error()); m != nil {
			why := m[3]
			if field := noMember.FindStringSubmatch(why); field != nil {
				why = "a refusal has no ." + field[1] + "; it has " + memberNames()
			}
			return fmt.Errorf("line %s: %s: %s", m[1], m[2], why)
		}
	}
	if m := parseError.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("line %s: %s", m[1], m[2])
	}
	return err
}

func memberNames() string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Members]()) {
		names = append(names, "."+field.Name)
	}
	return strings.Join(names, ", ")
}
