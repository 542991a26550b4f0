package main

import (
	"fmt"
	"strings"

	"proxy409/config"
)

// repeatRules are the rules of a route about writes that are repeated, and about stale ones.
func repeatRules(r, d config.Route) []rule {
	return []rule{
		{"replay", r.Replay, d.Replay, "a write that its own client repeats word for word is judged anew"},
		{"idempotency", idempotencyRule(r.Idempotency), "", "a request whose Idempotency-Key came before gets the answer of that one"},
		{"history", historyRule(r.History), "", "so much is kept of earlier versions, and a stale write is told what others changed"},
		{"on_stale", r.OnStale, d.OnStale, "a stale write is applied on top of what others changed, where they do not overlap"},
	}
}

func idempotencyRule(i config.Idempotency) string {
	switch {
	case !i.Enabled:
		return ""
	case i.Required:
		return fmt.Sprintf("keys are required, and remembered for %v", i.TTL)
	}
	return fmt.Sprintf("keys are remembered for %v", i.TTL)
}

func historyRule(h *config.History) string {
	if h == nil {
		return ""
	}
	text := fmt.Sprintf("%v for %v", h.Keep, h.For)
	if len(h.Sets) > 0 {
		text += ", sets at " + strings.Join(h.Sets, ", ")
	}
	return text
}
