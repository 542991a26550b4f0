package proxy_test

import (
	"net/http"
	"testing"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestAPOSTInTheNameOfAPATCHIsNoCreation(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "cancelled")
	c := ruledFleet(t, b, on("/orders/{id}", []string{"POST", "PUT", "PATCH", "DELETE"}, proxy.Rules{Transitions: workflow()})).replica()
	a := c.do("POST", "/orders/7", `{"status":"pending"}`, append(ofJSON, "X-HTTP-Method-Override", "PATCH")...)
	a.want(t, http.StatusConflict, refusal.Transition)
	c.do("POST", "/orders/7?_method=PUT", `{"status":"pending"}`, ofJSON...).want(t, http.StatusConflict, refusal.Transition)
}

func TestAPATCHWhoseAddressIsSpeltOddlyIsHeldAgainstTheRule(t *testing.T) {
	b := newRegistry(t)
	b.put("/users/1", "id", 1, "email", "a@x")
	b.put("/users/2", "id", 2, "email", "b@x")
	c := ruledFleet(t, b, on("/users/{id}", []string{"PUT", "PATCH"}, proxy.Rules{
		Unique: []proxy.Unique{emailRule("/users/{found:/0/id}")},
	})).replica()
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, tc := range []struct {
		body   string
		header []string
	}{
		{`{"Email":"a@x"}`, ofJSON},
		{`{"email\u0000":"a@x"}`, ofJSON},
		{`{"email":"a@x\u0000"}`, ofJSON},
		{`email=a%40x&email=a%40x`, form},
		{`email[]=a%40x`, form},
		{`Email=a%40x`, form},
		{`[{"op":"replace","path":"/email","value":"a@x"}]`, ofJSON},
		{`null`, ofJSON},
	} {
		a := c.do("PATCH", "/users/2", tc.body, tc.header...)
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", tc.body, a.StatusCode, a.body)
		}
	}
}

func TestAnUpdateIsItsOwnDuplicateOnlyWhereTheKeyIsItsOwn(t *testing.T) {
	b := newRegistry(t)
	b.put("/users/1", "id", 1, "email", "a@x")
	b.put("/users/2", "id", 2, "email", "b@x")
	r := on("/api.php", []string{"PUT"}, proxy.Rules{Unique: []proxy.Unique{emailRule("/api.php?id={found:/0/id}")}})
	r.Key.Query = map[string]string{"id": "^[0-9]+$"}
	title := on("/users/{id}", []string{"PUT"}, proxy.Rules{Unique: []proxy.Unique{emailRule("/users/{found:/0/id}")}})
	title.Key.Path = map[string]string{"id": "^[0-9]+"}
	part := on("/users/{id}/email", []string{"PUT"}, proxy.Rules{Unique: []proxy.Unique{emailRule("/users/{found:/0/id}")}, Resource: "/users/{id}"})
	c := ruledFleet(t, b, r, title, part).replica()
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusNoContent)
		}
		return r.Method != http.MethodGet
	})
	c.do("PUT", "/api.php?id=2", `{"email":"a@x"}`, ofJSON...).want(t, http.StatusConflict, refusal.Duplicate)
	c.do("PUT", "/api.php?id=1", `{"email":"a@x"}`, ofJSON...).want(t, http.StatusNoContent)
	c.do("PUT", "/users/1-ann", `{"email":"a@x"}`, ofJSON...).want(t, http.StatusNoContent)
	c.do("PUT", "/users/1/email", `{"email":"a@x"}`, ofJSON...).want(t, http.StatusNoContent)
	c.do("PUT", "/users/2/email", `{"email":"a@x"}`, ofJSON...).want(t, http.StatusConflict, refusal.Duplicate)
}

func TestAPATCHThatReplacesTheWholeIsNoStepThatNobodySees(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "cancelled")
	c := ruledFleet(t, b, on("/orders/{id}", []string{"PUT", "PATCH"}, proxy.Rules{Transitions: workflow()})).replica()
	for _, body := range []string{
		`[{"op":"replace","path":"/status","value":"approved"}]`, `null`, `"x"`, `7`,
	} {
		if a := c.do("PATCH", "/orders/7", body, ofJSON...); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	c.do("PATCH", "/orders/7", `{"note":"x"}`, ofJSON...).want(t, http.StatusNoContent)
}

func TestAStateInTheQueryIsNoStepThatNobodySees(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "cancelled")
	b.put("/users/1", "id", 1, "email", "a@x")
	c := ruledFleet(t, b,
		on("/orders/{id}", []string{"PUT", "PATCH"}, proxy.Rules{Transitions: workflow()}),
		on("/users", []string{"POST"}, proxy.Rules{Unique: []proxy.Unique{emailRule("")}})).replica()
	c.do("PATCH", "/orders/7?status=approved", `{}`, ofJSON...).want(t, http.StatusBadRequest, refusal.Malformed)
	c.do("PATCH", "/orders/7?Status[]=approved", ``).want(t, http.StatusBadRequest, refusal.Malformed)
	c.do("POST", "/users?email=a@x", `{"email":"b@x"}`, ofJSON...).want(t, http.StatusBadRequest, refusal.Malformed)
	c.do("PATCH", "/orders/7?verbose=1", `{}`, ofJSON...).want(t, http.StatusNoContent)
}

func TestAMERGEIsAStep(t *testing.T) {
	b := newRegistry(t)
	b.put("/orders/7", "status", "cancelled")
	c := ruledFleet(t, b, on("/orders/{id}", []string{"PUT", "PATCH"}, proxy.Rules{Transitions: workflow()})).replica()
	c.do("MERGE", "/orders/7", `{"status":"approved"}`, ofJSON...).want(t, http.StatusConflict, refusal.Transition)
	c.do("POST", "/orders/7", `{"status":"approved"}`, append(ofJSON, "X-HTTP-Method", "MERGE")...).want(t, http.StatusConflict, refusal.Transition)
}
