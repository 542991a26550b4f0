package expression_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"proxy409/proxy/expression"
)

func TestWhateverFailsIsAnErrorAndNotFalse(t *testing.T) {
	in := anOrder(t)
	for text, want := range map[string]string{
		"current.body.gone == 1":                                                "1:13: no such key",
		"!(current.body.gone == 1)":                                             "1:15: no such key",
		"current.exists &&\n  current.body.gone == 1":                           "2:15: no such key",
		"request.query.gone == []":                                              "1:14: no such key",
		"dyn(request).gone == 1":                                                "1:13: no such key",
		"request.body.note.gone == 1":                                           "1:18: no such key",
		"!has(request.body.note.gone)":                                          "1:5: no such key",
		"!has(request.body.customer.gone)":                                      "1:5: no such key",
		"!has(request.body.items.gone)":                                         "1:5: unsupported index type",
		"request.body.note.?gone.hasValue()":                                    "1:18: no such key",
		"request.body.items[2].qty == 1":                                        "1:22: index out of bounds",
		"request.body.items['a'] == 1":                                          "1:19: unsupported index type",
		"request.body.customer.charAt(9) == ''":                                 "1:29: index out of bounds",
		"request.body.tags.slice(0, 9) == []":                                   "1:24: index out of bounds",
		"request.body.customer + 1 == 2":                                        "1:23: no such overload: an operand is of the wrong type",
		"request.body.version + 1.0 == 9.0":                                     "1:22: no such overload: an operand is of the wrong type",
		"request.body.customer < 3":                                             "1:23: no such overload: an operand is of the wrong type",
		"!request.body.customer":                                                "1:1: no such overload: an operand is of the wrong type",
		"request.body.version.matches('8')":                                     "1:29: no such overload: an operand is of the wrong type",
		"size(request.body.version) == 1":                                       "1:5: no such overload: an operand is of the wrong type",
		"request.body.version.contains('8')":                                    "1:30: no such overload: an operand is of the wrong type",
		"request.body.version / 0 == 1":                                         "1:22: division by zero",
		"request.body.version % 0 == 1":                                         "1:22: modulus by zero",
		"request.body.most + 1 == 0":                                            "1:19: integer overflow",
		"math.abs(request.body.least) == 0":                                     "1:9: integer overflow",
		"int(request.body.more) == 0":                                           "1:4: integer overflow",
		"int(request.body.customer) == 0":                                       "1:4: type conversion error",
		"timestamp(request.body.customer) == timestamp('2026-01-01T00:00:00Z')": "1:10: malformed timestamp",
		"request.body.customer.all(c, c == '')":                                 "1:1: neither a list nor a map",
		"request.body.customer.matches('(' + request.body.customer)":            "1:30: malformed regular expression",
		"request.body.items.map(i, i.qty).sort() == []":                         "1:38: list elements must have the same type",
		"request.body.items.sort() == []":                                       "1:24: list elements must be comparable",
		"optional.none().value() == 1":                                          "1:22: optional without a value",
		"lists.range(request.body.most) == []":                                  "1:12: lists.range of more than 10000, or of less than 0",
		"'%d'.format([request.body.customer]) == ''":                            "1:12: format failed",
		"request.body.note":                                                     "1:1: the result must be bool, not null_type",
		"request.body.customer":                                                 "1:1: the result must be bool, not string",
		"request.body.items":                                                    "1:1: the result must be bool, not list",
		"request.body":                                                          "1:1: the result must be bool, not map",
		"dyn(request)":                                                          "1:1: the result must be bool, not a request",
		"request.body.version == 8 ? request.body.version : true":               "1:1: the result must be bool, not int",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := condition(t, text).Holds(t.Context(), in)
			if e := (*expression.Error)(nil); !errors.As(err, &e) || e.Expression != text {
				t.Fatalf("%#v", err)
			}
			if got, _, _ := strings.Cut(err.Error(), ` in "`); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestAnAnswerThatWasNotAskedForIsAnError(t *testing.T) {
	_, err := condition(t, "orders.status != 200").Holds(t.Context(), &expression.Input{})
	if err == nil || !strings.Contains(err.Error(), "no such variable") {
		t.Error(err)
	}
}

// secret is what must not get into a log.
const secret = "hunter2"

func TestErrorsHoldNothingOfTheData(t *testing.T) {
	body := decode(t, `{"key": "hunter2", "n": 4711471147114711, "hunter2": "hunter2 (", "list": ["hunter2", 4711471147114711], "o": {"hunter2": 1}}`)
	headers := map[string]string{"authorization": secret}
	in := &expression.Input{
		Request: expression.Request{Method: secret, Path: secret, Headers: headers, Params: headers, Query: map[string][]string{"k": {secret}}, Body: body},
		Current: expression.Current{ETag: secret, Headers: headers, Body: body},
		Asked:   map[string]expression.Answer{"orders": {Headers: headers, Body: body}, "invoices": {}},
	}
	places := []string{
		"request.body.key", "request.body.n", "request.body.o", "request.body.list", "request.body.list[1]", "request.body", "current.body.key",
		"orders.body.key", "request.headers['authorization']", "request.path", "request.query.k", "request.query", "current.etag",
	}
	shapes := []string{
		"{'a': 1}[X] == 1", "dyn(request.body)[dyn(X)] == 1", "[1][dyn(X)] == 1", "request.body.list[dyn(X)] == 1", "int(dyn(X)) == 1", "uint(dyn(X)) == 1u",
		"double(dyn(X)) == 1.0", "bool(dyn(X))", "timestamp(dyn(X)) == timestamp('2026-01-01T00:00:00Z')", "duration(dyn(X)) == duration('1s')",
		"bytes(dyn(X)) == b''", "string(dyn(X)) == ''", "-dyn(X) == 1", "!dyn(X)", "dyn(X) + 1 == 1", "dyn(X) / 0 == 1", "dyn(X) < null", "dyn(X) < dyn([])",
		"dyn(X) && true", "dyn(X) ? true : false", "dyn(X).all(x, x.y)", "dyn(X).map(x, x.y) == 1", "has(dyn(X).a.b)", "dyn(X).a.b == 1", "dyn(X)[?0].value() == 1",
		"dyn(X).matches(dyn(X) + '(')", "dyn(X).matches(dyn(X))", "'a'.matches(dyn(X) + '(')", "dyn(X).charAt(1000000) == ''", "'abc'.charAt(dyn(X)) == ''",
		"'abc'.substring(dyn(X)) == ''", "dyn(X).substring(1000000) == ''", "'%d'.format([dyn(X)]) == ''", "'%s'.format(dyn(X)) == ''", "dyn(X).format([]) == ''",
		"('%' + dyn(X)).format([1]) == ''", "[dyn(X), 1].join('') == ''", "dyn(X).sort() == 1", "dyn(X).slice(dyn(X), 1) == 1", "lists.range(dyn(X)) == []",
		"dyn(X).flatten(dyn(X)) == 1", "math.greatest(dyn(X), 1) == 1", "math.abs(dyn(X)) == 1", "math.bitShiftLeft(1, dyn(X)) == 1", "sets.contains(dyn(X), [1])",
		"dyn(X).getFullYear('x') == 1", "timestamp('2026-01-01T00:00:00Z').getHours(dyn(X)) == 1", "optional.none().or(dyn(X)).value() == 1", "dyn(X).value() == 1",
		"type(dyn(X)) == 1", "dyn(X)", "{dyn(X): 1, dyn(X): 2} == 1", "optional.of(dyn(X))", "dyn(X) in dyn(X)", "dyn(X).orValue(1) == 1", "{?'a': dyn(X)} == 1", "[?dyn(X)] == 1",
	}
	failures := 0
	for _, shape := range shapes {
		for _, place := range places {
			text := strings.ReplaceAll(shape, "X", place)
			c, err := expression.CompileCondition(text, []string{"orders", "invoices"})
			if err != nil {
				continue
			}
			_, err = c.Holds(t.Context(), in)
			if err == nil {
				continue
			}
			failures++
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "4711") {
				t.Errorf("%s: %s", text, err)
			}
			if strings.Contains(err.Error(), "evaluation failed") {
				t.Logf("without a phrase: %s", err)
			}
		}
	}
	if failures < 400 {
		t.Errorf("only %d expressions failed: what is tried here?", failures)
	}
}

func TestAMessageIsFitToBeShown(t *testing.T) {
	in := anOrder(t)
	in.Asked["orders"] = expression.Answer{Body: decode(t, `{"line": "a\r\nSet-Cookie: b", "blank": " ", "long": "`+strings.Repeat("x", expression.MaxLength+1)+`"}`)}
	for text, want := range map[string]string{
		"'order is ' + current.body.status + ', only a pending one can be approved'": "order is pending, only a pending one can be approved",
		"'%d items'.format([size(request.body.items)])":                              "2 items",
		"current.body.status":  "pending",
		"current.body.version": "error: the result must be string, not int",
		"current.body.gone":    "error: no such key",
		"orders.body.line":     "error: the message has control characters in it",
		"orders.body.blank":    "error: the message is blank",
		"''":                   "error: the message is blank",
		"orders.body.long":     "error: the message is longer than 4096 bytes",
	} {
		m, err := expression.CompileMessage(text, []string{"orders"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Text(t.Context(), in)
		if err != nil {
			_, after, _ := strings.Cut(err.Error(), ": ")
			before, _, _ := strings.Cut(after, " in ")
			got += "error: " + before
		}
		if !strings.HasPrefix(want, got) || got == "" {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestAPanicIsAnError(t *testing.T) {
	if _, err := condition(t, "current.exists").Holds(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("without an input: %v", err)
	}
}

func TestTheEndOfTheContextIsAnErrorAndSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := condition(t, "true").Holds(ctx, &expression.Input{})
	if !errors.Is(err, context.Canceled) || err.Error() != `1:1: interrupted: context canceled in "true"` {
		t.Error(err)
	}
}
