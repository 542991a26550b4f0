package expression

import (
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// maxRegexp is how large a regular expression may become, in instructions. To match one takes at worst the product of that and the
// length of the text.
const maxRegexp = 1_000

// literals compiles the regular expressions that are written in an expression once, with it, and puts the price before their calls.
func literals() cel.ProgramOption {
	var both []*interpreter.RegexOptimization
	for _, overload := range []string{overloads.Matches, overloads.MatchesString} {
		both = append(both, &interpreter.RegexOptimization{Function: overloads.Matches, OverloadID: overload, RegexIndex: 1, Factory: literal})
	}
	return cel.OptimizeRegex(both...)
}

func literal(call interpreter.InterpretableCall, pattern string) (interpreter.InterpretableCall, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	size := instructions(types.String(pattern))
	return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), func(args ...ref.Val) ref.Val {
		text, ok := args[0].(types.String)
		switch {
		case !ok:
			return noSuchOverload()
		case matching(text, size) > MaxCost:
			return types.NewErrFromString(tooDear)
		}
		return types.Bool(compiled.MatchString(string(text)))
	}), nil
}

// matching is the price of matching a text, with a regular expression of so many instructions.
func matching(text ref.Val, size uint64) uint64 { return length(text) * size / 100 }

// instructions is how large a regular expression becomes.
func instructions(pattern ref.Val) uint64 {
	const tooMany = 100 * MaxCost
	text, _ := pattern.(types.String)
	if len(text) > MaxLength {
		return tooMany
	}
	size, err := types.RegexProgramSize(string(text))
	switch {
	case err != nil:
		return 0 // the call says what is wrong
	case size > maxRegexp:
		return tooMany
	}
	return uint64(size)
}
