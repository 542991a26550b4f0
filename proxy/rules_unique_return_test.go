package proxy_test

import (
	"encoding/json"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func returning() proxy.Unique {
	rule := eMail()
	rule.Return = true
	return rule
}

func TestUniqueReturnIsTheExistingOneAsItsLocationShowsIt(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", `{"email":"ada@example.com","name":"Ada"}`)
		u.untouched(func() {
			a := u.send("POST", "/users", `{"email":"ADA@example.com","name":"Eve"}`, "Authorization", "Basic mine")
			a.want(t, 200)
			var shown document
			if err := json.Unmarshal([]byte(a.body), &shown); err != nil || shown["name"] != "Ada" || shown["id"] != "ada" {
				t.Errorf("%s", a.body)
			}
			if a.Header.Get("Content-Location") != "/users/ada" || a.Header.Get("Proxy-Status") != `proxy409; details="duplicate"` {
				t.Errorf("%q", a.Header)
			}
			if tag := a.etag(); tag == `"v1"` {
				t.Errorf("nobody took note of the tag, and it is %s", tag)
			}
		})
		if asked := u.api.asked(); asked[len(asked)-1].header.Get("Authorization") != "Basic mine" {
			t.Errorf("it is not the caller who asks: %q", asked[len(asked)-1])
		}
		if u.told.count("decision returned duplicate") != 1 || u.told.count("rule e-mail refused") != 1 {
			t.Errorf("%q", u.told.all())
		}
	}, users(returning())...)
}

func TestUniqueReturnWithoutLocationIsTheExistingOneOfTheAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"of a list":   `[{"id":7,"big":12345678901234567890},{"id":8}]`,
		"of itself":   `{"id":7,"big":12345678901234567890}`,
		"of one list": `[{"id":7,"big":12345678901234567890}]`,
	} {
		t.Run(name, func(t *testing.T) {
			rule := returning()
			rule.Location = ""
			underRules(t, func(u *ruled) {
				u.api.says("GET", "/users", 200, answer)
				a := u.send("POST", "/users", ada)
				a.want(t, 200)
				if want := `{"big":12345678901234567890,"id":7}`; a.body != want || a.Header.Get("Content-Type") != "application/json" ||
					a.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%q %s, want %s", a.Header, a.body, want)
				}
				u.wrote()
			}, users(rule)...)
		})
	}
}

func TestUniqueReturnWithoutLocationFindsTheListWithinTheAnswer(t *testing.T) {
	rule := returning()
	rule.Location, rule.List = "", "/items"
	underRules(t, func(u *ruled) {
		u.api.says("GET", "/users", 200, `{"total":1,"items":[{"id":7}]}`)
		if a := u.send("POST", "/users", ada); a.StatusCode != 200 || a.body != `{"id":7}` {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}, users(rule)...)
}

func TestUniqueReturnRefusesWhoMayNotReadTheExistingOne(t *testing.T) {
	for _, status := range []int{401, 403, 404, 500, 302, 206} {
		underRules(t, func(u *ruled) {
			u.api.has("/users/ada", ada)
			u.api.says("GET", "/users/ada", status, `{"name":"`+secret+`"}`)
			a := u.send("POST", "/users", ada)
			if p := a.refused(t, 409, refusal.Duplicate, "e-mail"); p.Location != "" {
				t.Errorf("who gets %d for it is told %q", status, p.Location)
			}
			if u.wrote(); u.told.count("decision refused duplicate") != 1 {
				t.Errorf("%q", u.told.all())
			}
		}, users(returning())...)
	}
}

func TestUniqueReturnWhereTheBackendDoesNotShowItYetIsARefusal(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.lag()
		u.send("POST", "/users", ada).want(t, 201)
		u.send("POST", "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail")
		u.api.catchUp()
		u.send("POST", "/users", ada).want(t, 200)
	}, users(returning())...)
}
