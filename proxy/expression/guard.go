package expression

import (
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// guards puts the price before the calls that have one.
func guards(env *cel.Env) (cel.ProgramOption, error) {
	var guarded []*functions.Overload
	for name, price := range prices() {
		bindings, err := env.Functions()[name].Bindings()
		if err != nil {
			return nil, err
		}
		for _, b := range bindings {
			guarded = append(guarded, guard(b, price))
		}
	}
	//nolint:staticcheck // deprecated for declaring functions; nothing else puts something before a function that a library declares
	return cel.Functions(guarded...), nil
}

// guard makes one of the ways to call a function look at the price.
func guard(call *functions.Overload, price func([]ref.Val) uint64) *functions.Overload {
	guarded := *call
	paid := func(args []ref.Val, run func() ref.Val) ref.Val {
		if price(args) > MaxCost {
			return types.NewErrFromString(tooDear)
		}
		return fresh(run())
	}
	if run := call.Unary; run != nil {
		guarded.Unary = func(v ref.Val) ref.Val {
			return paid([]ref.Val{v}, func() ref.Val { return run(v) })
		}
	}
	if run := call.Binary; run != nil {
		guarded.Binary = func(v, w ref.Val) ref.Val {
			return paid([]ref.Val{v, w}, func() ref.Val { return run(v, w) })
		}
	}
	if run := call.Function; run != nil {
		guarded.Function = func(args ...ref.Val) ref.Val {
			return paid(args, func() ref.Val { return run(args...) })
		}
	}
	return &guarded
}

// Some errors of cel-go are shared by all evaluations in the process, and the first place where one of them occurs is written into it: a
// data race, and for everybody else a wrong place. So these two have a place from the start, which is none; [fresh] sees to the third.
var (
	_ = types.LabelErrNode(nowhere, types.NoSuchOverloadErr())
	_ = types.LabelErrNode(nowhere, types.Int(math.MaxInt64).ConvertToType(types.TimestampType))
)

// fresh makes an error that nobody else has.
func fresh(v ref.Val) ref.Val {
	if err, ok := v.(*types.Err); ok {
		return types.NewErrFromString(err.Error())
	}
	return v
}
