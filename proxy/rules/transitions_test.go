package rules

import (
	"reflect"
	"strings"
	"testing"
)

// orders is the workflow of the README's orders.
func orders() map[string][]string {
	return map[string][]string{"pending": {"cancelled", "approved"}, "approved": {"shipped"}, "shipped": {}, "cancelled": nil}
}

func workflow(t *testing.T, moves map[string][]string, initial []string) *Transitions {
	t.Helper()
	w, err := NewTransitions(pointer(t, "/status"), moves, initial)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestOnlyListedStepsAreAllowed(t *testing.T) {
	w := workflow(t, orders(), []string{"pending"})
	for _, tc := range []struct {
		from, to       string
		allowed, known bool
		next           []string
	}{
		{"pending", "approved", true, true, []string{"cancelled", "approved"}},
		{"pending", "cancelled", true, true, []string{"cancelled", "approved"}},
		{"pending", "shipped", false, true, []string{"cancelled", "approved"}},
		{"approved", "pending", false, true, []string{"shipped"}},
		{"pending", "Approved", false, true, []string{"cancelled", "approved"}},
		{"pending", "", false, true, []string{"cancelled", "approved"}},
		{"pending", "lost", false, true, []string{"cancelled", "approved"}},
		{"shipped", "shipped", true, true, []string{}}, // staying
		{"cancelled", "cancelled", true, true, nil},
		{"cancelled", "pending", false, true, nil},
		{"lost", "pending", false, false, nil},
		{"lost", "lost", false, false, nil}, // not even that
		{"", "pending", false, false, nil},
		{"", "", false, false, nil},
	} {
		want := Step{tc.allowed, tc.from, tc.to, tc.next, tc.known}
		if got := w.Step(tc.from, tc.to); !reflect.DeepEqual(got, want) {
			t.Errorf("%q to %q: %+v; want %+v", tc.from, tc.to, got, want)
		}
	}
}

func TestAResourceBeginsInAnInitialState(t *testing.T) {
	for _, tc := range []struct {
		initial []string
		to      string
		allowed bool
		next    []string
	}{
		{[]string{"pending", "approved"}, "pending", true, []string{"pending", "approved"}},
		{[]string{"pending"}, "approved", false, []string{"pending"}},
		{[]string{"pending"}, "", false, []string{"pending"}},
		{nil, "shipped", true, []string{"approved", "cancelled", "pending", "shipped"}},
		{nil, "lost", false, []string{"approved", "cancelled", "pending", "shipped"}},
		{[]string{}, "pending", false, []string{}}, // none is ever created
	} {
		want := Step{Allowed: tc.allowed, To: tc.to, Next: tc.next}
		if got := workflow(t, orders(), tc.initial).Begin(tc.to); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %q: %+v; want %+v", tc.initial, tc.to, got, want)
		}
	}
}

func TestWhatBecomesOfTheConfigurationDoesNotChangeAWorkflow(t *testing.T) {
	moves, initial := orders(), []string{"pending"}
	w := workflow(t, moves, initial)
	moves["approved"][0], moves["lost"], initial[0] = "pending", nil, "shipped"
	w.Step("pending", "x").Next[0] = "shipped"
	w.Begin("x").Next[0] = "shipped"
	if w.Step("approved", "pending").Allowed || w.Step("lost", "lost").Known || w.Begin("shipped").Allowed || w.Step("pending", "shipped").Allowed {
		t.Error("it did")
	}
}

func TestAWorkflowThatNamesUnlistedStatesIsRefused(t *testing.T) {
	for _, tc := range []struct {
		field   string
		moves   map[string][]string
		initial []string
		want    string
	}{
		{"", orders(), nil, "such as /status"},
		{"/status", nil, nil, "has no state"},
		{"/status", map[string][]string{"": nil}, nil, "without a name"},
		{"/status", map[string][]string{"a": {"b"}}, nil, `moves.a has "b", which moves does not list; it lists a`},
		{"/status", map[string][]string{"a": {"b", "b"}, "b": nil}, nil, `moves.a has "b" twice`},
		{"/status", orders(), []string{"lost"}, `initial has "lost", which moves does not list; it lists approved, cancelled, pending, shipped`},
		{"/status", orders(), []string{"pending", "pending"}, `initial has "pending" twice`},
	} {
		w, err := NewTransitions(pointer(t, tc.field), tc.moves, tc.initial)
		if err == nil || !strings.Contains(err.Error(), tc.want) || w != nil {
			t.Errorf("%v, %v: %v; want %s", tc.moves, tc.initial, err, tc.want)
		}
	}
}
