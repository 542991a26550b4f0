package main

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// act is an operation as the second judge sees it.
type act struct {
	read     bool
	refuted  bool    // a write that was told: what it was made from is not the present version
	base, id version // a write
}

// register is the specification: a resource is one register with compare-and-swap. Its states are versions.
func register(start version) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return start },
		Step: func(state, input, output any) (bool, any) {
			present, a := state.(version), input.(act)
			switch {
			case a.read:
				return output.(version) == present, present
			case a.refuted:
				return a.base != present, present
			default:
				return a.base == present, a.id
			}
		},
		DescribeOperation: func(input, output any) string {
			switch a := input.(act); {
			case a.read:
				return fmt.Sprintf("read %d", output)
			case a.refuted:
				return fmt.Sprintf("stale: not %d", a.base)
			default:
				return fmt.Sprintf("%d -> %d", a.base, a.id)
			}
		},
		DescribeState: func(state any) string { return fmt.Sprint(state) },
	}
}

// operations makes one resource's history one for the register. A write that was refused did not happen. One whose outcome is
// open may take effect at any time from its call on: it has no end. But writes have unique numbers, so two things are
// known of it, and the search would be endless if it had to find them anew: if its number was never seen, it can be left
// out (as the very last operation it has no effect on any answer); if it was, it took effect before the first who saw it
// had the answer.
//
// strict adds the refusals as stale of tags that were vouched for: they say that at some instant the base was not present.
// Where writes are in doubt a guard may say so of a version that turns out to be there still, so it holds in calm only.
func operations(ops []op, strict bool) []porcupine.Operation {
	seen := make(map[version]time.Duration)
	see := func(v version, at time.Duration) {
		if first, ok := seen[v]; !ok || at < first {
			seen[v] = at
		}
	}
	for _, o := range ops {
		switch {
		case o.read:
			see(o.shown, o.end)
		case o.outcome == done:
			see(o.base, o.end)
		}
	}
	var list []porcupine.Operation
	for _, o := range ops {
		p := porcupine.Operation{ClientId: o.client, Call: int64(o.call), Return: int64(o.end)}
		switch {
		case o.read:
			p.Input, p.Output = act{read: true}, o.shown
		case o.outcome == done:
			p.Input = act{base: o.base, id: o.id}
		case o.outcome == open:
			first, ok := seen[o.id]
			if !ok {
				continue
			}
			p.Input, p.Return = act{base: o.base, id: o.id}, max(int64(first), p.Call)
		case strict && o.reason == "stale" && o.bare:
			p.Input = act{refuted: true, base: o.base}
		default:
			continue
		}
		list = append(list, p)
	}
	return list
}

// finding is what the second judge says of one resource in one stretch of time.
type finding struct {
	resource int
	result   porcupine.CheckResult
	ops      int
	info     porcupine.LinearizationInfo // of a violation, for its picture
	model    porcupine.Model
}

const judgingTime = 60 * time.Second

// linearize judges the history of each resource by itself. start is what each resource was at when the history began;
// nothing was under way then.
func linearize(ops []op, start []version, strict bool) []finding {
	of := make([][]op, len(start))
	for _, o := range ops {
		of[o.resource] = append(of[o.resource], o)
	}
	findings := make([]finding, len(start))
	for i := range start {
		list := operations(of[i], strict)
		f := finding{resource: i, ops: len(list), model: register(start[i])}
		f.result = porcupine.CheckOperationsTimeout(f.model, list, judgingTime)
		if f.result == porcupine.Illegal {
			_, f.info = porcupine.CheckOperationsVerbose(f.model, list, judgingTime)
		}
		findings[i] = f
	}
	return findings
}
