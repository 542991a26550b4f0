package proxy_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/refusal"
)

func TestUniqueOfManyAtOnceOverThreeReplicasOneReachesTheBackend(t *testing.T) {
	underRules(t, func(u *ruled) {
		replicas := []*proxy.Proxy{u.one, u.replica(), u.replica()}
		first := u.api.hold("POST", "/users")
		winner := u.start(u.one, "POST", "/users", ada)
		u.at(first, 1)
		var others []*pending
		for i := range 30 {
			spelt := []string{"ada@example.com", "ADA@example.com", " Ada@example.com "}[i/3%3]
			others = append(others, u.start(replicas[i%3], "POST", "/users", `{"email":"`+spelt+`"}`))
		}
		time.Sleep(time.Second) // they look again and again meanwhile
		u.at(first, 1)
		for _, o := range others {
			o.waits(t)
		}
		first.release()
		winner.answer().want(t, 201)
		for _, o := range others {
			if p := o.answer().refused(t, 409, refusal.Duplicate, "e-mail"); p.Location != "/users/1" {
				t.Errorf("it points to %q", p.Location)
			}
		}
	}, users(eMail())...)
}

// Whoever waits for longer than it has patience gets no verdict, and must not be let through for that.
func TestUniqueWhoeverWaitsInVainIsRefusedAsBusy(t *testing.T) {
	underRules(t, func(u *ruled) {
		gate := u.api.hold("POST", "/users")
		first := u.start(u.one, "POST", "/users", ada)
		second := u.start(u.replica(), "POST", "/users", ada)
		second.waits(t)
		a := second.answer() // in two seconds
		a.refused(t, 409, refusal.Busy, "")
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		u.at(gate, 1)
		gate.release()
		first.answer().want(t, 201)
		u.send("POST", "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail")
	}, users(eMail())...)
}

func TestUniqueNobodyIsLetThroughInTheGraceOfAStoreThatWasEmptied(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.cache.Grace = 30 * time.Second
		u.one = u.replica()
		u.send("POST", "/users", ada).refused(t, 503, refusal.Grace, "")
		u.wrote()
		time.Sleep(time.Minute)
		u.send("POST", "/users", ada).want(t, 201)
	}, users(eMail())...)
}

func TestUniqueWhatWasCreatedIsRememberedWhileTheListLags(t *testing.T) {
	underRules(t, func(u *ruled) {
		other := u.replica()
		u.api.lag()
		u.send("POST", "/users", ada).want(t, 201)
		for range 4 { // within the settle time
			time.Sleep(time.Second)
			u.untouched(func() {
				p := ask(other, "POST", "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail")
				if p.Location != "" {
					t.Errorf("nobody knows where it is, and it points to %q", p.Location)
				}
			})
		}
		time.Sleep(2 * time.Second)
		ask(other, "POST", "/users", ada).want(t, 201) // the backend says so
	}, users(eMail())...)
}

func TestUniqueOnceTheListHasShownItADeletionMakesItFreeAtOnce(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.api.lag()
		at := u.send("POST", "/users", ada).Header.Get("Location")
		u.send("POST", "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail")
		u.api.catchUp()
		u.send("POST", "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail") // the list shows it
		u.send("DELETE", at, "", "If-Match", u.send("GET", at, "").etag()).want(t, 204)
		u.send("POST", "/users", ada).want(t, 201)
	}, users(eMail())...)
}

func TestUniqueCreationDeletionAndCreationInARow(t *testing.T) {
	underRules(t, func(u *ruled) {
		other := u.replica()
		for i := range 5 {
			at := u.send("POST", "/users", ada).Header.Get("Location")
			if at != fmt.Sprintf("/users/%d", i+1) {
				t.Fatalf("created at %q", at)
			}
			ask(other, "POST", "/users", ada).refused(t, 409, refusal.Duplicate, "e-mail")
			ask(other, "DELETE", at, "", "If-Match", ask(other, "GET", at, "").etag()).want(t, 204)
		}
	}, users(eMail())...)
}

// inDoubt are the ways in which nobody learns what became of a POST, and the status that its client gets.
func inDoubt() map[string]func(*api) (status int) {
	return map[string]func(*api) int{
		"it hangs": func(a *api) int { a.hold("POST", "/users"); return 504 },
		"it resets": func(a *api) int {
			a.on("POST", "/users", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
			return 502
		},
		"it is bad":          func(a *api) int { a.says("POST", "/users", 502, ""); return 502 },
		"it is not yet done": func(a *api) int { a.says("POST", "/users", 202, ""); return 202 },
	}
}

func TestUniqueAValueWhoseCreationIsInDoubtIsBusyForTheSettleTimeAndThenTheBackendDecides(t *testing.T) {
	for name, way := range inDoubt() {
		for _, applied := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, applied %t", name, applied), func(t *testing.T) {
				underRules(t, func(u *ruled) {
					other := u.replica()
					status := way(u.api)
					u.send("POST", "/users", ada).want(t, status)
					over := time.Now()
					u.api.off()
					u.untouched(func() {
						for time.Since(over) < 4900*time.Millisecond {
							a := ask(other, "POST", "/users", ada)
							a.refused(t, 409, refusal.Busy, "")
							if a.Header.Get("Retry-After") == "" {
								t.Error("no Retry-After")
							}
							time.Sleep(700 * time.Millisecond)
						}
					})
					if applied { // late
						u.api.has("/users/late", ada)
					}
					time.Sleep(time.Until(over.Add(6 * time.Second)))
					if a := ask(other, "POST", "/users", ada); applied {
						a.refused(t, 409, refusal.Duplicate, "e-mail")
					} else {
						a.want(t, 201)
					}
				}, users(eMail())...)
			})
		}
	}
}

func TestUniqueAValueThatTheBackendRefusesIsFree(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 412, 422, 429, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			underRules(t, func(u *ruled) {
				u.api.says("POST", "/users", status, "")
				u.send("POST", "/users", ada).want(t, status)
				u.api.off()
				ask(u.replica(), "POST", "/users", ada).want(t, 201)
			}, users(eMail())...)
		})
	}
}

func TestUniqueAValueThatWasNeverSentIsFree(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.restart(func(c *proxy.Config) {
			c.Transport = roundTrips(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					return nil, &net.OpError{Op: "dial", Err: errBroken}
				}
				return u.api.RoundTrip(r)
			})
		})
		u.send("POST", "/users", ada).want(t, 502, refusal.Backend)
		u.restart(func(c *proxy.Config) { c.Transport = u.api })
		u.send("POST", "/users", ada).want(t, 201)
	}, users(eMail())...)
}

// What the backend says while the first is under way counts for nothing: it is asked under the value's lease.
func TestUniqueTheBackendIsAskedUnderTheLeaseOfTheValue(t *testing.T) {
	underRules(t, func(u *ruled) {
		asked := u.api.hold("GET", "/users")
		first := u.start(u.one, "POST", "/users", ada)
		u.at(asked, 1)
		second := u.start(u.replica(), "POST", "/users", ada)
		u.at(asked, 1) // the second is not asked for
		third := u.start(u.one, "POST", "/users", grace)
		u.at(asked, 2) // another value is
		asked.release()
		first.answer().want(t, 201)
		third.answer().want(t, 201)
		second.answer().refused(t, 409, refusal.Duplicate, "e-mail")
	}, users(eMail())...)
}

func TestUniqueAClientThatHangsUpLeavesTheValueAsTheBackendHasIt(t *testing.T) {
	underRules(t, func(u *ruled) {
		gate := u.api.hold("POST", "/users")
		hangUp := u.startAndHangUp("POST", "/users", ada)
		u.at(gate, 1)
		hangUp()
		second := u.start(u.replica(), "POST", "/users", ada)
		second.waits(t)
		gate.release()
		second.answer().refused(t, 409, refusal.Duplicate, "e-mail")
		synctest.Wait()
		if got := u.api.writes(); len(got) != 1 || !strings.HasPrefix(got[0], "POST /users") {
			t.Errorf("%q", got)
		}
	}, users(eMail())...)
}
