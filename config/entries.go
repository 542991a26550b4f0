package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	line  int // of the key
	value *yaml.Node
}

// entries are the keys of a mapping, with those that it merges in (<<), which its own keys replace.
func (d *decoder) entries(v value) []entry {
	m := merger{decoder: d, path: v.path, lines: make(map[string]int), open: make(map[*yaml.Node]bool)}
	m.merge(v.node)
	return m.found
}

type merger struct {
	*decoder
	path  string
	found []entry
	lines map[string]int // of the keys found
	open  map[*yaml.Node]bool
}

func (m *merger) merge(n *yaml.Node) {
	switch {
	case n.Kind != yaml.MappingNode || n.ShortTag() != "!!map":
		m.fail(m.path, "wants a mapping; this is %s", describe(n))
		return
	case m.open[n]:
		m.failAt(n.Line, m.path, "merges itself")
		return
	}
	m.open[n] = true
	defer delete(m.open, n)
	for _, part := range m.own(n) {
		m.mergeIn(part)
	}
}

// own takes the keys that stand in n itself, and returns what it merges.
func (m *merger) own(n *yaml.Node) (merged []*yaml.Node) {
	seen := make(map[string]int)
	for i := 0; i < len(n.Content) && m.count(m.path); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		switch at := join(m.path, plainKey(key.Value)); {
		case key.Kind != yaml.ScalarNode:
			m.failAt(key.Line, m.path, "has a key that is not a single word")
		case key.ShortTag() == "!!merge":
			merged = append(merged, val)
		case seen[key.Value] > 0:
			m.failAt(key.Line, at, "stands here twice; line %d has it too", seen[key.Value])
		default:
			seen[key.Value] = key.Line
			m.take(entry{key.Value, key.Line, val})
		}
	}
	return merged
}

func (m *merger) take(e entry) {
	if m.lines[e.key] == 0 {
		m.lines[e.key] = e.line
		m.found = append(m.found, e)
	}
}

func (m *merger) mergeIn(n *yaml.Node) {
	parts := []*yaml.Node{n}
	if n = target(n); n.Kind == yaml.SequenceNode {
		parts = n.Content
	}
	for _, part := range parts {
		if !m.count(m.path) {
			return
		}
		m.merge(target(part))
	}
}

// named decodes a mapping whose keys the file chooses, those of what, and name parses. It replaces what is there.
func named[T any](dst *map[string]T, what string, most int, name func(string) (string, error), decode func(*T) decodeFunc) decodeFunc {
	return func(d *decoder, v value) {
		if d.survey != nil {
			d.survey.add(v)
			return
		}
		*dst = nil
		for i, e := range d.entries(v) {
			at := value{e.value, join(v.path, plainKey(e.key))}
			d.lines[at.path] = e.line
			key, err := name(e.key)
			_, twice := (*dst)[key]
			switch {
			case err != nil:
				d.fail(at.path, "the name of the %s %s", what, err)
				continue
			case i == most:
				d.fail(at.path, "is one too many; %d are allowed", most)
			case twice:
				d.fail(at.path, "stands here twice, in another spelling")
			}
			d.visit(at, func(d *decoder, v value) {
				if *dst == nil {
					*dst = make(map[string]T)
				}
				var x T
				decode(&x)(d, v)
				(*dst)[key] = x
			})
		}
	}
}

var plainKeys = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// plainKey is a key as it stands in a path.
func plainKey(key string) string {
	switch {
	case plainKeys.MatchString(key):
		return key
	case hasUser(key):
		return "(not shown)"
	}
	return strconv.Quote(key)
}

// advise says which key may have been meant.
func advise(key string, known map[string]decodeFunc) string {
	keys := make([]string, 0, len(known))
	for k := range known {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	nearest, least := "", 1+(len(key)+1)/3
	for _, k := range keys {
		if n := distance(key, k); n < least {
			nearest, least = k, n
		}
	}
	if nearest != "" {
		return "did you mean " + nearest + "?"
	}
	return "allowed: " + strings.Join(keys, ", ")
}

// distance is the number of characters to insert, delete or replace to make b of a.
func distance(a, b string) int {
	if len(a) > 2*len(b)+2 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
