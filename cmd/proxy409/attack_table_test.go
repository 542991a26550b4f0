package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// attack is one row of the tables in testdata/attack; README.txt there says how they are written.
type attack struct {
	name     string
	document string // what it is aimed at
	real     bool   // it makes sense for json-server and Apache too
	admitted bool   // it is a harmless spelling of a write, and shares its key with the plain one
	steps    []step
	answers  []expected
	ending   string   // "close", "open" or ""
	applied  int      // how many writes the backend may apply, and must
	lacks    []string // fields that the backend must not get
	has      []string // lines that it must
}

// step is something that the client does.
type step struct {
	bytes string // what it sends; "": see do
	do    string // "end": it sends no more; "answer": it waits for an answer
}

// expected is an answer.
type expected struct {
	status int
	says   string // what its body has in it; "": anything
}

// section is what the rows below a title share.
type section struct {
	title, document string
	real            bool
	template        []step
	lacks           []string
}

// attacks reads all tables of HTTP/1.
func attacks(t testing.TB) map[string][]attack {
	t.Helper()
	files, err := filepath.Glob("testdata/attack/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][]attack{}
	for _, path := range files {
		if name := strings.TrimSuffix(filepath.Base(path), ".txt"); name != "README" && name != "http2" {
			tables[name] = readTable(t, path)
		}
	}
	if len(tables) == 0 {
		t.Fatal("there are no tables")
	}
	return tables
}

// twoParts are what stands before the last two spaces or more of a line, and what stands after them.
var twoParts = regexp.MustCompile(`^(.*\S) {2,}(\S.*?)$`)

func readTable(t testing.TB, path string) (rows []attack) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var (
		in   section
		row  *attack // one with bytes of its own, until its answer comes
		line int
	)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s:%d: %s", path, line, fmt.Sprintf(format, args...))
	}
	for text := range strings.SplitSeq(string(text), "\n") {
		line++
		kind, rest, _ := strings.Cut(text, " ")
		switch {
		case text == "" || kind == "#":
		case kind == "==":
			in = section{title: rest, document: "/items/a"}
		case kind == "document:":
			in.document = rest
		case kind == "lacks:":
			in.lacks = strings.Fields(rest)
		case kind == "real":
			in.real = true
		case text[0] == '|' || text[0] == '!':
			s := readStep(text)
			if row != nil {
				row.steps = append(row.steps, s)
			} else {
				in.template = append(in.template, s)
			}
		case kind == "-":
			row = &attack{name: rest, document: in.document, real: in.real}
		case kind == "<" && row != nil:
			if err := row.read(rest); err != nil {
				fail("%v", err)
			}
			row.lacks = append(row.lacks, in.lacks...)
			rows, row = append(rows, *row), nil
		default:
			parts := twoParts.FindStringSubmatch(text)
			if parts == nil || row != nil || in.template == nil {
				fail("this is no row: %s", text)
			}
			a := attack{name: in.title + ": " + parts[1], document: in.document, real: in.real, steps: in.spelt(parts[1])}
			if err := a.read(parts[2]); err != nil {
				fail("%v", err)
			}
			a.lacks = append(a.lacks, in.lacks...)
			rows = append(rows, a)
		}
	}
	return rows
}

// readStep reads a line that is sent, or something to do. What is sent ends in CR LF, unless it ends in a backslash.
func readStep(text string) step {
	if text[0] == '!' {
		return step{do: text[1:]}
	}
	sent := text[1:]
	if open, ok := strings.CutSuffix(sent, `\`); ok {
		return step{bytes: open}
	}
	return step{bytes: sent + `\r\n`}
}

// spelt puts the spelling in the place of {} in the template, and what follows a ~ in the place of {2}.
func (in section) spelt(spelling string) []step {
	first, second, _ := strings.Cut(spelling, " ~ ")
	fill := strings.NewReplacer("{}", first, "{2}", second)
	steps := slices.Clone(in.template)
	for i := range steps {
		steps[i].bytes = fill.Replace(steps[i].bytes)
	}
	return steps
}

// read reads what must come of a row: answers, how the connection ends, and after semicolons what the backend does.
func (a *attack) read(text string) error {
	answers, more, _ := strings.Cut(text, "; ")
	for one := range strings.SplitSeq(answers, ", ") {
		switch word, rest, _ := strings.Cut(one, " "); word {
		case "admitted":
			a.admitted, a.applied = true, 1
			a.answers = append(a.answers, expected{status: 204})
		case "silence":
			a.ending = "close"
		case "reset":
			a.answers = append(a.answers, expected{status: reset})
		case "close", "open":
			a.ending = word
		default:
			status, err := strconv.Atoi(word)
			if err != nil {
				return fmt.Errorf("%q is no answer", one)
			}
			a.answers = append(a.answers, expected{status, rest})
		}
	}
	for one := range strings.SplitSeq(more, "; ") {
		switch word, rest, _ := strings.Cut(one, " "); word {
		case "":
		case "applied":
			n, err := strconv.Atoi(rest)
			if err != nil {
				return err
			}
			a.applied = n
		case "lacks":
			a.lacks = append(a.lacks, strings.Fields(rest)...)
		case "has":
			a.has = append(a.has, rest)
		default:
			return fmt.Errorf("%q is nothing that a backend does", one)
		}
	}
	return nil
}

// bytesOf undoes the escapes of a table, and fills in what is in braces.
func bytesOf(t testing.TB, text string, values map[string]string) string {
	t.Helper()
	for name, value := range values {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	for {
		before, count, ok := strings.Cut(text, "{repeat ")
		if !ok {
			break
		}
		count, after, _ := strings.Cut(count, "}")
		n, what, _ := strings.Cut(count, " ")
		times, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		text = before + strings.Repeat(what, times) + after
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'x':
			n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
