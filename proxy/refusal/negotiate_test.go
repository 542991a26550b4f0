package refusal

import "testing"

func TestNegotiation(t *testing.T) {
	const problem, plain = "application/problem+json", "application/json"
	for _, c := range []struct {
		want   string
		accept []string
	}{
		{problem, nil},
		{problem, []string{""}},
		{problem, []string{"*/*"}},
		{problem, []string{"application/*"}},
		{problem, []string{"application/problem+json"}},
		{problem, []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}}, // a browser
		{problem, []string{"text/csv"}},
		{problem, []string{"application/json, application/problem+json"}},
		{problem, []string{"application/json;q=0.5", "application/problem+json;q=0.6"}},
		{problem, []string{"application/json;q=0, */*"}},
		{problem, []string{"application/json;q=0"}},
		{problem, []string{"application/json;q=high, nonsense, ;;, /"}},
		{problem, []string{"application/vnd.api+json"}},
		{plain, []string{"application/json"}},
		{plain, []string{"Application/JSON ; charset=utf-8 ; Q=0.3"}},
		{plain, []string{"application/json, text/plain, */*"}}, // axios
		{plain, []string{"application/json;q=0.9", "application/problem+json;q=0.8"}},
		{plain, []string{"application/problem+json;q=0, */*;q=0.1"}},
		{plain, []string{`text/x;a="application/problem+json,\",", application/json`}},
		{plain, []string{"application/json;q=0.1, text/html"}},
		{problem, []string{"application/json;q=0.5, */*"}},
	} {
		if got := negotiate(c.accept).mediaType; got != c.want {
			t.Errorf("Accept %q: %s, want %s", c.accept, got, c.want)
		}
	}
}

func TestPlainFormHasTheSameMembers(t *testing.T) {
	s, r := testStyle(""), Refusal{Reason: Missing}
	a, _ := body(t, s.Response(put(), r))
	resp := s.Response(put("application/json"), r)
	b, _ := body(t, resp)
	if string(a) != string(b) || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s\n%s as %s", a, b, resp.Header.Get("Content-Type"))
	}
}
