package proxy_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// judge knows every write of a world from both of its ends, and what the backend's texts were. It tells each resource's
// story, and fails the test where something happened that must not.
type judge struct {
	t     testing.TB
	seed  uint64
	began time.Time

	mu     sync.Mutex
	writes map[string]*deed
	texts  map[string][]version // by path
	events []event
	fails  int
	wins   int
}

// deed is one write.
type deed struct {
	id, actor, path, method string
	base                    string // the text that its writer had read; "": there was none
	judged                  bool   // it carries a precondition
	sent                    time.Time
	over                    time.Time // for its client
	arrived                 time.Time // at the backend
	applied                 time.Time
	left                    time.Time // when the backend was done with it
	never                   string    // why it must not arrive
	acknowledged            bool
}

// version is a text that the backend had, with the write that made it.
type version struct {
	text string
	by   *deed
}

type event struct {
	at   time.Duration
	path string // "": it concerns all
	what string
}

func newJudge(t testing.TB, seed uint64) *judge {
	return &judge{t: t, seed: seed, began: time.Now(), writes: make(map[string]*deed), texts: make(map[string][]version)}
}

// tell adds to the story.
func (j *judge) tell(path, format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.note(path, format, args...)
}

func (j *judge) note(path, format string, args ...any) {
	j.events = append(j.events, event{at: time.Since(j.began), path: path, what: fmt.Sprintf(format, args...)})
}

// fail fails the test and prints what led to it.
func (j *judge) fail(path, format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed(path, format, args...)
}

func (j *judge) failed(path, format string, args ...any) {
	j.t.Helper()
	j.note(path, "WRONG: "+format, args...)
	if j.fails++; j.fails > 3 {
		j.t.Fail()
		return // what follows is most often what the first one led to
	}
	j.t.Errorf("%s: %s (PROXY409_WORLD_SEED=%d)\n%s", path, fmt.Sprintf(format, args...), j.seed, j.story(path))
}

// story is what happened last at a resource: the last forty events, or as many as PROXY409_WORLD_STORY says.
func (j *judge) story(path string) string {
	most := 40
	if n, err := strconv.Atoi(os.Getenv("PROXY409_WORLD_STORY")); err == nil {
		most = n
	}
	var lines []string
	for i := len(j.events) - 1; i >= 0 && len(lines) < most; i-- {
		if e := j.events[i]; e.path == path || e.path == "" {
			lines = append(lines, fmt.Sprintf("  %11.4fs  %s", e.at.Seconds(), e.what))
		}
	}
	for a, b := 0, len(lines)-1; a < b; a, b = a+1, b-1 {
		lines[a], lines[b] = lines[b], lines[a]
	}
	return strings.Join(lines, "\n")
}

// sends registers a write before it is sent.
func (j *judge) sends(d *deed) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d.sent = time.Now()
	j.writes[d.id] = d
}

// arrives takes note of a write that has come to the backend whole. Every one may come once.
func (j *judge) arrives(id, path string, storeAway func(since time.Time) bool) *deed {
	j.mu.Lock()
	defer j.mu.Unlock()
	d := j.writes[id]
	switch {
	case d == nil:
		j.failed(path, "the backend got a write that nobody sent (%q)", id)
		return nil
	case !d.arrived.IsZero():
		j.failed(d.path, "%s came to the backend twice", id)
	case d.never != "":
		j.failed(d.path, "%s came to the backend, although %s", id, d.never)
	case storeAway(d.sent):
		j.failed(d.path, "%s came to the backend, although the store was away since before it was sent", id)
	}
	d.arrived = time.Now()
	j.note(path, "%s has arrived at the backend", id)
	return d
}

// applies makes a write's text the present one, and finds out what was lost by it.
func (j *judge) applies(d *deed, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d.applied = time.Now()
	if present := j.present(d.path); d.judged && present != d.base {
		if lost := j.lostBy(d); lost != nil {
			j.failed(d.path, "LOST UPDATE: %s, made from %q, was applied to %q; what %s (%s) did is lost",
				d.id, d.base, present, lost.id, lost.method)
		}
	}
	j.texts[d.path] = append(j.texts[d.path], version{text: text, by: d})
	j.wins++
	j.note(d.path, "%s is applied: %q", d.id, text)
}

func (j *judge) present(path string) string {
	if all := j.texts[path]; len(all) > 0 {
		return all[len(all)-1].text
	}
	return ""
}

// lostBy returns a write that another one has overwritten without its writer's having seen it. Nothing is promised to a
// judged write that overlaps one which nobody judged.
func (j *judge) lostBy(d *deed) *deed {
	all := j.texts[d.path]
	for i := len(all) - 1; i >= 0 && all[i].text != d.base; i-- {
		by := all[i].by
		if by.judged || !by.left.IsZero() && by.left.Before(d.sent) && !by.over.IsZero() && by.over.Before(d.sent) {
			return by
		}
		if d.base == "" {
			break // there was nothing more than once
		}
	}
	return nil
}

// leaves takes note of the end of a write at the backend.
func (j *judge) leaves(d *deed, how string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d.left = time.Now()
	j.note(d.path, "the backend answers %s: %s", d.id, how)
}

// mayNot says why a write must not arrive from now on, nor have arrived before.
func (j *judge) mayNot(d *deed, why string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if d.never = why; !d.arrived.IsZero() {
		j.failed(d.path, "%s had come to the backend, although %s", d.id, why)
	}
}

// ends takes note of a client's answer, or of the lack of one.
func (j *judge) ends(d *deed, acknowledged bool, how string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	d.over, d.acknowledged = time.Now(), acknowledged
	j.note(d.path, "%s ends for %s: %s", d.id, d.actor, how)
}

// allApplied checks that every write that was acknowledged is among those that were applied.
func (j *judge) allApplied() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range j.writes {
		if d.acknowledged && d.applied.IsZero() {
			j.failed(d.path, "%s was acknowledged and is missing", d.id)
		}
	}
}
