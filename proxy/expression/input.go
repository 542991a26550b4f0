package expression

import "cel.dev/cel-go/interpreter"

// Input is what an expression is evaluated over. It is only read, and so may be shared by evaluations that run at the same time.
//
// A Body is what encoding/json makes of a document, best with UseNumber: nil, bool, json.Number, float64, string, []any and
// map[string]any. Nil is a body that is null, or that is not there. Headers have their names in lower case; where a header has
// several lines, its value is those, joined by ", ".
type Input struct {
	Request Request
	Current Current
	// Asked are the answers by the names under which they were asked for. One that is missing fails the expression that reads it.
	Asked map[string]Answer
}

// Request is the write that is judged.
type Request struct {
	Method, Path string
	Params       map[string]string   // what the wildcards of the route's match stand for
	Query        map[string][]string // a parameter may come more than once
	Headers      map[string]string
	Body         any
}

// Current is the resource as the backend shows it now.
type Current struct {
	Exists  bool
	Status  int // of the answer that showed it
	Headers map[string]string
	Body    any
	ETag    string // as the header has it, with its quotes; "": there is none
}

// Answer is what the backend said to one question under ask.
type Answer struct {
	Status  int
	Headers map[string]string
	Body    any
}

// The variables that there always are.
const (
	requestName = "request"
	currentName = "current"
)

// variables lets an expression find its variables in an input.
type variables struct{ in *Input }

// ResolveName finds a variable.
func (v variables) ResolveName(name string) (any, bool) {
	switch name {
	case requestName:
		return &v.in.Request, true
	case currentName:
		return &v.in.Current, true
	}
	answer, ok := v.in.Asked[name]
	return &answer, ok
}

// Parent is where else to look: nowhere.
func (variables) Parent() interpreter.Activation { return nil }
