package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Transitions are the states of a workflow and the steps between them.
type Transitions struct {
	Field Pointer // to the state, in the request's body and in the resource

	moves   map[string][]string
	initial []string // never nil
}

// NewTransitions takes from each state those that may follow it, and the ones in which a resource may be created; nil: any of them. Every
// state that is named is a key of moves. The errors are for who wrote the configuration.
func NewTransitions(field Pointer, moves map[string][]string, initial []string) (*Transitions, error) {
	switch {
	case len(field.tokens) == 0:
		return nil, errors.New("the field of transitions is a member of the resource, such as /status")
	case len(moves) == 0:
		return nil, errors.New("moves has no state; it lists each one with those that may follow it, as pending: [approved], approved: []")
	}
	t := &Transitions{Field: field, moves: make(map[string][]string, len(moves)), initial: slices.Clone(initial)}
	if initial == nil {
		t.initial = slices.Sorted(maps.Keys(moves))
	}
	for _, from := range slices.Sorted(maps.Keys(moves)) {
		if from == "" {
			return nil, errors.New("moves has a state without a name")
		}
		if err := checkStates("moves."+from, moves[from], moves); err != nil {
			return nil, err
		}
		t.moves[from] = slices.Clone(moves[from])
	}
	if err := checkStates("initial", t.initial, moves); err != nil {
		return nil, err
	}
	return t, nil
}

func checkStates(where string, states []string, moves map[string][]string) error {
	for i, state := range states {
		if _, listed := moves[state]; !listed {
			return fmt.Errorf("%s has %q, which moves does not list; it lists %s", where, state, strings.Join(slices.Sorted(maps.Keys(moves)), ", "))
		}
		if slices.Contains(states[:i], state) {
			return fmt.Errorf("%s has %q twice", where, state)
		}
	}
	return nil
}

// Step is what the workflow says of a step.
type Step struct {
	Allowed  bool
	From, To string
	Next     []string // the states that are allowed from there, in the order of the configuration
	Known    bool     // From is a state that the configuration lists
}

// Begin is the step to the state in which a resource is created. It comes from none, so it is not Known.
func (t *Transitions) Begin(to string) Step {
	return Step{Allowed: slices.Contains(t.initial, to), To: to, Next: slices.Clone(t.initial)}
}

// Step is the step from the present state to another. Staying is allowed; from a state that is not listed nothing is, not even that.
func (t *Transitions) Step(from, to string) Step {
	next, known := t.moves[from]
	return Step{Allowed: known && (from == to || slices.Contains(next, to)), From: from, To: to, Next: slices.Clone(next), Known: known}
}
