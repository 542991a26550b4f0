package target

import (
	"crypto/sha256"
	"encoding/binary"

	"proxy409/etagcache"
)

// KeyDomain separates these digests from all others, and names the version of what goes into them. Whoever changes
// what a key is made of, or what [Canonical] makes of a path, counts it up: replicas that disagree on keys would not
// see each other's leases.
const KeyDomain = "proxy409 resource key 1"

// Key names the resource: upstream is the configured URL of the backend, host the literal host of the route's pattern
// or "", params the names and values of the parameters that the route counts as part of the resource, in the order in
// which it names them. A parameter of the query and one of the path that share a name need different names here.
//
// Every field goes into the digest with its length before it, so no two lists of fields are one string.
func Key(upstream, host string, path Path, params ...[2]string) etagcache.Key {
	b := make([]byte, 0, 256)
	field := func(s string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	field(KeyDomain)
	field(upstream)
	field(host)
	field(path.escaped)
	for _, p := range params {
		field(p[0])
		field(p[1])
	}
	sum := sha256.Sum256(b)
	return etagcache.Key(sum[:16])
}
