package refusal

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // page.html
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

//go:embed page.html
var pageHTML string

// pageTemplate escapes every text by its context. It is also well-formed XML, so that the tests can read it.
var pageTemplate = template.Must(template.New("page.html").Parse(pageHTML))

// pagePolicy lets the page load and run nothing but its own style. It may be shown in a frame: an application that sends
// its forms into one would show nothing else, and there is nothing on the page to be clicked by mistake.
var pagePolicy = "default-src 'none'; style-src " + styleHash(pageHTML) + "; base-uri 'none'; form-action 'none'"

// styleHash names the style of a page by its hash, so that no other one applies.
func styleHash(page string) string {
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is a problem as a person is told of it: what happened and what to do first, what support may ask for last.
type page struct {
	Status  string
	Title   string
	Message string
	Advice  string
	Facts   []fact
}

type fact struct{ Name, Value string }

func (p problem) page() page {
	all := page{
		Status: strconv.Itoa(p.Status) + " " + http.StatusText(p.Status), Title: p.Title,
		Message: sentence(p.Message), Advice: p.Advice,
	}
	for _, f := range []fact{
		{"Detail", p.Detail}, // printable, and cut where it has to be
		{"Reason", p.Reason},
		{"Current ETag", printable(p.CurrentETag, maxFact)},
		{"Current version", printable(compact(p.CurrentVersion), maxFact)},
		{"Instance", printable(p.Instance, maxFact)},
	} {
		if f.Value != "" {
			all.Facts = append(all.Facts, f)
		}
	}
	return all
}

// html is the problem as a page for a browser.
func (p problem) html() []byte {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p.page()); err != nil {
		panic("refusal: a problem is no page: " + err.Error()) // strings only
	}
	return b.Bytes()
}

// text is the problem as plain text, one line for each fact.
func (p problem) text() []byte {
	all := p.page()
	var b strings.Builder
	b.WriteString(all.Status + ": " + all.Title + "\n\n" + all.Message + "\n" + all.Advice + "\n\n")
	for _, f := range all.Facts {
		b.WriteString(f.Name + ": " + f.Value + "\n")
	}
	return []byte(b.String())
}

// sentence makes one of a message of the table, which is in ASCII.
func sentence(message string) string {
	return strings.ToUpper(message[:1]) + message[1:] + "."
}

// compact is the JSON on one line, as the JSON forms have it.
func compact(version json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, version) != nil {
		return ""
	}
	return b.String()
}
