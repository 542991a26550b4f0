package expression

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Error is what is wrong with an expression, found when it is compiled or when it runs. Line and Column count from 1. Nothing of it
// comes from the data: it may go to a log.
type Error struct {
	Line, Column        int
	Expression, Message string

	cause error // that of the context, where it has ended
}

// Error says it in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("%d:%d: %s in %q", e.Line, e.Column, e.Message, e.Expression)
}

// Unwrap is the error of the context, where that was what ended the evaluation.
func (e *Error) Unwrap() error { return e.cause }

// firstOf is the first thing that is wrong with an expression. Those after it often follow from it.
func firstOf(issues *cel.Issues, text string) error {
	first := issues.Errors()[0]
	message := strings.ReplaceAll(first.Message, " (in container '')", "")
	return newError(first.Location, text, strings.Join(strings.Fields(message), " "))
}

// newError places a message. CEL counts columns from 0, and knows no place for some errors.
func newError(at common.Location, text, message string) *Error {
	return &Error{Line: max(at.Line(), 1), Column: max(at.Column(), 0) + 1, Expression: text, Message: message}
}

// nowhere is the node of an error that has no place in the expression.
const nowhere = -1

// phrases are what is said of evaluations that fail, by how CEL says it. CEL goes on to say at which key or value, which may be data:
// what is not in this list does not get out.
func phrases() [][2]string {
	const (
		overload = "no such overload: an operand is of the wrong type"
		bounds   = "index out of bounds"
	)
	return [][2]string{
		{"no such key", "no such key"},
		{"no such attribute", "no such variable"},
		{"no such overload", overload},
		{"found no matching overload", overload},
		{"index out of", bounds},
		{"cannot slice", bounds},
		{"unsupported index type", "unsupported index type"},
		{"invalid qualifier type", "unsupported index type"},
		{"got '", "neither a list nor a map"},
		{"division by zero", "division by zero"},
		{"modulus by zero", "modulus by zero"},
		{"integer overflow", "integer overflow"},
		{"unsigned integer overflow", "integer overflow"},
		{"timestamp overflow", "timestamp overflow"},
		{"range error", "range error"},
		{"type conversion error", "type conversion error"},
		{"invalid RFC 3339 timestamp", "malformed timestamp"},
		{"list elements must be comparable", "list elements must be comparable"},
		{"list elements must have the same type", "list elements must have the same type"},
		{"lists.range", "lists.range of more than 10000, or of less than 0"},
		{"error during formatting", "format failed"},
		{"unrecognized formatting clause", "format failed"},
		{"could not parse formatting clause", "format failed"},
		{"join: invalid input", "join of what is no text"},
		{"error parsing regexp", "malformed regular expression"},
		{"optional.none() dereference", "optional without a value"},
		{"internal error", panicked},
		{"operation cancelled: actual cost limit exceeded", tooDear},
		{tooDear, tooDear},
	}
}

const (
	failed   = "evaluation failed" // in a way that has no phrase
	panicked = "evaluation panicked"
)

// failure says why an evaluation failed, and where.
func (p *program) failure(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && errors.Is(err, interpreter.InterruptError{}) {
		return p.interrupted(cause)
	}
	at := int64(nowhere)
	if e := (*types.Err)(nil); errors.As(err, &e) {
		at = e.NodeID()
	}
	text := err.Error()
	for _, phrase := range phrases() {
		if strings.HasPrefix(text, phrase[0]) {
			return p.errorAt(at, phrase[1])
		}
	}
	return p.errorAt(at, failed)
}

// interrupted says that the context ended first.
func (p *program) interrupted(cause error) error {
	e := p.errorAt(nowhere, "interrupted: "+cause.Error())
	e.cause = cause
	return e
}

// unfit says that the result is of another type than it must be.
func (p *program) unfit(result ref.Val, want string) error {
	return p.errorAt(nowhere, "the result must be "+want+", not "+result.Type().TypeName())
}

// errorAt places a message at a node of the expression, or at its beginning.
func (p *program) errorAt(node int64, message string) *Error {
	info := p.ast.NativeRep().SourceInfo()
	if _, known := info.GetOffsetRange(node); !known {
		return newError(common.NoLocation, p.text, message)
	}
	return newError(info.GetStartLocation(node), p.text, message)
}
