package rules

import (
	"cmp"
	"encoding/json"
	"net/http"
	"testing"
)

func TestAnAnswerTellsWhetherThereIsOneOrThatItCannotTell(t *testing.T) {
	for _, tc := range []struct {
		answer, list string
		count        int
		one          string
		fails        bool
	}{
		{answer: ``},
		{answer: `null`},
		{answer: `[]`},
		{answer: `[{"id":1}]`, count: 1, one: `{"id":1}`},
		{answer: `[1,2,null]`, count: 3, one: `1`},
		{answer: `{"id":1}`, count: 1, one: `{"id":1}`},
		{answer: `{"items":[]}`, count: 1, one: `{"items":[]}`}, // who means a list says where it is
		{answer: ``, list: "/items"},
		{answer: `null`, list: "/items"},
		{answer: `{"items":[]}`, list: "/items"},
		{answer: `{"items":null}`, list: "/items"},
		{answer: `{"items":[{"id":1},{}]}`, list: "/items", count: 2, one: `{"id":1}`},
		{answer: `{"a":[{"b":[1]}]}`, list: "/a/0/b", count: 1, one: `1`},

		{answer: `{}`, fails: true},
		{answer: `false`, fails: true},
		{answer: `0`, fails: true},
		{answer: `""`, fails: true},
		{answer: `"not found"`, fails: true},
		{answer: `{"items":{}}`, list: "/items", fails: true},
		{answer: `{"items":{"id":1}}`, list: "/items", fails: true},
		{answer: `{"items":false}`, list: "/items", fails: true},
		{answer: `{"error":"x"}`, list: "/items", fails: true},
		{answer: `{}`, list: "/items", fails: true},
		{answer: `[]`, list: "/items", fails: true},
		{answer: `[{"items":[]}]`, list: "/items", fails: true},
	} {
		value, err := ReadAnswer(http.Header{}, []byte(tc.answer))
		if err != nil {
			t.Fatal(err)
		}
		one, count, err := Existing(value, pointer(t, tc.list))
		if count != tc.count || (err != nil) != tc.fails {
			t.Errorf("%s at %q: %d, %v; want %d, an error %t", tc.answer, tc.list, count, err, tc.count, tc.fails)
		}
		if got, _ := json.Marshal(one); string(got) != cmp.Or(tc.one, "null") {
			t.Errorf("%s at %q: the first is %s, want %s", tc.answer, tc.list, got, tc.one)
		}
	}
}
