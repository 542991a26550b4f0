package examples_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// ada is who writes with plain HTTP.
var ada = "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:any"))

const calendar = "/ada/work/"

// calDAV starts Radicale, with a calendar for work.
func calDAV(t *testing.T) *stand {
	t.Helper()
	radicale := installed(t, "radicale", "radicale")
	addr := freeAddress(t)
	backend := launch(t, []string{"HOME=" + t.TempDir()}, radicale, "--config", "caldav/radicale.config", "--server-hosts", addr)
	backend.listens(addr)
	return stage(t, "caldav", "http://"+addr)
}

// dav sends a request of ada's.
func (s *stand) dav(method, path, body string, header ...string) answer {
	s.t.Helper()
	if strings.HasPrefix(body, "BEGIN:") {
		header = append([]string{"Content-Type", "text/calendar; charset=utf-8"}, header...)
	}
	return s.send(method, path, body, append(header, "Authorization", ada)...)
}

// event is an event as a calendar sends it.
func event(uid, summary string) string {
	lines := []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//EN", "BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20260101T000000Z",
		"DTSTART:20260102T100000Z", "SUMMARY:" + summary, "END:VEVENT", "END:VCALENDAR", "",
	}
	return strings.Join(lines, "\r\n")
}

// laptop is a machine with vdirsyncer on it.
type laptop struct {
	*stand
	home, program string
}

func (s *stand) laptop() *laptop {
	s.t.Helper()
	l := &laptop{stand: s, home: s.t.TempDir(), program: installed(s.t, "vdirsyncer", "vdirsyncer")}
	l.configure("")
	l.run("yes | vdirsyncer discover") // it asks whether to create the calendar on either side
	return l
}

// configure writes the example's configuration, with a line more for the pair.
func (l *laptop) configure(line string) {
	l.t.Helper()
	text := strings.ReplaceAll(read(l.t, "caldav/vdirsyncer.config"), "http://127.0.0.1:8080", l.url)
	text = strings.Replace(text, "collections =", line+"\ncollections =", 1)
	if err := os.WriteFile(filepath.Join(l.home, "config"), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// run runs a command line on the laptop and returns what it said. What vdirsyncer says of a failure is for the test to judge.
func (l *laptop) run(command string) string {
	l.t.Helper()
	shell := exec.Command("sh", "-c", command)
	shell.Env = append(os.Environ(), "HOME="+l.home, "VDIRSYNCER_CONFIG="+filepath.Join(l.home, "config"))
	out, err := shell.CombinedOutput()
	return fmt.Sprintf("%s(%v)", out, err)
}

// sync synchronises, and fails the test unless what is said contains the text.
func (l *laptop) sync(text string) {
	l.t.Helper()
	if said := l.run("vdirsyncer sync"); !strings.Contains(said, text) {
		l.t.Fatalf("vdirsyncer does not say %q, but:\n%s", text, said)
	}
}

// synced is what vdirsyncer says when all went well.
const synced = "(<nil>)"

func (l *laptop) file(uid string) string { return filepath.Join(l.home, ".calendars/work", uid+".ics") }

func (l *laptop) edit(uid, summary string) {
	l.t.Helper()
	if err := os.WriteFile(l.file(uid), []byte(event(uid, summary)), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// has fails the test unless both sides have the event with the summary.
func (l *laptop) has(uid, summary string) {
	l.t.Helper()
	for where, text := range map[string]string{
		"laptop": read(l.t, l.file(uid)), "server": l.dav("GET", calendar+uid+".ics", "").want(200, "").body,
	} {
		if !strings.Contains(text, "SUMMARY:"+summary) {
			l.t.Fatalf("the %s does not have %q:\n%s", where, summary, text)
		}
	}
}

func TestCalDAVSynchronisesThroughTheProxy(t *testing.T) {
	t.Parallel()
	l := calDAV(t).laptop()
	l.edit("standup", "Stand-up")
	l.sync(synced)
	l.has("standup", "Stand-up")
	// There and back again: Radicale's tag is a hash of the content, and comes back with it.
	for _, summary := range []string{"At nine", "Stand-up", "At ten"} {
		l.edit("standup", summary)
		l.sync(synced)
		l.has("standup", summary)
	}
	l.dav("PUT", calendar+"lunch.ics", event("lunch", "Lunch"), "If-None-Match", "*").want(201, "")
	tag := l.dav("GET", calendar+"standup.ics", "").tagged()
	l.dav("PUT", calendar+"standup.ics", event("standup", "Cancelled"), "If-Match", tag).want(201, "")
	l.sync(synced)
	l.has("standup", "Cancelled")
	l.has("lunch", "Lunch")
	if err := os.Remove(l.file("lunch")); err != nil {
		t.Fatal(err)
	}
	l.sync(synced)
	l.dav("GET", calendar+"lunch.ics", "").want(404, "")
	// Every write of vdirsyncer's said what it was made from.
	for _, a := range l.witness.all() {
		if (a.method == "PUT" || a.method == "DELETE") && a.header.Get("If-Match")+a.header.Get("If-None-Match") == "" {
			t.Errorf("%s %s came to the server without a precondition", a.method, a.target)
		}
	}
}

// The other one saves after vdirsyncer has read the list and before it sends its own change: the server would have taken both.
func TestCalDAVConflictIsReportedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	l := calDAV(t).laptop()
	l.edit("dinner", "Dinner")
	l.sync(synced)
	l.edit("dinner", "Dinner at Ada's")
	var once sync.Once
	l.witness.afterwards(func(a arrival) {
		if a.method == "PROPFIND" && a.target == calendar {
			once.Do(func() {
				tag := l.dav("GET", calendar+"dinner.ics", "").tagged()
				l.dav("PUT", calendar+"dinner.ics", event("dinner", "Dinner at Grace's"), "If-Match", tag).want(201, "")
			})
		}
	})
	puts := l.reached(func(a arrival) bool { return a.method == "PUT" }, func() { l.sync("Precondition Failed") })
	if len(puts) != 1 {
		t.Fatalf("%d PUTs reached the server, want that of the other one alone", len(puts))
	}
	l.sync("One item changed on both sides")
	if text := read(t, l.file("dinner")); !strings.Contains(text, "at Ada's") {
		t.Fatalf("the laptop lost its change:\n%s", text)
	}
	if text := l.dav("GET", calendar+"dinner.ics", "").body; !strings.Contains(text, "at Grace's") {
		t.Fatalf("the server lost its change:\n%s", text)
	}
	l.configure(`conflict_resolution = "a wins"`)
	l.sync(synced)
	l.has("dinner", "Dinner at Ada's")
}

func TestCalDAVRaceOfLaptopsHasOneWinner(t *testing.T) {
	t.Parallel()
	s := calDAV(t)
	laptops := []*laptop{s.laptop()}
	laptops[0].edit("trip", "Trip")
	laptops[0].sync(synced)
	for range 3 {
		l := s.laptop()
		l.sync(synced)
		laptops = append(laptops, l)
	}
	said := make([]string, len(laptops))
	puts := s.reached(func(a arrival) bool { return a.method == "PUT" }, func() {
		var all sync.WaitGroup
		for i, l := range laptops {
			l.edit("trip", fmt.Sprintf("Trip of %d", i))
			all.Go(func() { said[i] = l.run("vdirsyncer sync") })
		}
		all.Wait()
	})
	won := 0
	for i, text := range said {
		switch {
		case strings.Contains(text, synced):
			won++
			laptops[i].has("trip", fmt.Sprintf("Trip of %d", i))
		case !strings.Contains(text, "Precondition Failed") && !strings.Contains(text, "changed on both sides"):
			t.Errorf("laptop %d reports no conflict, but: %s", i, text)
		}
	}
	if won != 1 || len(puts) != 1 {
		t.Errorf("%d of %d laptops have saved their change, with %d PUTs", won, len(laptops), len(puts))
	}
}
