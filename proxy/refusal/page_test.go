package refusal

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// readable is a page as a test sees it.
type readable struct {
	elements []string // every element but those that come with the facts
	text     map[string]string
	facts    []fact // with the links that the page has
	open     string // where its advice leads
}

// readPage reads a page as strict XML: whatever is no element of the template's shows.
func readPage(t testing.TB, raw []byte) readable {
	t.Helper()
	p := readable{text: map[string]string{}}
	d := xml.NewDecoder(bytes.NewReader(raw))
	var open []string
	var term string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if name == "a" && len(token.Attr) == 1 && token.Attr[0].Name.Local == "href" && open[len(open)-1] == "dd" {
				p.facts[len(p.facts)-1].Link = token.Attr[0].Value
				open = append(open, "dd")
				continue
			}
			if name == "a" && len(token.Attr) == 1 && token.Attr[0].Name.Local == "href" && open[len(open)-1] == "p" {
				p.open = token.Attr[0].Value
				open = append(open, "a")
				continue
			}
			open = append(open, name)
			for _, a := range token.Attr {
				name += " " + a.Name.Local + "=" + a.Value
			}
			if name != "dt" && name != "dd" {
				p.elements = append(p.elements, name)
			}
			if name == "dd" {
				p.facts = append(p.facts, fact{Name: term})
			}
			term = ""
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 {
				continue
			}
			switch s := string(token); open[len(open)-1] {
			case "dt":
				term += s
			case "dd":
				p.facts[len(p.facts)-1].Value += s
			default:
				p.text[open[len(open)-1]] += strings.TrimSpace(s)
			}
		case xml.Comment, xml.ProcInst:
			t.Fatalf("%T in %s", token, raw)
		}
	}
}

// readText reads the facts of the plain text, which are its last paragraph.
func readText(t testing.TB, raw []byte) []fact {
	t.Helper()
	paragraphs := strings.Split(string(raw), "\n\n")
	if len(paragraphs) < 3 || len(paragraphs) > 4 || len(paragraphs) == 4 && !strings.HasPrefix(paragraphs[2], "What has changed") {
		t.Fatalf("%d paragraphs in %q", len(paragraphs), raw)
	}
	var facts []fact
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok || slices.ContainsFunc(facts, func(f fact) bool { return f.Name == name }) {
			t.Fatalf("line %q in %q", line, raw)
		}
		for _, c := range value {
			if !unicode.IsPrint(c) && c != utf8.RuneError {
				t.Fatalf("%q in %q", c, raw)
			}
		}
		facts = append(facts, fact{Name: name, Value: value})
	}
	return facts
}

func factNames(facts []fact) string {
	var names []string
	for _, f := range facts {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

func TestGoldenForPeople(t *testing.T) {
	for form, accept := range map[string]string{"html": browser, "text": "text/plain"} {
		for _, reason := range []Reason{Stale, Missing, Duplicate, Transition, Rule, Busy, Reused, InDoubt, Closed, Timeout} {
			r := known(reason)
			r.IfMatch, r.CurrentETag, r.CurrentVersion = `"<a1>"`, `"c&7"`, json.RawMessage(`"2 < 3"`)
			r.ExpectedVersion, r.RetryAfter, r.Message, r.Location = nil, 0, "order <7> is shipped", "/users?id=<7>&x='y'"
			got := dump(t, testStyle("").Response(put(accept), r))
			golden(t, filepath.Join(form, reason.String()+".http"), got)
		}
	}
}

func TestAPageIsOneForEveryReason(t *testing.T) {
	first := readPage(t, respond(t, browser, Refusal{Reason: Stale}))
	for reason := range end {
		raw := respond(t, browser, Refusal{
			Reason: reason, IfMatch: `"a1"`, CurrentETag: `"c7"`, CurrentVersion: json.RawMessage("{\n  \"v\": 42\n}"),
		})
		if len(raw) >= 4096 {
			t.Errorf("%s: %d bytes", reason, len(raw))
		}
		p := readPage(t, raw)
		if !slices.Equal(p.elements, first.elements) {
			t.Errorf("%s: elements %v", reason, p.elements)
		}
		status := strings.TrimSuffix(p.text["title"], ": "+reason.row().title)
		if p.text["h1"] != reason.row().title || p.text["p"] != status+sentence(reason.row().message)+reason.row().advice {
			t.Errorf("%s: %q", reason, p.text)
		}
		want := "Detail, Reason, Instance"
		switch reason {
		case None:
			want = "Detail, Instance"
		case Stale, Exists:
			want = "Detail, Reason, Current ETag, Current version, Instance"
			if !slices.Contains(p.facts, fact{Name: "Current version", Value: `{"v":42}`}) {
				t.Errorf("%s: %v", reason, p.facts)
			}
		}
		text := respond(t, "text/plain", Refusal{Reason: reason, CurrentETag: `"c7"`, CurrentVersion: json.RawMessage(`{"v":42}`)})
		if a, b := factNames(p.facts), factNames(readText(t, text)); a != want || b != want {
			t.Errorf("%s: the page shows %s, the text %s, want %s", reason, a, b, want)
		}
	}
	for _, want := range []string{"html lang=en", "title", "main", "h1", "meta name=robots content=noindex", "section aria-labelledby=support"} {
		if n := len(slices.DeleteFunc(slices.Clone(first.elements), func(e string) bool { return e != want })); n != 1 {
			t.Errorf("%d elements %q", n, want)
		}
	}
}

func TestAPageTellsPeopleWhatIsInTheWay(t *testing.T) {
	for _, tt := range []struct {
		name, want, open string
		r                Refusal
	}{
		{
			name: "one field", want: "An entry with the same email exists already.", open: "/users/1",
			r: Refusal{Reason: Duplicate, Fields: []string{"/email"}, Location: "/users/1"},
		},
		{
			name: "fields within others", want: "An entry with the same first name and nickname exists already.",
			r: Refusal{Reason: Duplicate, Fields: []string{"/person/first_name", "/person/nickname"}, Location: "javascript:alert(1)"},
		},
		{
			name: "a step", want: `It is "pending" now, and cannot become "shipped". It can become "approved" or "cancelled".`,
			r: Refusal{Reason: Transition, CurrentState: "pending", RequestedState: "shipped", AllowedStates: []string{"approved", "cancelled"}},
		},
		{
			name: "no step", want: `It is "shipped" now, and cannot become "pending". It can become nothing else.`,
			r: Refusal{Reason: Transition, CurrentState: "shipped", RequestedState: "pending"},
		},
		{
			name: "a beginning", want: `It cannot begin as "shipped". It can begin as "pending".`,
			r: Refusal{Reason: Transition, RequestedState: "shipped", AllowedStates: []string{"pending"}},
		},
		{
			name: "hidden", want: "Document is not in a state that allows this step.",
			r: Refusal{Reason: Transition, CurrentState: "pending", RequestedState: "shipped", Hidden: true},
		},
		{
			name: "words of its own", want: "The customer still has orders.",
			r: Refusal{Reason: Rule, Message: "the customer still has orders"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := readPage(t, respond(t, browser, tt.r))
			if got := p.text["p"]; !strings.Contains(got, tt.want) || p.open != tt.open {
				t.Errorf("%q, which leads to %q; want %q and %q", got, p.open, tt.want, tt.open)
			}
			if text := string(respond(t, "text/plain", tt.r)); !strings.Contains(text, "\n"+tt.want+"\n") {
				t.Errorf("%s\nwant %q", text, tt.want)
			}
		})
	}
}

// A page of a write that may have been applied says so, and every other one that it was not.
func TestNobodyIsToldThatNothingWasSavedWhereItMayHaveBeen(t *testing.T) {
	doubt := map[Reason]bool{None: true, InDoubt: true, Backend: true, Timeout: true}
	for reason := range end {
		for _, accept := range []string{browser, "text/plain"} {
			raw := respond(t, accept, Refusal{Reason: reason})
			if got := bytes.Contains(raw, []byte("Nothing was saved")); got == doubt[reason] {
				t.Errorf("%s: %s", reason, raw)
			}
		}
	}
}

func TestAPageLoadsAndRunsNothing(t *testing.T) {
	for _, f := range formats {
		h := Style{}.Response(put(f.mediaType), Refusal{Reason: Stale}).Header
		policy := h.Get("Content-Security-Policy")
		if strings.HasPrefix(policy, "default-src 'none'; ") != (f.mediaType == "text/html") {
			t.Errorf("%s: Content-Security-Policy %q", f.mediaType, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Vary") != "Accept" || h.Get("Content-Type") != f.contentType {
			t.Errorf("%s: %v", f.mediaType, h)
		}
	}
	for _, bad := range []string{"script", "src=", "href", "url(", "@import", "://", " on"} {
		if tags := strings.Join(readPage(t, respond(t, browser, Refusal{Reason: Stale})).elements, "\n"); strings.Contains(tags, bad) {
			t.Errorf("%q in an element: %s", bad, tags)
		}
		if _, style, _ := strings.Cut(pageHTML, "<style>"); strings.Contains(strings.Split(style, "</style>")[0], bad) {
			t.Errorf("%q in the style", bad)
		}
	}
}

func TestTextsOfOthersAreCut(t *testing.T) {
	long := strings.Repeat("<", 100_000)
	for _, accept := range []string{browser, "text/plain"} {
		raw := respond(t, accept, Refusal{Reason: Stale, Detail: long, IfMatch: long, CurrentETag: long, CurrentVersion: json.RawMessage(`"` + long + `"`)})
		if len(raw) > 12<<10 {
			t.Errorf("%s: %d bytes", accept, len(raw))
		}
	}
}

func respond(t testing.TB, accept string, r Refusal) []byte {
	t.Helper()
	raw, err := io.ReadAll(testStyle("").Response(put(accept), r).Body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
