package expression_test

import (
	"strings"
	"sync"
	"testing"

	"proxy409/proxy/expression"
)

func TestAProgramMayRunManyTimesAtOnce(t *testing.T) {
	in := anOrder(t)
	conditions := map[*expression.Condition]string{
		condition(t, "request.body.items.all(i, i.qty > 0) && size(orders.body) == 0"):    "",
		condition(t, "request.body.tags.distinct() == ['b', 'a']"):                        "",
		condition(t, "[1, 2, 3] == [1, 2, 3] && request.body.numbers[0] in [1, 2, 3]"):    "",
		condition(t, "request.body.version.matches('8')"):                                 "1:29: no such overload",
		condition(t, "true && request.body.paid.matches('8')"):                            "1:34: no such overload",
		condition(t, "  request.body.gone.matches('8')"):                                  "1:15: no such key",
		condition(t, "dyn(request.body.version).orValue(1) == 1"):                         "1:1: no such overload",
		condition(t, "true && request.body.paid.or(optional.none()).hasValue()"):          "1:1: no such overload",
		condition(t, "math.abs(request.body.least) == 0"):                                 "1:9: integer overflow",
		condition(t, "!current.exists || math.abs(request.body.least) == 0"):              "1:28: integer overflow",
		condition(t, "timestamp(request.body.most) == timestamp('2026-01-01T00:00:00Z')"): "1:1: timestamp overflow",
	}
	var wg sync.WaitGroup
	for c, want := range conditions {
		for range 4 {
			wg.Go(func() {
				for range 50 {
					holds, err := c.Holds(t.Context(), in)
					if want == "" && (err != nil || !holds) || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
						t.Errorf("%t, %v, want %q", holds, err, want)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestExpressionsMayBeCompiledAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				condition(t, "request.body.items.all(i, i.qty > 0)")
				if _, err := expression.CompileMessage("current.bdy", nil); err == nil {
					t.Error("no error")
				}
			}
		})
	}
	wg.Wait()
}
