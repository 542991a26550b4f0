package validator

import (
	"bytes"
	"strings"
	"testing"
)

func BenchmarkMake(b *testing.B) {
	var doc bytes.Buffer
	doc.WriteString(`{"version":42,"now":"2026-07-01T12:00:00Z","rows":[`)
	for range 200 {
		doc.WriteString(`{"title":"A title \u00e9","body":"` + strings.Repeat("text ", 50) + `","id":12345,"tags":["x","y"]},`)
	}
	doc.WriteString(`{}]}`)
	zipped := zip(doc.String(), 6)
	for _, bb := range []struct {
		name   string
		source Source
		coding string
		body   string
	}{
		{"body", Source{From: Body}, "", doc.String()},
		{"body, gzip", Source{From: Body}, "gzip", zipped},
		{"members", Source{From: Body, Ignore: []string{"/now"}}, "", doc.String()},
		{"members, gzip", Source{From: Body, Ignore: []string{"/now"}}, "gzip", zipped},
		{"member", Source{From: JSON, Pointer: "/version"}, "", doc.String()},
		{"field", Source{From: Header, Header: "Last-Modified"}, "", ""},
	} {
		b.Run(bb.name, func(b *testing.B) {
			m, body := make1(b, bb.source), []byte(bb.body)
			h := with(ofJSON, "Content-Encoding", bb.coding)
			h["Last-Modified"] = []string{"Sun, 06 Nov 1994 08:49:37 GMT"}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Make(h, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
