package refusal

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	likeErrors = `{"code":"{{.Reason}}","errors":[{"msg":{{json .Detail}}}]}`
	likeXML    = `<?xml version="1.0" encoding="UTF-8"?>
<error code="{{.Reason}}"{{with .CurrentVersion}} version="{{html .}}"{{end}}>
{{- range .Fields}}<field>{{html .}}</field>{{end}}<text>{{html .Message}}</text></error>
`
	likeText = "{{.Status}} {{.Reason}}: {{.Message}}\n"
)

func withBody(t testing.TB, text string) Style {
	t.Helper()
	parsed, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	s := testStyle("")
	s.Body = parsed
	return s
}

func TestATemplateMakesTheBody(t *testing.T) {
	for _, c := range []struct{ template, contentType, want string }{
		{
			likeErrors, "application/json",
			`{"code":"stale","errors":[{"msg":"You sent If-Match \"a1\"; the resource is now at another version. Read it again, apply your change, send it with the new ETag."}]}`,
		},
		{
			likeXML, "application/xml",
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error code=\"stale\" version=\"&lt;2&gt;\"><field>/a&lt;b</field><text>document was modified by another user</text></error>\n",
		},
		{likeText, "text/plain; charset=utf-8", "409 stale: document was modified by another user\n"},
		{
			"\n {{/* all of them */}}{{json .}}", "application/json",
			`{"Type":"urn:proxy409:stale","Title":"The resource has changed since you read it","Status":409,"Detail":"You sent If-Match \"a1\"; ` +
				`the resource is now at another version. Read it again, apply your change, send it with the new ETag.",` +
				`"Instance":"urn:uuid:00000000-0000-4000-8000-000000000409","Error":"conflict","Reason":"stale",` +
				`"Message":"document was modified by another user","CurrentETag":"\"c7\"","CurrentVersion":"<2>","Rule":"","Fields":["/a<b"],` +
				`"ExpectedVersion":null,"CurrentState":"","RequestedState":"","AllowedStates":[],"Location":"","Changes":null}`,
		},
		{`{"v":{{json .CurrentVersion}},"was":{{json .ExpectedVersion}}}`, "application/json", `{"v":"<2>","was":null}`},
	} {
		s := withBody(t, c.template)
		for _, accept := range []string{"", "application/problem+json", browser} {
			resp := s.Response(put(accept), Refusal{
				Reason: Stale, IfMatch: `"a1"`, CurrentETag: `"c7"`, CurrentVersion: json.RawMessage(`"<2>"`), Fields: []string{"/a<b"},
			})
			raw, err := io.ReadAll(resp.Body)
			if err != nil || string(raw) != c.want {
				t.Errorf("%s: %v\ngot  %s\nwant %s", c.template, err, raw, c.want)
			}
			h := resp.Header
			if h.Get("Content-Type") != c.contentType || h["Vary"] != nil || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", c.template, h)
			}
		}
	}
}

func TestATemplateChangesNothingButTheBody(t *testing.T) {
	for _, text := range []string{likeErrors, likeXML, likeText} {
		s := withBody(t, text)
		for _, reason := range Reasons() {
			for _, method := range []string{http.MethodPut, http.MethodHead} {
				req := put()
				req.Method = method
				r := known(reason)
				r.RetryAfter = 3 * time.Second
				got, want := s.Response(req, r), testStyle("").Response(req, r)
				raw, _ := io.ReadAll(got.Body)
				if head := method == http.MethodHead; head != (len(raw) == 0) || !head && int64(len(raw)) != got.ContentLength {
					t.Errorf("%s %s: %d bytes announced, and sent %q", method, reason, got.ContentLength, raw)
				}
				for _, name := range []string{"Content-Type", "Content-Length", "Vary", "Content-Security-Policy"} {
					delete(got.Header, name)
					delete(want.Header, name)
				}
				if got.Status != want.Status || !reflect.DeepEqual(got.Header, want.Header) {
					t.Errorf("%s: %s %v, want %s %v", reason, got.Status, got.Header, want.Status, want.Header)
				}
			}
		}
	}
}

func TestWhatIsHiddenIsHiddenFromTemplates(t *testing.T) {
	s := withBody(t, "{{json .}}")
	want := dump(t, s.Response(put(), Refusal{Reason: Stale}))
	for _, reason := range []Reason{Stale, Exists, Absent} {
		r := known(reason)
		r.Hidden, r.Detail, r.Rule, r.Fields = true, "secret", "unique-1", []string{"/email"}
		if got := dump(t, s.Response(put(), r)); got != want {
			t.Errorf("%s, hidden:\n%s\nwant:\n%s", reason, got, want)
		}
	}
}

// What is wrong with a template is said when it is loaded, in words for whoever wrote it.
func TestABadTemplateIsAnErrorAtLoad(t *testing.T) {
	for text, want := range map[string]string{
		`{"code":{{json .Detial}}}`: "line 1: .Detial: a refusal has no .Detial; it has .Type, .Title, .Status, .Detail, .Instance, .Error, .Reason, " +
			".Message, .CurrentETag, .CurrentVersion, .Rule, .Fields, .ExpectedVersion, .CurrentState, .RequestedState, .AllowedStates, .Location, .Changes",
		"a\nb {{.Detail":                 "line 2: unclosed action",
		"{{xml .Detail}}":                `line 1: function "xml" not defined`,
		"{{if .Detail}}":                 "line 1: unexpected EOF",
		"{{index .Fields 7}}":            "line 1: index .Fields 7: error calling index: ",
		`{"msg":"{{.Detail}}"}`:          "the body is JSON for some refusals and not for others: invalid character",
		`{"msg":{{.Detail}}}`:            "the body begins like JSON, but it is none: invalid character",
		`{"msg":{{json .Detail}}`:        "the body begins like JSON, but it is none: unexpected end of JSON input",
		"":                               "the body is empty",
		"{{with .Location}}{{.}}{{end}}": "the body is empty",
		"<?xml version='1.0'?><a>{{.Detail}}</a>":                        "the body is not well-formed XML: ",
		"<?xml version='1.0'?><a>":                                       "the body is not well-formed XML: ",
		"<?xml version='1.0' encoding='latin1'?><a>{{html .Detail}}</a>": "it says that it is in latin1, and it is in UTF-8",
		"{{if .Location}}<?xml version='1.0'?><a/>{{else}}none{{end}}":   "the body begins with <?xml for some refusals and not for others",
		"{{range 100000}}{{$.Title}}{{end}}":                             "the body is over 64 KiB",
		`{{template "a"}}`:                                               `line 1: {{template "a"}}: template "a" not defined`,
		`{{slice "é" 1}}`:                                                "the body is not UTF-8",
	} {
		_, err := ParseTemplate(text)
		if err == nil || !strings.HasPrefix(err.Error(), want) && !strings.Contains(want, "it says") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v, want\n%s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"msg":"{{.Detail}}"}`:                   "{{json .Detail}}",
		"<?xml version='1.0'?><a>{{.Detail}}</a>": "{{html .Detail}}",
	} {
		if _, err := ParseTemplate(text); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "in a refusal for the reason stale that ") {
			t.Errorf("%s: %v does not advise %s", text, err, want)
		}
	}
}

// What no sample shows: a body that grows beyond its limit, is cut, or is not of its kind any more.
func TestABodyThatFailsAtRunTimeIsTheUsualOne(t *testing.T) {
	bomb := `{{if eq .Rule "bomb"}}{{range 100000}}{{$.Title}}{{end}}{{end}}`
	for _, text := range []string{
		bomb + likeText,
		`{{if eq .Rule "bomb"}}{{index .Fields 7}}{{end}}` + likeText,
		`{{if eq .Rule "bomb"}}{{.Nonsense}}{{end}}` + likeText,
		`{{if ne .Rule "bomb"}}` + likeText + `{{end}}`,
		`{{if ne .Rule "bomb"}}` + likeErrors + `{{else}}{{.Detail}}{{end}}`,
		strings.Replace(likeXML, "<text>", `{{if eq .Rule "bomb"}}<{{end}}<text>`, 1),
		`{{if eq .Rule "bomb"}}{{slice "é" 1}}{{end}}` + likeText,
	} {
		s, r := withBody(t, text), Refusal{Reason: Rule, Rule: "bomb"}
		for _, f := range formats {
			got, want := dump(t, s.Response(put(f.mediaType), r)), dump(t, testStyle("").Response(put(f.mediaType), r))
			if got != want {
				t.Errorf("%s:\ngot:\n%s\nwant:\n%s", text, got, want)
			}
		}
	}
}

// FuzzTemplate: a template that is taken makes bodies of one kind of everything that clients and backends send, or none.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{likeErrors, likeXML, likeText, "{{json .}}", "{{.CurrentVersion}}{{.Fields}}", `"{{js .Detail}}"`, "{{range .}}", "{{html .}}"} {
		f.Add(text, "a", []byte(`"b"`), "/c")
		f.Add(text, "\"\\\r\n<\xff&\u2028", []byte("\"\\u0000<\""), "/\x00")
	}
	f.Fuzz(func(t *testing.T, text, detail string, version []byte, field string) {
		if strings.Contains(text, "range") || strings.Contains(text, "template") || strings.Contains(text, "printf") {
			t.Skip("it may take for ever")
		}
		parsed, err := ParseTemplate(text)
		if err != nil {
			return
		}
		s := Style{Body: parsed}
		for _, reason := range []Reason{Stale, Rule} {
			resp := s.Response(put(), Refusal{Reason: reason, Detail: detail, CurrentVersion: version, Message: detail, Fields: []string{field}})
			raw, err := io.ReadAll(resp.Body)
			switch kind := resp.Header.Get("Content-Type"); {
			case err != nil:
			case resp.Header.Get("Vary") == "Accept", kind == "text/plain; charset=utf-8":
			case kind == "application/json" && json.Valid(raw):
			case kind == "application/xml" && checkXML(raw) == nil:
			default:
				t.Fatalf("%v: %s: %q", err, kind, raw)
			}
		}
	})
}
