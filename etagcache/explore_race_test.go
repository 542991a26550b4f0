//go:build race

package etagcache

// exploreSlowly: the race detector makes a search ten times slower, and finds nothing in one that is not concurrent.
const exploreSlowly = true
