package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheBackendAppliesWhatWasGivenUpOnInTimeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{journal: newJournal(1, time.Now())}
		(&job{origin: o, id: 1}).applyAfter(budget - time.Millisecond)
		(&job{origin: o, id: 2}).applyAfter(budget + time.Millisecond)
		time.Sleep(time.Second)
		log := o.journal.take()
		if len(log) != 1 || log[0].id != 1 || o.dropped.Load() != 1 {
			t.Errorf("applied: %v, dropped: %d", log, o.dropped.Load())
		}
	})
}

func TestWhatAFrozenReplicaGaveUpOnLateIsStillAppliedWithinTheSettleTime(t *testing.T) {
	if longestFreeze+budget >= settleTime {
		t.Errorf("frozen for %s and %s at the backend are not within %s", longestFreeze, budget, settleTime)
	}
}

// TestTheBackendDoesWhatItsMoodSays checks of each mood what its client is told against what is applied: what the
// judges think of an answer must be true of the backend.
func TestTheBackendDoesWhatItsMoodSays(t *testing.T) {
	for name, m := range moodNamed {
		t.Run(name, func(t *testing.T) {
			o := &origin{journal: newJournal(1, time.Now())}
			server := httptest.NewServer(o)
			defer server.Close()
			o.moods.expect(m)
			u := user{history: newHistory(time.Now())}
			d := door{"the backend", server.URL, newHTTPClient()}
			got, _ := u.write(t.Context(), d, change{from: edition{tag: `"v0"`}})
			present, _ := o.journal.look(0)
			switch applied := present == got.id; {
			case got.outcome == done && !applied:
				t.Errorf("%s, and it is not applied", got)
			case got.outcome == refused && applied:
				t.Errorf("%s, and it is applied", got)
			case got.outcome != refused && name == "4xx", got.outcome != done && (name == "well" || name == "slow" || name == "303" || name == "1xx first"):
				t.Errorf("%s", got)
			}
		})
	}
}

func TestHalfAWriteIsNoWrite(t *testing.T) {
	o := &origin{journal: newJournal(1, time.Now())}
	for _, text := range []string{"", `{"version":1,"fil`, `{"version":2}`} {
		req := httptest.NewRequest(http.MethodPut, pathOf(0), strings.NewReader(text))
		req.Header.Set(headerID, "1")
		req.Header.Set(headerBase, "0")
		w := httptest.NewRecorder()
		o.ServeHTTP(w, req)
		if w.Code != http.StatusBadRequest || len(o.journal.take()) != 0 {
			t.Errorf("%q: %d", text, w.Code)
		}
	}
}
