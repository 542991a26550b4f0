package proxy_test

import (
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

const formType = "application/x-www-form-urlencoded"

func TestUniqueAChangeOfOnesOwnRecordIsNoDuplicateAndOfAnothersIs(t *testing.T) {
	for name, tc := range map[string]struct {
		method, body string
		header       []string
		status       int
		reason       refusal.Reason
	}{
		"PUT, own":                    {method: "PUT", body: grace, status: 200},
		"PUT, own in another case":    {method: "PUT", body: `{"email":"GRACE@example.com"}`, status: 200},
		"PUT, free":                   {method: "PUT", body: `{"email":"hopper@example.com"}`, status: 200},
		"PUT, another's":              {method: "PUT", body: ada, status: 409, reason: refusal.Duplicate},
		"PUT, another's, folded":      {method: "PUT", body: `{"email":" ADA@example.com"}`, status: 409, reason: refusal.Duplicate},
		"PUT, without":                {method: "PUT", body: `{"name":"Grace"}`, status: 400, reason: refusal.Malformed},
		"PATCH, own":                  {method: "PATCH", body: grace, status: 200},
		"PATCH, another's":            {method: "PATCH", body: ada, status: 409, reason: refusal.Duplicate},
		"PATCH, without":              {method: "PATCH", body: `{"name":"Grace"}`, status: 200},
		"PATCH, a form without":       {method: "PATCH", body: "name=Grace", header: []string{"Content-Type", formType}, status: 200},
		"PATCH, a form":               {method: "PATCH", body: "email=ada@example.com", header: []string{"Content-Type", formType}, status: 409, reason: refusal.Duplicate},
		"PATCH, null":                 {method: "PATCH", body: `{"email":null}`, status: 400, reason: refusal.Malformed},
		"PATCH, a list":               {method: "PATCH", body: `{"email":["ada@example.com"]}`, status: 400, reason: refusal.Malformed},
		"PATCH, in two spellings":     {method: "PATCH", body: `{"email":"hopper@example.com","Email":"ada@example.com"}`, status: 400, reason: refusal.Malformed},
		"PATCH, in another spelling":  {method: "PATCH", body: `{"Email":"ada@example.com"}`, status: 400, reason: refusal.Malformed},
		"PATCH, an array of a form":   {method: "PATCH", body: "email[]=ada@example.com", header: []string{"Content-Type", formType}, status: 400, reason: refusal.Malformed},
		"PATCH, a list of changes":    {method: "PATCH", body: `[]`, header: []string{"Content-Type", "application/json-patch+json"}, status: 415, reason: refusal.Unsupported},
		"POST as PUT, own":            {method: "POST", body: grace, header: []string{"X-HTTP-Method-Override", "PUT"}, status: 200},
		"POST as PATCH, own":          {method: "POST", body: "email=grace@example.com&_method=patch", header: []string{"Content-Type", formType}, status: 200},
		"POST as PATCH, another's":    {method: "POST", body: "email=ada@example.com&_method=patch", header: []string{"Content-Type", formType}, status: 409, reason: refusal.Duplicate},
		"POST as PUT, another's":      {method: "POST", body: ada, header: []string{"X-HTTP-Method-Override", "PUT"}, status: 409, reason: refusal.Duplicate},
		"DELETE, which has no fields": {method: "DELETE", status: 204},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				obeysOverrides(u.api)
				u.api.has("/users/ada", ada)
				u.api.has("/users/grace", grace)
				tag := u.send("GET", "/users/grace", "").etag()
				a := u.send(tc.method, "/users/grace", tc.body, append(tc.header, "If-Match", tag)...)
				a.want(t, tc.status)
				if tc.reason != refusal.None {
					a.want(t, tc.status, tc.reason)
					u.wrote()
				}
				if tc.reason == refusal.Duplicate && a.Header.Get("Location") != "/users/ada" {
					t.Errorf("it points to %q", a.Header.Get("Location"))
				}
			}, users(eMail())...)
		})
	}
}

func TestUniqueOfTwoFieldsAPATCHHasBothOrNone(t *testing.T) {
	rule := proxy.Unique{Fields: []string{"/tenant", "/name"}, Ask: "/users?tenant={/tenant}&name={/name}", Location: "/users/{found:/0/id}"}
	for body, status := range map[string]int{
		`{"tenant":"a"}`: 400, `{"name":"Ada"}`: 400, `{"tenant":"a","name":"Ada"}`: 409, `{"tenant":"b","name":"Ada"}`: 200, `{"x":1}`: 200,
		`{"tenant":"b","name":"Grace"}`: 200,
	} {
		t.Run(body, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/users/ada", `{"tenant":"a","name":"Ada"}`)
				u.api.has("/users/grace", `{"tenant":"b","name":"Grace"}`)
				u.send("PATCH", "/users/grace", body, "If-Match", u.send("GET", "/users/grace", "").etag()).want(t, status)
			}, users(rule)...)
		})
	}
}

func TestUniqueACreationByPUTIsHeldAgainstIt(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		a := u.send("PUT", "/users/other", ada, "If-None-Match", "*")
		if p := a.refused(t, 409, refusal.Duplicate, "e-mail"); p.Location != "/users/ada" {
			t.Errorf("it points to %q", p.Location)
		}
		u.send("PUT", "/users/grace", grace, "If-None-Match", "*").want(t, 201)
		u.send("POST", "/users", grace).refused(t, 409, refusal.Duplicate, "e-mail")
	}, users(eMail())...)
}

// A change and a creation meet at the value's lease, though they are of different routes.
func TestUniqueAChangeAndACreationOfOneValueExcludeEachOther(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/users/grace", grace)
		tag := u.send("GET", "/users/grace", "").etag()
		gate := u.api.hold("PATCH", "/users/grace")
		change := u.start(u.one, "PATCH", "/users/grace", ada, "If-Match", tag)
		u.at(gate, 1)
		creation := u.start(u.replica(), "POST", "/users", ada)
		creation.waits(t)
		gate.release()
		change.answer().want(t, 200)
		creation.answer().refused(t, 409, refusal.Duplicate, "e-mail")
	}, users(eMail())...)
}

func TestUniqueWhereTheQueryNamesTheRecordAnothersIsNotOnesOwn(t *testing.T) {
	r := enforced("api", "/api.php", "POST", "PUT")
	r.Key.Query = map[string]string{"id": "^[a-z]+$"}
	r.Rules.Unique = []proxy.Unique{{Fields: []string{"/email"}, Ask: "/users?email={/email}", Location: "/api.php?id={found:/0/id}"}}
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		p := u.send("PUT", "/api.php?id=grace", ada).refused(t, 409, refusal.Duplicate, "unique-1")
		if p.Location != "/api.php?id=ada" {
			t.Errorf("it points to %q", p.Location)
		}
		u.api.says("PUT", "/api.php", 200, "{}")
		u.send("PUT", "/api.php?id=ada", ada).want(t, 200)
	}, r)
}

func TestUniqueAWriteAboutAnotherResourceMayLeaveItsValueAsItIs(t *testing.T) {
	r := enforced("address", "/users/{id}/email", "PUT")
	r.Rules.Resource, r.Rules.Unique = "/users/{id}", []proxy.Unique{eMail()}
	underRules(t, func(u *ruled) {
		u.api.has("/users/ada", ada)
		u.api.has("/users/grace", grace)
		u.api.says("PUT", "/users/grace/email", 200, "{}")
		tag := func() string { return u.send("GET", "/users/grace", "").etag() }
		u.send("PUT", "/users/grace/email", ada, "If-Match", tag()).refused(t, 409, refusal.Duplicate, "e-mail")
		u.send("PUT", "/users/grace/email", grace, "If-Match", tag()).want(t, 200)
	}, append(users(eMail()), r)...)
}
