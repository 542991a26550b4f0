package expression

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// tooDear is said of an evaluation that costs more than MaxCost.
const tooDear = "costs too much"

// charges are what calls cost of which CEL itself would say that they cost 1.
func charges() []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.CostLimit(MaxCost),
		cel.CostTracking(dispatched{}),
		cel.CostTrackerOptions(cost.OverloadTracker(overloads.ExtFormatString, func(args []ref.Val, result ref.Val) *uint64 {
			return charge("", args, result)
		})),
	}
}

// dispatched charges calls of which it only shows when they run which of several functions of one name they mean, as is usual within a
// body: there, + may be an addition, or the making of a text of a megabyte.
type dispatched struct{}

// CallCost is what a call has cost; nil: CEL knows.
func (dispatched) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	switch function {
	case operators.Equals, operators.NotEquals:
		price := 1 + min(weight(args[0]), weight(args[1]))
		return &price
	case operators.In:
		if price := 1 + weight(args[1]); isContainer(args[0]) {
			return &price
		}
	}
	if overload != "" {
		return nil
	}
	return charge(function, args, result)
}

// charge is one for each ten characters that go in or come out, and for each element of a list that is gone through.
func charge(function string, args []ref.Val, result ref.Val) *uint64 {
	through := function != operators.Add && function != overloads.Size
	price := 1 + length(result)/10
	for _, arg := range args {
		price += length(arg) / 10
		if list, ok := arg.(traits.Lister); ok && through {
			size, _ := list.Size().(types.Int)
			price += uint64(size)
		}
	}
	return &price
}

// prices are what calls cost whose work is the product of the sizes of their arguments, in CEL's units. CEL charges a call when it has
// been made, and looks at the context between the elements of a comprehension. Neither helps against a single call on two lists of
// 100,000 elements, which takes minutes, or on a text each letter of which is replaced by a long one, which takes all the memory there
// is. What these cost is looked at beforehand. The arguments begin with what a method is called on.
func prices() map[string]func(args []ref.Val) uint64 {
	elements := func(args []ref.Val) uint64 { return nodes(args[0]) * nodes(args[len(args)-1]) }
	letters := func(args []ref.Val) uint64 { return length(args[0]) * length(args[1]) / 100 }
	return map[string]func(args []ref.Val) uint64{
		"distinct":        elements,
		"sets.contains":   elements,
		"sets.equivalent": elements,
		"sets.intersects": elements,
		"indexOf":         letters,
		"lastIndexOf":     letters,
		overloads.Matches: func(args []ref.Val) uint64 { return matching(args[0], instructions(args[1])) },
		"replace":         func(args []ref.Val) uint64 { return occurrences(args[0], args[1]) * length(args[2]) / 10 },
		"join":            func(args []ref.Val) uint64 { return nodes(args[0]) * length(args[len(args)-1]) / 10 },
		"math.abs":        func([]ref.Val) uint64 { return 1 }, // is here for its error, see fresh
	}
}

// weight is what it costs to hold a value against another one, whatever is within. CEL itself counts the outermost elements alone.
func weight(v ref.Val) uint64 {
	if isContainer(v) {
		return nodes(v)
	}
	return length(v) / 10
}

func isContainer(v ref.Val) bool {
	switch v.(type) {
	case traits.Lister, traits.Mapper:
		return true
	}
	return false
}

// length is that of a text, in bytes; what is no text has none.
func length(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v))
	case types.Bytes:
		return uint64(len(v))
	}
	return 0
}

// occurrences is how often one text is found in another.
func occurrences(in, of ref.Val) uint64 {
	text, _ := in.(types.String)
	sought, _ := of.(types.String)
	return uint64(strings.Count(string(text), string(sought)))
}

// nodes is how many values there are in a value, itself included. It stops counting where they are too many.
func nodes(v ref.Val) uint64 { return count(v, 0) }

func count(v ref.Val, n uint64) uint64 {
	n++
	switch v := v.(type) {
	case traits.Lister:
		for it := v.Iterator(); n <= MaxCost && it.HasNext() == types.True; {
			n = count(it.Next(), n)
		}
	case traits.Mapper:
		for it := v.Iterator(); n <= MaxCost && it.HasNext() == types.True; {
			n = count(v.Get(it.Next()), n)
		}
	}
	return n
}
