package examples_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
)

func jsonAPI(t *testing.T) *stand {
	t.Helper()
	backend := launch(t, nil, program(t, "proxy409/examples/json-api/backend"), "--listen", "127.0.0.1:0")
	return stage(t, "json-api", backend.says(`listening on (\S+)`)[1])
}

func TestJSONAPIReadmeIsWhatHappens(t *testing.T) {
	t.Parallel()
	jsonAPI(t).transcript("json-api")
}

func TestJSONAPIVersionIsAMemberOfTheDocument(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	read := s.get("/documents/1")
	if read.tagged() != `"1"` {
		t.Fatalf("ETag %s, want that of version 1", read.tagged())
	}
	wrote := s.send("PATCH", "/documents/1", `{"title":"Report"}`, "If-Match", `"1"`).want(200, "")
	if wrote.tagged() != `"2"` || wrote.member("version") != "2" {
		t.Fatalf("the answer to the write: ETag %s, body %s", wrote.tagged(), wrote.body)
	}
	s.untouched(func() {
		stale := s.send("PUT", "/documents/1", `{"title":"Lost"}`, "If-Match", `"1"`).want(409, "stale").refusal()
		if string(stale.CurrentVersion) != "2" || stale.CurrentETag != `"2"` {
			t.Errorf("the refusal says %+v, want version 2", stale)
		}
		s.send("PUT", "/documents/1", `{"title":"Blind"}`).want(409, "missing")
		s.send("PUT", "/documents/1", `{"title":"Blind"}`, "If-Match", "*").want(409, "missing")
		s.send("DELETE", "/documents/1", "", "If-Match", `"1"`).want(409, "stale")
	})
	// The tag on the answer to a write is good for the next one, without a read in between.
	s.send("PUT", "/documents/1", `{"title":"Final"}`, "If-Match", wrote.tagged()).want(200, "")
	if got := s.get("/documents/1").member("title"); got != "Final" {
		t.Errorf("the title is %q", got)
	}
}

func TestJSONAPICreatesAndDeletes(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	at := s.send("POST", "/documents", `{"title":"New"}`).want(201, "").header.Get("Location")
	tag := s.get(at).tagged()
	s.untouched(func() {
		s.send("PUT", at, `{"title":"Mine"}`, "If-None-Match", "*").want(409, "exists")
		s.send("PUT", "/documents/9001", `{"title":"Gone"}`, "If-Match", tag).want(409, "absent")
	})
	s.send("DELETE", at, "", "If-Match", tag).want(204, "")
	s.send("GET", at, "").want(404, "")
	s.untouched(func() { s.send("PUT", at, `{"title":"Revived"}`, "If-Match", tag).want(409, "absent") })

	// The API counts from 1 again. The proxy keeps the two documents apart that were called version 1 here.
	again := s.send("PUT", at, `{"title":"Another"}`, "If-None-Match", "*").want(201, "")
	if again.member("version") != "1" || again.tagged() == tag {
		t.Fatalf("ETag %s, version %s", again.tagged(), again.member("version"))
	}
	s.untouched(func() { s.send("DELETE", at, "", "If-Match", tag).want(409, "stale") })
	s.send("DELETE", at, "", "If-Match", again.tagged()).want(204, "")
}

func TestJSONAPIReadsAreConditional(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	for _, path := range []string{"/documents/1", "/articles/hello", "/settings"} {
		tag := s.get(path).tagged()
		if a := s.send("GET", path, "", "If-None-Match", tag).want(304, ""); a.body != "" || a.tagged() != tag {
			t.Errorf("%s: a 304 with %q and the ETag %s", path, a.body, a.tagged())
		}
		s.get(path, "If-None-Match", `"another"`)
		if a := s.send("HEAD", path, "").want(200, ""); a.tagged() != tag || a.body != "" {
			t.Errorf("HEAD %s: ETag %s, want %s", path, a.tagged(), tag)
		}
	}
}

func TestJSONAPIArticleIsItsContentButForTheClock(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	first, second := s.get("/articles/hello"), s.get("/articles/hello")
	if first.body == second.body || first.tagged() != second.tagged() {
		t.Fatalf("%s %s and then %s %s: want another content and the same ETag", first.tagged(), first.body, second.tagged(), second.body)
	}
	wrote := s.send("PUT", "/articles/hello", `{"title":"Hello","text":"Second."}`, "If-Match", first.tagged()).want(200, "")
	if wrote.tagged() != s.get("/articles/hello").tagged() {
		t.Error("the answer to the write does not have the ETag of the next read")
	}
	s.untouched(func() {
		stale := s.send("PUT", "/articles/hello", `{"text":"Lost."}`, "If-Match", first.tagged()).want(409, "stale").refusal()
		if stale.CurrentVersion != nil {
			t.Errorf("current_version %s of an article that has none", stale.CurrentVersion)
		}
	})
	s.send("PUT", "/articles/new", `{"text":"Created."}`, "If-None-Match", "*").want(200, "")
	s.untouched(func() { s.send("PUT", "/articles/new", `{"text":"Again."}`, "If-None-Match", "*").want(409, "exists") })
}

func TestJSONAPISettingsHaveTheirVersionInAField(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	tag := s.get("/settings").tagged()
	next := s.send("PUT", "/settings", `{"theme":"dark"}`, "If-Match", tag).want(200, "").tagged()
	s.untouched(func() {
		stale := s.send("PUT", "/settings", `{"theme":"red"}`, "If-Match", tag).want(409, "stale").refusal()
		if string(stale.CurrentVersion) != `"2"` {
			t.Errorf("current_version %s, want that of X-Revision", stale.CurrentVersion)
		}
	})
	s.send("PUT", "/settings", `{"theme":"blue"}`, "If-Match", next).want(200, "")
}

// A compressed answer and a plain one show one version; the tag of the first is weak.
func TestJSONAPIAnswersInGzipToWhoAsks(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	plain, zipped := s.get("/articles/hello"), s.get("/articles/hello", "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || !strings.Contains(string(text), "First.") {
		t.Fatalf("%q, %v", text, err)
	}
	if zipped.tagged() != "W/"+plain.tagged() {
		t.Fatalf("ETag %s, and %s when compressed", plain.tagged(), zipped.tagged())
	}
	s.send("PUT", "/articles/hello", `{"text":"Zipped."}`, "If-Match", zipped.tagged()).want(200, "")
	s.untouched(func() { s.send("PUT", "/articles/hello", `{}`, "If-Match", plain.tagged()).want(409, "stale") })
}

func TestJSONAPIPassesWhatIsTooLargeToHold(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	if list := s.get("/documents"); len(list.body) < 200_000 || list.header.Get("ETag") != "" || !strings.HasSuffix(list.body, "]\n") {
		t.Errorf("the list: %d bytes, ETag %q", len(list.body), list.header.Get("ETag"))
	}
	large := fmt.Sprintf(`{"title":%q}`, strings.Repeat("x", 100_000))
	at := s.send("POST", "/documents", large).want(201, "").header.Get("Location")
	if a := s.get(at); len(a.body) < 100_000 || a.header.Get("ETag") != "" {
		t.Errorf("%d bytes with the ETag %q", len(a.body), a.header.Get("ETag"))
	}
	s.untouched(func() { s.send("PUT", at, `{"title":"x"}`, "If-Match", `"1"`).want(409, "unversioned") })
}

func TestJSONAPIRaceHasOneWinnerPerVersion(t *testing.T) {
	t.Parallel()
	s := jsonAPI(t)
	for _, path := range []string{"/documents/2", "/articles/hello", "/settings"} {
		contest{
			clients: 8, rounds: 5, isWrite: unsafeMethod,
			read: func() string { return s.get(path).tagged() },
			write: func(client int, tag string) answer {
				return s.send("PUT", path, fmt.Sprintf(`{"title":"by %d","random":%q}`, client, tag), "If-Match", tag)
			},
		}.run(s)
	}
	if version := s.get("/documents/2").member("version"); version != "6" {
		t.Errorf("after five rounds the document has version %s, want 6", version)
	}
}
