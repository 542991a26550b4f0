package main

import (
	"proxy409/config"
	"proxy409/proxy"
)

// idempotency is the zero value where no keys are looked at.
func idempotency(i config.Idempotency) proxy.Idempotency {
	if !i.Enabled {
		return proxy.Idempotency{}
	}
	return proxy.Idempotency{TTL: i.TTL, Required: i.Required}
}

// history is the zero value where none is kept.
func history(h *config.History) proxy.History {
	if h == nil {
		return proxy.History{}
	}
	return proxy.History{Keep: int64(h.Keep), For: h.For, Sets: h.Sets}
}
