package expression

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

const (
	// MaxLength is how long an expression may be, in bytes.
	MaxLength = 4 << 10
	// MaxCost is what one evaluation may cost, in CEL's units: about one for each step, each element of a list that is gone through, and
	// each ten characters. To look at one field of each item of a list costs about ten an item.
	MaxCost = 1_000_000
	// maxNodes is how large an expression may become when its macros have been expanded; one of them copies what it is called on.
	maxNodes = 10_000
	// maxRange is how long a list lists.range makes.
	maxRange = 10_000
)

// Condition is an expression that holds or does not. It is safe for concurrent use.
type Condition struct{ program *program }

// Message is an expression that makes a text for people. It is safe for concurrent use.
type Message struct{ program *program }

// CompileCondition compiles a condition. The asks are the names under ask, each of which is a variable. What is wrong with the
// expression is an [*Error].
func CompileCondition(text string, asks []string) (*Condition, error) {
	p, err := compile(text, asks, types.BoolType, "a condition")
	if err != nil {
		return nil, err
	}
	return &Condition{p}, nil
}

// CompileMessage compiles a message. The asks are the names under ask, each of which is a variable. What is wrong with the expression
// is an [*Error].
func CompileMessage(text string, asks []string) (*Message, error) {
	p, err := compile(text, asks, types.StringType, "a message")
	if err != nil {
		return nil, err
	}
	return &Message{p}, nil
}

// Reads is what the expression may read.
func (c *Condition) Reads() Reads { return c.program.reads }

// Reads is what the expression may read.
func (m *Message) Reads() Reads { return m.program.reads }

// program is a compiled expression of whatever type.
type program struct {
	run   cel.Program
	ast   *cel.Ast
	text  string
	reads Reads
}

// compile compiles an expression that must be of a type, or of one that only shows when it runs.
func compile(text string, asks []string, want *types.Type, what string) (p *program, err error) {
	whole := func(message string) error { return newError(common.NoLocation, text, message) }
	defer func() {
		if recover() != nil {
			p, err = nil, whole("cannot be compiled: the compiler panicked")
		}
	}()
	switch {
	case strings.TrimSpace(text) == "":
		return nil, whole("empty expression")
	case len(text) > MaxLength:
		return nil, newError(common.NoLocation, text[:80]+"…", fmt.Sprintf("longer than %d bytes", MaxLength))
	}
	env, err := newEnv(asks)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, firstOf(issues, text)
	}
	if got := ast.OutputType(); !got.IsExactType(want) && !got.IsExactType(types.DynType) {
		return nil, whole(what + " must be " + want.String() + ", not " + got.String())
	}
	guarded, err := guards(env)
	if err != nil {
		return nil, err
	}
	run, err := env.Program(ast, append(charges(), guarded, literals(), cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(1))...)
	if err != nil {
		return nil, whole(err.Error())
	}
	return &program{run: run, ast: ast, text: text, reads: readsOf(ast, asks)}, nil
}

// newEnv is the language: CEL, the libraries that the package's documentation names, and the variables. The versions are pinned, for
// what an expression means must not change with a dependency.
func newEnv(asks []string) (*cel.Env, error) {
	v, err := newValues()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(v),
		cel.CustomTypeProvider(v),
		cel.Variable(requestName, v.request.typ),
		cel.Variable(currentName, v.current.typ),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EnableErrorOnBadPresenceTest(true),
		cel.OptionalTypes(cel.OptionalTypesVersion(2)),
		ext.Strings(ext.StringsVersion(5)),
		ext.Lists(ext.ListsVersion(4), ext.ListsMaxRangeSize(maxRange)),
		ext.Sets(),
		ext.Math(ext.MathVersion(2)),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateRegexProgramSizeLimit(maxRegexp)),
		cel.ParserExpressionSizeLimit(MaxLength),
		cel.ExpressionNodeLimit(maxNodes),
	}
	for _, name := range asks {
		if err := ValidName(name); err != nil {
			return nil, err
		}
		options = append(options, cel.Variable(name, v.answer.typ))
	}
	return cel.NewEnv(options...)
}

// Holds reports whether the condition holds. An error says nothing either way: the condition could not be judged.
func (c *Condition) Holds(ctx context.Context, in *Input) (bool, error) {
	result, err := c.program.eval(ctx, in)
	if err != nil {
		return false, err
	}
	holds, ok := result.(types.Bool)
	if !ok {
		return false, c.program.unfit(result, "bool")
	}
	return bool(holds), nil
}

// Text makes the message. It is fit to be shown: one that is blank, has control characters in it (which a request may have put there),
// or is longer than MaxLength, is an error.
func (m *Message) Text(ctx context.Context, in *Input) (string, error) {
	result, err := m.program.eval(ctx, in)
	if err != nil {
		return "", err
	}
	text, ok := result.(types.String)
	if !ok {
		return "", m.program.unfit(result, "string")
	}
	switch {
	case strings.TrimSpace(string(text)) == "":
		return "", m.program.errorAt(nowhere, "the message is blank")
	case strings.ContainsFunc(string(text), unicode.IsControl):
		return "", m.program.errorAt(nowhere, "the message has control characters in it")
	case len(text) > MaxLength:
		return "", m.program.errorAt(nowhere, fmt.Sprintf("the message is longer than %d bytes", MaxLength))
	}
	return string(text), nil
}

// eval evaluates the expression. A panic is one more way in which that fails.
func (p *program) eval(ctx context.Context, in *Input) (result ref.Val, err error) {
	defer func() {
		if recover() != nil {
			result, err = nil, p.errorAt(nowhere, panicked)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, p.interrupted(err)
	}
	result, _, err = p.run.ContextEval(ctx, variables{in})
	if err != nil {
		return nil, p.failure(ctx, err)
	}
	return result, nil
}
