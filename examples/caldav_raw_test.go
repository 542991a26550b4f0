package examples_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// workCalendar makes the calendar and an item in it, and returns the item's path.
func (s *stand) workCalendar() (item string) {
	s.t.Helper()
	s.dav("MKCALENDAR", calendar, "").want(201, "")
	item = calendar + "item.ics"
	s.dav("PUT", item, event("item", "First"), "If-None-Match", "*").want(201, "").tagged()
	return item
}

func TestCalDAVReadmeIsWhatHappens(t *testing.T) {
	t.Parallel()
	calDAV(t).transcript("caldav")
}

func TestCalDAVWritesNeedTheirVersion(t *testing.T) {
	t.Parallel()
	s := calDAV(t)
	item := s.workCalendar()
	read := s.dav("GET", item, "").tagged()
	wrote := s.dav("PUT", item, event("item", "Second"), "If-Match", read).want(201, "").tagged()
	if now := s.dav("GET", item, "").tagged(); now != wrote {
		t.Fatalf("the answer to the PUT has the tag %s, and a read %s", wrote, now)
	}
	s.untouched(func() {
		s.dav("PUT", item, event("item", "Lost"), "If-Match", read).want(412, "stale")
		s.dav("PUT", item, event("item", "Lost")).want(428, "missing")
		s.dav("PUT", item, event("item", "Lost"), "If-None-Match", "*").want(412, "exists")
		s.dav("DELETE", item, "", "If-Match", read).want(412, "stale")
		s.dav("DELETE", item, "").want(428, "missing")
		s.dav("MOVE", item, "", "Destination", s.url+calendar+"moved.ics").want(428, "missing")
		s.dav("PUT", calendar+"new.ics", event("new", "Lost")).want(428, "missing")
		s.dav("PUT", calendar+"new.ics", event("new", "Lost"), "If-Match", read).want(412, "absent")
	})
	s.dav("MOVE", item, "", "Destination", s.url+calendar+"moved.ics", "If-Match", wrote).want(201, "")
	s.dav("GET", item, "").want(404, "")
	moved := s.dav("GET", calendar+"moved.ics", "").tagged()
	s.dav("DELETE", calendar+"moved.ics", "", "If-Match", moved).want(200, "")

	// What the proxy adds: without it, who says nothing overwrites whatever is there.
	for _, summary := range []string{"Ada's", "Grace's"} {
		send(t, "PUT", s.backend+item, event("item", summary), "Authorization", ada).want(201, "")
	}
}

func TestCalDAVCalendarIsDeletedOnlyByWhoHasSeenAllOfIt(t *testing.T) {
	t.Parallel()
	s := calDAV(t)
	s.workCalendar()
	seen := s.dav("GET", calendar, "").tagged()
	s.dav("PUT", calendar+"late.ics", event("late", "Late"), "If-None-Match", "*").want(201, "")
	s.dav("PROPPATCH", calendar, `<?xml version="1.0"?><propertyupdate xmlns="DAV:"><set><prop>`+
		`<displayname>Work</displayname></prop></set></propertyupdate>`, "Content-Type", "text/xml").want(207, "")
	s.untouched(func() {
		s.dav("DELETE", calendar, "", "If-Match", seen).want(412, "stale")
		s.dav("DELETE", calendar, "").want(428, "missing")
		s.dav("DELETE", "/ada/", "").want(428, "missing")
	})
	s.dav("DELETE", "/ada/", "", "If-Match", seen).want(403, "") // Radicale shows nothing of it by which it could be judged
	s.dav("DELETE", calendar, "", "If-Match", s.dav("GET", calendar, "").tagged()).want(200, "")
	s.dav("GET", calendar, "").want(404, "")
}

var getetag = regexp.MustCompile(`<getetag>([^<]+)</getetag>`)

// Clients know entity tags from lists, in which the proxy does not look. It asks the server about those that it has not seen.
func TestCalDAVTagsFromListsAreGood(t *testing.T) {
	t.Parallel()
	s := calDAV(t)
	s.workCalendar()
	item := calendar + "past.ics"
	send(t, "PUT", s.backend+item, event("past", "Put past the proxy"), "Authorization", ada).want(201, "")
	for i, query := range []struct{ method, body string }{
		{"PROPFIND", `<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`},
		{"REPORT", `<C:calendar-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><getetag/></prop><href>` +
			item + `</href></C:calendar-multiget>`},
	} {
		list := s.dav(query.method, calendar, query.body, "Content-Type", "text/xml", "Depth", "1").want(207, "")
		_, entry, _ := strings.Cut(list.body, item)
		found := getetag.FindStringSubmatch(entry)
		if found == nil {
			t.Fatalf("the answer to %s has no getetag: %s", query.method, list.body)
		}
		tag := strings.ReplaceAll(found[1], "&quot;", `"`)
		asked := s.reached(func(a arrival) bool { return a.method == "GET" }, func() {
			s.dav("PUT", item, event("past", fmt.Sprintf("Version %d", i)), "If-Match", tag).want(201, "")
		})
		if i == 0 && len(asked) != 2 { // once before the write, and once after it (reread)
			t.Errorf("the server was asked %d times for the version", len(asked))
		}
		s.untouched(func() { s.dav("PUT", item, event("past", "Lost"), "If-Match", tag).want(412, "stale") })
	}
}

func TestCalDAVRaceHasOneWinnerPerVersion(t *testing.T) {
	t.Parallel()
	s := calDAV(t)
	item := s.workCalendar()
	contest{
		clients: 6, rounds: 5, isWrite: unsafeMethod,
		read: func() string { return s.dav("GET", item, "").want(200, "").tagged() },
		write: func(client int, tag string) answer {
			return s.dav("PUT", item, event("item", fmt.Sprintf("By %d after %s", client, tag[1:9])), "If-Match", tag)
		},
	}.run(s)
}
