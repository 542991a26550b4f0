package config

import "strings"

// withRules is what testdata/good/rules.yaml says.
func withRules(c *Config) {
	asker := func() map[string]Secret {
		return map[string]Secret{"Authorization": NewSecret("Bearer hunter2"), "X-Empty": NewSecret("none")}
	}
	named := func(name, match string) Route {
		r := c.Routes[0]
		r.Name, r.Match, r.BodyTemplate = name, match, "{\"error\": {{.Title}}}\n"
		if r.Rules = (Rules{}); !strings.HasPrefix(match, "/plain") && match != "/shut" {
			r.Expect, r.AskHeaders = []string{"if-match", "header:X-Revision"}, asker()
		}
		return r
	}
	users, customer, order, approve := named("users", "/users"), named("customer", "/customers/{id}"), named("order", "/orders/{id}"),
		named("approve", "/orders/{id}/approve")
	plain, shut := named("plain", "/plain"), named("shut", "/shut")

	users.Guard, users.Pass, users.Missing = []string{"POST"}, []string{}, MissingAllow
	users.Expect, users.AskHeaders = []string{"json:/meta/version", "form:lock_version", "query:rev", "if-match"}, nil
	users.Unique = []Unique{
		{
			Name: "unique-1", Fields: []string{"/email"}, Fold: []Fold{FoldTrim, FoldLower}, Ask: "/users?email={/email}",
			Location: "/users/{found:/0/id}", OnDuplicate: DuplicateRefuse,
		},
		{
			Name: "user-name", Fields: []string{"/first/name", "/last#?name"}, Fold: []Fold{FoldNFC},
			Ask:  "/search?in={query:tenant}&name={/first/name}+{/last#?name}",
			List: "/items", OnDuplicate: DuplicateReturn,
		},
		{Name: "unique-3", Fields: []string{"/phone"}, Ask: "/users?phone={/phone}", OnDuplicate: DuplicateRefuse},
	}

	customer.Version.From, customer.Version.Header = FromHeader, "last-modified"
	customer.Expect, customer.BodyTemplate = []string{"if-unmodified-since"}, "articles"
	customer.Require = []Require{
		{
			Name: "require-1", On: []string{"DELETE", "MOVE"},
			Ask:  map[string]string{"orders": "/orders?customer={id}", "theRest_2": "/rest/{id}"},
			That: "size(orders.body) == 0", Message: "the customer still has orders",
		},
		{
			Name: "weekdays", That: "request.method != 'PUT' ||\nrequest.headers['x-day'] != 'sunday'\n",
			MessageExpression: "'not on ' + request.headers['x-day']",
		},
	}

	order.Transitions = &Transitions{Field: "/status", Initial: []string{"pending", "007"}, Moves: map[string][]string{
		"pending": {"in progress", "1.0", "007"}, "in progress": {"true"}, "1.0": nil, "007": {"pending", "007"}, "true": nil,
	}}

	approve.Guard, approve.Pass, approve.Missing = []string{"POST"}, []string{}, MissingAllow
	approve.Key.Query = map[string]string{"page": "[0-9]+"}
	approve.Resource, approve.Touches = "/orders/{id}?page={page}", []string{"/orders"}
	approve.Leases = []string{"/customers/{/customer}", "/books/{query:book}"}

	plain.Mode, plain.BodyTemplate, shut.Mode = Off, "x", Closed
	c.Routes = []Route{users, customer, order, approve, plain, shut}
}
