package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"proxy409/etagcache"
)

// Fold is what is done to values before they are compared. The zero value does nothing.
type Fold struct{ trim, lower, nfc bool }

// ParseFold reads what a configuration names, in whatever order. Its errors are for who wrote that.
func ParseFold(names []string) (Fold, error) {
	var f Fold
	for _, name := range names {
		var does *bool
		switch name {
		case "trim":
			does = &f.trim
		case "lower":
			does = &f.lower
		case "nfc":
			does = &f.nfc
		default:
			return Fold{}, fmt.Errorf("%q folds nothing; there are trim, which drops white space around, lower, for small letters, and nfc, "+
				"for one form of what Unicode writes in several", name)
		}
		if *does {
			return Fold{}, errors.New(name + " is there twice")
		}
		*does = true
	}
	return f, nil
}

// Apply folds a value. What is folded already stays as it is.
//
// The normal form comes first, so that one character is one when the others look at it, and again at last: small letters may have
// a composed form where capitals have none, as J with a caron.
func (f Fold) Apply(s string) string {
	if f.nfc {
		s = norm.NFC.String(s)
	}
	if f.trim {
		s = strings.TrimSpace(s)
	}
	if f.lower {
		s = strings.ToLower(s)
	}
	if f.nfc {
		s = norm.NFC.String(s)
	}
	return s
}

// uniqueDomain separates these digests from all others, those of resources among them, and names the version of what goes into them.
// Whoever changes what [Fold] makes of a value counts it up: replicas that disagree would not see each other's leases.
const uniqueDomain = "proxy409 unique key 1"

// UniqueKey names what must be unique: space separates rules, fields and values are those that must be so together. Every field goes into
// the digest with its length before it, so no two lists are one.
func UniqueKey(space string, fields []string, values []string) etagcache.Key {
	b := make([]byte, 0, 256)
	text := func(s string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(uniqueDomain)
	text(space)
	for _, list := range [][]string{fields, values} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(list)))
		for _, s := range list {
			text(s)
		}
	}
	sum := sha256.Sum256(b)
	return etagcache.Key(sum[:16])
}
