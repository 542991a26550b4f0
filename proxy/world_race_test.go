//go:build race

package proxy_test

// worldsByDefault: the race detector makes a world ten times slower.
const worldsByDefault = 4
