package proxy_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
	"proxy409/proxy/validator"
)

// TestAStrangerLearnsNothingFromARefusal sends all that a caller may try who is not shown a resource, and compares what comes
// back, byte by byte, with what comes back where there is none. How often the backend is asked is compared too.
func TestAStrangerLearnsNothingFromARefusal(t *testing.T) {
	for _, from := range []validator.From{validator.ETag, validator.Body} {
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusFound} {
			for _, disclose := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s %d disclose %t", from, status, disclose), func(t *testing.T) {
					if from == validator.Body && testing.Short() {
						t.Skip("short")
					}
					strangerLearnsNothing(t, from, status, disclose)
				})
			}
		}
	}
}

func strangerLearnsNothing(t *testing.T, from validator.From, status int, disclose bool) {
	s := newSecretive(t, status)
	f := newFleet(t, s.backend)
	f.cfg.Refusals.Disclose = disclose
	f.cfg.Timeouts = proxy.Timeouts{Write: 20 * time.Second, Settle: 20 * time.Second, BusyWait: 5 * time.Millisecond}
	f.cfg.Routes[0].Version.Source.From = from
	c := f.replica()
	count := 0
	fresh := func() string { count++; return fmt.Sprintf("/r%05d", count) }
	known(t, s, c, fresh())
	all := attempts(s.retired, s.current)
	nothing := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s.questions()
		nothing[name] = all[name].sent(t, c, fresh()) + "\nbackend asked: " + s.questions()
	}
	for _, st := range standings {
		path := fresh()
		if st.shared {
			st.make(t, s, c, path)
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if !st.shared {
				path = fresh()
				st.make(t, s, c, path)
			}
			s.questions()
			got := all[name].sent(t, c, path) + "\nbackend asked: " + s.questions()
			if got == nothing[name] || st.named(name) || st.shut && status == http.StatusNotFound && strings.HasSuffix(name, " creation") {
				continue
			}
			t.Errorf("%s, %s:\n%s\nwhere there is nothing:\n%s", st.name, name, indent(got), indent(nothing[name]))
		}
	}
}

// named reports whether the attempt names the present version of the resource, as the record knows it. Whoever does has
// guessed right: the write goes to the backend, which answers for itself. Where tags can be guessed, qualify: always makes
// each of them as long as a key.
func (st standing) named(attempt string) bool {
	return st.recorded && (strings.HasSuffix(attempt, " current") || strings.HasSuffix(attempt, " current, weak") || strings.HasSuffix(attempt, " many"))
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}
