package redisstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"proxy409/etagcache"
)

// errorCode returns the first word of the error that Redis replied with, or "" if err is none.
func errorCode(err error) string {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return ""
	}
	code, _, _ := strings.Cut(reply.Error(), " ")
	return code
}

// refusal tells whether err is a reply that means that the script was not executed, or not so far that it has changed
// anything. It does not go without saying: a proxy in front of Redis may reply with an error when it lost the server.
func refusal(err error) bool {
	switch errorCode(err) {
	case "NOSCRIPT", "FENCED", // the fence
		"READONLY", "MASTERDOWN", "LOADING", "BUSY", // not now, or not here
		"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT",
		"NOAUTH", "NOPERM", "WRONGPASS",
		"OOM", "MISCONF", "NOREPLICAS", "WRONGTYPE": // of the SET in swap.lua, or of the GET before it
		return true
	}
	return false
}

// otherServer tells whether err means that the server is not, or no longer, the one that the scripts were loaded on.
func otherServer(err error) bool {
	code := errorCode(err)
	return code == "NOSCRIPT" || code == "FENCED"
}

// mark is a command's argument that notices when it is written to a connection. What was never written was never sent.
type mark struct {
	arg     []byte
	written bool
}

// MarshalBinary is called by go-redis when it writes the command.
func (m *mark) MarshalBinary() ([]byte, error) {
	m.written = true
	return m.arg, nil
}

// notSent wraps the error of a swap that certainly changed nothing.
func notSent(err error) error {
	return fmt.Errorf("redisstore: swap: %w: %w", etagcache.ErrNotSent, explain(err))
}

// explain adds what to do to the errors that an operator can do something about.
func explain(err error) error {
	if errors.As(err, new(*explained)) {
		return err
	}
	err = discreetly(err)
	var advice string
	switch errorCode(err) {
	case "NOAUTH", "WRONGPASS":
		advice = "check the user and password in the URL"
	case "NOPERM":
		advice = "the README, under \"How to configure Redis\", lists the commands that the ACL must allow"
	case "OOM":
		advice = "raise maxmemory; do not let Redis evict"
	case "MISCONF":
		advice = "Redis cannot save its data; look at its disk and its log"
	case "MOVED", "ASK":
		advice = "the slot is at another node, or is moving; with one server, set the mode to cluster"
	default:
		return err
	}
	return &explained{err, advice}
}

// explained is an error with advice.
type explained struct {
	error
	advice string
}

func (e *explained) Error() string { return e.error.Error() + " (" + e.advice + ")" }

// Unwrap gives a list, for go-redis takes one layer off whatever went wrong with a new connection, if it is a single one.
func (e *explained) Unwrap() []error { return []error{e.error} }
