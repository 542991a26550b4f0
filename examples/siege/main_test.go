package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notRaced skips a test under the race detector, with which making the bombs takes a minute.
func notRaced(t *testing.T) {
	if raced {
		t.Skip("the race detector is too slow for the bombs")
	}
}

// A proxy that does not hold out must be found out. Here there is none: whatever is sent to it is applied.
func TestASiegeOfTheBareBackendIsLost(t *testing.T) {
	notRaced(t)
	origin, err := newOrigin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = origin.server.Close() }()
	s := &stand{origin: origin, proxy: &besieged{listen: origin.addr}}
	c := newCitizen(s, 0)
	defer c.client.CloseIdleConnections()
	tag, _, ok := c.read()
	if !ok || !c.write("mine", tag) || len(c.faults) > 0 {
		t.Fatalf("%q", c.faults)
	}
	a := newAttacks(s)[6] // random requests
	a.do = func(_ context.Context, f *foe) {
		if f.say("BREW /good/a HTTP/1.1\r\nHost: h\r\nIf-Match: \"x\"\r\nContent-Length: 3\r\n\r\nxyz") {
			f.answer(true)
		}
	}
	a.once(t.Context())
	if a.begun != 1 || a.statuses[204] != 1 {
		t.Fatalf("the attack: %d begun, %v", a.begun, a.statuses)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c.writes = 0
	c.live(ctx) // it believes that it has written nothing
	if len(c.faults) == 0 || !strings.Contains(c.faults[0], "an update was lost") {
		t.Errorf("nobody noticed: %q", c.faults)
	}
	v := &verdict{faults: c.faults}
	var out bytes.Buffer
	v.write(&out, []*attack{a}, []*citizen{c})
	if !strings.Contains(out.String(), "FAULT ") || strings.Contains(out.String(), "it held") {
		t.Errorf("the report: %s", out.String())
	}
}

func TestSiegeIsJudgedByWhatItDid(t *testing.T) {
	notRaced(t)
	for _, a := range newAttacks(nil) {
		if a.name == "half-open connections" || a.name == "hang-ups" {
			continue
		}
		if a.bites(map[int]int{}) {
			t.Errorf("%s is taken for an attack although nothing came of it", a.name)
		}
	}
}
