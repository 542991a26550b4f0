package refusal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestEachMemberIsShownOnlyWhereItSaysSomething(t *testing.T) {
	for _, reason := range Reasons() {
		r := known(reason)
		r.Rule, r.Fields = "unique-1", []string{"/email"}
		_, p := body(t, Style{}.Response(put(), r))
		for member, reasons := range map[string][]Reason{
			"rule": Reasons(), "fields": Reasons(), "expected_version": {Stale}, "location": {Duplicate},
			"changes": {Stale}, "current_state": {Transition}, "requested_state": {Transition}, "allowed_states": {Transition},
		} {
			if _, ok := p[member]; ok != slices.Contains(reasons, reason) {
				t.Errorf("%s: %s is %v", reason, member, p[member])
			}
		}
		own := reason == Duplicate || reason == Transition || reason == Rule
		if (p["message"] == r.Message) != own {
			t.Errorf("%s: message %q", reason, p["message"])
		}
		if raw, _ := body(t, Style{}.Response(put(), Refusal{Reason: reason})); bytes.Contains(raw, []byte(`"message":""`)) {
			t.Errorf("%s: %s", reason, raw)
		}
	}
}

func TestNewMembersComeLastAndInOrder(t *testing.T) {
	for reason, want := range map[Reason]string{
		Stale: `"message":"document was modified by another user","current_etag":"\"c7\"","current_version":42,` +
			`"rule":"r","fields":["/a"],"expected_version":41,"changes":[{"pointer":"/a","base":1,"theirs":"<2>"}]}`,
		Duplicate: `"message":"this address is taken","rule":"r","fields":["/a"],"location":"/users/7"}`,
		Transition: `"message":"the customer still has orders","rule":"r","fields":["/a"],` +
			`"current_state":"cancelled","requested_state":"approved","allowed_states":["reopened"]}`,
	} {
		r := known(reason)
		r.Rule, r.Fields, r.Changes = "r", []string{"/a"}, json.RawMessage(` [{"pointer": "/a", "base": 1, "theirs": "<2>"}]`)
		if raw, _ := body(t, Style{}.Response(put(), r)); !strings.HasSuffix(string(raw), want+"\n") {
			t.Errorf("got  %swant %s", raw, want)
		}
	}
}

func TestADetailTellsWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		r    Refusal
		want string
	}{
		{
			Refusal{Reason: Stale, ExpectedVersion: json.RawMessage("3")},
			"You said that you edited version 3; the resource is now at another version. Read it again, apply your change, send it with the new version.",
		},
		{Refusal{Reason: Stale, ExpectedVersion: json.RawMessage(`"v 3"`)}, `You said that you edited version "v 3"; `},
		{Refusal{Reason: Stale, ExpectedVersion: json.RawMessage("3"), IfMatch: `"a1"`}, `You sent If-Match "a1"; `},
		{Refusal{Reason: Stale, ExpectedVersion: json.RawMessage("3 4")}, "The precondition that you sent does not hold. "},
		{Refusal{Reason: Stale, ExpectedVersion: json.RawMessage(`"` + strings.Repeat("x", 1000) + `"`)}, "The precondition that you sent does not hold. "},
		{Refusal{Reason: Duplicate}, "Another resource has the same values already, "},
		{Refusal{Reason: Duplicate, Fields: []string{"/email"}}, "Another resource has the same /email already, "},
		{Refusal{Reason: Duplicate, Fields: []string{"/email"}, Detail: "Taken."}, "Taken."},
		{Refusal{Reason: Rule}, "A rule of this resource does not allow the request. "},
		{Refusal{Reason: Rule, Rule: "r", Message: "it has orders"}, "It has orders. The request was not forwarded."},
		{Refusal{Reason: Transition}, "The step is not allowed from the present state"},
		{
			Refusal{Reason: Transition, CurrentState: "shipped", RequestedState: "paid", AllowedStates: []string{"sent", "lost"}},
			`The resource is in the state "shipped", from which no step leads to "paid". Steps lead from there to "sent", "lost".`,
		},
		{
			Refusal{Reason: Transition, CurrentState: "shipped"},
			`The resource is in the state "shipped", which does not allow this step. No step leads away from there.`,
		},
		{
			Refusal{Reason: Transition, RequestedState: "paid", AllowedStates: []string{"new"}},
			`The resource cannot be created in the state "paid". States in which it can: "new".`,
		},
		{
			Refusal{Reason: Transition, RequestedState: "paid", AllowedStates: []string{}},
			`The resource cannot be created in the state "paid". States in which it can: none.`,
		},
	} {
		if _, p := body(t, Style{}.Response(put(), c.r)); !strings.HasPrefix(p["detail"].(string), c.want) {
			t.Errorf("%+v:\n%s, want\n%s", c.r, p["detail"], c.want)
		}
	}
}

func TestAllowedStatesAreAListWhereThereIsAState(t *testing.T) {
	for want, r := range map[string]Refusal{
		`,"allowed_states":[]}`:    {CurrentState: "shipped"},
		`,"allowed_states":["a"]}`: {AllowedStates: []string{"a"}},
		`"}`:                       {RequestedState: "a"},
	} {
		r.Reason = Transition
		if raw, _ := body(t, Style{}.Response(put(), r)); !strings.HasSuffix(string(raw), want+"\n") {
			t.Errorf("%+v: %s", r, raw)
		}
	}
}

func TestALocationIsInTheHeaderAndALinkOnlyIfItLeadsToAPage(t *testing.T) {
	for location, want := range map[string]struct{ sent, linked bool }{
		"/users/7":                      {true, true},
		"/":                             {true, true},
		"/users?a=b&c=%20":              {true, true},
		"https://example.com/users/7":   {true, true},
		"HTTP://example.com":            {true, true},
		"//example.com/":                {true, false},
		`/\example.com/`:                {true, false},
		"users/7":                       {true, false},
		"javascript:alert(1)":           {true, false},
		"https:example.com":             {true, false},
		"http:///users":                 {true, false},
		"ftp://example.com/":            {true, false},
		"":                              {false, false},
		"/users/7\r\nSet-Cookie: a=b":   {false, false},
		"/users/é":                      {false, false},
		"/users/ 7":                     {false, false},
		"/" + strings.Repeat("a", 2000): {false, false},
	} {
		r := Refusal{Reason: Duplicate, Location: location}
		resp := Style{}.Response(put(), r)
		_, p := body(t, resp)
		member, _ := p["location"].(string)
		if got := resp.Header.Get("Location"); (got == location && got != "") != want.sent || member != got {
			t.Errorf("%q: Location: %q, location %q", location, got, member)
		}
		for _, f := range readPage(t, respond(t, browser, r)).facts {
			if f.Name == "Location" && (f.Link != "") != want.linked {
				t.Errorf("%q: link to %q", location, f.Link)
			}
		}
	}
}

func TestUnsupportedSaysWhatCanBeRead(t *testing.T) {
	for _, reason := range Reasons() {
		got := Style{Status: map[Reason]int{Unsupported: 400}}.Response(put(), Refusal{Reason: reason}).Header.Get("Accept")
		if want := "application/json, application/merge-patch+json, application/x-www-form-urlencoded"; (got == want) != (reason == Unsupported) {
			t.Errorf("%s: Accept: %q", reason, got)
		}
	}
}

func TestHiddenRefusalsOfRulesTellNothingOfTheBackend(t *testing.T) {
	for _, reason := range []Reason{Duplicate, Transition, Rule} {
		r := known(reason)
		r.Hidden = true
		resp := Style{}.Response(put(), r)
		raw, p := body(t, resp)
		for _, secret := range []string{"cancelled", "reopened", "/users/7"} {
			if bytes.Contains(raw, []byte(secret)) || resp.Header.Get("Location") != "" {
				t.Errorf("%s: %v %s", reason, resp.Header, raw)
			}
		}
		if p["reason"] != reason.String() || p["rule"] != r.Rule || p["message"] != r.Message {
			t.Errorf("%s: %s", reason, raw)
		}
	}
}

func TestAMessageBecomesASentence(t *testing.T) {
	for message, want := range map[string]string{
		"the customer still has orders":       "The customer still has orders.",
		"Is it paid?":                         "Is it paid?",
		"élan is gone!":                       "Élan is gone!",
		"one line\n  and another\n":           "One line and another.",
		"\xff\x00":                            "��.",
		" \n":                                 sentence(table[Rule].message),
		strings.Repeat("a", maxDetail) + "bc": "A" + strings.Repeat("a", maxDetail-1) + "…",
	} {
		p := readPage(t, respond(t, browser, Refusal{Reason: Rule, Message: message}))
		if !strings.Contains(p.text["p"], http.StatusText(http.StatusConflict)+want+table[Rule].advice) {
			t.Errorf("%q becomes %q, want %q", message, p.text["p"], want)
		}
	}
}

func TestTextsOfRulesAreCut(t *testing.T) {
	long := strings.Repeat("<", 100_000)
	list := slices.Repeat([]string{"state"}, 100_000)
	for _, accept := range []string{"", browser, "text/plain"} {
		for _, reason := range Reasons() {
			raw := respond(t, accept, Refusal{
				Reason: reason, Rule: long, Message: long, Fields: list, ExpectedVersion: json.RawMessage(`"` + long + `"`),
				CurrentState: long, RequestedState: long, AllowedStates: list, Location: "/" + long,
			})
			if len(raw) > 20<<10 {
				t.Errorf("%s, %s: %d bytes", accept, reason, len(raw))
			}
		}
	}
}
