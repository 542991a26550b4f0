package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// membersOf lists the members of a JSON object that may have one of the names and that have a single value, those that come twice too.
// What is no object has none: who reads parameters from JSON gets none from it either. An object that is broken before its end is one to some, who are
// lenient with numbers, comments or depth; so is a text in another encoding than UTF-8 (RFC 8259, section 8.1).
func membersOf(content []byte, names []string) ([]part, error) {
	if bytes.HasPrefix(content, []byte("\xef\xbb\xbf")) || bytes.IndexByte(content[:min(4, len(content))], 0) >= 0 ||
		bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return nil, errNoUTF8
	}
	if !mayHave(content, names) {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(content))
	if begin, err := d.Token(); err == nil && begin != json.Delim('{') {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var list []part
	for n := 0; d.More(); n++ {
		if n == mostParts || len(list) == mostObeyed {
			return nil, errManyParts
		}
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := skipValue(d)
		if err != nil {
			return nil, err
		}
		if member, _ := name.(string); named(member, names) && value != nil {
			list = append(list, part{member, fmt.Sprint(value)})
		}
	}
	_, err := d.Token()
	return list, err
}

// skipValue reads a value, however deep it is, and returns it if it is a single one. Of an array or object it returns how that begins,
// which is no method and no key: some backends take a part of it.
func skipValue(d *json.Decoder) (any, error) {
	d.UseNumber()
	first, err := d.Token()
	if err != nil {
		return nil, err
	}
	depth := 0
	for token := first; ; {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return first, nil
		}
		if token, err = d.Token(); err != nil {
			return nil, err
		}
	}
}

// mayHave reports whether one of the names can be in a JSON text, as it stands or by an escape. It spares large texts the parsing.
func mayHave(content []byte, names []string) bool {
	return hasOddEscape(content) || slices.ContainsFunc(names, func(name string) bool {
		notLetter := func(r rune) bool { return !unicode.IsLetter(r) } // what stands between letters may be another character
		longest := ""
		for _, letters := range strings.FieldsFunc(name, notLetter) {
			if len(letters) > len(longest) {
				longest = letters
			}
		}
		return longest == "" || containsFold(content, longest)
	})
}

// hasOddEscape reports whether a JSON text has an escape that may stand for a letter: \u0041, and those that JSON does not know, of which
// some parsers drop the backslash.
func hasOddEscape(content []byte) bool {
	for {
		i := bytes.IndexByte(content, '\\')
		if i < 0 || i+1 == len(content) {
			return i >= 0
		}
		if strings.IndexByte(`"\/bfnrt`, content[i+1]) < 0 {
			return true
		}
		content = content[i+2:]
	}
}

// containsFold reports whether a text has the letters in it, whatever their case is.
func containsFold(content []byte, letters string) bool {
	for i := range len(content) - len(letters) + 1 {
		if content[i]|0x20 == letters[0]|0x20 && strings.EqualFold(string(content[i:i+len(letters)]), letters) {
			return true
		}
	}
	return false
}
