package config

import "slices"

// section is a kind of mapping in the file.
type section string

const (
	topSection   section = "the file"
	plainSection section = "" // one with nothing to come
	routeSection section = "a route"
)

// What is designed but not built yet is refused by name, so that nobody believes to be protected by it. Whoever builds a
// feature deletes its entry here.
var laterKeys = map[section][]string{
	routeSection: {
		"replay", "idempotency",
		"history", "on_stale",
	},
}

const comesLater = "comes with a later version of proxy409"

func isLaterKey(in section, key string) bool { return slices.Contains(laterKeys[in], key) }
