package refusal

import "testing"

func TestNegotiation(t *testing.T) {
	const problem, plain, html, text = "application/problem+json", "application/json", "text/html", "text/plain"
	for _, c := range []struct {
		want   string
		accept []string
	}{
		{problem, nil},
		{problem, []string{""}},
		{problem, []string{"*/*"}},
		{problem, []string{"application/*"}},
		{problem, []string{"application/problem+json"}},
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
		{problem, []string{"application/json;q=0.5, */*"}},
		{plain, []string{"application/json, text/javascript, */*; q=0.01"}},                 // jQuery
		{plain, []string{"text/plain, application/json, application/*+json, */*"}},          // Spring
		{plain, []string{"text/html, application/json"}},                                    // no preference
		{problem, []string{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}},         // Java 8
		{problem, []string{"text/html, image/gif, image/jpeg, */*; q=0.2"}},                 // Java 17
		{html, []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}}, // Firefox, Safari
		{html, []string{"text/html, application/xhtml+xml, image/jxr, */*"}},                // Internet Explorer
		{html, []string{"text/html", "*/*"}},                                                // on two lines
		{html, []string{"application/json;q=0.1, text/html"}},
		{html, []string{"text/*"}},
		{html, []string{"Text/HTML;charset=iso-8859-1"}},
		{html, []string{"application/json;q=0, application/problem+json;q=0, */*"}},
		{html, []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif," + // Chrome
			"image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"}},
		{text, []string{"text/plain"}},
		{text, []string{"text/plain, text/html;q=0.9"}},
		{text, []string{"text/html;q=0, text/*"}},
		{problem, []string{"text/html;q=0"}},
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
