package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Keys are the paths of all keys that a file may have, sorted: "listen", "store.redis.url", "routes[].version.from". A
// mapping whose keys the file chooses, such as routes[].key.query, is one path. So is `defaults`, which takes the keys of
// a route, but for those that belong to one: name, match, when, and the rules but for expect and ask_headers.
func Keys() []string {
	d := newDecoder("", nil)
	d.survey = new(survey)
	d.config(new(yaml.Node), defaults())
	found := slices.DeleteFunc(d.survey.found, func(path string) bool { return strings.HasPrefix(path, "defaults.") })
	slices.Sort(found)
	return found
}

// survey notes what a decoder would read, by letting it decode every key of every table without a document.
type survey struct {
	found []string
}

// add notes a path, unless it is the whole file or an item of a list, which are no keys.
func (s *survey) add(v value) {
	if v.path != "" && !strings.HasSuffix(v.path, "[]") {
		s.found = append(s.found, v.path)
	}
}

func (s *survey) mapping(d *decoder, v value, known keys) {
	s.add(v)
	for key, decode := range known {
		decode(d, value{v.node, join(v.path, key)})
	}
}

func (s *survey) list(d *decoder, v value, decode func(*decoder, int, value)) {
	s.add(v)
	decode(d, 0, value{v.node, v.path + "[]"})
}
