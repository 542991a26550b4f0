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

	Advice string `json:"-"` // for people; programs go by the reason
}

func (s Style) problem(r Refusal) problem {
	row := r.Reason.row()
	p := problem{
		Type: s.typeURI(r.Reason), Title: row.title, Status: s.StatusOf(r.Reason), Detail: detail(r), Instance: r.Instance,
		Error: row.family, Reason: row.name, Message: row.message, Advice: row.advice,
	}
	if r.Unsent && (r.Reason == Backend || r.Reason == Timeout) {
		p.Message, p.Advice = "server did not answer, please try again in a moment", sendAgain
		if r.Detail == "" {
			p.Detail = row.title + "."
		}
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
	return p
}

// The longest texts of others that are repeated in a body, in characters. A header may be large; its refusal need not
// be.
const (
	maxDetail  = 1000
	maxIfMatch = 200
	maxFact    = 200 // of what a page shows; in JSON a tag is whole or not there
)

func detail(r Refusal) string {
	row := r.Reason.row()
	switch {
	case r.Detail != "":
		return printable(r.Detail, maxDetail)
	case r.IfMatch != "" && row.sent != "":
		return "You sent If-Match " + printable(r.IfMatch, maxIfMatch) + "; " + row.sent
	}
	return row.detail
}

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
