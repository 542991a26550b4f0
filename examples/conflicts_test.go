package examples_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// conflictAPI is the API of examples/conflicts at work.
func conflictAPI(t testing.TB, flags ...string) (url string) {
	t.Helper()
	backend := launch(t, nil, program(t, "proxy409/examples/conflicts/backend"), append(flags, "--listen", "127.0.0.1:0")...)
	return backend.says(`listening on (\S+)`)[1]
}

// conflict stages one of the configurations of examples/conflicts.
func conflict(t *testing.T, cause string) *stand {
	t.Helper()
	return stageFile(t, "conflicts/proxy409-"+cause+".yaml", conflictAPI(t))
}

// create sends a POST and returns the address of what it created.
func (s *stand) create(list, body string) (at string) {
	s.t.Helper()
	if at = s.send("POST", list, body).want(201, "").header.Get("Location"); at == "" {
		s.t.Fatalf("POST %s: a 201 without Location", list)
	}
	return at
}

// broke fails the test unless the answer is a 409 by the rule, for the reason.
func (a answer) broke(reason, rule string) problem {
	a.t.Helper()
	p := a.want(409, reason).refusal()
	if p.Rule != rule {
		a.t.Fatalf("%s: refused by the rule %q, want %q: %s", a.request, p.Rule, rule, a.body)
	}
	return p
}

func (a answer) says(want, got string) {
	a.t.Helper()
	if got != want {
		a.t.Errorf("%s: %q, want %q: %s", a.request, got, want, a.body)
	}
}

func TestConflictOfEdits(t *testing.T) {
	t.Parallel()
	s := conflict(t, "edit")
	at := s.create("/users", `{"email":"ada@example.com"}`)
	tag := s.get(at).tagged()
	next := s.send("PATCH", at, `{"name":"Ada"}`, "If-Match", tag).want(200, "").tagged()
	s.untouched(func() {
		stale := s.send("PATCH", at, `{"name":"Augusta"}`, "If-Match", tag).want(409, "stale")
		stale.says(next, stale.refusal().CurrentETag)
		stale.says("2", string(stale.refusal().CurrentVersion))
		s.send("PUT", at, `{"name":"Blind"}`).want(409, "missing")
	})
	s.send("PATCH", at, `{"name":"Augusta"}`, "If-Match", next).want(200, "")
}

func TestConflictOfCreations(t *testing.T) {
	t.Parallel()
	s := conflict(t, "creation")
	ada := s.create("/users", `{"email":"ada@example.com","name":"Ada"}`)
	s.untouched(func() {
		for _, spelling := range []string{`{"email":"ada@example.com"}`, `{"email":" Ada@Example.COM "}`, form("email", "ADA@example.com")} {
			a := s.send("POST", "/users", spelling)
			p := a.broke("duplicate", "e-mail")
			a.says(ada, p.Location)
			a.says(ada, a.header.Get("Location"))
			a.says("/email", strings.Join(p.Fields, " "))
		}
	})
	s.get(ada).says("Ada", s.get(ada).member("name"))
	s.untouched(func() {
		s.send("POST", "/users", `{"name":"Nobody"}`).want(400, "malformed")
		s.send("POST", "/users", `{"email":["grace@example.com"]}`).want(400, "malformed")
		s.send("POST", "/users", `{"email":`).want(400, "malformed")
		s.send("POST", "/users", `grace@example.com`, "Content-Type", "text/plain").want(415, "unsupported")
	})
	s.create("/users", form("email", "grace@example.com"))
}

func TestConflictOfCreationsWhereAnEMailChanges(t *testing.T) {
	t.Parallel()
	s := conflict(t, "creation")
	ada := s.create("/users", `{"email":"ada@example.com"}`)
	grace := s.create("/users", `{"email":"grace@example.com"}`)
	tag := s.get(grace).tagged()
	s.untouched(func() {
		for _, method := range []string{"PUT", "PATCH"} {
			a := s.send(method, grace, `{"email":"Ada@example.com"}`, "If-Match", tag)
			a.says(ada, a.broke("duplicate", "e-mail").Location)
		}
	})
	tag = s.send("PATCH", grace, `{"email":"Grace@example.com"}`, "If-Match", tag).want(200, "").tagged() // her own
	tag = s.send("PATCH", grace, `{"name":"Grace"}`, "If-Match", tag).want(200, "").tagged()
	s.send("PATCH", grace, `{"email":"hopper@example.com"}`, "If-Match", tag).want(200, "")
	s.create("/users", `{"email":"grace@example.com"}`) // it is free again
}

func TestConflictOfCreationsAtOneAddress(t *testing.T) {
	t.Parallel()
	s := conflict(t, "creation")
	s.send("PUT", "/users/ada", `{"email":"ada@example.com"}`, "If-None-Match", "*").want(201, "")
	s.untouched(func() {
		s.send("PUT", "/users/ada", `{"email":"lovelace@example.com"}`, "If-None-Match", "*").want(409, "exists")
		a := s.send("PUT", "/users/other", `{"email":"ada@example.com"}`, "If-None-Match", "*")
		a.says("/users/ada", a.broke("duplicate", "e-mail").Location)
	})
}

func TestConflictOfCreationsIsAnsweredWithTheExistingOne(t *testing.T) {
	t.Parallel()
	text := read(t, "conflicts/proxy409-creation.yaml")
	returning := strings.Replace(text, "# on_duplicate: return ", "on_duplicate: return ", 1)
	if returning == text {
		t.Fatal("the configuration does not show on_duplicate: return")
	}
	file := filepath.Join(t.TempDir(), "proxy409.yaml")
	if err := os.WriteFile(file, []byte(returning), 0o600); err != nil {
		t.Fatal(err)
	}
	s := stageFile(t, file, conflictAPI(t))
	ada := s.create("/users", `{"email":"ada@example.com","name":"Ada"}`)
	s.untouched(func() {
		a := s.send("POST", "/users", `{"email":"ADA@example.com","name":"Another"}`).want(200, "duplicate")
		a.says("Ada", a.member("name"))
		a.says(ada, "/users/"+a.member("id"))
	})
}

func TestConflictOfVersionNumbers(t *testing.T) {
	t.Parallel()
	s := conflict(t, "version-number")
	at := s.create("/users", `{"email":"ada@example.com"}`)
	wrote := s.send("PUT", at, `{"version":1,"name":"Ada"}`).want(200, "")
	wrote.says("2", wrote.member("version"))
	s.untouched(func() {
		stale := s.send("PUT", at, `{"version":1,"name":"Augusta"}`).want(409, "stale")
		stale.says("1", string(stale.refusal().ExpectedVersion))
		stale.says("2", string(stale.refusal().CurrentVersion))
		s.send("PATCH", at, `{"name":"Blind"}`).want(409, "missing")
		s.send("PUT", at, `{"version":2,"name":"Of two minds"}`, "If-Match", `"1"`).want(409, "stale")
		s.send("PUT", at, `{"version":1,"name":"Of two minds"}`, "If-Match", `"2"`).want(409, "stale")
		s.send("PUT", at, `{"version":[2],"name":"Odd"}`).want(400, "malformed")
	})
	s.send("PATCH", at, `{"version":2,"name":"Augusta"}`).want(200, "")
	s.send("PUT", at, `{"version":3,"name":"Ada"}`, "If-Match", `"3"`).want(200, "")
	s.untouched(func() { s.send("DELETE", at, "").want(409, "missing") })
	s.send("DELETE", at, "", "If-Match", `"4"`).want(204, "")
}

func TestConflictWithDependents(t *testing.T) {
	t.Parallel()
	s := conflict(t, "dependents")
	customer := s.create("/customers", `{"name":"Ada"}`)
	id := strings.TrimPrefix(customer, "/customers/")
	order := s.create("/orders", `{"customer":"`+id+`","status":"pending"}`)
	tag := s.get(customer).tagged()
	s.untouched(func() {
		a := s.send("DELETE", customer, "", "If-Match", tag)
		a.says("the customer still has orders", a.broke("rule", "no-orders").Message)
		a = s.send("PATCH", order, `{"customer":"9000"}`, "If-Match", s.get(order).tagged())
		a.says("an order stays with its customer", a.broke("rule", "customer-stays").Message)
		s.send("POST", "/orders", `{"status":"pending"}`).want(400, "malformed") // of whom?
	})
	changed := s.send("PATCH", order, `{"note":"urgent"}`, "If-Match", s.get(order).tagged()).want(200, "").tagged()
	s.send("DELETE", order, "", "If-Match", changed).want(204, "")
	s.send("DELETE", customer, "", "If-Match", tag).want(204, "") // of which the order has changed nothing
	s.untouched(func() {
		a := s.send("POST", "/orders", form("customer", id))
		a.says("there is no such customer", a.broke("rule", "customer-exists").Message)
	})
}

func TestConflictWithTheWorkflow(t *testing.T) {
	t.Parallel()
	s := conflict(t, "workflow")
	// step is a refused step: from where to where, and what would be allowed.
	step := func(method, path, body, from, to string, allowed ...string) {
		t.Helper()
		a := s.send(method, path, body)
		p := a.broke("transition", "transitions")
		if p.CurrentState != from || p.RequestedState != to || !slices.Equal(p.AllowedStates, allowed) {
			t.Errorf("%s %s: want from %q to %q, allowed %q: %s", method, path, from, to, allowed, a.body)
		}
	}
	s.untouched(func() { step("POST", "/orders", `{"status":"approved"}`, "", "approved", "pending") })
	order := s.create("/orders", `{"customer":"1","status":"pending"}`)
	s.untouched(func() {
		step("PATCH", order, `{"status":"shipped"}`, "pending", "shipped", "approved", "cancelled")
		step("PUT", order, `{"status":"lost"}`, "pending", "lost", "approved", "cancelled")
		s.send("PUT", order, `{"note":"no status"}`).want(400, "malformed")
	})
	s.send("PATCH", order, `{"note":"no step"}`).want(200, "")
	s.send("PATCH", order, `{"status":"pending"}`).want(200, "")
	s.send("POST", order+"/approve", "").want(200, "")
	s.untouched(func() {
		for path, done := range map[string]string{"/approve": "approved", "/cancel": "cancelled"} {
			a := s.send("POST", order+path, "")
			a.says("order is approved, only a pending one can be "+done, a.broke("rule", "pending").Message)
		}
	})
	s.send("PATCH", order, form("status", "shipped")).want(200, "")
	s.untouched(func() { step("PATCH", order, `{"status":"cancelled"}`, "shipped", "cancelled") })

	cancelled := s.create("/orders", `{"customer":"1","status":"pending"}`)
	s.send("POST", cancelled+"/cancel", "").want(200, "")
	s.untouched(func() {
		s.send("POST", cancelled+"/approve", "").want(409, "rule")
		step("PATCH", cancelled, `{"status":"approved"}`, "cancelled", "approved")
	})
	// Somebody has made a draft past the proxy, and no rule says where that leads.
	draft := send(t, "POST", s.backend+"/orders", `{"status":"draft"}`).want(201, "").header.Get("Location")
	s.untouched(func() { step("PATCH", draft, `{"status":"pending"}`, "draft", "pending") })
}
