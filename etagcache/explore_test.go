package etagcache_test

import (
	"testing"
	"time"

	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
)

func overMemory(clock func() time.Time) etagcache.Store {
	return memstore.New(memstore.Options{Clock: clock})
}

// Breadth first through Cache, Step and the memory store: what can happen in a small world keeps P1 to P4. The engine is in
// the files explore_*_test.go.
func TestEveryInterleavingOfASmallWorldKeepsThePromises(t *testing.T) {
	etagcache.Explore(t, overMemory)
}

func TestSearchFindsThatALateCopyOfAPlantBringsAVersionBack(t *testing.T) {
	etagcache.ExploreWithoutBound(t, overMemory)
}
