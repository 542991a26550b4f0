package config

import "time"

// Replay is what becomes of a write that its own client repeats word for word, because it got no answer.
type Replay string

// The ways with repeated writes.
const (
	ReplayOn  Replay = "on"  // it gets the answer that the first one got, as long as that is the resource's latest write
	ReplayOff Replay = "off" // it is judged anew, and then is stale
)

// Idempotency is what is done with the field Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) on the methods that are judged.
type Idempotency struct {
	// Enabled looks at the keys: a request whose key came before, with the same request, gets the answer of that one and is not carried
	// out again. Default true where the route or `defaults` has the key idempotency, and else false.
	Enabled bool
	// Required refuses a request without a key. Default false.
	Required bool
	// TTL is how long a key and its answer are remembered, 1m to 720h, and at least Timeouts.Write and Timeouts.Settle together.
	// Default 24h.
	TTL time.Duration
}

var defaultIdempotency = Idempotency{TTL: day}

// decode takes a mapping for a wish to have what it is about, unless it says otherwise.
func (i *Idempotency) decode(d *decoder, v value) {
	i.Enabled = true
	d.mapping(v, keys{
		"enabled":  one(&i.Enabled, boolean),
		"required": one(&i.Required, boolean),
		"ttl":      one(&i.TTL, duration(time.Minute, 30*day)),
	})
}

func (d *decoder) checkIdempotency(path string, r Route) {
	i, at, write, settle := r.Idempotency, path+".idempotency", path+".timeouts.write", path+".timeouts.settle"
	shortest := r.Timeouts.Write + r.Timeouts.Settle
	d.contradiction(i.Enabled && i.TTL < shortest, []string{at + ".ttl", write, settle},
		"idempotency.ttl (%s) must be at least timeouts.write and timeouts.settle together (%s), or a key could be forgotten while its "+
			"request is under way", short(i.TTL), short(shortest))
	d.contradiction(!i.Enabled && i.Required && d.has(at+".required"), []string{at + ".required", at + ".enabled"},
		"keys are required and not looked at: enabled is false here")
}
