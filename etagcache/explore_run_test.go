package etagcache

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Explore walks every small world over stores like the one that open returns, and demands that every cell of the protocol
// was visited. EXPLORE_MORE=1 in the environment gives fate one more of everything that it may do, for a soak.
func Explore(t *testing.T, open func(clock func() time.Time) Store) {
	if exploreSlowly {
		t.Skip("a search is not concurrent, and the race detector makes it ten times slower")
	}
	more, _ := strconv.Atoi(os.Getenv("EXPLORE_MORE"))
	var mu sync.Mutex
	var total struct{ states, steps int }
	cells := visits{}
	ran, all := 0, len(exploreConfigs())
	t.Cleanup(func() {
		t.Logf("%d states, %d steps", total.states, total.steps)
		if ran == all && more == 0 && !t.Failed() {
			cells.compare(t)
		}
	})
	for _, cfg := range exploreConfigs() {
		if cfg.long && testing.Short() {
			continue
		}
		cfg.left.add(int8(more))
		t.Run(cfg.Name, func(t *testing.T) {
			t.Parallel()
			s := walk(t, cfg, open)
			mu.Lock()
			defer mu.Unlock()
			ran++
			total.states, total.steps = total.states+len(s.edges), total.steps+s.steps
			cells.add(s.cells)
		})
	}
}

// ExploreWithoutBound demands that the search finds what the bound in time of plants is for ([Change.By]).
func ExploreWithoutBound(t *testing.T, open func(clock func() time.Time) Store) {
	s := newSearch(ExploreConfig{
		Unbounded: true, roles: []role{{kind: isReader, name: "R", reps: 1}, {kind: isReader, name: "S", reps: 1}},
		left: budget{Copies: 1, Forget: 1},
	}, open)
	if story := s.run(); !strings.Contains(story, "brings the version") {
		t.Errorf("a late copy of a plant was found to be harmless:\n%s", story)
	}
}

func walk(t *testing.T, cfg ExploreConfig, open func(clock func() time.Time) Store) *search {
	start := time.Now()
	s := newSearch(cfg, open)
	story := s.run()
	t.Logf("%d states, %d steps, %d deep, in %v", len(s.edges), s.steps, s.depth, time.Since(start).Round(time.Millisecond))
	if story != "" {
		t.Errorf("\n%s", story)
	}
	return s
}
