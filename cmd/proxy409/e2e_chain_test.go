package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
)

// document is what the writers write: its own id, and the id of the one that its writer had read. All have one length, so
// that a backend that tags by time and size cannot tell them apart.
type document struct {
	Self string `json:"self"`
	Read string `json:"read"`
}

var firstDocument = document{Self: documentID("first", 0, 0), Read: documentID("none", 0, 0)}

func documentID(contest string, round, writer int) string {
	return fmt.Sprintf("%-8s%06d-%02d", contest, round, writer)
}

func (d document) String() string { return fmt.Sprintf(`{"self":%q,"read":%q}`, d.Self, d.Read) }

func parseDocument(a answer) (d document, err error) {
	if err = json.Unmarshal([]byte(a.body), &d); err != nil {
		err = fmt.Errorf("%s: %w; the body: %s", a.request, err, a.body)
	}
	return d, err
}

// lost follows the ids back from the last document and returns the confirmed writes that are not on the way: the lost
// updates.
func (c *contest) lost(last document) (lost []string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	onTheWay := make(map[string]bool)
	for id := last.Self; id != firstDocument.Self && !onTheWay[id]; id = c.written[id].Read {
		if _, ok := c.written[id]; !ok {
			c.t.Fatalf("the way back leads to %q, which nobody wrote", id)
		}
		onTheWay[id] = true
	}
	for _, id := range c.acked {
		if !onTheWay[id] {
			lost = append(lost, id)
		}
	}
	return lost
}

// settled checks, by what the backend itself shows, that no update was lost and no refused write was applied.
func (c *contest) settled(b *backend) {
	c.t.Helper()
	last, err := parseDocument(get(c.t, b.document()))
	if err != nil {
		c.t.Fatal(err)
	}
	if lost := c.lost(last); len(lost) > 0 {
		c.t.Errorf("%d of %d confirmed writes are lost: %q", len(lost), len(c.acked), lost)
	}
	for id := last.Self; id != firstDocument.Self; id = c.written[id].Read {
		if slices.Contains(c.refused, id) {
			c.t.Errorf("%q was applied, but its writer was told that it was not", id)
		}
	}
	c.t.Logf("%s: %d writes confirmed, refused: %v, tags seen: %v", c.name, len(c.acked), c.refusals, c.tags)
}
