package legacy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// item is a JSON object by its members. The backend sets the members id and revision itself.
type item map[string]json.RawMessage

// parse reads an item that a client sent.
func parse(body []byte) (item, error) {
	var it item
	if err := json.Unmarshal(body, &it); err != nil {
		return nil, fmt.Errorf("the body is not a JSON object: %w", err)
	}
	if it == nil {
		return nil, errors.New("the body is not a JSON object: null")
	}
	return it, nil
}

// encode writes a value in a form that is the same for the same value: members come in alphabetical order.
func encode(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // items were parsed, and everything else is made here
	}
	return append(data, '\n')
}

func text(s string) json.RawMessage {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // every string is fit for JSON
	}
	return data
}

// store puts it under id as the next revision and returns that. The caller holds b.mu, if anyone else knows b.
func (b *Backend) store(id string, it item) (revision int) {
	b.revisions[id]++
	revision = b.revisions[id]
	it["id"] = text(id)
	it["revision"] = json.RawMessage(strconv.Itoa(revision))
	b.items[id] = it
	return revision
}

// ETags says which entity tags a [Backend] shows.
type ETags int

// The kinds of entity tags.
const (
	Strong ETags = iota // "0a1b": equal tags mean equal bytes
	Weak                // W/"0a1b", as Express sends them
	None                // no entity tag at all
)

var etagsNames = [...]string{"strong", "weak", "none"}

// String is the name that [ETags.UnmarshalText] reads.
func (e ETags) String() string {
	if e < 0 || int(e) >= len(etagsNames) {
		return "ETags(" + strconv.Itoa(int(e)) + ")"
	}
	return etagsNames[e]
}

// MarshalText implements [encoding.TextMarshaler], for [flag.TextVar].
func (e ETags) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]: strong, weak or none.
func (e *ETags) UnmarshalText(name []byte) error {
	for i, known := range etagsNames {
		if string(name) == known {
			*e = ETags(i)
			return nil
		}
	}
	return fmt.Errorf("%q is none of strong, weak, none", name)
}

// tag is the entity tag of a representation; "" for [None]. The revision is a part of what is hashed.
func (e ETags) tag(representation []byte) string {
	sum := sha256.Sum256(representation)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	switch e {
	case Strong:
		return tag
	case Weak:
		return "W/" + tag
	case None:
		return ""
	}
	return ""
}
