package merge

import (
	"slices"
	"strings"
)

// longest is in bytes. A change at a place with a longer pointer counts, and is not shown.
const longest = 1000

// place is where a value is in a document. The whole document is nil.
type place struct {
	within *place
	name   string
	length int // of the pointer
}

func (p *place) member(name string) *place {
	length := 1 + len(name) + strings.Count(name, "~") + strings.Count(name, "/")
	if p != nil {
		length += p.length
	}
	return &place{p, name, length}
}

func (p *place) short() bool { return p == nil || p.length <= longest }

// pointer is the JSON pointer (RFC 6901) to the place.
func (p *place) pointer() string {
	var names []string
	for ; p != nil; p = p.within {
		names = append(names, p.name)
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, name := range slices.Backward(names) {
		b.WriteByte('/')
		b.WriteString(escape.Replace(name))
	}
	return b.String()
}
