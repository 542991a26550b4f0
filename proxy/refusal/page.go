package refusal

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // page.html
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

//go:embed page.html
var pageHTML string

// pageTemplate escapes every text by its context. It is also well-formed XML, so that the tests can read it.
var pageTemplate = template.Must(template.New("page.html").Parse(pageHTML))

// pagePolicy lets the page load and run nothing but its own style. It may be shown in a frame: an application that sends
// its forms into one would show nothing else, and a click on the page does no more than to open what exists already.
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
	Open    string       // where what exists can be opened, in the page for browsers; "" is nowhere
	Changes *changeTable // nil: none are known
	Facts   []fact
}

// fact is a line of what a page shows. Link is what its value leads to, in the page for browsers; "" is nowhere.
type fact struct{ Name, Value, Link string }

func (p problem) page() page {
	all := page{
		Status: strconv.Itoa(p.Status) + " " + http.StatusText(p.Status), Title: p.Title,
		Message: p.forPeople(), Advice: p.Advice, Open: link(p.Location), Changes: p.table(),
	}
	for _, f := range []fact{
		{Name: "Detail", Value: p.Detail}, // printable, and cut where it has to be, like all but the JSON and the two last
		{Name: "Reason", Value: p.Reason},
		{Name: "Rule", Value: p.Rule},
		{Name: "Fields", Value: strings.Join(p.Fields, ", ")},
		{Name: "Expected version", Value: printable(compact(p.ExpectedVersion), maxFact)},
		{Name: "Current ETag", Value: printable(p.CurrentETag, maxFact)},
		{Name: "Current version", Value: printable(compact(p.CurrentVersion), maxFact)},
		{Name: "Current state", Value: p.CurrentState},
		{Name: "Requested state", Value: p.RequestedState},
		{Name: "Allowed states", Value: p.allowed()},
		{Name: "Location", Value: printable(p.Location, maxFact), Link: link(p.Location)},
		{Name: "Instance", Value: printable(p.Instance, maxFact)},
	} {
		if f.Value != "" {
			all.Facts = append(all.Facts, f)
		}
	}
	return all
}

// forPeople is what a rule says in words of its own, or what has happened, as far as it is known.
func (p problem) forPeople() string {
	own := p.Message != table[Duplicate].message && p.Message != table[Transition].message
	switch {
	case own:
	case p.Reason == Duplicate.String() && len(p.Fields) > 0:
		return printable("An entry with the same "+strings.Join(labels(p.Fields), " and ")+" exists already.", maxDetail)
	case p.Reason == Transition.String() && p.AllowedStates != nil && p.RequestedState != "":
		return printable(p.stepForPeople(), maxDetail)
	}
	return sentence(p.Message)
}

// stepForPeople says which step is refused, and which ones are not.
func (p problem) stepForPeople() string {
	allowed := "nothing else"
	if len(p.AllowedStates) > 0 {
		allowed = `"` + strings.Join(p.AllowedStates, `" or "`) + `"`
	}
	if p.CurrentState == "" {
		return `It cannot begin as "` + p.RequestedState + `". It can begin as ` + allowed + "."
	}
	return `It is "` + p.CurrentState + `" now, and cannot become "` + p.RequestedState + `". It can become ` + allowed + "."
}

// labels are the names of fields for people: the last of each pointer, as words.
func labels(pointers []string) []string {
	names := make([]string, len(pointers))
	for i, pointer := range pointers {
		names[i] = strings.NewReplacer("_", " ", "-", " ").Replace(pointer[strings.LastIndexByte(pointer, '/')+1:])
		if strings.TrimSpace(names[i]) == "" {
			names[i] = pointer
		}
	}
	return names
}

// allowed is the list of states on one line.
func (p problem) allowed() string {
	if p.AllowedStates != nil && len(p.AllowedStates) == 0 {
		return "none"
	}
	return strings.Join(p.AllowedStates, ", ")
}

// link is where a location leads from a page: it is one only if it is a path, or a URL of the web. What browsers take for
// the beginning of another host, as they do a backslash, is none.
func link(location string) string {
	if strings.HasPrefix(location, "/") {
		if len(location) > 1 && (location[1] == '/' || location[1] == '\\') {
			return ""
		}
		return location
	}
	if u, err := url.Parse(location); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return location
	}
	return ""
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
	b.WriteString(all.Status + ": " + all.Title + "\n\n" + all.Message + "\n" + all.Advice + "\n\n" + all.Changes.text())
	for _, f := range all.Facts {
		b.WriteString(f.Name + ": " + f.Value + "\n")
	}
	return []byte(b.String())
}

// compact is the JSON on one line, as the JSON forms have it.
func compact(version json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, version) != nil {
		return ""
	}
	return b.String()
}
