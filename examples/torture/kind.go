package main

import (
	"fmt"
	"net/http"
	"time"
)

// kind is how a resource shows its version. Its name is its route's, and the first segment of its path.
type kind struct {
	Name    string
	Version string // the route's version setting
	// tag writes what a GET shows of a version that the resource has had since then.
	tag func(h http.Header, v version, since time.Time)
	// own writes what the answer to a write shows, of its number and that of the state before it.
	own func(h http.Header, id, before version)
	// unique tells that no tag ever comes back.
	unique bool
}

func noTag(http.Header, version, time.Time) {}

func strongTag(h http.Header, v version, _ time.Time) { h.Set("ETag", fmt.Sprintf(`"v%d"`, v)) }

// What the answers to writes show: nothing, what was made, what was there before (an answer that was put together too
// early), and what Express does: the tag of the answer's own body, which says {"ok":true}.
func ownNothing(http.Header, version, version) {}

func ownTag(h http.Header, id, _ version) { strongTag(h, id, time.Time{}) }

func ownBefore(h http.Header, _, before version) { strongTag(h, before, time.Time{}) }

func ownBody(h http.Header, _, _ version) { h.Set("ETag", `W/"b-ok"`) }

var kinds = []kind{
	{Name: "strong", Version: "{}", tag: strongTag, own: ownTag, unique: true},
	// As nginx does it: the tag is made of time, in seconds, and size, which is always the same here.
	{
		Name: "coarse", Version: "{}", own: ownNothing,
		tag: func(h http.Header, _ version, since time.Time) {
			h.Set("Last-Modified", since.UTC().Format(http.TimeFormat))
			h.Set("ETag", fmt.Sprintf(`"%x-40"`, since.Unix()))
		},
	},
	// As Express does it.
	{
		Name: "weak", Version: "{}", unique: true, own: ownBody,
		tag: func(h http.Header, v version, _ time.Time) { h.Set("ETag", fmt.Sprintf(`W/"w%d"`, v)) },
	},
	{Name: "made", Version: "{from: body}", tag: noTag, own: ownNothing, unique: true},
	{Name: "reread", Version: "{reread: true}", tag: strongTag, own: ownNothing, unique: true},
	{Name: "trusted", Version: "{trust_writes: true}", tag: strongTag, own: ownTag, unique: true},
	// Equal tags mean equal content here, but what comes with the answer to a write is not the resource's.
	{Name: "hashed", Version: "{qualify: never}", tag: strongTag, own: ownBefore, unique: true},
}

func kindOf(resource int) kind { return kinds[resource%len(kinds)] }

func pathOf(resource int) string {
	return fmt.Sprintf("/%s/%d", kindOf(resource).Name, resource/len(kinds))
}
