package expression_test

import (
	"encoding/json"
	"strings"
	"testing"

	"proxy409/proxy/expression"
)

// decode reads a document as the proxy does.
func decode(t testing.TB, document string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%.80s: %v", document, err)
	}
	return v
}

// condition compiles a condition that may ask for orders and invoices.
func condition(t testing.TB, text string) *expression.Condition {
	t.Helper()
	c, err := expression.CompileCondition(text, []string{"orders", "invoices"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// anOrder is a change to an order, in which everything is that expressions of these tests look at.
func anOrder(t testing.TB) *expression.Input {
	return &expression.Input{
		Request: expression.Request{
			Method:  "PUT",
			Path:    "/orders/7",
			Params:  map[string]string{"id": "7"},
			Query:   map[string][]string{"tag": {"a", "b"}},
			Headers: map[string]string{"content-type": "application/json"},
			Body: decode(t, `{
				"version": 8, "customer": "ann", "paid": true, "note": null, "price": 9.50, "round": 2.0, "thousand": 1e3,
				"items": [{"sku": "x", "qty": 1}, {"sku": "y", "qty": 2.5}], "tags": ["b", "a", "b"], "numbers": [3, 1, 2, 3.0],
				"most": 9223372036854775807, "least": -9223372036854775808, "more": 9223372036854775808, "beyond": 1e999, "tiny": 1e-999}`),
		},
		Current: expression.Current{
			Exists: true, Status: 200, ETag: `"1"`, Headers: map[string]string{"x-total": "2"},
			Body: decode(t, `{"version": 7, "status": "pending", "address": {"city": "Rome"}}`),
		},
		Asked: map[string]expression.Answer{
			"orders":   {Status: 200, Body: []any{}, Headers: map[string]string{"link": "<2>, <3>"}},
			"invoices": {Status: 404},
		},
	}
}
