package proxy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

// merging is a route that brings writes on top of those of others.
func merging(change ...func(*proxy.Route)) proxy.Route {
	return historical(append([]func(*proxy.Route){func(r *proxy.Route) { r.Merge = true }}, change...)...)
}

// is fails the test unless the document has these members, and no others but its version and id.
func (u *ruled) is(path, want string) {
	u.Helper()
	u.api.mu.Lock()
	raw, _ := json.Marshal(u.api.docs[path])
	u.api.mu.Unlock()
	var got, wanted map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		u.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		u.Fatal(err)
	}
	delete(got, "version")
	delete(got, "id")
	if !reflect.DeepEqual(got, wanted) {
		u.Errorf("%s is %v, want %s", path, got, want)
	}
}

// last is the last write that the backend got.
func (u *ruled) last() call {
	u.Helper()
	all := u.api.asked()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].method != http.MethodGet {
			return all[i]
		}
	}
	u.Fatal("there is none")
	return call{}
}

func TestAWriteIsBroughtOnTopOfWhatOthersHaveChanged(t *testing.T) {
	for _, tc := range []struct{ name, method, kind, body, sent, want string }{
		{"PUT", "PUT", "", `{"title":"A","text":"y","version":1,"id":"1"}`, `{"id":"1","text":"y","title":"C","version":2}`, `{"title":"C","text":"y"}`},
		{"PUT that removes", "PUT", "", `{"title":"A","version":1,"id":"1"}`, `{"id":"1","title":"C","version":2}`, `{"title":"C"}`},
		{
			"PUT that adds", "PUT", "", `{"title":"A","text":"x","n":1,"version":1,"id":"1"}`,
			`{"id":"1","text":"x","title":"C","version":2,"n":1}`, `{"title":"C","text":"x","n":1}`,
		},
		{"merge patch", "PATCH", "application/merge-patch+json", `{"text":"y"}`, `{"text":"y"}`, `{"title":"C","text":"y"}`},
		{"JSON patch", "PATCH", "application/json-patch+json", `[{"op":"replace","path":"/text","value":"y"}]`, `[{"op":"replace","path":"/text","value":"y"}]`, ""},
		{"the same change", "PATCH", "", `{"title":"C","text":"y"}`, `{"title":"C","text":"y"}`, `{"title":"C","text":"y"}`},
	} {
		for _, how := range []string{"etag", "reread", "trusted", "qualified"} {
			t.Run(tc.name+"/"+how, func(t *testing.T) {
				underRules(t, func(u *ruled) {
					if tc.want == "" { // the api knows no JSON Patch
						u.api.on("PATCH", "", func(w http.ResponseWriter, _ *http.Request) bool {
							w.Header().Set("ETag", `"v3"`)
							return true
						})
					}
					u.api.has("/docs/1", titled)
					was := u.tag("/docs/1")
					u.others("/docs/1", `{"title":"C","text":"x"}`)
					u.api.forget()
					header := []string{"If-Match", was}
					if tc.kind != "" {
						header = append(header, "Content-Type", tc.kind)
					}
					a := u.send(tc.method, "/docs/1", tc.body, header...)
					a.want(t, 200)
					a.marked(t, "merged")
					sent := u.last()
					if sent.body != tc.sent {
						t.Errorf("the backend got  %s\nwant %s", sent.body, tc.sent)
					}
					if got := sent.header.Get("If-Match"); got != `"v2"` {
						t.Errorf("If-Match: %s", got)
					}
					if got := sent.header.Get("Content-Length"); got != "" && got != fmt.Sprint(len(sent.body)) {
						t.Errorf("Content-Length: %s", got)
					}
					if u.told.count("decision merged ") != 1 || a.etag() == "" {
						t.Error(a.etag(), u.told.all())
					}
					if tc.want == "" {
						return
					}
					u.is("/docs/1", tc.want)
					// It was the latest write, and its answer may have got lost.
					u.untouched(func() { u.send(tc.method, "/docs/1", tc.body, header...).replayed(t, a) })
					u.send("PUT", "/docs/1", `{"title":"D"}`, "If-Match", a.etag()).want(t, 200)
				}, merging(func(r *proxy.Route) {
					switch how {
					case "reread":
						r.Version.Reread = true
					case "trusted":
						r.Version.TrustWrites = true
					case "qualified":
						r.Version.Qualify = 2
					}
				}))
			})
		}
	}
}

func TestWhatOverlapsIsRefused(t *testing.T) {
	for _, tc := range []struct{ name, method, body string }{
		{"PUT", "PUT", `{"title":"B","text":"x","version":1,"id":"1"}`},
		{"merge patch", "PATCH", `{"title":"B","text":"y"}`},
		{"removal", "PATCH", `{"title":null}`},
		{"list", "PATCH", `{"tags":["a","b","mine"]}`},
		{"DELETE", "DELETE", ""},
	} {
		underRules(t, func(u *ruled) {
			u.api.has("/docs/1", `{"title":"A","text":"x","tags":["a","b"]}`)
			was := u.tag("/docs/1")
			u.others("/docs/1", `{"title":"C","text":"x","tags":["a","b","theirs"]}`)
			u.untouched(func() {
				if u.send(tc.method, "/docs/1", tc.body, "If-Match", was).changes(t) == "" {
					t.Errorf("%s: nothing is said of what has changed", tc.name)
				}
			})
		}, merging())
	}
}

func TestSetsAreMerged(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", `{"title":"A","tags":["a","b"]}`)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"A","tags":["b","theirs"]}`)
		u.send("PUT", "/docs/1", `{"title":"A","tags":["mine","a","b"],"version":1,"id":"1"}`, "If-Match", was).want(t, 200)
		u.is("/docs/1", `{"title":"A","tags":["b","theirs","mine"]}`)
		// A merge patch that has the whole array would put the others' elements away.
		was = u.tag("/docs/1")
		u.others("/docs/1", `{"title":"A","tags":["b","theirs","mine","more"]}`)
		u.untouched(func() { _ = u.send("PATCH", "/docs/1", `{"tags":["b","theirs"]}`, "If-Match", was).changes(t) })
	}, merging(func(r *proxy.Route) { r.History.Sets = []string{"/tags"} }))
}

func TestWithoutTheClientsVersionNothingIsMerged(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C","text":"x"}`)
		time.Sleep(8 * time.Minute)
		u.others("/docs/1", `{"title":"D","text":"x"}`)
		time.Sleep(5 * time.Minute)
		u.untouched(func() { u.send("PATCH", "/docs/1", `{"text":"y"}`, "If-Match", was).want(t, 409, refusal.Stale) })
	}, merging(func(r *proxy.Route) { r.History.For = 10 * time.Minute }))
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C","text":"x"}`)
		u.send("PATCH", "/docs/1", `{"text":"y"}`, "If-Match", was).want(t, 200)
		if got := u.last().body; got != `{"text":"y"}` {
			t.Error(got)
		}
		if u.told.count("decision merged ") != 0 {
			t.Error(u.told.all())
		}
	}, merging(func(r *proxy.Route) { r.Mode = proxy.Observe }))
}

// countUp is what clients of three replicas do who read a document, and each write a member of their own at the same time.
func (u *ruled) countUp(method string, clients, rounds int) (merged, stale int) {
	u.api.on(method, "", func(http.ResponseWriter, *http.Request) bool {
		time.Sleep(20 * time.Millisecond)
		return false
	})
	doc := document{}
	for i := range clients {
		doc[fmt.Sprint("m", i)] = 0
	}
	raw, _ := json.Marshal(doc)
	u.api.has("/docs/1", string(raw))
	replicas := []*proxy.Proxy{u.one, u.replica(), u.replica()}
	done := make([]int, clients)
	for slices.Min(done) < rounds {
		reads := make([]answer, clients)
		for i := range clients {
			reads[i] = ask(replicas[i%3], "GET", "/docs/1", "")
		}
		var all sync.WaitGroup
		answers := make([]answer, clients)
		for i := range clients {
			if done[i] == rounds {
				continue
			}
			mine := document{}
			if err := json.Unmarshal([]byte(reads[i].body), &mine); err != nil {
				u.Fatal(err)
			}
			mine[fmt.Sprint("m", i)] = done[i] + 1
			if method == "PATCH" {
				mine = document{fmt.Sprint("m", i): done[i] + 1}
			}
			body, _ := json.Marshal(mine)
			all.Go(func() {
				answers[i] = ask(replicas[(i+1)%3], method, "/docs/1", string(body), "If-Match", reads[i].etag(), "X-Client", fmt.Sprint(i))
			})
		}
		all.Wait()
		for i, a := range answers {
			switch {
			case a.Response == nil:
			case a.StatusCode == 200:
				done[i]++
				if a.Header.Get("Proxy-Status") != "" {
					merged++
				}
			default:
				a.want(u, 409, refusal.Stale)
				stale++
			}
		}
	}
	return merged, stale
}

func TestMergesCommute(t *testing.T) {
	for _, method := range []string{"PATCH", "PUT"} {
		for _, clients := range []int{3, 8} {
			t.Run(fmt.Sprint(method, clients), func(t *testing.T) {
				underRules(t, func(u *ruled) {
					const rounds = 4
					merged, stale := u.countUp(method, clients, rounds)
					want := document{}
					for i := range clients {
						want[fmt.Sprint("m", i)] = rounds
					}
					raw, _ := json.Marshal(want)
					u.is("/docs/1", string(raw))
					if got := u.api.at("/docs/1", "version"); got != 1+clients*rounds {
						t.Errorf("version %v: %d writes were to be made", got, clients*rounds)
					}
					if merged < rounds || clients == 3 && stale > 0 {
						t.Errorf("%d were merged, %d were stale", merged, stale)
					}
					if n := u.told.count("decision merged "); n != merged {
						t.Errorf("%d decisions of %d", n, merged)
					}
				}, merging())
			})
		}
	}
}

// While a write is brought on top of a version, somebody else is faster.
func TestAMergeThatIsOvertakenIsMadeAgain(t *testing.T) {
	for times, ok := range map[int]bool{1: true, 2: true, 9: false} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			underRules(t, func(u *ruled) {
				other := u.replica()
				u.api.has("/docs/1", `{"title":"A","text":"x","n":0}`)
				was := u.tag("/docs/1")
				u.others("/docs/1", `{"title":"C","text":"x","n":0}`)
				overtaken := 0
				u.api.on("GET", "/docs/1", func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Header.Get("X-Who") != "slow" || overtaken == times {
						return false
					}
					overtaken++
					return false
				})
				// The one who overtakes comes after the answer that the slow one gets.
				u.restart(func(c *proxy.Config) {
					next := c.Transport
					c.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
						before := overtaken
						res, err := next.RoundTrip(r)
						if r.Method == http.MethodGet && overtaken > before {
							tag := ask(other, "GET", "/docs/1", "", "X-Who", "fast").etag()
							ask(other, "PATCH", "/docs/1", fmt.Sprintf(`{"n":%d,"title":"A"}`, overtaken), "If-Match", tag, "X-Who", "fast").want(t, 200)
						}
						return res, err
					})
				})
				a := u.send("PUT", "/docs/1", `{"title":"A","text":"y","n":0,"version":1,"id":"1"}`, "If-Match", was, "X-Who", "slow")
				if !ok {
					a.want(t, 409, refusal.Stale)
					return
				}
				a.want(t, 200)
				a.marked(t, "merged")
				u.is("/docs/1", fmt.Sprintf(`{"title":"A","text":"y","n":%d}`, times))
			}, merging())
		})
	}
}

// A write is under way, by whose version nothing can be judged yet.
func TestAMergeWaitsForTheWriteThatIsUnderWay(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C","text":"x"}`)
		tag := u.tag("/docs/1")
		g := u.api.hold("PUT", "/docs/1")
		first := u.start(u.replica(), "PUT", "/docs/1", `{"title":"D","text":"x"}`, "If-Match", tag)
		u.at(g, 1)
		second := u.start(u.one, "PATCH", "/docs/1", `{"text":"y"}`, "If-Match", was)
		second.waits(t)
		g.release()
		first.answer().want(t, 200)
		a := second.answer()
		a.want(t, 200)
		a.marked(t, "merged")
		u.is("/docs/1", `{"title":"D","text":"y"}`)
	}, merging())
}

func TestRulesAreDecidedOnTheMergedDocument(t *testing.T) {
	const was, theirs = `{"status":"open","title":"A","limit":5,"n":1}`, `{"status":"closed","title":"A","limit":2,"n":1}`
	for _, tc := range []struct {
		name, body string
		rules      proxy.Rules
		reason     refusal.Reason
	}{
		{
			name: "transitions", body: `{"status":"open","title":"B","limit":5,"n":1,"version":1,"id":"1"}`,
			rules: proxy.Rules{Transitions: &proxy.Transitions{Field: "/status", Moves: map[string][]string{"open": {"closed"}, "closed": {}}}},
		},
		{
			name: "a rule that holds for neither alone", body: `{"status":"open","title":"A","limit":5,"n":4,"version":1,"id":"1"}`,
			rules:  proxy.Rules{Require: []proxy.Require{{That: `request.body.n <= request.body.limit`, Message: "too many"}}},
			reason: refusal.Rule,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.has("/docs/1", was)
				tag := u.tag("/docs/1")
				u.others("/docs/1", theirs)
				if tc.reason == 0 {
					u.send("PUT", "/docs/1", tc.body, "If-Match", tag).marked(t, "merged")
					return
				}
				u.untouched(func() { u.send("PUT", "/docs/1", tc.body, "If-Match", tag).want(t, 409, tc.reason) })
			}, merging(func(r *proxy.Route) { r.Rules = tc.rules }))
		})
	}
}

// What is sent to an action is no version of the resource that it is about.
func TestAnActionIsNotMergedIntoTheResourceThatItIsAbout(t *testing.T) {
	route := merging(func(r *proxy.Route) {
		r.Name, r.Match = "settings", "/docs/{id}/archive"
		r.Rules.Resource = "/docs/{id}"
	})
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C","text":"x"}`)
		u.untouched(func() {
			u.send("PUT", "/docs/1/archive", `{"title":"A","text":"x","version":1,"id":"1","why":"old"}`, "If-Match", was).want(t, 409, refusal.Stale)
		})
	}, merging(), route)
}

func TestAMergedWriteMayGetLost(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		was := u.tag("/docs/1")
		u.others("/docs/1", `{"title":"C","text":"x"}`)
		u.lost(true, "PATCH", "/docs/1", `{"text":"y"}`, "If-Match", was)
		time.Sleep(6 * time.Second)
		a := u.send("PATCH", "/docs/1", `{"text":"y"}`, "If-Match", was)
		a.want(t, 200)
		a.marked(t, "replayed")
		u.wrote()
		synctest.Wait()
	}, merging())
}

func TestAMergeWithAKeyIsMadeOnce(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		write := []string{"If-Match", u.tag("/docs/1"), "Idempotency-Key", "k"}
		u.others("/docs/1", `{"title":"C","text":"x"}`)
		body := `{"title":"A","text":"y","version":1,"id":"1"}`
		a := u.send("PUT", "/docs/1", body, write...)
		a.want(t, 200)
		a.marked(t, "merged")
		u.untouched(func() {
			u.send("PUT", "/docs/1", body, write...).replayed(t, a)
			u.send("PUT", "/docs/1", u.last().body, write...).want(t, 422, refusal.Reused)
		})
	}, merging(func(r *proxy.Route) { r.Idempotency.TTL = time.Hour }))
}

func TestWhoReadDuringAWriteIsMergedToo(t *testing.T) {
	t.Skip("LIMIT: what is shown while a write is under way is kept by nobody, so that its reader is refused without changes, and never merged")
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		tag := u.tag("/docs/1")
		g := u.api.hold("PUT", "/docs/1")
		first := u.start(u.one, "PUT", "/docs/1", `{"title":"C","text":"x"}`, "If-Match", tag)
		u.at(g, 1)
		was := u.tag("/docs/1")
		g.release()
		first.answer().want(t, 200)
		u.send("PATCH", "/docs/1", `{"text":"y"}`, "If-Match", was).marked(t, "merged")
	}, merging())
}

// A client that goes on from the answer to its own write has read nothing since.
func TestWhoGoesOnFromHisOwnWriteIsMergedToo(t *testing.T) {
	t.Skip("LIMIT: only reads are kept; what the answer to a write shows need not be the resource")
	underRules(t, func(u *ruled) {
		u.api.has("/docs/1", titled)
		a := u.send("PATCH", "/docs/1", `{"text":"y"}`, "If-Match", u.tag("/docs/1"))
		u.send("PATCH", "/docs/1", `{"title":"C"}`, "If-Match", a.etag(), "Authorization", "Bearer other").want(t, 200)
		u.send("PATCH", "/docs/1", `{"text":"z"}`, "If-Match", a.etag()).marked(t, "merged")
	}, merging(func(r *proxy.Route) { r.Version.Reread = true }))
}
