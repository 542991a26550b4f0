package config

import (
	"reflect"
	"testing"
	"time"
)

// withRepeats is what testdata/good/repeat.yaml says.
func withRepeats(c *Config) {
	named := func(name string) Route {
		r := c.Routes[0]
		r.Name, r.Match, r.Replay, r.OnStale = name, "/"+name, ReplayOff, StaleMerge
		r.Idempotency = Idempotency{Enabled: true, Required: true, TTL: 24 * time.Hour}
		r.History = &History{Keep: MiB, For: time.Hour, Sets: []string{"/tags", "/a/b"}}
		return r
	}
	shared, own, noKeys, plain, shut := named("shared"), named("own"), named("no-keys"), named("plain"), named("shut")
	own.Replay, own.OnStale, own.Idempotency = ReplayOn, StaleRefuse, Idempotency{Enabled: true, TTL: time.Minute}
	own.History = &History{Keep: MiB, For: time.Second, Sets: []string{"/own~1s"}}
	noKeys.Idempotency.Enabled = false
	noKeys.History = &History{Keep: KiB, For: 720 * time.Hour}
	plain.Mode, shut.Mode = Off, Closed
	for _, r := range []*Route{&plain, &shut} {
		r.Idempotency, r.History, r.OnStale = Idempotency{TTL: 24 * time.Hour}, nil, StaleRefuse
	}
	c.Routes = []Route{shared, own, noKeys, plain, shut}
}

func TestNamingIdempotencyIsAskingForIt(t *testing.T) {
	for text, want := range map[string]Idempotency{
		"{}":                                       {TTL: day},
		"{idempotency: {}}":                        {Enabled: true, TTL: day},
		"{idempotency: {ttl: 2h}}":                 {Enabled: true, TTL: 2 * time.Hour},
		"{idempotency: {enabled: true}}":           {Enabled: true, TTL: day},
		"{idempotency: {required: true}}":          {Enabled: true, Required: true, TTL: day},
		"{idempotency: {enabled: false}}":          {TTL: day},
		"{idempotency: {enabled: \"${X:-true}\"}}": {Enabled: true, TTL: day},
	} {
		if got := parseRoutes(t, "defaults: "+text)[0].Idempotency; got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	// What defaults says of keys in general holds for the routes that ask for them.
	routes := parseRoutes(t, `
defaults: {idempotency: {enabled: false, required: true, ttl: 2h}}
routes: [{name: asks, match: /a, idempotency: {}}, {name: does-not, match: /b}]
`)
	if got := routes[0].Idempotency; got != (Idempotency{Enabled: true, Required: true, TTL: 2 * time.Hour}) || routes[1].Idempotency.Enabled {
		t.Errorf("got %+v and %+v", got, routes[1].Idempotency)
	}
}

// YAML 1.1 takes on and off for true and false; here they are what is written.
func TestOnAndOffAreWordsWithAndWithoutQuotes(t *testing.T) {
	for text, want := range map[string]Replay{
		"on": ReplayOn, "off": ReplayOff, `"on"`: ReplayOn, `"off"`: ReplayOff, "'off'": ReplayOff, `"${X:-off}"`: ReplayOff,
	} {
		if got := parseRoutes(t, "defaults: {replay: "+text+"}")[0].Replay; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestRoutesShareNoHistory(t *testing.T) {
	const text = "defaults: {history: {sets: [/a]}}\nroutes: [{name: a, match: /a}, {name: b, match: /b}]"
	routes, untouched := parseRoutes(t, text), parseRoutes(t, text)
	routes[0].History.Keep, routes[0].History.Sets[0] = 7, "/x"
	if !reflect.DeepEqual(routes[1], untouched[1]) {
		t.Errorf("a change of one route changes another: %+v", routes[1].History)
	}
}

// requireWholeRepeats holds what is said of repeated and of stale writes.
func requireWholeRepeats(t *testing.T, r Route) {
	t.Helper()
	switch i, h := r.Idempotency, r.History; {
	case r.Replay != ReplayOn && r.Replay != ReplayOff, r.OnStale != StaleRefuse && r.OnStale != StaleMerge,
		r.OnStale == StaleMerge && h == nil,
		i.TTL < time.Minute || i.TTL > 720*time.Hour,
		i.Enabled && i.TTL < r.Timeouts.Write+r.Timeouts.Settle,
		h != nil && (h.Keep < KiB || h.Keep > MiB || h.For < time.Second || h.For > 720*time.Hour),
		!r.Mode.guards() && (i.Enabled || h != nil || r.OnStale != StaleRefuse):
		t.Fatalf("accepted: replay %s, idempotency %+v, history %+v, on_stale %s in mode %s", r.Replay, i, h, r.OnStale, r.Mode)
	}
}
