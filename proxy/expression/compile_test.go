package expression_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"proxy409/proxy/expression"
)

func TestWhatIsWrongIsFoundWhenItIsCompiledAndHasItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"curent.exists":                          `1:1: undeclared reference to 'curent' (did you mean 'current'?) in "curent.exists"`,
		"current.bdy == 1":                       `1:8: undefined field 'bdy' in "current.bdy == 1"`,
		"request.metod == 'PUT'":                 `1:8: undefined field 'metod' in "request.metod == 'PUT'"`,
		"orders.exists":                          `1:7: undefined field 'exists' in "orders.exists"`,
		"has(current.bdy)":                       `1:4: undefined field 'bdy' in "has(current.bdy)"`,
		"current.status == '200'":                `1:16: found no matching overload for '_==_' applied to '(int, string)' in "current.status == '200'"`,
		"current.exists == 1":                    `1:16: found no matching overload for '_==_' applied to '(bool, int)' in "current.exists == 1"`,
		"request.query.x == 'a'":                 `1:17: found no matching overload for '_==_' applied to '(list(string), string)' in "request.query.x == 'a'"`,
		"request.headers.a == 1":                 `1:19: found no matching overload for '_==_' applied to '(string, int)' in "request.headers.a == 1"`,
		"size(request) == 1":                     `1:5: found no matching overload for 'size' applied to '(a request)' in "size(request) == 1"`,
		"request.body.sum() == 1":                `1:17: undeclared reference to 'sum' in "request.body.sum() == 1"`,
		"request{method: 'GET'}":                 `1:8: undeclared reference to 'request' in "request{method: 'GET'}"`,
		"1 +":                                    `1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER} in "1 +"`,
		"request.path.matches('(')":              `1:22: invalid matches argument in "request.path.matches('(')"`,
		"current.exists &&\n  orders.bdy == 1\n": `2:9: undefined field 'bdy' in "current.exists &&\n  orders.bdy == 1\n"`,
		"  ":                                     `1:1: empty expression in "  "`,
		"current.status":                         `1:1: a condition must be bool, not int in "current.status"`,
		"request.query":                          `1:1: a condition must be bool, not map(string, list(string)) in "request.query"`,
		"current":                                `1:1: a condition must be bool, not a resource in "current"`,
		"timestamp('x') != timestamp('y')":       `1:11: invalid timestamp argument in "timestamp('x') != timestamp('y')"`,
	} {
		t.Run(text, func(t *testing.T) {
			_, err := expression.CompileCondition(text, []string{"orders"})
			if e := (*expression.Error)(nil); !errors.As(err, &e) || e.Expression != text || e.Line < 1 || e.Column < 1 {
				t.Fatalf("%#v", err)
			}
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

func TestAMessageMustBeAString(t *testing.T) {
	for text, want := range map[string]string{
		"'order is ' + current.body.status": "",
		"current.body.status":               "",
		"current.status":                    `1:1: a message must be string, not int in "current.status"`,
		"'a' + 1":                           `1:5: found no matching overload for '_+_' applied to '(string, int)' in "'a' + 1"`,
	} {
		_, err := expression.CompileMessage(text, nil)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAnExpressionIsBoundedInSizeAndDepth(t *testing.T) {
	for name, text := range map[string]string{
		"long":                "true" + strings.Repeat(" ", expression.MaxLength),
		"long in letters":     "'" + strings.Repeat("é", expression.MaxLength/2) + "' == ''",
		"deep":                strings.Repeat("(", 1000) + "true" + strings.Repeat(")", 1000),
		"deep lists":          strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + " == []",
		"large once expanded": strings.Repeat("[1].sortBy(a,", 20) + "1" + strings.Repeat(")", 20) + " == []",
		"large expression":    "request.path.matches('(a|aa|aaa){300}b$')",
	} {
		if _, err := expression.CompileCondition(text, nil); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
	if _, err := expression.CompileCondition("true"+strings.Repeat(" ", expression.MaxLength-4), nil); err != nil {
		t.Error("one of the length that is allowed:", err)
	}
}

func TestWhatAnExpressionMayReadIsKnown(t *testing.T) {
	type reads = expression.Reads
	orders := map[string]bool{"orders": true}
	for text, want := range map[string]reads{
		"true":                               {},
		"request.method == 'PUT'":            {},
		"has(request.headers.x)":             {},
		"request.body.x == 1":                {RequestBody: true},
		"has(request.body.x)":                {RequestBody: true},
		"has(request.body)":                  {RequestBody: true},
		".request.body == null":              {RequestBody: true},
		"request.?body.hasValue()":           {RequestBody: true},
		"dyn(request).method == 'PUT'":       {RequestBody: true},
		"[request].all(r, r.body == 1)":      {RequestBody: true},
		"[1].all(i, request.body == i)":      {RequestBody: true},
		"request.query.x[0] in request.body": {RequestBody: true},
		"current.exists":                     {Current: true},
		"dyn(current) == 1":                  {Current: true},
		"[1].exists(i, has(current.etag))":   {Current: true},
		"size(orders.body) == 0":             {Asks: orders},
		"[orders].all(a, a.status == 200)":   {Asks: orders},
		"true || orders.status == 200":       {Asks: orders},
		"request.body.orders == current.status || orders.status == 1": {RequestBody: true, Current: true, Asks: orders},
		"request.path == 'current' || request.params.orders == '1'":   {},
	} {
		got := condition(t, text).Reads()
		if want.Asks == nil {
			want.Asks = map[string]bool{}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads %+v, want %+v", text, got, want)
		}
	}
	m, err := expression.CompileMessage("current.body.status", nil)
	if err != nil || !m.Reads().Current || m.Reads().RequestBody {
		t.Errorf("%+v, %v", m.Reads(), err)
	}
}

func TestANameUnderAskCanBeAVariableOrIsRefused(t *testing.T) {
	valid := "orders a _ a_1 A int type map list string bool dyn size has all math sets lists optional google duration matches self"
	for _, name := range strings.Fields(valid) {
		if err := expression.ValidName(name); err != nil {
			t.Error(err)
		}
		c, err := expression.CompileCondition(name+".status == 200 && lists.range(2).size() == 2 && math.abs(-1) == 1", []string{name})
		if err != nil {
			t.Error(err)
			continue
		}
		holds, err := c.Holds(t.Context(), &expression.Input{Asked: map[string]expression.Answer{name: {Status: 200}}})
		if err != nil || !holds {
			t.Errorf("%s: %t, %v", name, holds, err)
		}
	}
	invalid := "request current true false null in as break const continue else for function if import let loop namespace package return var void while" +
		" 1a a-b a.b a/b é .a a\n"
	for _, name := range append(strings.Split(invalid, " "), "") {
		if err := expression.ValidName(name); err == nil {
			t.Errorf("%q is valid", name)
		}
		if _, err := expression.CompileCondition("true", []string{name}); err == nil {
			t.Errorf("%q is compiled", name)
		}
	}
}
