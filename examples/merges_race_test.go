package examples_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"proxy409/etagcache/redisstore/redistest"
)

const editors = 8 // of one document, at once

// document is what the backend has of a user.
type document map[string]any

// step is a line of the backend's log, with all that was there before and after.
type step struct{ Before, After document }

// undone are the writes that changed another member than one, beside the version: what somebody else had written.
func undone(log []step) (found []string) {
	for _, s := range log {
		var changed []string
		for name, before := range s.Before {
			if name != "version" && !reflect.DeepEqual(before, s.After[name]) {
				changed = append(changed, name)
			}
		}
		if len(changed) > 1 {
			found = append(found, fmt.Sprintf("%v became %v", s.Before, s.After))
		}
	}
	return found
}

// round is one in which all editors have read one version, and then change it at once.
type round struct {
	t    *testing.T
	ways []string
	heard
	path string
	n    int
}

// editOwn has each editor change a member of its own: half of them by PATCH, half by a PUT of all that it has read.
func (r round) editOwn() {
	read := send(r.t, "GET", r.ways[r.n%len(r.ways)]+r.path, "").want(200, "")
	var wait sync.WaitGroup
	for i := range editors {
		wait.Go(func() { r.editMember(fmt.Sprint("m", i), i, read) })
	}
	wait.Wait()
}

func (r round) editMember(member string, i int, read answer) {
	c := &teller{t: r.t, name: member, ways: []string{r.ways[i%len(r.ways)]}, heard: r.heard}
	for {
		method, body := "PATCH", fmt.Sprintf(`{%q:%d}`, member, r.n)
		if i%2 == 0 {
			var whole document
			if err := json.Unmarshal([]byte(read.body), &whole); err != nil {
				r.t.Error(err)
				return
			}
			whole[member] = r.n
			text, _ := json.Marshal(whole)
			method, body = "PUT", string(text)
		}
		var tag []string
		if t := read.header.Get("ETag"); t != "" {
			tag = []string{"If-Match", t}
		}
		a := c.tell(method, r.path, body, tag...)
		if a.refusal().Reason != "stale" {
			c.done(a)
			return
		}
		// Others were quicker three times, or one of them was writing when it was read, and such a version is not kept.
		if found := overlaps(a); len(found) > 0 {
			r.t.Errorf("%s is said to overlap with what others have changed: %v", member, found)
			return
		}
		read = c.tell("GET", r.path, "").want(200, "")
	}
}

// overlaps are the members that a refusal says both sides have changed.
func overlaps(a answer) (members []string) {
	for _, c := range a.refusal().Changes {
		if c.Overlap {
			members = append(members, c.Pointer)
		}
	}
	return members
}

// fresh makes a document with a member for each editor.
func fresh(t *testing.T, url, path string) {
	t.Helper()
	whole := document{"title": "none"}
	for i := range editors {
		whole[fmt.Sprint("m", i)] = -1
	}
	text, _ := json.Marshal(whole)
	send(t, "PUT", url+path, string(text), "If-None-Match", "*").want(201, "")
}

// kept fails the test unless each member is what its editor has written last.
func kept(t *testing.T, url, path string, rounds int) (missing int) {
	t.Helper()
	var now document
	if err := json.Unmarshal([]byte(send(t, "GET", url+path, "").want(200, "").body), &now); err != nil {
		t.Fatal(err)
	}
	for i := range editors {
		if now[fmt.Sprint("m", i)] != float64(rounds-1) {
			missing++
		}
	}
	return missing
}

func TestMergesOfDifferentMembersLoseNothing(t *testing.T) {
	t.Parallel()
	rounds := shortly(20)
	api := conflictAPI(t, "--delay", "2ms")
	both := fleetOf(t, "retries/proxy409-merge.yaml", retryTimeouts, api, redistest.Start(t).URL())
	h := ears()
	fresh(t, both[0].url, "/users/shared")
	for n := range rounds {
		round{t, urlsOf(both), h, "/users/shared", n}.editOwn()
	}
	log := logOf[step](t, api)
	t.Logf("%v, %d writes were applied", h.answers, len(log))
	if found := undone(log); len(found) > 0 {
		t.Errorf("%d writes undid what others had written, the first of them: %s", len(found), found[0])
	}
	if n := kept(t, api, "/users/shared", rounds); n > 0 {
		t.Errorf("%d of %d members are not what was written last", n, editors)
	}
	if len(log) != 1+rounds*editors {
		t.Errorf("%d writes were applied, want %d", len(log), 1+rounds*editors)
	}
	if h.said("merged") < rounds {
		t.Errorf("%d writes were merged in %d rounds", h.said("merged"), rounds)
	}
}

func TestMergesOfOneMemberAreRefusedWithIt(t *testing.T) {
	t.Parallel()
	rounds := shortly(40)
	api := conflictAPI(t, "--delay", "2ms")
	both := fleetOf(t, "retries/proxy409-merge.yaml", retryTimeouts, api, redistest.Start(t).URL())
	h := ears()
	fresh(t, both[0].url, "/users/shared")
	for n := range rounds {
		tag := send(t, "GET", both[n%2].url+"/users/shared", "").want(200, "").tagged()
		answers := make(chan answer, editors)
		all(t, fmt.Sprint("round", n, "-"), editors, urlsOf(both), h, func(c *teller) {
			answers <- c.tell("PATCH", "/users/shared", fmt.Sprintf(`{"title":%q,%q:%d}`, c.name, "m"+c.name[len(c.name)-1:], n), "If-Match", tag)
		})
		close(answers)
		theirs := fmt.Sprintf("%q", send(t, "GET", both[0].url+"/users/shared", "").member("title"))
		won := 0
		for a := range answers {
			if a.status == 200 {
				won++
				continue
			}
			a.want(409, "stale")
			found := false
			for _, change := range a.refusal().Changes {
				if change.Pointer != "/title" {
					continue
				}
				found = true
				if !change.Overlap || string(change.Theirs) != theirs || string(change.Yours) == theirs || len(change.Base) == 0 {
					t.Errorf("%+v, want theirs to be %s: %s", change, theirs, a.body)
				}
			}
			if !found || len(overlaps(a)) != 1 {
				t.Errorf("it does not say that the title overlaps, and nothing else: %s", a.body)
			}
		}
		if won != 1 {
			t.Fatalf("%d writes of one member were done, want 1", won)
		}
	}
	t.Logf("%v", h.answers)
	if h.said("stale") != rounds*(editors-1) {
		t.Errorf("%v", h.answers)
	}
}

// TestMergesWithoutTheProxyLoseChanges is the disease.
func TestMergesWithoutTheProxyLoseChanges(t *testing.T) {
	t.Parallel()
	api := conflictAPI(t, "--delay", "2ms")
	fresh(t, api, "/users/shared")
	for n := range 5 {
		round{t, []string{api}, ears(), "/users/shared", n}.editOwn()
	}
	found := undone(logOf[step](t, api))
	t.Logf("%d writes undid others", len(found))
	if len(found) == 0 || kept(t, api, "/users/shared", 5) == 0 {
		t.Error("nothing was lost, so these merges are no test of the proxy")
	}
}
