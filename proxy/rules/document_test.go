package rules

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

func header(contentType ...string) http.Header { return http.Header{"Content-Type": contentType} }

func read(t testing.TB, contentType, content string) Document {
	t.Helper()
	d, err := ReadRequest(header(contentType), []byte(content))
	if err != nil {
		t.Fatalf("%q: %v", content, err)
	}
	return d
}

func TestTheContentTypeAloneDecidesHowABodyIsRead(t *testing.T) {
	const content = "0" // JSON, and a form
	for _, tc := range []struct {
		contentType string
		form        bool
		err         error
	}{
		{"application/json", false, nil},
		{"Application/JSON; charset=UTF-8", false, nil},
		{"application/json;charset=\"utf-8\"", false, nil},
		{"application/merge-patch+json", false, nil},
		{"application/vnd.api+json; profile=\"https://example.org/x\"", false, nil},
		{"application/x-www-form-urlencoded", true, nil},
		{"application/x-www-form-urlencoded; charset=us-ascii", true, nil},

		{"application/json-patch+json", false, ErrUnsupported},
		{"application/vnd.x.json-patch.v2+json", false, ErrUnsupported},
		{"application/json-seq", false, ErrUnsupported},
		{"application/geo+json-seq", false, ErrUnsupported},
		{"application/x-ndjson", false, ErrUnsupported},
		{"application/jsonl", false, ErrUnsupported},
		{"text/json", false, ErrUnsupported},
		{"text/plain", false, ErrUnsupported},
		{"multipart/form-data; boundary=x", false, ErrUnsupported},
		{"application/xml", false, ErrUnsupported},
		{"application/json5", false, ErrUnsupported},
		{"", false, ErrUnsupported},
		{"json", false, ErrUnsupported},
		{"application/json, text/plain", false, ErrUnsupported},
		{"application/json; charset=utf-8; charset=utf-16", false, ErrUnsupported},
		{"application/json; charset", false, ErrUnsupported},
		{"application/json; x=application/x-www-form-urlencoded", false, ErrUnsupported},
		{"application/json; x=multipart/form-data", false, ErrUnsupported},
		{"application/x-www-form-urlencoded; x=application/json", false, ErrUnsupported},
		{"application/x-www-form-urlencoded; x=\"a+json\"", false, ErrUnsupported},

		{"application/json; charset=utf-16", false, ErrMalformed},
		{"application/x-www-form-urlencoded; charset=iso-8859-1", false, ErrMalformed},
	} {
		d, err := ReadRequest(header(tc.contentType), []byte(content))
		if !errors.Is(err, tc.err) || d.IsForm() != tc.form || d.Empty() != (err != nil) {
			t.Errorf("%q: %v, form %t, empty %t; want %v, form %t", tc.contentType, err, d.IsForm(), d.Empty(), tc.err, tc.form)
		}
	}
	for _, h := range []http.Header{
		{},
		header(typeJSON, typeJSON),
		{"Content-Type": {typeJSON}, "Content-Encoding": {"gzip"}},
		{"Content-Type": {typeJSON}, "Content-Encoding": {""}},
		{"Content-Type": {typeJSON}, "Content-Encoding": {"identity", "br"}},
		{"Content-Type": {typeJSON}, "Content-Encoding": {"identity, gzip"}},
	} {
		if _, err := ReadRequest(h, []byte(content)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v: %v; want %v", h, err, ErrUnsupported)
		}
	}
	if _, err := ReadRequest(http.Header{"Content-Type": {typeJSON}, "Content-Encoding": {"Identity"}}, []byte(content)); err != nil {
		t.Errorf("identity is no encoding: %v", err)
	}
}

func TestAnEmptyBodyIsADocumentWithoutMembersWhateverItsType(t *testing.T) {
	for _, h := range []http.Header{{}, header(typeJSON), header("multipart/form-data"), header("a", "b")} {
		d, err := ReadRequest(h, nil)
		if err != nil || !d.Empty() || d.IsForm() || d.Value() != nil {
			t.Errorf("%v: %v, %v", h, d, err)
		}
		if f, err := d.Field(pointer(t, "/email")); err != nil || f.Present {
			t.Errorf("%v: %+v, %v", h, f, err)
		}
		if f, err := d.Field(Pointer{}); err != nil || f.Present {
			t.Errorf("%v: %+v, %v", h, f, err)
		}
	}
	if d := read(t, typeJSON, "null"); d.Empty() {
		t.Error("null is a body")
	}
}

func TestTheErrorOfAMissingValueSaysWhatIsMissing(t *testing.T) {
	for _, tc := range []struct{ contentType, content, pointer, want string }{
		{typeJSON, ``, "/email", "the request has no body, and so no /email"},
		{typeJSON, `{}`, "/email", "the body has no member /email"},
		{typeJSON, `[]`, "/email", "the body has no member /email"},
		{typeJSON, `{"email":null}`, "/email", "/email is null, not a single value"},
		{typeJSON, `{"email":["secret"]}`, "/email", "/email is an array, not a single value"},
		{typeJSON, `{"email":{"secret":1}}`, "/email", "/email is an object, not a single value"},
		{typeJSON, `["secret"]`, "", "the body is an array, not a single value"},
		{typeJSON, `{"email":"secret\u0000"}`, "/email", "/email has a NUL in it, where some backends take it to end"},
		{typeForm, `secret=1`, "/email", "the form has no parameter email"},
		{typeForm, `secret=1`, "/user/email", "the form has no parameter /user/email"},
		{typeForm, `secret=1`, "", "the body is an object, not a single value"},
		{typeForm, `email=secret&email=x`, "/email", "the form has more than one parameter that may be email"},
	} {
		text, err := read(t, tc.contentType, tc.content).Text(pointer(t, tc.pointer))
		if err == nil || err.Error() != tc.want || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s at %q: %q, %v; want %s", tc.content, tc.pointer, text, err, tc.want)
		}
	}
}

func TestNoErrorShowsWhatIsInABody(t *testing.T) {
	for _, tc := range [][2]string{
		{typeJSON, `{"secret":1,"secret":2}`},
		{typeJSON, `{"secret"`},
		{typeJSON, `secret`},
		{typeJSON, "\"secret\xff\""},
		{typeJSON, `"secret\ud800"`},
		{typeForm, `secret=%zz`},
		{typeForm, `secret%zz=secret`},
		{typeForm, `secret=%ff`},
		{"application/secret", `secret`},
		{"secret", `secret`},
		{"application/json; charset=secret", `1`},
	} {
		if _, err := ReadRequest(header(tc[0]), []byte(tc[1])); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", tc, err)
		}
	}
	for _, tc := range [][2]string{
		{typeJSON, `{"Secret":"hidden","x":1}`},
		{typeForm, `Secret=hidden`},
		{typeForm, `secret[hidden]=1`},
		{typeForm, `secret=hidden&secret=hidden`},
	} {
		if _, err := read(t, tc[0], tc[1]).Field(pointer(t, "/secret")); err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: %v", tc, err)
		}
	}
}

func TestAnAnswerIsJSONWhateverItsTypeSays(t *testing.T) {
	for content, want := range map[string]any{
		"":                         nil,
		"null":                     nil,
		" [ ] ":                    []any{},
		"\xef\xbb\xbf{\"a\":true}": map[string]any{"a": true},
		`["\ud83d"]`:               []any{"\ufffd"},
		"[\"caf\xe9\"]":            []any{"caf\ufffd"},
	} {
		got, err := ReadAnswer(header("text/html; charset=UTF-8"), []byte(content))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v; want %v", content, got, err, want)
		}
	}
	if _, err := ReadAnswer(http.Header{}, []byte("[]")); err != nil {
		t.Errorf("without a type: %v", err)
	}
}

func TestAnAnswerThatCannotBeReadIsNeverTakenForNone(t *testing.T) {
	for _, content := range []string{" ", "\n", "\xef\xbb\xbf", "<html>", "[] []", "[1,]", `{"a":1,"a":2}`, "\xff\xfe[\x00]\x00", strings.Repeat("[", 600) + strings.Repeat("]", 600)} {
		if got, err := ReadAnswer(http.Header{}, []byte(content)); err == nil {
			t.Errorf("%q is read as %v", content, got)
		}
	}
	if got, err := ReadAnswer(http.Header{"Content-Encoding": {"gzip"}}, []byte("[]")); err == nil {
		t.Errorf("with a Content-Encoding: %v", got)
	}
}
