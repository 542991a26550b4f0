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
	Start    Instant           `json:"start"` // when the generation began; 0: with the store's epoch, or before
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
	h := sha256.New()
	fmt.Fprintf(h, "proxy409 generation %d\n", r.Turn)
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		fmt.Fprintf(h, "%q %q\n", name, r.Settings[name])
	}
	copy(g[:], h.Sum(nil))
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

// enrol is the roster with the replica on it, for so long: as a member if its settings are the roster's, or nobody is there who
// has others; else as a stranger.
func (r roster) enrol(id, name string, settings map[string]string, now Instant, lasts time.Duration) (next roster, member bool) {
	next = r
	next.Format = rosterFormat
	next.Members, next.Others = present(r.Members, now, lasts), present(r.Others, now, lasts)
	delete(next.Members, id)
	delete(next.Others, id)
	me := entry{Name: name, Until: now.Add(lasts), Differs: differences(r.Settings, settings)}
	switch {
	case r.Settings == nil: // there is no roster: nobody has written anything, or all is forgotten
		next.Settings = settings
	case len(me.Differs) > 0 && len(next.Members) > 0:
		if len(next.Others) < maxStrangers {
			next.Others[id] = me
		}
		return next, false
	case len(me.Differs) > 0:
		next.Settings, next.Start, next.Turn = settings, now, r.Turn+1
		next.Others = map[string]entry{}
	}
	me.Differs = nil
	next.Members[id] = me
	return next, true
}

// leave is the roster without the replica.
func (r roster) leave(id string) roster {
	r.Members, r.Others = maps.Clone(r.Members), maps.Clone(r.Others)
	delete(r.Members, id)
	delete(r.Others, id)
	return r
}

// present leaves out who has not been heard of for too long. An entry from further ahead than any can be is from before the store's
// clock was set back.
func present(list map[string]entry, now Instant, lasts time.Duration) map[string]entry {
	out := make(map[string]entry, len(list)+1)
	for id, e := range list {
		if now < e.Until && e.Until <= now.Add(lasts) {
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
