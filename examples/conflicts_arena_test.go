package examples_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// arena is where the clients race, and what became of them.
type arena struct {
	t    *testing.T
	urls []string // of the replicas, or of the backend alone

	mu   sync.Mutex
	won  int
	lost map[string]int // by reason and rule
}

// repeat runs n races, a few of them at a time.
func (a *arena) repeat(n int, race func(*arena, int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := int(next.Add(1)); i <= n && !a.t.Failed(); i = int(next.Add(1)) {
				race(a, i)
			}
		})
	}
	all.Wait()
}

// together has all racers write at once, spread over the replicas.
func (a *arena) together(write func(client int)) {
	var start, end sync.WaitGroup
	start.Add(1)
	for i := range racers {
		end.Go(func() {
			start.Wait()
			write(i)
		})
	}
	start.Done()
	end.Wait()
}

// prepare is a write before the race, which must succeed. It returns the id of what it created.
func (a *arena) prepare(path, body string) (id string) {
	return send(a.t, "POST", a.urls[0]+path, body).want(201, "").member("id")
}

// refusals are the reasons for which a racer may be refused.
var refusals = []string{"duplicate", "exists", "stale", "absent", "rule", "transition", "busy"}

// try is a write in the race. Who is refused as busy has not lost to a rule, and may come again.
func (a *arena) try(client int, method, path, body string, header ...string) {
	got := send(a.t, method, a.urls[client%len(a.urls)]+path, body, header...)
	p := got.refusal()
	reason := p.Reason
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case reason == "" && got.status < 300:
		a.won++
	case reason == "" && got.status == 404 && len(a.urls) == 1: // the backend, which somebody has deleted it from
	case got.status != 409 || !slices.Contains(refusals, reason):
		a.t.Errorf("%s: %d %q: %s", got.request, got.status, reason, got.body)
	case reason == "busy" && got.header.Get("Retry-After") == "":
		a.t.Errorf("%s: busy, without Retry-After", got.request)
	default:
		a.lost[strings.TrimSpace(reason+" "+p.Rule)]++
	}
}

// spelled is an e-mail as this client spells it, in JSON or in a form.
func spelled(email string, client int) (body string) {
	spelling := []string{email, strings.ToUpper(email), " " + email, strings.ToUpper(email[:1]) + email[1:] + "  "}[client%4]
	if client == racers-1 {
		return form("email", spelling)
	}
	return fmt.Sprintf(`{"email":%q}`, spelling)
}

// private is a user whose e-mail nobody else wants.
func private(n, client int) (body string) {
	return fmt.Sprintf(`{"email":"user%d-%d@example.com"}`, n, client)
}

func (a *arena) oneEMail(n int) {
	email := fmt.Sprintf("user%d@example.com", n)
	a.together(func(client int) { a.try(client, "POST", "/users", spelled(email, client)) })
}

// changedEMail has half of the racers sign up, while the others are users who change to the same e-mail.
func (a *arena) changedEMail(n int) {
	email, users := fmt.Sprintf("user%d@example.com", n), [racers]string{}
	for i := range racers / 2 {
		users[i] = a.prepare("/users", private(n, i))
	}
	a.together(func(client int) {
		if users[client] == "" {
			a.try(client, "POST", "/users", spelled(email, client))
			return
		}
		a.try(client, "PATCH", "/users/"+users[client], spelled(email, client), "If-Match", `"1"`)
	})
}

func (a *arena) oneAddress(n int) {
	a.together(func(client int) {
		a.try(client, "PUT", fmt.Sprintf("/users/name%d", n), private(n, client), "If-None-Match", "*")
	})
}

func (a *arena) oneTag(n int) {
	a.edit(n, func(client int, user string, version int) {
		body := fmt.Sprintf(`{"edited_from":%d,"by":"%d"}`, version, client)
		a.try(client, "PUT", user, body, "If-Match", fmt.Sprintf("%q", fmt.Sprint(version)))
	})
}

// oneNumber has a third of the racers send the version as If-Match, a third in the body, and a third both.
func (a *arena) oneNumber(n int) {
	a.edit(n, func(client int, user string, version int) {
		body, header := fmt.Sprintf(`{"edited_from":%d,"by":"%d","version":%d}`, version, client, version), []string{"If-Match", fmt.Sprintf("%q", fmt.Sprint(version))}
		switch client % 3 {
		case 0:
			body = fmt.Sprintf(`{"edited_from":%d,"by":"%d"}`, version, client)
		case 1:
			header = nil
		}
		a.try(client, "PUT", user, body, header...)
	})
}

// edit has the racers change one user, all of them from one version, and then all from the next.
func (a *arena) edit(n int, write func(client int, user string, version int)) {
	user := "/users/" + a.prepare("/users", private(n, 0))
	for version := range edits {
		a.together(func(client int) { write(client, user, version+1) })
	}
}

// oneCustomer has those who order look at the list first in every other race, so that a DELETE is often there before them.
func (a *arena) oneCustomer(n int) {
	id := a.prepare("/customers", `{"name":"Ada"}`)
	a.together(func(client int) {
		if client < 2 {
			a.try(client, "DELETE", "/customers/"+id, "", "If-Match", `"1"`)
			return
		}
		if n%2 == 0 {
			send(a.t, "GET", a.urls[client%len(a.urls)]+"/orders?customer="+id, "")
		}
		a.try(client, "POST", "/orders", fmt.Sprintf(`{"customer":%q,"status":"pending"}`, id))
	})
}

func (a *arena) oneOrder(int) {
	order := "/orders/" + a.prepare("/orders", `{"status":"pending"}`)
	steps := [racers]struct{ method, path, body string }{
		{"POST", "/approve", ""},
		{"POST", "/cancel", ""},
		{"PATCH", "", `{"status":"approved"}`},
		{"PATCH", "", `{"status":"cancelled"}`},
		{"POST", "/approve", ""},
		{"POST", "/cancel", ""},
		{"PATCH", "", form("status", "shipped")},
		{"PATCH", "", `{"note":"urgent"}`},
	}
	a.together(func(client int) { a.try(client, steps[client].method, order+steps[client].path, steps[client].body) })
}
