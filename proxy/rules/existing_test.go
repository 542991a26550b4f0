package rules

import (
	"net/http"
	"reflect"
	"testing"
)

func TestAnAnswerTellsWhetherThereIsOneOrThatItCannotTell(t *testing.T) {
	for _, tc := range []struct {
		answer, list string
		count        int
		fails        bool
	}{
		{answer: ``},
		{answer: `null`},
		{answer: `[]`},
		{answer: `[{"id":1}]`, count: 1},
		{answer: `[1,2,null]`, count: 3},
		{answer: `{"id":1}`, count: 1},
		{answer: `{"items":[]}`, count: 1}, // who means a list says where it is
		{answer: ``, list: "/items"},
		{answer: `null`, list: "/items"},
		{answer: `{"items":[]}`, list: "/items"},
		{answer: `{"items":null}`, list: "/items"},
		{answer: `{"items":[{"id":1},{}]}`, list: "/items", count: 2},
		{answer: `{"a":[{"b":[1]}]}`, list: "/a/0/b", count: 1},

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
		found, count, err := Existing(value, pointer(t, tc.list))
		if count != tc.count || (err != nil) != tc.fails {
			t.Errorf("%s at %q: %d, %v; want %d, an error %t", tc.answer, tc.list, count, err, tc.count, tc.fails)
		}
		if whole := count > 0; whole && !reflect.DeepEqual(found, value) || !whole && found != nil {
			t.Errorf("%s at %q: found %v", tc.answer, tc.list, found)
		}
	}
}
