//go:build !race

package proxy_test

const worldsByDefault = enoughForAll
