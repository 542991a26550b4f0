//go:build race

package etagcache

// exploreSlowly: the race detector is on.
const exploreSlowly = true
