package merge

import (
	"encoding/json"
	"testing"

	"proxy409/proxy/rules"
)

func parse(t testing.TB, content string) Document {
	t.Helper()
	d, err := Parse([]byte(content))
	if err != nil {
		t.Fatalf("%q: %v", content, err)
	}
	return d
}

func setsOf(texts ...string) (sets Sets, err error) {
	for _, text := range texts {
		p, err := rules.ParsePointer(text)
		if err != nil {
			return nil, err
		}
		sets = append(sets, p)
	}
	return sets, nil
}

func pointers(t testing.TB, texts ...string) Sets {
	t.Helper()
	sets, err := setsOf(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// written is what changes are as JSON.
func written(t testing.TB, changes []Change) string {
	t.Helper()
	b, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
