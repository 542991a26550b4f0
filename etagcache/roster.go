package etagcache

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// roster is the list of the replicas that share a store, kept there under a key of its own. All members have the same
// settings: who has others is a stranger, and must not touch the records, because by its keys they would be others. When
// no member is left, strangers may take the roster over; that begins a new generation, in which no older record counts.
type roster struct {
	Format int `json:"format"`
	// Turn counts the generations: settings that come back do not bring their old records back.
	Turn     int               `json:"turn"`
	Start    Instant           `json:"start"`  // when the generation began; 0: with the store's epoch, or before
	Grace    time.Duration     `json:"grace"`  // the longest that a write of it may be under way
	Before   time.Duration     `json:"before"` // the same of the one before
	Settings map[string]string `json:"settings"`
	Members  map[string]entry  `json:"members"`
	Others   map[string]entry  `json:"strangers,omitempty"`
}

// entry is one replica, on the word of which it is there until Until.
type entry struct {
	Name    string   `json:"name"`
	Until   Instant  `json:"until"`
	Differs []string `json:"differs,omitempty"`
}

const (
	rosterFormat = 1
	maxStrangers = 16
	// An entry lasts half as long again as its replica relies on it: it has stopped for certain when others take the roster over.
	longestEntry = enrolmentLasts * 3 / 2
)

// generation tells the records of one roster's settings from those of another's. It is made of them, so that a roster that was lost
// is followed by the same one.
type generation [len(EpochID{})]byte

// in is the epoch as records name it: those of another generation count as absent, like those of another epoch.
func (e EpochID) in(g generation) EpochID {
	for i := range e {
		e[i] ^= g[i]
	}
	return e
}

func (r roster) generation() (g generation) {
	text := fmt.Appendf(nil, "proxy409 generation %d\n", r.Turn)
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		text = fmt.Appendf(text, "%q %q\n", name, r.Settings[name])
	}
	h := sha256.Sum256(text)
	copy(g[:], h[:])
	return g
}

func parseRoster(value []byte) (roster, error) {
	var r roster
	if value == nil {
		return r, nil
	}
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("the list of replicas: %w: %w", ErrCorrupt, err)
	}
	if r.Format > rosterFormat {
		return r, fmt.Errorf("the list of replicas: %w", ErrNewer)
	}
	return r, nil
}

// applicant is a replica that wants to be on the roster.
type applicant struct {
	id, name string
	settings map[string]string
	lasts    time.Duration // how long its entry is to last
	grace    time.Duration // the longest that a write of it may be under way
}

// enrol is the roster with the replica on it: as a member if its settings are the roster's, or nobody is there who has others; else
// as a stranger. While the epoch is young, the store's clock may have been set, and who seems to have gone may be there.
func (r roster) enrol(a applicant, now Instant, epoch Epoch) (next roster, member bool) {
	next = r
	next.Format = rosterFormat
	next.Start = min(next.Start, now) // the clock was set back
	next.Members, next.Others = present(r.Members, now), present(r.Others, now)
	delete(next.Members, a.id)
	delete(next.Others, a.id)
	me := entry{Name: a.name, Until: now.Add(a.lasts), Differs: differences(r.Settings, a.settings)}
	young := len(r.Members) > 0 && now < epoch.Start.Add(longestEntry)
	switch {
	case r.Settings == nil: // there is no roster: nobody has written anything, or all is forgotten
		next.Settings = a.settings
	case len(me.Differs) > 0 && (len(next.Members) > 0 || young):
		if len(next.Others) < maxStrangers {
			next.Others[a.id] = me
		}
		if len(next.Members) == 0 {
			next.Members = r.Members // until it is certain
		}
		return next, false
	case len(me.Differs) > 0:
		next.Settings, next.Start, next.Turn = a.settings, now, r.Turn+1
		next.Before, next.Grace = r.Grace, 0
		next.Others = map[string]entry{}
	}
	me.Differs, next.Grace = nil, max(next.Grace, a.grace)
	next.Members[a.id] = me
	return next, true
}

// graceLeft is how long writes of the generation before may be under way. own is the same of a replica's own writes.
func (r roster) graceLeft(now Instant, own time.Duration) time.Duration {
	return max(0, r.Start.Add(max(own, r.Before)).Sub(now))
}

// leave is the roster without the replica.
func (r roster) leave(id string) roster {
	r.Members, r.Others = maps.Clone(r.Members), maps.Clone(r.Others)
	delete(r.Members, id)
	delete(r.Others, id)
	return r
}

// present leaves out who has not been heard of for too long. An entry from far ahead is from before the store's clock was set back.
func present(list map[string]entry, now Instant) map[string]entry {
	out := make(map[string]entry, len(list)+1)
	for id, e := range list {
		if now < e.Until && e.Until <= now.Add(longestEntry+enrolmentLasts) {
			out[id] = e
		}
	}
	return out
}

// differences names the settings that are not the same in both.
func differences(a, b map[string]string) (names []string) {
	for name, value := range a {
		if b[name] != value {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// digestSettings keeps the values out of the store: they may be long, and are nobody's business.
func digestSettings(settings map[string]string) map[string]string {
	out := make(map[string]string, len(settings))
	for name, value := range settings {
		sum := sha256.Sum256([]byte(value))
		out[name] = hex.EncodeToString(sum[:8])
	}
	return out
}

// names lists who is there, for people.
func names(list map[string]entry) string {
	var out []string
	for _, e := range list {
		out = append(out, strconv.Quote(e.Name))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
