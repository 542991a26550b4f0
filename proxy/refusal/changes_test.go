package refusal

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// readTable reads the rows of the table of changes on a page, as texts; what follows it is the last row.
func readTable(t testing.TB, raw []byte) (rows [][]string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(raw))
	inTable, inCell := false, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		switch token := token.(type) {
		case xml.StartElement:
			switch token.Name.Local {
			case "table":
				inTable = true
			case "tr":
				rows = append(rows, nil)
			case "th", "td":
				rows[len(rows)-1] = append(rows[len(rows)-1], "")
				inCell = true
			}
		case xml.EndElement:
			switch token.Name.Local {
			case "table":
				inTable = false
			case "th", "td":
				inCell = false
			}
		case xml.CharData:
			if inTable && inCell {
				row := rows[len(rows)-1]
				row[len(row)-1] += string(token)
			}
		}
	}
}

func stale(changes string) Refusal { return Refusal{Reason: Stale, Changes: json.RawMessage(changes)} }

func TestATableShowsTheOverlapsFirst(t *testing.T) {
	got := readTable(t, respond(t, browser, stale(someChanges)))
	want := [][]string{
		{"Field", "Before", "You", "Others"},
		{"/title changed by both", `"A"`, `"<B>"`, `"C"`},
		{"/n changed by both", "null", "removed", "[]"},
		{"/tag", "not there", `"new"`, "not changed"},
		{"/note", `{"a":1}`, "not changed", "removed"},
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
	text := string(respond(t, "text/plain", stale(someChanges)))
	if want := `
What has changed since you read it:
/title (changed by both): before: "A"; you: "<B>"; others: "C"
/n (changed by both): before: null; you: removed; others: []
/tag: before: not there; you: "new"; others: not changed
/note: before: {"a":1}; you: not changed; others: removed

Detail: `; !strings.Contains(text, want) {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestATableShowsWhatAPersonCanRead(t *testing.T) {
	long := strings.Repeat("x", 400)
	for _, n := range []int{1, maxRows, maxRows + 1, maxRows + 12} {
		entries := slices.Repeat([]string{`{"pointer":"/` + long + `","theirs":"` + long + `"}`}, n)
		entries[n-1] = `{"pointer":"","yours":1,"theirs":2,"overlap":true}`
		r := stale("[" + strings.Join(entries, ",") + "]")
		page, text := respond(t, browser, r), respond(t, "text/plain", r)
		rows := readTable(t, page)
		if len(rows) != min(n, maxRows)+1 || rows[1][0] != "all of it changed by both" {
			t.Errorf("%d changes: %d rows, the first is %q", n, len(rows)-1, rows[1])
		}
		for _, row := range rows {
			if utf8.RuneCountInString(row[0]) > maxValue+30 || utf8.RuneCountInString(row[3]) > maxValue+1 {
				t.Errorf("the row %q", row)
			}
		}
		more := fmt.Sprintf("and %d more", n-maxRows)
		for _, raw := range [][]byte{page, text} {
			if bytes.Contains(raw, []byte(more)) != (n > maxRows) || bytes.Contains(raw, []byte("and 0 more")) || len(raw) > 40<<10 {
				t.Errorf("%d changes: %d bytes, %q is there: %v", n, len(raw), more, bytes.Contains(raw, []byte(more)))
			}
		}
		if lines := strings.Count(string(text), "others: "); lines != min(n, maxRows) {
			t.Errorf("%d changes: %d lines", n, lines)
		}
	}
}

func TestWhatIsNoListOfChangesIsLeftOut(t *testing.T) {
	const begin, end = `[{"pointer":"/a","yours":"`, `"}]`
	full := begin + strings.Repeat("x", maxChanges-len(begin+end)) + end
	for changes, want := range map[string]bool{
		"[]": true, someChanges: true, full: true, full + " ": false,
		"": false, "null": false, "{}": false, `"x"`: false, "[1]": false, `[{"pointer":1}]`: false, "[{}": false, "[{\"pointer\":\"\xff\"}]": false,
	} {
		_, p := body(t, Style{}.Response(put(), stale(changes)))
		if _, ok := p["changes"]; ok != want {
			t.Errorf("%d bytes, %.40s: shown: %v", len(changes), changes, ok)
		}
		if rows := readTable(t, respond(t, browser, stale(changes))); len(rows) > 0 && (!want || changes == "[]") {
			t.Errorf("%.40s: a table of %q", changes, rows)
		}
	}
}

func TestChangesAreShownToNobodyWhereTheResourceIsHidden(t *testing.T) {
	for _, f := range formats {
		for _, style := range []Style{testStyle(""), withBody(t, "{{json .}}"), withBody(t, "changes: {{.Changes}}")} {
			r := stale(someChanges)
			r.Hidden = true
			if got, want := dump(t, style.Response(put(f.mediaType), r)), dump(t, style.Response(put(f.mediaType), Refusal{Reason: Stale})); got != want {
				t.Errorf("%s, hidden:\n%s\nwant:\n%s", f.mediaType, got, want)
			}
		}
	}
}

func TestATemplateHasTheChanges(t *testing.T) {
	for text, want := range map[string]string{
		`{"c":{{json .Changes}}}`:                           `{"c":[{"pointer":"/a","yours":"<&>"}]}`,
		`{"c":{{if .Changes}}{{.Changes}}{{else}}0{{end}}}`: `{"c":[{"pointer":"/a","yours":"<&>"}]}`,
		`changes: {{.Changes}}`:                             `changes: [{"pointer":"/a","yours":"<&>"}]`,
	} {
		raw, err := io.ReadAll(withBody(t, text).Response(put(), stale("[ {\"pointer\": \"/a\",\n \"yours\": \"<&>\"} ]")).Body)
		if err != nil || string(raw) != want {
			t.Errorf("%s: %v, %s, want %s", text, err, raw, want)
		}
	}
}

// FuzzChanges: whatever is said to have changed, it arrives whole in JSON, and on a page nothing but texts come of it.
func FuzzChanges(f *testing.F) {
	for _, s := range []string{
		someChanges, "[]", "[{}]", `[{"pointer":"</td><script>","base":"&lt;{{.Status}}<!--","yours":"]]>","overlap":true}]`,
		`[{"pointer":"a\n\nReason: busy","theirs":"\u0000\u202e"}]`, "[{\"pointer\":\"\u202e\u2028\",\"yours\":\"\u2029\",\"yours_removed\":true}]",
		`[{"Pointer":"/a","pointer":"/b","base":null}]`, `[null]`, "[[]]", `[{"pointer":"` + strings.Repeat("<", 200) + `"}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		r := stale(string(changes))
		raw, p := body(t, Style{}.Response(put(), r))
		if got, ok := p["changes"]; ok {
			var want any
			if err := json.Unmarshal(changes, &want); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%q became %s", changes, raw)
			}
		}
		page := respond(t, browser, r)
		mustHoldOnlyFacts(t, slices.DeleteFunc(readPage(t, page).facts, func(f fact) bool { return f.Name == "Instance" }), r)
		for _, row := range readTable(t, page) {
			for _, c := range strings.Join(row, "") {
				if len(row) != len(columns) || !unicode.IsPrint(c) && c != utf8.RuneError {
					t.Fatalf("%q has a row %q", changes, row)
				}
			}
		}
		mustHoldOnlyFacts(t, slices.DeleteFunc(readText(t, respond(t, "text/plain", r)), func(f fact) bool { return f.Name == "Instance" }), r)
	})
}
