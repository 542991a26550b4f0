package redisstore

import (
	"regexp"
	"strings"
)

// discreet is an error without what it repeats of what was sent.
type discreet struct {
	error
	text string
}

// quoted is what stands between quotation marks, or behind one that is not closed. Inside, a backslash escapes.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*(?:"|\\?$)`)

// discreetly takes out of an error what may be a password. A server that does not know AUTH says so with its arguments, and of
// one that is no Redis, and repeats what it was sent, go-redis quotes the line.
func discreetly(err error) error {
	text, _, _ := strings.Cut(err.Error(), ", with args beginning with")
	text = quoted.ReplaceAllLiteralString(text, `"…"`)
	if text == err.Error() {
		return err
	}
	return &discreet{err, text}
}

func (d *discreet) Error() string { return d.text }

// Unwrap gives a list, like that of explained.
func (d *discreet) Unwrap() []error { return []error{d.error} }
