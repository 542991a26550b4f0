package expression_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"proxy409/proxy/expression"
)

// hostile is what somebody may send who wants the proxy to work: as much as fits into a body of a few megabytes.
func hostile(t testing.TB) *expression.Input {
	t.Helper()
	const many = 200_000
	list := make([]string, many)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	nested := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	return &expression.Input{Request: expression.Request{Body: decode(t, `{
		"list": [`+strings.Join(list, ",")+`], "deep": `+nested+`,
		"text": "`+strings.Repeat("a", 1<<20)+`", "sought": "`+strings.Repeat("a", 1<<19)+`b", "pattern": "(a|aa|aaa){300}b", "n": 1000000000}`)}}
}

func TestAHostileBodyMakesACheapConditionFailAndNothingElse(t *testing.T) {
	in := hostile(t)
	for _, text := range []string{
		// Comprehensions within comprehensions.
		"request.body.list.all(a, request.body.list.exists(b, b == a + 1))",
		"request.body.list.map(a, request.body.list.map(b, b)).size() == 0",
		"request.body.list.all(a, a in request.body.list)",
		"request.body.list.all(a, [request.body.list] == [request.body.list])",
		"request.body.list.all(a, [request.body.list] in [[request.body.list]])",
		"request.body.list.exists(a, request.body.text.contains(request.body.sought))",
		"request.body.list.all(a, request.body.text < request.body.sought)",
		"request.body.list.all(a, request.body.list.reverse()[0] != a)",
		"request.body.list.map(a, request.body.list).flatten() == []",
		// Memory.
		"request.body.list.map(a, request.body.text + request.body.text).size() == 0",
		"request.body.list.map(a, bytes(request.body.text)).size() == 0",
		"request.body.list.map(a, '%s'.format([request.body.text])).size() == 0",
		"request.body.list.map(a, '%s'.format([request.body.list])).size() == 0",
		"request.body.text.replace('a', request.body.sought) == ''",
		"request.body.text.replace('a', request.body.sought, 1000000) == ''",
		"request.body.list.map(a, '').join(request.body.text) == ''",
		// Single calls, which nothing interrupts.
		"request.body.list.distinct().size() == 0",
		"request.body.list.map(a, {'a': a}).distinct().size() == 0",
		"sets.contains(request.body.list, request.body.list)",
		"sets.equivalent(request.body.list, request.body.list)",
		"sets.intersects(request.body.list, request.body.list.map(a, -1))",
		"request.body.text.indexOf(request.body.sought) == 0",
		"request.body.text.lastIndexOf(request.body.sought) == 0",
		"request.body.text.indexOf(request.body.sought, 1) == 0",
		"request.body.text.matches(request.body.sought)",
		"request.body.text.matches(request.body.pattern)",
		"matches(request.body.text, request.body.pattern)",
		"request.body.text.matches('a{1,400}b')",
		"matches(request.body.text, 'a{1,400}b')",
		"request.body.text.split('').distinct().size() == 0",
	} {
		t.Run(text, func(t *testing.T) {
			c := condition(t, text)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := c.Holds(t.Context(), in)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "costs too much") {
				t.Errorf("%v", err)
			}
			if took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 500 {
				t.Errorf("it took %d MiB", allocated)
			}
		})
	}
}

func TestALargeBodyIsNoReasonToFail(t *testing.T) {
	in := hostile(t)
	for _, text := range []string{
		"size(request.body.list) == 200000",
		"request.body.list[199999] == 199999",
		"199999 in request.body.list && !('a' in request.body.list)",
		"request.body.list == request.body.list",
		"request.body == request.body",
		"request.body.deep == request.body.deep",
		"size(request.body.list + request.body.list) == 400000",
		"request.body.text.matches('^(a*)*$')",
		"request.body.text.contains('aaa') && request.body.text.indexOf('aaa') == 0",
		"sets.contains(request.body.list, [1, 2])",
		"lists.range(100).distinct().size() == 100",
	} {
		if holds, err := condition(t, text).Holds(t.Context(), in); err != nil || !holds {
			t.Errorf("%s: %t, %v", text, holds, err)
		}
	}
}

func TestTheEndOfTheContextInterrupts(t *testing.T) {
	in := hostile(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := condition(t, "request.body.list.all(a, request.body == request.body)").Holds(ctx, in)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "interrupted: context deadline exceeded") {
		t.Error(err)
	}
}

func TestTheCauseForWhichAContextEndedStaysOutOfTheError(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New(secret))
	_, err := condition(t, "[1].all(a, true)").Holds(ctx, &expression.Input{})
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), secret) {
		t.Error(err)
	}
}

func TestAListThatIsMadeIsBounded(t *testing.T) {
	in := hostile(t)
	if _, err := condition(t, "lists.range(request.body.n).size() == 0").Holds(t.Context(), in); err == nil {
		t.Error("a list of a billion was made")
	}
}
