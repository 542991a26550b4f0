package refusal

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// problem is the body: the members of RFC 9457, section 3.1, then those of the plain form. Their order is as here.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`

	Error   string `json:"error"`
	Reason  string `json:"reason"`
	Message string `json:"message"`

	CurrentETag    string          `json:"current_etag,omitempty"`
	CurrentVersion json.RawMessage `json:"current_version,omitempty"`

	Rule            string          `json:"rule,omitempty"`
	Fields          []string        `json:"fields,omitempty"`
	ExpectedVersion json.RawMessage `json:"expected_version,omitempty"`
	CurrentState    string          `json:"current_state,omitempty"`
	RequestedState  string          `json:"requested_state,omitempty"`
	AllowedStates   []string        `json:"allowed_states,omitzero"` // none is [], and says so
	Location        string          `json:"location,omitempty"`
	Changes         json.RawMessage `json:"changes,omitempty"`

	Advice string `json:"-"` // for people; programs go by the reason
}

func (s Style) problem(r Refusal) problem {
	row := r.Reason.row()
	p := problem{
		Type: s.typeURI(r.Reason), Title: row.title, Status: s.StatusOf(r.Reason), Instance: r.Instance,
		Error: row.family, Reason: row.name, Message: row.message, Advice: row.advice,
		Rule: printable(r.Rule, maxFact), Fields: printables(r.Fields),
	}
	if m := oneLine(r.Message); m != "" && row.ofRule {
		p.Message = m
	}
	if row.showsTheCurrent {
		// A tag of other bytes (obs-text) is left out: JSON and the client's own idea of header bytes would make
		// another tag of it. The client finds it by reading the resource.
		if isASCII(r.CurrentETag) {
			p.CurrentETag = r.CurrentETag
		}
		if json.Valid(r.CurrentVersion) && utf8.Valid(r.CurrentVersion) {
			p.CurrentVersion = r.CurrentVersion
		}
	}
	if v := r.ExpectedVersion; r.Reason == Stale && len(v) <= maxVersion && json.Valid(v) && utf8.Valid(v) {
		p.ExpectedVersion = v
	}
	if r.Reason == Stale && listed(r.Changes) != nil {
		p.Changes = r.Changes
	}
	if r.Reason == Transition {
		p.CurrentState, p.RequestedState = printable(r.CurrentState, maxFact), printable(r.RequestedState, maxFact)
		p.AllowedStates = printables(r.AllowedStates)
		if p.AllowedStates == nil && p.CurrentState != "" {
			p.AllowedStates = []string{}
		}
	}
	if r.Reason == Duplicate && isASCII(r.Location) && len(r.Location) <= maxLocation {
		p.Location = r.Location
	}
	p.Detail = p.detail(r)
	if r.Unsent && (r.Reason == Backend || r.Reason == Timeout) {
		p.Message, p.Advice = "server did not answer, please try again in a moment", sendAgain
		if r.Detail == "" {
			p.Detail = row.title + "."
		}
	}
	return p
}

// The longest texts of others that are repeated in a body, in characters. A header may be large; its refusal need not
// be.
const (
	maxDetail   = 1000
	maxIfMatch  = 200
	maxFact     = 200 // of what a page shows; in JSON a tag is whole or not there
	maxVersion  = 1000
	maxLocation = 2000
	maxList     = 100 // members of a list
)

// printable makes text of any bytes: what is no text, or would upset a terminal or reverse the reading direction,
// becomes U+FFFD, and what is too long is cut.
func printable(s string, limit int) string {
	var b strings.Builder
	for _, c := range s {
		if limit--; limit < 0 {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(c) {
			c = utf8.RuneError
		}
		b.WriteRune(c)
	}
	return b.String()
}

// printables makes texts of a list; nil stays nil.
func printables(list []string) []string {
	if list == nil {
		return nil
	}
	texts := make([]string, 0, min(len(list), maxList))
	for _, s := range list[:cap(texts)] {
		texts = append(texts, printable(s, maxFact))
	}
	return texts
}

// oneLine makes text of any bytes, as printable does, and a space of each run of white space: a message may be folded
// over lines in the configuration.
func oneLine(s string) string { return printable(strings.Join(strings.Fields(s), " "), maxDetail) }

// json is the problem as JSON (RFC 8259). "<" and "&" stay readable: this is never HTML.
func (p problem) json() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		panic("refusal: a problem is no JSON: " + err.Error()) // strings, an int, and JSON that was checked
	}
	return b.Bytes()
}
