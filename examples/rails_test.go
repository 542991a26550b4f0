package examples_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"regexp"
	"strings"
	"testing"
)

func rails(t *testing.T) *stand {
	t.Helper()
	backend := launch(t, nil, program(t, "proxy409/examples/rails/backend"), "--listen", "127.0.0.1:0")
	return stage(t, "rails", backend.says(`listening on (\S+)`)[1])
}

// browser is the Accept of a browser that loads a page or sends a form.
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// hidden is the value of a field of the form on a page.
func (a answer) hidden(name string) string {
	a.t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(name) + `"? value="([^"]*)"|` + regexp.QuoteMeta(name) + `="([^"]*)"`).FindStringSubmatch(a.body)
	if found == nil {
		a.t.Fatalf("the page has no %s: %s", name, a.body)
	}
	return found[1] + found[2]
}

// formData is a form as a page's script sends it with fetch and FormData.
func formData(t testing.TB, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestRailsReadmeIsWhatHappens(t *testing.T) {
	t.Parallel()
	rails(t).transcript("rails")
}

func TestRailsReadmeShowsTheScriptOfThePage(t *testing.T) {
	t.Parallel()
	_, script, _ := strings.Cut(read(t, "rails/backend/page.html"), "<script>\n")
	script, _, _ = strings.Cut(script, "</script>")
	if !strings.Contains(read(t, "rails/README.md"), "```js\n"+script+"```") {
		t.Errorf("the README does not show the script:\n%s", script)
	}
}

func TestRailsSpellingsAreOneArticle(t *testing.T) {
	t.Parallel()
	s := rails(t)
	spellings := []string{"/articles/7", "/articles/7-title", "/articles/7.json", "/articles/7-title.json", "/articles/7/", "/articles/%37", "/articles/7?format=json"}
	for i, spelling := range spellings {
		tag := fmt.Sprintf(`"%d"`, i)
		if got := s.get("/articles/7-whatever.json").tagged(); got != tag {
			t.Fatalf("ETag %s, want %s", got, tag)
		}
		s.send("PATCH", spelling, `{"body":"Next."}`, "If-Match", tag, "Accept", "application/json").want(200, "")
		s.untouched(func() {
			for _, other := range spellings {
				s.send("PUT", other, `{"title":"Lost"}`, "If-Match", tag, "Accept", "application/json").want(409, "stale")
			}
		})
	}
}

// Ruby finds a number in more spellings than one would think. Each of them would be a second name for an article.
func TestRailsOddSpellingsAreRefused(t *testing.T) {
	t.Parallel()
	s := rails(t)
	tag := s.get("/articles/7.json").tagged()
	s.untouched(func() {
		for _, id := range []string{"07", "+7", "%207", "7_0", "0_7", "7abc", "new", "7.", "7%2Fx", "7%00", "-7"} {
			s.send("PATCH", "/articles/"+id, `{"title":"?"}`, "If-Match", tag).want(400, "malformed")
		}
	})
	if s.get("/articles/07").header.Get("ETag") != "" {
		t.Error("a page has an ETag, although its content names no version")
	}
	if odd := s.get("/articles/07.json").tagged(); odd == tag {
		t.Errorf("what was read under a name that is no key has the good tag %s", odd)
	}
}

func TestRailsFormsStandForOtherMethods(t *testing.T) {
	t.Parallel()
	s := rails(t)
	page := s.get("/articles/7", "Accept", browser)
	if token := s.get("/articles/7", "Accept", browser).hidden("authenticity_token"); token == page.hidden("authenticity_token") {
		t.Fatal("two pages have the same token")
	}
	version := `"` + page.hidden("data-version") + `"`
	fields := []string{"_method", "patch", "authenticity_token", page.hidden("authenticity_token"), "article[title]", "Changed"}

	// A form alone cannot send If-Match. The person sees a page that says so, and the application sees nothing.
	s.untouched(func() {
		refused := s.send("POST", "/articles/7", form(fields...), "Accept", browser).want(409, "missing")
		if !strings.HasPrefix(refused.header.Get("Content-Type"), "text/html") || !strings.Contains(refused.body, "<h1>") {
			t.Errorf("a browser gets %s: %s", refused.header.Get("Content-Type"), refused.body)
		}
		body, kind := formData(t, fields...)
		s.send("POST", "/articles/7", body, "Content-Type", kind).want(409, "missing")
		s.send("POST", "/articles/7-title", form("_method", "delete"), "Accept", browser).want(409, "missing")
		s.send("POST", "/articles/7", "", "X-HTTP-Method-Override", "DELETE").want(409, "missing")
	})

	// The page's script sends the same form with it.
	body, kind := formData(t, fields...)
	saved := s.send("POST", "/articles/7", body, "Content-Type", kind, "If-Match", version, "Accept", "application/json").want(200, "")
	if saved.member("title") != "Changed" || saved.member("lock_version") != "1" {
		t.Errorf("saved: %s", saved.body)
	}
	s.untouched(func() {
		s.send("POST", "/articles/7", body, "Content-Type", kind, "If-Match", version, "Accept", "application/json").want(200, "replayed")
		s.send("POST", "/articles/7", body, "Content-Type", kind, "If-Match", version, "Accept", "application/json", "User-Agent", "another").want(409, "stale")
		s.send("POST", "/articles/7-x", form(fields...), "If-Match", version).want(409, "stale")
	})
	// A client that asks for a page is sent on, and that is a write like any other.
	sent := s.send("POST", "/articles/7", form(fields...), "If-Match", `"1"`, "Accept", browser).want(303, "")
	if sent.header.Get("Location") != "/articles/7" {
		t.Errorf("sent on to %s", sent.header.Get("Location"))
	}
	s.untouched(func() { s.send("POST", "/articles/7", form(fields...), "If-Match", `"1"`).want(409, "stale") })
}

func TestRailsCreatesRejectsAndDeletes(t *testing.T) {
	t.Parallel()
	s := rails(t)
	token := s.get("/articles/7", "Accept", browser).hidden("authenticity_token")
	created := s.send("POST", "/articles", form("authenticity_token", token, "article[title]", "New", "article[body]", "x"), "Accept", browser).want(303, "")
	at := created.header.Get("Location")
	tag := s.get(at + ".json").tagged()
	// The application's own refusals change nothing: the tag stays good.
	s.send("POST", at, form("_method", "patch", "article[title]", "Forged"), "If-Match", tag).want(422, "")
	s.send("PATCH", at, `{"title":""}`, "If-Match", tag).want(422, "")
	s.untouched(func() {
		s.send("POST", at, form("_method", "delete", "authenticity_token", token), "If-Match", `"7"`).want(409, "stale")
		s.send("PUT", "/articles/99", `{"title":"x"}`, "If-Match", tag).want(409, "absent")
	})
	s.send("POST", at, form("_method", "delete", "authenticity_token", token), "If-Match", tag, "Accept", browser).want(303, "")
	s.send("GET", at+".json", "").want(404, "")
}

// Each session has a tag of its own for a page, and all of them name one version.
func TestRailsTicketsLookDifferentToEachSession(t *testing.T) {
	t.Parallel()
	s := rails(t)
	see := func(name, path string) answer { return s.get(path, "Cookie", "session="+name, "Accept", browser) }
	ada, grace := see("ada", "/tickets/7"), see("grace", "/tickets/7-title")
	if ada.tagged() == grace.tagged() || ada.tagged() != see("ada", "/tickets/7").tagged() {
		t.Fatalf("ada has %s, grace %s", ada.tagged(), grace.tagged())
	}
	s.send("GET", "/tickets/7", "", "Cookie", "session=ada", "Accept", browser, "If-None-Match", ada.tagged()).want(304, "")
	data := see("ada", "/tickets/7.json").tagged()
	save := func(name, tag, title string) answer {
		return s.send("POST", "/tickets/7", form("_method", "put", "authenticity_token", "x."+name, "ticket[title]", title),
			"Cookie", "session="+name, "Accept", browser, "If-Match", tag)
	}
	save("grace", grace.tagged(), "By Grace").want(303, "")
	s.untouched(func() {
		save("ada", ada.tagged(), "Lost").want(409, "stale")
		s.send("PATCH", "/tickets/7.json", `{"title":"Lost"}`, "Cookie", "session=ada", "If-Match", data).want(409, "stale")
		s.send("PATCH", "/tickets/7.json", `{"title":"Stranger"}`, "If-Match", data).want(401, "")
	})
	save("ada", see("ada", "/tickets/7").tagged(), "By Ada").want(303, "")
	if strings.Contains(s.proxy.said.String(), "drift") {
		t.Error("what one session saw was taken for a change of what another had seen")
	}
}

func TestRailsRaceHasOneWinnerPerVersion(t *testing.T) {
	t.Parallel()
	s := rails(t)
	token := s.get("/articles/7", "Accept", browser).hidden("authenticity_token")
	contest{
		clients: 9, rounds: 6, isWrite: unsafeMethod,
		read: func() string { return s.get("/articles/7.json").tagged() },
		write: func(client int, tag string) answer {
			title := fmt.Sprintf("by %d", client)
			switch client % 3 {
			case 0:
				return s.send("PATCH", "/articles/7-title.json", fmt.Sprintf(`{"title":%q}`, title), "If-Match", tag)
			case 1:
				return s.send("POST", "/articles/7", form("_method", "patch", "authenticity_token", token, "article[title]", title), "If-Match", tag)
			}
			body, kind := formData(t, "_method", "put", "authenticity_token", token, "article[title]", title)
			return s.send("POST", "/articles/7-"+title[:2], body, "Content-Type", kind, "If-Match", tag, "Accept", "application/json")
		},
	}.run(s)
	if version := s.get("/articles/7.json").member("lock_version"); version != "6" {
		t.Errorf("after six rounds lock_version is %s", version)
	}
}
