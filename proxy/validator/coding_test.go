package validator

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// zip encodes; level 0 stores.
func zip(s string, level int) string {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func TestContentEncoding(t *testing.T) {
	const doc = `{"version":"7"}`
	zipped := zip(doc, 6)
	broken := []byte(zipped)
	broken[len(broken)-8]++ // in the checksum
	tests := []struct {
		name  string
		lines []string
		body  string
		want  string // "weak" and "strong" are tags
	}{
		{"none", nil, doc, "strong"},
		{"empty", []string{" , "}, doc, "strong"},
		{"identity", []string{"Identity"}, doc, "strong"},
		{"gzip", []string{"gzip"}, zipped, "weak"},
		{"letter case", []string{" GZip\t,"}, zipped, "weak"},
		{"x-gzip", []string{"x-gzip"}, zipped, "weak"},
		{"members", []string{"gzip"}, zip(doc[:3], 6) + zip(doc[3:], 1) + zip("", 1), "weak"},

		{"br", []string{"br"}, doc, "coding"},
		{"deflate", []string{"deflate"}, doc, "coding"},
		{"unheard of", []string{"gzip2"}, zipped, "coding"},
		{"twice in a line", []string{"gzip, gzip"}, zip(zipped, 6), "coding"},
		{"twice on two lines", []string{"gzip", "gzip"}, zip(zipped, 6), "coding"},
		{"another one too", []string{"gzip, br"}, zipped, "coding"},
		{"identity too", []string{"identity", "gzip"}, zipped, "coding"},
		{"not what it says", []string{"gzip"}, doc, "coding"},
		{"nothing", []string{"gzip"}, "", "coding"},
		{"cut short", []string{"gzip"}, zipped[:len(zipped)-1], "coding"},
		{"cut shorter", []string{"gzip"}, zipped[:12], "coding"},
		{"a wrong checksum", []string{"gzip"}, string(broken), "coding"},
		{"a tail", []string{"gzip"}, zipped + "x", "coding"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, source := range []Source{
				{From: Body},
				{From: Body, Ignore: []string{"/now"}},
				{From: JSON, Pointer: "/version"},
			} {
				m := make1(t, source)
				got := outcome(t, m, with(ofJSON, "Content-Encoding", tt.lines...), tt.body)
				switch same := outcome(t, m, ofJSON, doc); got {
				case same:
					got = "strong"
				case "W/" + same:
					got = "weak"
				}
				if got != tt.want {
					t.Errorf("%+v: %s, want %s", source, got, tt.want)
				}
			}
		})
	}
}

func TestTheLimitIsOfDecodedBytes(t *testing.T) {
	const limit = 100
	fits, over := `"`+strings.Repeat("x", limit-2)+`"`, `"`+strings.Repeat("x", limit-1)+`"`
	zipped := with(ofJSON, "Content-Encoding", "gzip")
	for _, source := range []Source{{From: Body, Limit: limit}, {From: Body, Limit: limit, Ignore: []string{"/a"}}} {
		m := make1(t, source)
		tag := outcome(t, m, ofJSON, fits)
		for name, got := range map[string]string{
			"gzip":   outcome(t, m, zipped, zip(fits, 6)),
			"stored": outcome(t, m, zipped, zip(fits, 0)), // encoded it is longer than the limit, which does not matter
		} {
			if got != "W/"+tag {
				t.Errorf("%+v: %s: %s, want W/%s", source, name, got, tag)
			}
		}
		for name, got := range map[string]string{
			"identity":         outcome(t, m, ofJSON, over),
			"gzip":             outcome(t, m, zipped, zip(over, 6)),
			"a lie at the end": outcome(t, m, zipped, zip(over, 6)[:len(zip(over, 6))-4]+"\x01\x00\x00\x00"),
			"cut short":        outcome(t, m, zipped, zip(strings.Repeat(over, 1<<12), 0)[:1<<12]),
		} {
			if got != "too_large" {
				t.Errorf("%+v: %s: %s", source, name, got)
			}
		}
	}
	if got := outcome(t, make1(t, Source{From: Body}), nil, strings.Repeat("x", DefaultLimit+1)); got != "too_large" {
		t.Errorf("without a limit of its own: %s", got)
	}
	field := make1(t, Source{From: Header, Header: "V", Limit: 1})
	if got := outcome(t, field, with(nil, "V", "a1"), "content"); got != `"a1"` {
		t.Errorf("a field: %s", got)
	}
}

func TestABombTakesLittleMoreMemoryThanTheLimit(t *testing.T) {
	bomb := []byte(zip(strings.Repeat("\x00", 8<<20), 9))
	lie := append(bytes.Clone(bomb[:len(bomb)-4]), 1, 0, 0, 0)
	h := with(ofJSON, "Content-Encoding", "gzip")
	for _, tt := range []struct {
		name   string
		source Source
		body   []byte
		most   uint64
	}{
		{"hashed", Source{From: Body}, bomb, 256 << 10},
		{"kept", Source{From: JSON, Pointer: "/v"}, bomb, DefaultLimit + 256<<10},
		{"kept, and it lies", Source{From: JSON, Pointer: "/v"}, lie, 6 * DefaultLimit}, // all the buffers that were outgrown
	} {
		m := make1(t, tt.source)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := m.Make(h, tt.body)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > tt.most || err != TooLarge { //nolint:errorlint // a Cause is returned as it is
			t.Errorf("%s: %d bytes, %v", tt.name, used, err)
		}
	}
}

func TestAcceptEncodingIsWhatBothUnderstand(t *testing.T) {
	for value, gzipped := range map[string]bool{
		"gzip":                       true,
		"GZIP":                       true,
		"x-gzip":                     true,
		"gzip, deflate, br, zstd":    true,
		"br;q=1.0, gzip;q=0.8, *":    true,
		"gzip;q=0.001":               true,
		"gzip ; Q=1.000":             true,
		"*":                          true,
		"br, *;q=0.1":                true,
		"identity;q=0, *":            true,
		",,gzip,":                    true,
		"gzip;q=1, *;q=0":            true,
		"br\t,\tgzip\t;\tq=0.5, a;b": true,

		"":                    false,
		"identity":            false,
		"br":                  false,
		"gzip;q=0":            false,
		"gzip;q=0.000":        false,
		"gzip;q=0, *":         false,
		"gzip;q=0, x-gzip":    false,
		"gzip, gzip;q=0":      false,
		"*;q=0":               false,
		"*, *;q=0":            false,
		"gzip2":               false,
		"gzip;q":              false,
		"gzip;q=":             false,
		"gzip;q=.":            false,
		"gzip;q=-1":           false,
		"gzip;q=1e-1":         false,
		"gzip;q=inf":          false,
		"gzip;q=2":            false,
		"gzip;level=9":        false,
		"gzip;q=0.5;level=9":  false,
		"br;gzip":             false,
		"identity, *;q=0":     false,
		"gzip;q=bad, *;q=0.5": false,
	} {
		want := map[bool]string{true: "gzip", false: "identity"}[gzipped]
		if got := AcceptEncoding([]string{value}); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
	if got := AcceptEncoding(nil); got != "identity" {
		t.Errorf("none: %s", got)
	}
	if got := AcceptEncoding([]string{"br", "gzip"}); got != "gzip" {
		t.Errorf("on the second line: %s", got)
	}
	if got := AcceptEncoding([]string{"gzip", "gzip;q=0"}); got != "identity" {
		t.Errorf("refused on the second line: %s", got)
	}
}

// FuzzAcceptEncoding: on how many lines the list comes, with what space and in what letter case, makes no difference; a
// client is sent gzip only if it named it or the star.
func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"gzip", "br, *;q=0", "gzip;q=0.5,x-gzip", "identity;q=1, *"} {
		f.Add(s, "gzip;q=0")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := AcceptEncoding([]string{a, b})
		if got != "gzip" && got != "identity" {
			t.Fatalf("%q, %q: %s", a, b, got)
		}
		all := strings.ToUpper(a + "," + b)
		if joined := AcceptEncoding([]string{"", " " + all + "\t"}); joined != got && len(all) == len(a)+len(b)+1 {
			t.Fatalf("%q, %q: %s, but joined %s", a, b, got, joined)
		}
		if got == "gzip" && !strings.Contains(all, "GZIP") && !strings.Contains(all, "*") {
			t.Fatalf("%q, %q: %s", a, b, got)
		}
		if none := AcceptEncoding([]string{a, b, "gzip;q=0"}); none != "identity" {
			t.Fatalf("%q, %q: refused, and yet %s", a, b, none)
		}
	})
}

// FuzzDecode: what is decoded for its hash and what is decoded to be read are the same, and are what gzip makes of it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(zip("hello", 6)), int64(5))
	f.Add([]byte(zip("hello", 0)), int64(4))
	f.Add([]byte(zip("a", 1)+zip("b", 9)), int64(100))
	f.Add([]byte("hello"), int64(100))
	f.Fuzz(func(t *testing.T, body []byte, limit int64) {
		limit = limit&0xffff + 1
		m := make1(t, Source{From: Body, Limit: limit})
		tag := outcome(t, m, http.Header{"Content-Encoding": {"gzip"}}, string(body))
		doc, err := zipped.decoded(body, limit)
		var naive []byte
		r, naiveErr := gzip.NewReader(bytes.NewReader(body))
		if naiveErr == nil {
			naive, naiveErr = io.ReadAll(io.LimitReader(r, limit+1))
		}
		switch {
		case int64(len(naive)) > limit:
			if tag != "too_large" || err != TooLarge { //nolint:errorlint // a Cause is returned as it is
				t.Fatalf("over the limit: %s, %v", tag, err)
			}
		case naiveErr != nil:
			if tag != "coding" || err != Coding { //nolint:errorlint // a Cause is returned as it is
				t.Fatalf("%v: %s, %v", naiveErr, tag, err)
			}
		default:
			if err != nil || !bytes.Equal(doc, naive) || tag != "W/"+outcome(t, m, nil, string(naive)) {
				t.Fatalf("%q: %q, %v, %s", naive, doc, err, tag)
			}
		}
	})
}
