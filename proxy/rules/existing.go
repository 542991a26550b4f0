package rules

import (
	"errors"
	"fmt"
)

// Existing reads from the backend's answer, as [ReadAnswer] has it, whether there is one already, and how many. List leads to the
// list in it; the zero value: the answer is the list, or the one that exists. One is the first of them.
//
// Null, or an answer without content, says that there is none, and so does an empty list, for which what is written in Go may answer null. The error,
// for the log, says that it cannot be told: an empty object, too, is no resource, but need not mean that there is none.
func Existing(value any, list Pointer) (one any, count int, err error) {
	if value == nil {
		return nil, 0, nil
	}
	at, there := Lookup(value, list)
	if !there {
		return nil, 0, fmt.Errorf("the answer has no member %s, where the list is to be", list)
	}
	switch within := at.(type) {
	case nil:
		return nil, 0, nil
	case []any:
		if len(within) == 0 {
			return nil, 0, nil
		}
		return within[0], len(within), nil
	case map[string]any:
		if len(list.tokens) == 0 && len(within) > 0 {
			return value, 1, nil
		}
	}
	if len(list.tokens) == 0 {
		return nil, 0, errors.New("the answer is neither a list nor the resource, but a single value or an empty object")
	}
	return nil, 0, fmt.Errorf("the answer has at %s something else than a list", list)
}
