package validator

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A document that is written in any other way is the same; one that has other content is not.
func TestTheTagIsOfWhatADocumentMeans(t *testing.T) {
	m := make1(t, Source{From: Body, Ignore: []string{"/ignored"}})
	rapid.Check(t, func(t *rapid.T) {
		v := map[string]any{"doc": drawJSON(t, 4), "ignored": drawJSON(t, 2)}
		other := map[string]any{"doc": drawJSON(t, 4)}
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		tag := func(v any) string {
			var b strings.Builder
			scribble(&b, rnd, v)
			made, err := m.Make(ofJSON, []byte(b.String()))
			if err != nil {
				t.Fatalf("%s: %v", b.String(), err)
			}
			return made.Tag.String()
		}
		first := tag(v)
		v["ignored"] = "something else"
		if again := tag(v); again != first {
			t.Fatalf("%v has %s and %s", v, first, again)
		}
		if same := reflect.DeepEqual(v["doc"], other["doc"]); same != (tag(other) == first) {
			t.Fatalf("%v and %v: the same tag is %v", v, other, !same)
		}
	})
}

func drawJSON(t *rapid.T, depth int) any {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab\"\\/\n\x00é😀\ufffd{}[],:1")), 0, 3, -1)
	switch rapid.IntRange(0, 2+2*min(depth, 1)).Draw(t, "kind") {
	case 0:
		return text.Draw(t, "string")
	case 1:
		return json.Number(rapid.SampledFrom([]string{"0", "1", "12", "-1", "1.0", "1e2"}).Draw(t, "number"))
	case 2:
		return rapid.SampledFrom([]any{nil, true, false}).Draw(t, "word")
	case 3:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			list = append(list, drawJSON(t, depth-1))
		}
		return list
	default:
		object := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			object[text.Draw(t, "name")] = drawJSON(t, depth-1)
		}
		return object
	}
}

// scribble writes a value in one of the many ways in which it can be written.
func scribble(b *strings.Builder, rnd *rand.Rand, v any) {
	space := func() { b.WriteString([]string{"", "", "", " ", "\n\t"}[rnd.IntN(5)]) }
	space()
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		b.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				b.WriteByte(',')
			}
			scribble(b, rnd, name)
			b.WriteByte(':')
			scribble(b, rnd, v[name])
		}
		space()
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			scribble(b, rnd, e)
		}
		space()
		b.WriteByte(']')
	case string:
		b.WriteByte('"')
		for _, r := range v {
			switch plain, _ := json.Marshal(string(r)); {
			case rnd.IntN(2) == 0:
				b.Write(plain[1 : len(plain)-1])
			case r > 0xffff:
				fmt.Fprintf(b, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
			default:
				fmt.Fprintf(b, `\u%04x`, r)
			}
		}
		b.WriteByte('"')
	default:
		plain, _ := json.Marshal(v)
		b.Write(plain)
	}
	space()
}
