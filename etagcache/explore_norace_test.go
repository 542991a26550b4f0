//go:build !race

package etagcache

const exploreSlowly = false
