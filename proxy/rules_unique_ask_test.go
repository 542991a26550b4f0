package proxy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// secret stands for what no log may have: it is in bodies, queries and header fields.
const secret = "s3cr3t"

func TestUniqueAnAnswerThatDoesNotTellRefusesAndItsContentIsInNoLog(t *testing.T) {
	big := `[{"id":"` + strings.Repeat("x", 70<<10) + `"}]`
	for name, tc := range map[string]struct {
		status  int
		content string
		header  []string
		cause   string
	}{
		"500":                     {status: 500, content: `[]`, cause: "its status is 500"},
		"400":                     {status: 400, content: `[]`, cause: "its status is 400"},
		"401":                     {status: 401, cause: "ask_headers"},
		"403":                     {status: 403, content: secret, cause: "ask_headers"},
		"410":                     {status: 410, cause: "its status is 410"},
		"429":                     {status: 429, cause: "its status is 429"},
		"302":                     {status: 302, header: []string{"Location", "/login?" + secret}, cause: "its status is 302"},
		"304":                     {status: 304, cause: "its status is 304"},
		"HTML":                    {status: 200, content: "<html>" + secret, header: []string{"Content-Type", "text/html"}, cause: "is not JSON"},
		"nothing":                 {status: 200, cause: "it is empty"},
		"half":                    {status: 200, content: `[{"a":"` + secret, cause: "is not JSON"},
		"a value":                 {status: 200, content: `"` + secret + `"`, cause: "neither a list nor the resource"},
		"an empty object":         {status: 200, content: `{}`, cause: "neither a list nor the resource"},
		"over the limit":          {status: 200, content: big, cause: "limits.representation"},
		"over it, and no list":    {status: 200, content: big[1:], cause: "limits.representation"},
		"out of a cache":          {status: 200, content: `[]`, header: []string{"Age", "7"}, cause: "Age"},
		"a stream":                {status: 200, content: `[]`, header: []string{"Content-Type", "application/x-ndjson"}, cause: "stream"},
		"encoded":                 {status: 200, content: `[]`, header: []string{"Content-Encoding", "gzip"}, cause: "Content-Encoding"},
		"two members of one name": {status: 200, content: `{"id":1,"id":2,"` + secret + `":1}`, cause: "two members of one name"},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.says("GET", "/users", tc.status, tc.content, tc.header...)
				a := u.send("POST", "/users", `{"email":"`+secret+`@example.com"}`, "Cookie", "session="+secret)
				a.refused(t, 503, refusal.Unverifiable, "e-mail")
				if a.Header.Get("Retry-After") == "" || strings.Contains(a.body, secret) {
					t.Errorf("%q %s", a.Header, a.body)
				}
				u.wrote()
				log := u.logs.String()
				if !strings.Contains(log, tc.cause) || !strings.Contains(log, "rule=e-mail") {
					t.Errorf("the log does not tell %q: %s", tc.cause, log)
				}
				if strings.Contains(log, secret) {
					t.Errorf("the log tells what was said: %s", log)
				}
				if u.told.count("rule e-mail unverifiable") != 1 {
					t.Errorf("%q", u.told.all())
				}
				u.api.off()
				u.send("POST", "/users", ada).want(t, 201) // the value is not held any more
			}, users(eMail())...)
		})
	}
}

func TestUniqueAQuestionThatIsNotAnsweredRefusesInHalfOfTheTimeForTheWrite(t *testing.T) {
	for name, at := range map[string]func(*api){
		"it hangs": func(a *api) { a.hold("GET", "/users") },
		"it resets": func(a *api) {
			a.on("GET", "/users", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				at(u.api)
				start := time.Now()
				u.send("POST", "/users", `{"email":"`+secret+`"}`).refused(t, 503, refusal.Unverifiable, "e-mail")
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it took %s", took)
				}
				u.wrote()
				if log := u.logs.String(); !strings.Contains(log, "it gave none") || strings.Contains(log, secret) {
					t.Error(log)
				}
			}, users(eMail())...)
		})
	}
}

// asAdmin has the proxy ask with credentials of its own. Without those the list of users is for nobody.
func asAdmin(a *api) (change func(*proxy.Config)) {
	a.on("GET", "/users", func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			a.json(w, 403, document{})
			return true
		}
		return false
	})
	return func(c *proxy.Config) {
		for i := range c.Routes {
			c.Routes[i].Rules.AskHeaders = map[string]string{"authorization": "Bearer " + secret, "x-purpose": "uniqueness"}
		}
	}
}

func TestUniqueAskHeadersStandInThePlaceOfTheCallersCredentials(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.send("POST", "/users", grace).want(t, 201)
		u.restart(asAdmin(u.api))
		u.api.forget()
		u.send("POST", "/users", ada, "Authorization", "Basic mine", "Cookie", "mine=1", "Proxy-Authorization", "mine", "X-Tenant", "7").want(t, 201)
		for _, c := range u.api.asked() {
			h := c.header
			if c.method == "GET" && (h.Get("Authorization") != "Bearer "+secret || h.Get("X-Purpose") == "" || h.Get("Cookie") != "" ||
				h.Get("Proxy-Authorization") != "" || h.Get("X-Tenant") != "7" || h.Get("Content-Type") != "") {
				t.Errorf("the question has %q", h)
			}
			if c.method == "POST" && (h.Get("Authorization") != "Basic mine" || h.Get("X-Purpose") != "") {
				t.Errorf("the write has %q", h)
			}
		}
		if len(u.api.questions()) != 2 { // before, and whether the list shows it
			t.Errorf("%q", u.api.questions())
		}
	}, users(eMail())...)
}

func TestUniqueAskHeadersAreInNoLogNorAnswer(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.restart(asAdmin(u.api))
		u.api.has("/users/ada", ada)
		said := u.send("POST", "/users", ada).body
		u.api.says("GET", "/users", 403, "Bearer "+secret, "WWW-Authenticate", "Bearer "+secret)
		a := u.send("POST", "/users", ada)
		a.refused(t, 503, refusal.Unverifiable, "e-mail")
		u.api.on("GET", "/users", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
		said += a.body + u.send("POST", "/users", ada).body + u.logs.String()
		if strings.Contains(said, secret) || strings.Contains(said, "uniqueness") {
			t.Error(said)
		}
	}, users(eMail())...)
}

func TestUniqueWhereTheExistingOneIsIsToldToWhoMayReadIt(t *testing.T) {
	for _, status := range []int{200, 401, 403, 404, 500} {
		underRules(t, func(u *ruled) {
			u.restart(asAdmin(u.api))
			u.api.has("/users/ada", ada)
			u.api.says("GET", "/users/ada", status, `{}`)
			a := u.send("POST", "/users", ada, "Authorization", "Basic mine")
			want := ""
			if status == 200 {
				want = "/users/ada"
			}
			if p := a.refused(t, 409, refusal.Duplicate, "e-mail"); p.Location != want || a.Header.Get("Location") != want {
				t.Errorf("who gets %d for it is told %q", status, p.Location)
			}
			if asked := u.api.asked(); asked[len(asked)-1].header.Get("Authorization") != "Basic mine" {
				t.Errorf("it is not the caller who asks: %q", asked[len(asked)-1])
			}
		}, users(eMail())...)
	}
}

func TestUniqueWhatIsDiscloseNeverTellsNoLocation(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.restart(func(c *proxy.Config) { c.Refusals.Disclose = false })
		u.api.has("/users/ada", ada)
		a := u.send("POST", "/users", ada)
		if p := a.refused(t, 409, refusal.Duplicate, "e-mail"); p.Location != "" || a.Header.Get("Location") != "" {
			t.Errorf("%q %s", a.Header, a.body)
		}
	}, users(eMail())...)
}
