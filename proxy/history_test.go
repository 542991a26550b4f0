package proxy_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

// historical is a route that keeps what clients were shown.
func historical(change ...func(*proxy.Route)) proxy.Route {
	return edited(append([]func(*proxy.Route){func(r *proxy.Route) {
		r.History = proxy.History{Keep: 64 << 10, For: time.Hour}
	}}, change...)...)
}

// changes are those of a refusal, as text; "": it has none.
func (a answer) changes(t testing.TB) string {
	t.Helper()
	a.want(t, 409, refusal.Stale)
	var body map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatal(err)
	}
	changes, there := body["changes"]
	if there && string(changes) == "null" {
		t.Errorf("changes is null: %s", a.body)
	}
	return string(changes)
}

// others makes another caller write what the document is to be.
func (u *ruled) others(path, body string) {
	u.Helper()
	u.send("PUT", path, body, "If-Match", u.tag(path, "Authorization", "Bearer other"), "Authorization", "Bearer other").want(u, 200)
}

const (
	titled = `{"title":"A","text":"x"}`
)

func TestAStaleWriteIsToldWhatHasChanged(t *testing.T) {
	const (
		version = `{"pointer":"/version","base":1,"theirs":2}`
		theirs  = `{"pointer":"/title","base":"A","theirs":"C"}`
		both    = `{"pointer":"/title","base":"A","yours":"B","theirs":"C","overlap":true}`
	)
	for _, tc := range []struct{ name, method, kind, body, want string }{
		{"PUT", "PUT", "", `{"title":"B","text":"x","version":1,"id":"1"}`, both + "," + version},
		{"PUT of something else", "PUT", "", `{"title":"A","text":"y","version":1,"id":"1"}`, `{"pointer":"/text","base":"x","yours":"y"},` + theirs + "," + version},
		{
			"PUT that removes and adds", "PUT", "", `{"title":"A","new":1,"version":1,"id":"1"}`,
			`{"pointer":"/new","yours":1},{"pointer":"/text","base":"x","yours_removed":true},` + theirs + "," + version,
		},
		{"merge patch", "PATCH", "application/merge-patch+json", `{"title":"B"}`, both + "," + version},
		{"merge patch that is JSON", "PATCH", "", `{"text":null}`, `{"pointer":"/text","base":"x","yours_removed":true},` + theirs + "," + version},
		{"JSON patch", "PATCH", "application/json-patch+json", `[{"op":"replace","path":"/title","value":"B"}]`, both + "," + version},
		{"the same change", "PATCH", "", `{"title":"C"}`, `{"pointer":"/title","base":"A","yours":"C","theirs":"C"},` + version},
		{"DELETE", "DELETE", "", "", theirs + "," + version},
		{"what is no patch", "PATCH", "application/json-patch+json", `{"title":"B"}`, theirs + "," + version},
		{"what is no JSON", "PUT", "text/plain", `title: B`, theirs + "," + version},
	} {
		t.Run(tc.name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/docs/1", titled)
				was := u.tag("/docs/1")
				u.others("/docs/1", `{"title":"C","text":"x"}`)
				header := []string{"If-Match", was}
				if tc.kind != "" {
					header = append(header, "Content-Type", tc.kind)
				}
				u.untouched(func() {
					if got := u.send(tc.method, "/docs/1", tc.body, header...).changes(t); got != "["+tc.want+"]" {
						t.Errorf("got  %s\nwant [%s]", got, tc.want)
					}
				})
				if u.told.count("history found") != 1 {
					t.Error(u.told.all())
				}
			}, historical())
		})
	}
}

func TestWithoutTheClientsVersionNothingIsTold(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C"}`)
		if got := u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", `"nobody's"`).changes(t); got != "" {
			t.Error(got)
		}
		if u.told.count("history gone") != 1 {
			t.Error(u.told.all())
		}
	}, historical())
	underRules(t, func(u *ruled) { // without history it is not even looked for
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C"}`)
		if got := u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).changes(t); got != "" {
			t.Error(got)
		}
	}, edited())
	underRules(t, func(u *ruled) { // nothing changed but the tag
		u.api.has("/docs/1", titled)
		u.api.on("GET", "", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("ETag", fmt.Sprintf(`"v%d"`, u.api.docs["/docs/1"]["version"]))
			fmt.Fprint(w, `{"title":"A"}`)
			return true
		})
		was := u.tag("/docs/1")
		u.others("/docs/1", titled)
		_ = u.send("PUT", "/docs/1", `{"title":"A"}`, "If-Match", was).changes(t)
	}, historical())
}

func TestWhoMayNotReadIsToldNothing(t *testing.T) {
	for _, status := range []int{401, 403, 404} {
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", `{"title":"SECRET"}`)
			was := u.tag("/docs/1")
			u.others("/docs/1", `{"title":"SECRETC"}`)
			u.api.on("GET", "/docs/1", func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") == "Bearer other" {
					return false
				}
				w.WriteHeader(status)
				return true
			})
			for _, method := range []string{"PUT", "PATCH", "DELETE"} {
				a := u.send(method, "/docs/1", `{"title":"B"}`, "If-Match", was, "Authorization", "Bearer stranger")
				if strings.Contains(a.body, "SECRET") || strings.Contains(a.body, "changes") {
					t.Errorf("%d: %s", a.StatusCode, a.body)
				}
			}
		}, historical())
	}
	underRules(t, func(u *ruled) {
		u.restart(func(c *proxy.Config) { c.Refusals.Disclose = false })
		u.api.has("/docs/1", `{"title":"SECRET"}`)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"SECRETC"}`)
		a := u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was)
		if a.StatusCode < 400 || strings.Contains(a.body, "SECRET") || strings.Contains(a.body, "changes") {
			t.Errorf("%d: %s", a.StatusCode, a.body)
		}
	}, historical())
}

// Each caller is shown another document, under one tag.
func TestOfAPrivateRouteNobodyIsToldWhatAnotherOneWasShown(t *testing.T) {
	for _, field := range []string{"Authorization", "Cookie"} {
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", titled)
			u.api.on("GET", "/docs/1", func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("ETag", fmt.Sprintf(`"v%v"`, u.api.at("/docs/1", "version")))
				fmt.Fprintf(w, `{"for":%q,"version":%v}`, r.Header.Get(field), u.api.at("/docs/1", "version"))
				return true
			})
			was := u.tag("/docs/1", field, "anna=SECRET")
			u.others("/docs/1", `{"title":"C"}`)
			if got := u.send("DELETE", "/docs/1", "", "If-Match", was, field, "berta").changes(t); got != "" {
				t.Errorf("%s: the other one is told %s", field, got)
			}
			if got := u.send("DELETE", "/docs/1", "", "If-Match", was, field, "anna=SECRET").changes(t); got != `[{"pointer":"/version","base":1,"theirs":2}]` {
				t.Errorf("%s: %q", field, got)
			}
		}, historical(func(r *proxy.Route) { r.Private = true }))
	}
}

func TestWhatTheBackendKeepsToOneCallerIsNotKept(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		private     bool
		kept        bool
	}{
		{"Cache-Control", "no-store", false, false},
		{"Cache-Control", "max-age=1, No-Store", true, false},
		{"Cache-Control", "private", false, false},
		{"Cache-Control", "private", true, true},
		{"Cache-Control", "no-cache", false, true},
		{"Vary", "Authorization", false, false},
		{"Vary", "Accept, cookie", false, false},
		{"Vary", "*", false, false},
		{"Vary", "Accept-Encoding", false, true},
		{"Set-Cookie", "a=b", false, false},
		{"Set-Cookie", "a=b", true, false},
	} {
		t.Run(fmt.Sprint(tc.name, tc.value, tc.private), func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/docs/1", titled)
				u.api.on("GET", "", func(w http.ResponseWriter, _ *http.Request) bool {
					w.Header().Set(tc.name, tc.value)
					return false
				})
				u.tag("/docs/1")
				if kept := u.told.count("history kept") == 1; kept != tc.kept {
					t.Errorf("kept: %t, want %t", kept, tc.kept)
				}
			}, historical(func(r *proxy.Route) { r.Private = tc.private }))
		})
	}
}

// noise is a value that does not compress.
func noise(n int) string {
	var b strings.Builder
	for b.Len() < n {
		d := etagcache.DigestOf(fmt.Sprint(b.Len(), n))
		fmt.Fprintf(&b, "%x", d[:])
	}
	return b.String()[:n]
}

func TestWhatIsKeptOfAResourceIsBounded(t *testing.T) {
	underRules(t, func(u *ruled) {
		s := &largest{Store: u.store.Store}
		u.store.Store = s
		var tags []string
		u.api.has("/docs/1", `{"title":"0"}`)
		for i := range 10 {
			tags = append(tags, u.tag("/docs/1"))
			u.others("/docs/1", fmt.Sprintf(`{"title":"%d","noise":%q}`, i+1, noise(500+i)))
			time.Sleep(time.Second)
		}
		u.tag("/docs/1")
		for i, tag := range tags {
			known := u.send("DELETE", "/docs/1", "", "If-Match", tag).changes(t) != ""
			if i < 7 && known || i == 9 && !known { // there is room for two or three with the present one
				t.Errorf("version %d of 10: known: %t", i+1, known)
			}
		}
		if s.n > 1100 {
			t.Errorf("a value of %d bytes was stored", s.n)
		}
		// What is too large by itself leaves the others alone.
		before := u.tag("/docs/1")
		u.others("/docs/1", fmt.Sprintf(`{"noise":%q}`, noise(4000)))
		large := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"last"}`)
		if u.send("DELETE", "/docs/1", "", "If-Match", large).changes(t) != "" || u.send("DELETE", "/docs/1", "", "If-Match", before).changes(t) == "" {
			t.Error("the one that was too large is known, or the one before it is not")
		}
		if u.told.count("history too_large") == 0 {
			t.Error(u.told.all())
		}
	}, historical(func(r *proxy.Route) { r.History.Keep = 1 << 10 }))
}

type largest struct {
	etagcache.Store
	n int
}

func (s *largest) Swap(ctx context.Context, k etagcache.Key, c etagcache.Change) (etagcache.Reply, error) {
	if len(c.New) > 0 && c.New[0] == 0x80 {
		s.n = max(s.n, len(c.New))
	}
	return s.Store.Swap(ctx, k, c)
}

func TestAVersionIsForgottenInTime(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		time.Sleep(15 * time.Minute)
		u.tag("/docs/1") // is kept anew while it is shown
		u.others("/docs/1", `{"title":"C"}`)
		time.Sleep(10 * time.Minute)
		next := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"D"}`)
		if u.send("DELETE", "/docs/1", "", "If-Match", was).changes(t) == "" {
			t.Error("it is forgotten too early")
		}
		time.Sleep(15 * time.Minute) // 25 minutes after it was shown last
		if got := u.send("DELETE", "/docs/1", "", "If-Match", was).changes(t); got != "" {
			t.Error("it is known for longer than history.for", got)
		}
		if u.send("DELETE", "/docs/1", "", "If-Match", next).changes(t) == "" {
			t.Error("with it another one is forgotten")
		}
	}, historical(func(r *proxy.Route) { r.History.For = 20 * time.Minute }))
}

// A tag that comes back is qualified, and each time stands for what was shown with it then.
func TestATagThatComesBackGivesItsOwnVersion(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A"}`)
		u.api.on("", "/docs/1", func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				w.Header().Set("ETag", `"same"`)
				fmt.Fprintf(w, `{"title":%q}`, u.api.at("/docs/1", "title"))
				return true
			}
			return false
		})
		first := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"B"}`)
		second := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C"}`)
		if first == second {
			t.Fatal(first)
		}
		for tag, want := range map[string]string{first: "A", second: "B"} {
			if got := u.send("DELETE", "/docs/1", "", "If-Match", tag).changes(t); got != `[{"pointer":"/title","base":"`+want+`","theirs":"C"}]` {
				t.Errorf("%s: %s", tag, got)
			}
		}
	}, historical())
}

func TestACompressedRepresentationIsKeptToo(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		u.api.on("GET", "", func(w http.ResponseWriter, r *http.Request) bool {
			content := fmt.Sprintf(`{"title":%q}`, u.api.at("/docs/1", "title"))
			w.Header().Set("ETag", fmt.Sprintf(`"v%v"`, u.api.at("/docs/1", "version")))
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				w.Header().Set("Content-Encoding", "gzip")
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				fmt.Fprint(z, content)
				_ = z.Close()
				content = b.String()
			}
			fmt.Fprint(w, content)
			return true
		})
		was := u.tag("/docs/1", "Accept-Encoding", "gzip")
		u.others("/docs/1", `{"title":"C"}`)
		for _, header := range [][]string{{"If-Match", was}, {"If-Match", was, "Accept-Encoding", "gzip"}} {
			if got := u.send("DELETE", "/docs/1", "", header...).changes(t); got != `[{"pointer":"/title","base":"A","theirs":"C"}]` {
				t.Error(got)
			}
		}
	}, historical())
}

func TestAHotReadCostsNothingMore(t *testing.T) {
	cost := func(route proxy.Route) (gets, swaps int) {
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", titled)
			for range 3 {
				u.tag("/docs/1")
			}
			g, s := u.store.trips()
			for range 50 {
				u.tag("/docs/1")
			}
			gets, swaps = u.store.trips()
			gets, swaps = gets-g, swaps-s
		}, route)
		return gets, swaps
	}
	gets, swaps := cost(edited())
	if g, s := cost(historical()); g != gets || s != swaps {
		t.Errorf("50 reads cost %d gets and %d swaps, and without history %d and %d", g, s, gets, swaps)
	}
}

// A client waits for 100 Continue, sends nothing before, and still is told what has changed.
func TestAVersionInTheBodyIsExplained(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C","text":"x"}`)
		a := u.send("PUT", "/docs/1", `{"title":"A","text":"y","version":1,"id":"1"}`)
		want := `[{"pointer":"/text","base":"x","yours":"y"},{"pointer":"/title","base":"A","theirs":"C"},{"pointer":"/version","base":1,"theirs":2}]`
		if got := a.changes(t); got != want {
			t.Error(got)
		}
	}, historical(func(r *proxy.Route) {
		r.Version.Source = validator.Source{From: validator.JSON, Pointer: "/version"}
		r.Rules.Expect = []string{"if-match", "json:/version"}
	}))
}

func TestWhereNothingIsRefusedNothingIsExplained(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C"}`)
		u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).want(t, 200)
	}, historical(func(r *proxy.Route) { r.Mode = proxy.Observe }))
}

// What a query shows of a document under its tag is another representation than the one that writers are asked about.
func TestAPartOfADocumentIsNotTakenForTheDocument(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		u.api.on("GET", "/docs/1", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.RawQuery == "" {
				return false
			}
			w.Header().Set("ETag", fmt.Sprintf(`"v%v"`, u.api.at("/docs/1", "version")))
			fmt.Fprintf(w, `{"title":%q}`, u.api.at("/docs/1", "title"))
			return true
		})
		u.tag("/docs/1?fields=title")
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"A"}`)
		want := `[{"pointer":"/text","base":"x","theirs_removed":true},{"pointer":"/version","base":1,"theirs":2}]`
		if got := u.send("DELETE", "/docs/1", "", "If-Match", was).changes(t); got != want {
			t.Error(got)
		}
	}, historical())
}

func TestNothingIsHeldForHistoryWhenAllIsOver(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.restart(func(c *proxy.Config) { c.Held = 1 << 20 })
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C"}`)
		u.send("PUT", "/docs/1", `{"title":"B"}`, "If-Match", was).changes(t)
		if u.told.held != 0 {
			t.Errorf("%d bytes are held", u.told.held)
		}
	}, historical())
}
