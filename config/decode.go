package config

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder walks a document by the tables of schema.go. It knows path and line at each step, and goes on after a problem.
type decoder struct {
	source
	env      func(string) (string, bool)
	problems []Problem
	failed   map[string]bool // the paths with a problem, and all around them
	visits   int             // values seen, aliases followed
	survey   *survey         // not nil: there is no document; see Keys
}

// value is a value of the document, and where it stands.
type value struct {
	node *yaml.Node
	path string
}

// decodeFunc takes a value that is no null and no alias.
type decodeFunc func(d *decoder, v value)

func newDecoder(name string, env func(string) (string, bool)) *decoder {
	return &decoder{
		source: source{file: name, lines: make(map[string]int)},
		env:    env,
		failed: make(map[string]bool),
	}
}

// fail adds a problem with the value at path.
func (d *decoder) fail(path, format string, args ...any) {
	path, line := d.find(path)
	d.failAt(line, path, format, args...)
}

func (d *decoder) failAt(line int, path, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.file, line, path, fmt.Sprintf(format, args...)})
	for ; path != ""; path = parent(path) {
		d.failed[path] = true
	}
}

// sound says whether the values at all paths were read without a problem, so that they can be held against each other.
func (d *decoder) sound(paths ...string) bool {
	for _, path := range paths {
		if path, _ = d.find(path); d.failed[path] {
			return false
		}
	}
	return true
}

// maxVisits bounds what a file can grow to by aliases.
const maxVisits = 100_000

// visit decodes one value, unless it is null or there have been too many.
func (d *decoder) visit(v value, decode decodeFunc) {
	if !d.count(v.path) {
		return
	}
	v.node = target(v.node)
	if isNull(v.node) {
		d.fail(v.path, "has no value; give it one, or leave the key out")
		return
	}
	decode(d, v)
}

func (d *decoder) count(path string) bool {
	d.visits++
	if d.visits == maxVisits {
		d.fail(path, "the file has too many values by here, aliases followed; %d are allowed", maxVisits)
	}
	return d.visits < maxVisits
}

// mapping decodes the keys of a mapping.
func (d *decoder) mapping(v value, known keys) {
	if d.survey != nil {
		d.survey.mapping(d, v, known)
		return
	}
	for _, e := range d.entries(v) {
		at := value{e.value, join(v.path, plainKey(e.key))}
		d.lines[at.path] = e.line
		if decode, ok := known[e.key]; ok {
			d.visit(at, decode)
		} else {
			d.fail(at.path, "unknown key; %s", advise(e.key, known))
		}
	}
}

// list decodes the items of a list.
func (d *decoder) list(v value, decode func(d *decoder, i int, v value)) {
	if d.survey != nil {
		d.survey.list(d, v, decode)
		return
	}
	if v.node.Kind != yaml.SequenceNode || v.node.ShortTag() != "!!seq" {
		d.fail(v.path, "wants a list; this is %s", describe(v.node))
		return
	}
	for i, node := range v.node.Content {
		at := value{node, item(v.path, i)}
		d.lines[at.path] = node.Line
		d.visit(at, func(d *decoder, v value) { decode(d, i, v) })
	}
}

// scalar is the text of a single value, with variables expanded.
func (d *decoder) scalar(v value) (string, bool) {
	if d.survey != nil {
		d.survey.add(v)
		return "", false
	}
	if v.node.Kind != yaml.ScalarNode {
		d.fail(v.path, "wants a single value; this is %s", describe(v.node))
		return "", false
	}
	switch v.node.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
	default:
		d.fail(v.path, "has the tag %s; values here have none", quote(v.node.Tag))
		return "", false
	}
	text, err := expand(v.node.Value, d.env)
	if err != nil {
		d.fail(v.path, "%s", err)
		return "", false
	}
	return text, true
}

// one decodes a single value. Errors of parse go on after the value: "is not a mode".
func one[T any](dst *T, parse func(string) (T, error)) decodeFunc {
	return func(d *decoder, v value) {
		decodeOne(d, v, dst, parse, quote(v.node.Value))
	}
}

// hidden decodes a single value that no problem may quote.
func hidden(dst *Secret, parse func(string) (Secret, error)) decodeFunc {
	return func(d *decoder, v value) {
		decodeOne(d, v, dst, parse, "the value (not shown)")
	}
}

// decodeOne leaves dst alone where there is a problem: what else is checked is then checked against the default.
func decodeOne[T any](d *decoder, v value, dst *T, parse func(string) (T, error), shown string) {
	text, ok := d.scalar(v)
	if !ok {
		return
	}
	parsed, err := parse(text)
	if err != nil {
		d.fail(v.path, "%s %s", shown, err)
		return
	}
	*dst = parsed
}

// target is what an alias stands for. The parser lets no alias stand for another.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.ScalarNode:
		return quote(n.Value)
	case n.ShortTag() == "!!map":
		return "a mapping"
	case n.ShortTag() == "!!seq":
		return "a list"
	default:
		return "a value with the tag " + quote(n.Tag)
	}
}

// hasUser says whether a text looks like a URL, or a botched one, that has a user and a password in it.
func hasUser(text string) bool {
	_, after, found := strings.Cut(text, ":")
	return found && strings.Contains(after, "@")
}

// quote shows a value as the file has it, before variables are expanded: what they hold may be secret.
func quote(text string) string {
	const most = 80
	if hasUser(text) || strings.Contains(text, "://") && strings.ContainsAny(text, "?#") {
		return "the value (not shown, for there may be a password in it)"
	}
	if len(text) > most {
		return strconv.Quote(text[:most]) + "…"
	}
	return strconv.Quote(text)
}
