package refusal

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func testStyle(p Profile) Style {
	return Style{Profile: p, NewInstance: func() string { return "urn:uuid:00000000-0000-4000-8000-000000000409" }}
}

func put(accept ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPut, "/a", nil)
	if accept != nil {
		r.Header["Accept"] = accept
	}
	return r
}

func dump(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := httputil.DumpResponse(resp, true)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func body(t *testing.T, resp *http.Response) (raw []byte, p map[string]any) {
	t.Helper()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	return raw, p
}

// someChanges are one of each kind.
const someChanges = `[{"pointer":"/tag","yours":"new"},{"pointer":"/title","base":"A","yours":"<B>","theirs":"C","overlap":true},` +
	`{"pointer":"/note","base":{"a": 1},"theirs_removed":true},{"pointer":"/n","base":null,"yours_removed":true,"theirs":[],"overlap":true}]`

// known is a refusal, given everything that the guard may know.
func known(reason Reason) Refusal {
	r := Refusal{
		Reason: reason, IfMatch: `"a1"`, CurrentETag: `"c7"`, CurrentVersion: json.RawMessage("42"), RetryAfter: 1500 * time.Millisecond,
		ExpectedVersion: json.RawMessage("41"), CurrentState: "cancelled", RequestedState: "approved", AllowedStates: []string{"reopened"},
		Location: "/users/7", Message: "this address is taken", Changes: json.RawMessage(someChanges),
	}
	byRule := map[Reason]string{
		Duplicate: "unique-1", Transition: "transitions", Rule: "no-orders", Malformed: "unique-1", Unsupported: "unique-1", Unverifiable: "no-orders",
	}
	if r.Rule = byRule[reason]; r.Rule != "" {
		r.Fields = []string{"/email", "/tenant"}
	}
	if reason == Transition || reason == Rule {
		r.Fields, r.Message = []string{"/status"}, "the customer still has orders"
	}
	return r
}

// The files show what is left out.
func TestGolden(t *testing.T) {
	for _, profile := range []Profile{Conflict, RFC9110} {
		for _, reason := range Reasons() {
			got := dump(t, testStyle(profile).Response(put(), known(reason)))
			golden(t, filepath.Join(string(profile), reason.String()+".http"), got)
		}
	}
}

// golden holds got against a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v (go test -update rewrites it after a change that is meant)\ngot:\n%s\nwant:\n%s", file, err, got, want)
	}
}

// The table of the design, section 4.
func TestStatuses(t *testing.T) {
	want := map[string][2]int{
		"stale": {409, 412}, "missing": {409, 428}, "exists": {409, 412}, "absent": {409, 412}, "busy": {409, 409},
		"duplicate": {409, 409}, "transition": {409, 409}, "rule": {409, 409}, "unsupported": {415, 415},
		"reused": {422, 422}, "in_doubt": {409, 409},
		"unversioned": {409, 428}, "malformed": {400, 400}, "too_large": {413, 413}, "slow": {408, 408}, "closed": {403, 403}, "store": {503, 503},
		"grace": {503, 503}, "overloaded": {503, 503}, "unverifiable": {503, 503}, "backend": {502, 502}, "timeout": {504, 504},
	}
	if len(Reasons()) != len(want) {
		t.Errorf("%d reasons, want %d", len(Reasons()), len(want))
	}
	for _, reason := range Reasons() {
		got := [2]int{Style{}.StatusOf(reason), Style{Profile: RFC9110}.StatusOf(reason)}
		if got != want[reason.String()] {
			t.Errorf("%s: %v, want %v", reason, got, want[reason.String()])
		}
	}
	over := Style{Profile: RFC9110, Status: map[Reason]int{Stale: 409}}
	if over.StatusOf(Stale) != 409 || over.StatusOf(Exists) != 412 {
		t.Errorf("overridden: stale %d, exists %d", over.StatusOf(Stale), over.StatusOf(Exists))
	}
}

func TestEveryReasonHasAWholeRow(t *testing.T) {
	for r := range end {
		v := reflect.ValueOf(r.row())
		for i := range v.NumField() {
			switch name := v.Type().Field(i).Name; name {
			case "retry", "showsTheCurrent", "sent", "ofRule":
			default:
				if v.Field(i).IsZero() && (name != "name" || r != None) {
					t.Errorf("%s has no %s", r, name)
				}
			}
		}
		var back Reason
		if text, _ := r.MarshalText(); r != None && (back.UnmarshalText(text) != nil || back != r) {
			t.Errorf("%s comes back as %s", r, back)
		}
	}
	if err := new(Reason).UnmarshalText(nil); err == nil {
		t.Error("no name is taken for a reason")
	}
}

func TestOnlyTransientRefusalsInviteToRetry(t *testing.T) {
	retry := map[Reason]bool{Busy: true, Store: true, Grace: true, Overloaded: true, Unverifiable: true}
	for _, reason := range Reasons() {
		resp := Style{}.Response(put(), Refusal{Reason: reason, RetryAfter: 3 * time.Second})
		if got := resp.Header.Get("Retry-After") == "3"; got != retry[reason] {
			t.Errorf("%s: Retry-After %q", reason, resp.Header.Get("Retry-After"))
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Hour: "1", 0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 1<<63 - 1: "9223372037",
	} {
		if got := retryAfter(d); got != want {
			t.Errorf("Retry-After for %v is %q, want %q", d, got, want)
		}
	}
}

func TestMembersAreInOrder(t *testing.T) {
	raw, _ := body(t, testStyle("").Response(put(), Refusal{
		Reason: Stale, IfMatch: `"a1"`, CurrentETag: `"c7"`, CurrentVersion: json.RawMessage("42"),
	}))
	want := `{"type":"urn:proxy409:stale","title":"The resource has changed since you read it","status":409,` +
		`"detail":"You sent If-Match \"a1\"; the resource is now at another version. Read it again, apply your change, send it with the new ETag.",` +
		`"instance":"urn:uuid:00000000-0000-4000-8000-000000000409","error":"conflict","reason":"stale",` +
		`"message":"document was modified by another user","current_etag":"\"c7\"","current_version":42}` + "\n"
	if string(raw) != want {
		t.Errorf("got  %swant %s", raw, want)
	}
}

func TestHiddenRefusalsAreTheSameBytes(t *testing.T) {
	s := testStyle(RFC9110)
	s.Status = map[Reason]int{Exists: 422}
	for _, f := range formats {
		want := dump(t, s.Response(put(f.mediaType), Refusal{Reason: Stale}))
		for _, reason := range []Reason{Stale, Exists, Absent} {
			r := known(reason)
			r.Hidden, r.Detail, r.Rule, r.Fields = true, "secret", "unique-1", []string{"/email"}
			got := dump(t, s.Response(put(f.mediaType), r))
			if got != want {
				t.Errorf("%s, hidden:\n%s\nwant:\n%s", reason, got, want)
			}
		}
	}
	if _, p := body(t, s.Response(put(), Refusal{Reason: Busy, Hidden: true})); p["reason"] != "busy" {
		t.Errorf("a hidden busy is %v", p["reason"])
	}
}

func TestTheCurrentVersionIsShownOnlyWhereItHelps(t *testing.T) {
	for _, reason := range Reasons() {
		_, p := body(t, Style{}.Response(put(), Refusal{Reason: reason, CurrentETag: `"c7"`, CurrentVersion: json.RawMessage(`{"a":"<&>"}`)}))
		_, tag := p["current_etag"]
		_, version := p["current_version"]
		if want := reason == Stale || reason == Exists; tag != want || version != want {
			t.Errorf("%s: current_etag %v, current_version %v", reason, tag, version)
		}
	}
	for what, r := range map[string]Refusal{
		"unknown":         {Reason: Stale},
		"tag of obs-text": {Reason: Stale, CurrentETag: "\"\xe9\""},
		"no JSON":         {Reason: Stale, CurrentVersion: json.RawMessage("4 2")},
		"no UTF-8":        {Reason: Stale, CurrentVersion: json.RawMessage("\"\xff\"")},
	} {
		if raw, _ := body(t, (Style{}).Response(put(), r)); bytes.Contains(raw, []byte("current_")) {
			t.Errorf("%s: %s", what, raw)
		}
	}
}

func TestNoRefusalHasAnETag(t *testing.T) {
	resp := Style{}.Response(put(), Refusal{Reason: Stale, CurrentETag: `"c7"`})
	for _, name := range []string{"ETag", "Last-Modified"} {
		if resp.Header.Get(name) != "" {
			t.Errorf("%s: %s", name, resp.Header.Get(name))
		}
	}
}

func TestHeadGetsTheSameHeaderAndNoBody(t *testing.T) {
	s, r := testStyle(""), Refusal{Reason: Grace}
	for _, f := range formats {
		want := s.Response(put(f.mediaType), r)
		req := put(f.mediaType)
		req.Method = http.MethodHead
		got := s.Response(req, r)
		if raw, _ := io.ReadAll(got.Body); len(raw) > 0 {
			t.Errorf("HEAD got %q", raw)
		}
		if !reflect.DeepEqual(got.Header, want.Header) || got.ContentLength != want.ContentLength || got.Status != want.Status {
			t.Errorf("HEAD got %v %v", got.Status, got.Header)
		}
	}
}

func TestEachRefusalIsItsOwnInstance(t *testing.T) {
	_, a := body(t, Style{}.Response(put(), Refusal{Reason: Stale}))
	_, b := body(t, Style{}.Response(put(), Refusal{Reason: Stale}))
	if a["instance"] == b["instance"] || !strings.HasPrefix(a["instance"].(string), "urn:uuid:") {
		t.Errorf("instances %v and %v", a["instance"], b["instance"])
	}
	if _, c := body(t, (Style{}).Response(put(), Refusal{Reason: Stale, Instance: "urn:x:1"})); c["instance"] != "urn:x:1" {
		t.Errorf("instance %v", c["instance"])
	}
}
