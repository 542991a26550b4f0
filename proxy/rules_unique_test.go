package proxy_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// eMail is the rule that e-mail addresses are unique, whatever their letter case.
func eMail() proxy.Unique {
	return proxy.Unique{
		Name: "e-mail", Fields: []string{"/email"}, Fold: []string{"trim", "lower", "nfc"}, Ask: "/users?email={/email}", Location: "/users/{found:/0/id}",
	}
}

// users are the routes of a list of users, and of each of them.
func users(rules ...proxy.Unique) []proxy.Route {
	list, each := enforced("users", "/users", "POST"), enforced("user", "/users/{id}", "PUT", "PATCH", "DELETE")
	list.Rules.Unique = rules
	for _, r := range rules {
		if r.Location != "" {
			each.Rules.Unique = append(each.Rules.Unique, r)
		}
	}
	return []proxy.Route{list, each}
}

const ada, grace = `{"email":"ada@example.com"}`, `{"email":"grace@example.com"}`

func TestUniqueADuplicateNeverReachesTheBackend(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		u.untouched(func() {
			a := u.send("POST", "/users", ada)
			p := a.refused(t, 409, refusal.Duplicate, "e-mail")
			if p.Location != "/users/ada" || a.Header.Get("Location") != "/users/ada" || !slices.Equal(p.Fields, []string{"/email"}) {
				t.Errorf("it points to %q (%q), by %q", p.Location, a.Header.Get("Location"), p.Fields)
			}
		})
		u.was("GET /users?email=ada%40example.com")
	}, users(eMail())...)
}

func TestUniqueWhatIsFreePasses(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		if a := u.send("POST", "/users", grace); a.StatusCode != 201 || a.Header.Get("Location") != "/users/1" {
			t.Errorf("%d %q %s", a.StatusCode, a.Header, a.body)
		}
		u.send("POST", "/users", "email=lovelace%40example.com", "Content-Type", "application/x-www-form-urlencoded").want(t, 201)
		u.wrote("POST /users "+grace, "POST /users email=lovelace%40example.com")
	}, users(eMail())...)
}

func TestUniqueSpellingsThatFoldToOneAreOneEvenToABackendThatComparesExactly(t *testing.T) {
	for name, alike := range map[string]func(string, string) bool{"exactly": nil, "not": strings.EqualFold} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.alike = alike
				u.send("POST", "/users", ada).want(t, 201)
				u.untouched(func() {
					for _, spelt := range []string{"ADA@example.com", " Ada@Example.COM\\n", "\\u0061da@example.com", "ada@example.com\\t"} {
						u.send("POST", "/users", `{"email":"`+spelt+`"}`).refused(t, 409, refusal.Duplicate, "e-mail")
					}
					u.send("POST", "/users", "email=+ADA%40example.com", "Content-Type", "application/x-www-form-urlencoded").
						refused(t, 409, refusal.Duplicate, "e-mail")
				})
				u.send("POST", "/users", `{"email":"Zoé@example.com"}`).want(t, 201) // as one character
				u.api.has("/users/folded", `{"email":"zoé@example.com"}`)            // what is stored may be folded
				u.send("POST", "/users", `{"email":"ZOE\u0301@example.com"}`).refused(t, 409, refusal.Duplicate, "e-mail")
			}, users(eMail())...)
		})
	}
}

func TestUniqueTheBackendIsAskedForWhatWasSentAndForWhatItIsFoldedTo(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.says("POST", "/users", 422, `{}`) // so that nothing is asked afterwards
		u.send("POST", "/users", `{"email":"Ada@example.com"}`).want(t, 422)
		u.was("GET /users?email=Ada%40example.com", "GET /users?email=ada%40example.com")
		u.api.forget()
		u.send("POST", "/users", ada).want(t, 422)
		u.was("GET /users?email=ada%40example.com")
	}, users(eMail())...)
}

func TestUniqueABodyThatDoesNotTellIsRefused(t *testing.T) {
	for body, want := range map[string]int{
		`{"name":"Ada"}`: 400, `{"email":null}`: 400, `{"email":["ada@example.com"]}`: 400, `{"email":{"a":"b"}}`: 400, `[]`: 400, ``: 400,
		`{"email":"a@example.com","email":"ada@example.com"}`: 400, `{"Email":"ada@example.com"}`: 400,
		`{"email":"a@example.com","EMAIL":"ada@example.com"}`: 400, `{"email":"a@example.com\u0000"}`: 400, `{"email":`: 400,
	} {
		t.Run(body, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.send("POST", "/users", body).want(t, want, refusal.Malformed)
				u.wrote()
				u.was()
			}, users(eMail())...)
		})
	}
	underRules(t, func(u *ruled) {
		u.send("POST", "/users", "ada@example.com", "Content-Type", "text/plain").want(t, 415, refusal.Unsupported)
		u.send("POST", "/users", `[{"op":"add","path":"/email","value":"x"}]`, "Content-Type", "application/json-patch+json").want(t, 415, refusal.Unsupported)
		u.wrote()
	}, users(eMail())...)
}

func TestUniqueNoOtherMethodInTheHeaderOrFormGetsRoundIt(t *testing.T) {
	for _, method := range []string{"PUT", "PATCH", "DELETE", "GET", "POST", "LOCK"} {
		t.Run(method, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/users/ada", ada)
				u.untouched(func() {
					for _, field := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
						u.send("POST", "/users", ada, field, method).refused(t, 409, refusal.Duplicate, "e-mail")
					}
					u.send("POST", "/users?_method="+method, ada).refused(t, 409, refusal.Duplicate, "e-mail")
					u.send("POST", "/users", "email=ada%40example.com&_method="+method, "Content-Type", "application/x-www-form-urlencoded").
						refused(t, 409, refusal.Duplicate, "e-mail")
					u.send("POST", "/users", `{"email":"ada@example.com","_method":"`+method+`"}`).refused(t, 409, refusal.Duplicate, "e-mail")
				})
			}, users(eMail())...)
		})
	}
}

func TestUniqueAPUTOrPATCHOfTheListIsRefusedLikeAPOST(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		u.untouched(func() {
			for _, method := range []string{http.MethodPut, http.MethodPatch} {
				u.send(method, "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail")
			}
		})
	}, users(eMail())...)
}

func TestUniqueSeveralRulesHoldAllAndTheFirstThatDoesNotIsNamed(t *testing.T) {
	name := proxy.Unique{Fields: []string{"/tenant", "/name"}, Ask: "/users?tenant={/tenant}&name={/name}"}
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", `{"email":"ada@example.com","tenant":"a","name":"Ada"}`)
		u.untouched(func() {
			u.send("POST", "/users", `{"email":"ada@example.com","tenant":"a","name":"Ada"}`).refused(t, 409, refusal.Duplicate, "e-mail")
			p := u.send("POST", "/users", `{"email":"x@example.com","tenant":"a","name":"Ada"}`).refused(t, 409, refusal.Duplicate, "unique-2")
			if !slices.Equal(p.Fields, []string{"/tenant", "/name"}) || p.Location != "" {
				t.Errorf("%+v", p)
			}
		})
		u.send("POST", "/users", `{"email":"x@example.com","tenant":"b","name":"Ada"}`).want(t, 201)
		u.send("POST", "/users", `{"email":"y@example.com","tenant":"a","name":"Eve"}`).want(t, 201)
	}, users(eMail(), name)...)
}

func TestUniqueAListWithinTheAnswer(t *testing.T) {
	rule := proxy.Unique{Fields: []string{"/email"}, Ask: "/search?q={/email}", List: "/page/items", Location: "/users/{found:/page/items/0/id}"}
	underRules(t, func(u *ruled) {
		u.api.says("GET", "/search", 200, `{"page":{"items":[{"id":"x y"}]}}`)
		if p := u.send("POST", "/users", ada).refused(t, 409, refusal.Duplicate, "unique-1"); p.Location != "/users/x%20y" {
			t.Errorf("it points to %q", p.Location)
		}
		u.api.says("GET", "/search", 200, `{"page":{"items":[]}}`)
		u.send("POST", "/users", ada).want(t, 201)
	}, users(rule)...)
}

func TestUniqueWhatSaysThatThereIsNone(t *testing.T) {
	for name, answer := range map[string]func(*api){
		"404":       func(a *api) { a.says("GET", "/users", 404, `<h1>no</h1>`) },
		"204":       func(a *api) { a.says("GET", "/users", 204, ``) },
		"null":      func(a *api) { a.says("GET", "/users", 200, `null`) },
		"a list":    func(a *api) { a.says("GET", "/users", 200, ` [ ] `, "Content-Type", "text/html") },
		"of itself": func(*api) {},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				answer(u.api)
				u.send("POST", "/users", ada).want(t, 201)
			}, users(eMail())...)
		})
	}
}
