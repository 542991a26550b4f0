package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is the root of the one document in data; nil, with a problem, if there is none.
func (d *decoder) document(data []byte) *yaml.Node {
	if len(data) > maxFile {
		d.fail("", "the file is larger than %v", ByteSize(maxFile))
		return nil
	}
	documents := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := documents.Decode(&first); {
	case errors.Is(err, io.EOF), err == nil && isNull(first.Content[0]):
		d.fail("", "the file is empty; at least upstream is required")
		return nil
	case err != nil:
		d.syntax(data, err)
		return nil
	}
	switch err := documents.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.syntax(data, err)
		return nil
	default:
		d.failAt(second.Line, "", "a second document begins here; a configuration is one document")
	}
	d.lines[""] = first.Content[0].Line
	return first.Content[0]
}

var yamlPrefix = regexp.MustCompile(`^yaml: (?:line \d+: )?`)

// syntax reports an error of the YAML parser.
func (d *decoder) syntax(data []byte, err error) {
	message := yamlPrefix.ReplaceAllString(err.Error(), "")
	d.failAt(syntaxLine(data, message), "", "the YAML cannot be read: %s", message)
}

// syntaxLookahead is the most lines that a list or a quoted text is thought to span.
const syntaxLookahead = 20

// syntaxLine is the line that makes the parser say message; the parser itself names the line before, or that of the
// block around, or none. It looks for the first line without which the message is not there. A file cut off in the middle
// of a list or a quoted text may give the same message, but not once the following lines are there.
func syntaxLine(data []byte, message string) int {
	ends := lineEnds(data)
	fails := func(lines int) bool { return syntaxMessage(data[:ends[lines-1]]) == message }
	for good := 0; ; {
		bad := good + 1 + sort.Search(len(ends)-good-1, func(i int) bool { return fails(good + 1 + i) })
		good = 0
		for n := bad + 1; n < min(bad+syntaxLookahead, len(ends)); n++ {
			if !fails(n) {
				good = n
			}
		}
		if good == 0 {
			return bad
		}
	}
}

func lineEnds(data []byte) []int {
	var ends []int
	for i, c := range data {
		if c == '\n' || i == len(data)-1 {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// syntaxMessage is what the parser has against data; "" if nothing.
func syntaxMessage(data []byte) string {
	documents := yaml.NewDecoder(bytes.NewReader(data))
	for range 2 {
		if err := documents.Decode(new(yaml.Node)); err != nil {
			return strings.TrimPrefix(yamlPrefix.ReplaceAllString(err.Error(), ""), "EOF")
		}
	}
	return ""
}
