package config

import (
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"testing"
)

func TestKeysAreThoseOfTheTables(t *testing.T) {
	keys := Keys()
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("not sorted, or not without repetitions: %v", keys)
	}
	for _, want := range []string{
		"listen", "upstream", "store", "store.redis.url", "limits.header", "refusals.status.stale", "refusals.status.in_doubt", "defaults", "routes",
		"routes[].name", "routes[].when.query", "routes[].key.path", "routes[].guard", "routes[].version.from",
		"routes[].version.ignore", "routes[].limits.body", "routes[].refusals.status.busy", "routes[].store_down",
		"routes[].replay", "routes[].idempotency.enabled", "routes[].history.sets", "routes[].on_stale",
		"routes[].expect", "routes[].unique[].fields", "routes[].require[].ask", "routes[].transitions.moves", "routes[].ask_headers",
	} {
		if !slices.Contains(keys, want) {
			t.Errorf("%s is not among them", want)
		}
	}
	for _, none := range []string{
		"", "routes[]", "routes[].guard[]", "routes[].limits.header", "refusals.status.store", "defaults.mode", "routes[].history.sets[]", "routes[].timeouts.idle",
		"routes[].unique[]", "routes[].require[].ask.orders",
	} {
		if slices.Contains(keys, none) {
			t.Errorf("%q is among them, and is no key that a file may have", none)
		}
	}
}

var indices = regexp.MustCompile(`\[\d+\]`)

func loadReference(t *testing.T) *Config {
	t.Helper()
	c, warnings, err := Load("../examples/reference/proxy409.yaml", nil)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v\n%v", err, warnings)
	}
	return c
}

func TestTheReferenceHasEveryKey(t *testing.T) {
	stands := make(map[string]bool)
	encrypted, warnings, err := Load("../examples/reference/tls.yaml", nil)
	if err != nil {
		t.Fatalf("%v\n%v", err, warnings)
	}
	for _, file := range []*Config{loadReference(t), encrypted} {
		for path := range file.source.lines {
			stands[indices.ReplaceAllString(path, "[]")] = true
		}
	}
	for _, key := range Keys() {
		if !stands[key] {
			t.Errorf("the reference does not have %s", key)
		}
	}
}

// The reference says that its values are the defaults where no comment says otherwise; those that do are set here.
func TestTheReferenceShowsTheDefaults(t *testing.T) {
	got := loadReference(t)
	want, err := Default("http://127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	withRedis(func(*Config) {})(want)
	allConflicts := make(map[string]int)
	for _, reason := range adjustableReasons {
		allConflicts[reason] = 409
	}
	allConflicts["reused"] = 422
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	want.Refusals.Status, want.Routes[0].Refusals.Status = allConflicts, allConflicts
	want.Routes[0].Name, want.Routes[0].Match = "articles", "/articles/{id}"
	want.Routes[0].Version.Suffixes = []string{"-gzip", ";br"}
	got.source, got.Routes = source{}, got.Routes[:1]
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %s\nwant %s", show(t, got), show(t, want))
	}
}
