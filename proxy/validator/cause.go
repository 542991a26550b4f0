package validator

import "strconv"

// Cause is why a representation shows no version. [Cause.String] is its label, from a closed set; [Cause.Error] says it
// in words, for a log. The zero value is no cause.
type Cause uint8

// The causes. [Stream], [NoRoom] and [NoETag] are for whoever reads the answer: an endless one never comes to Make.
const (
	TooLarge Cause = iota + 1 // the decoded content is over the limit
	NotJSON                   // the content is not JSON
	NoMember                  // the JSON has no string, number or boolean at the pointer, or has two members of one name on the way there
	NoHeader                  // the header field is absent, empty, or there twice
	Coding                    // the content is encoded in a way that cannot be undone, or is damaged
	Stream                    // the content has no end that could be waited for
	NoRoom                    // the content cannot be held, because as much is held as may be
	NoETag                    // the backend sent no ETag, or one that is none
)

var causes = [...]struct{ label, words string }{
	TooLarge: {"too_large", "the representation is larger than limits.representation"},
	NotJSON:  {"not_json", "the representation is not JSON"},
	NoMember: {"no_member", "the representation has no single string, number or boolean at version.pointer"},
	NoHeader: {"no_header", "the answer has not exactly one field, and not an empty one, of the name in version.header"},
	Coding:   {"coding", "the representation has a Content-Encoding other than gzip, or is not what it says"},
	Stream:   {"stream", "the answer is a stream, which has no version before its end"},
	NoRoom:   {"overloaded", "the representation cannot be held, because limits.held is used up"},
	NoETag:   {"no_etag", "the answer has no ETag, or one that is not an entity tag"},
}

// Causes lists all causes, in the order of their numbers.
func Causes() []Cause {
	all := make([]Cause, 0, len(causes)-1)
	for c := TooLarge; int(c) < len(causes); c++ {
		all = append(all, c)
	}
	return all
}

// String is the label of the cause.
func (c Cause) String() string {
	if c == 0 || int(c) >= len(causes) {
		return "Cause(" + strconv.Itoa(int(c)) + ")"
	}
	return causes[c].label
}

// Error says in words why there is no version. It holds nothing of the representation.
func (c Cause) Error() string {
	if c == 0 || int(c) >= len(causes) {
		return c.String()
	}
	return causes[c].words
}
