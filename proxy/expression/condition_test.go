package expression_test

import (
	"testing"

	"proxy409/proxy/expression"
)

func TestAConditionHoldsAsItsAuthorExpects(t *testing.T) {
	in := anOrder(t)
	for text, want := range map[string]bool{
		"size(orders.body) == 0":                              true,
		"orders.body.size() > 0":                              false,
		"current.body.status == 'pending'":                    true,
		"current.body.status != 'pending'":                    false,
		"current.body.status in ['shipped', 'cancelled']":     false,
		"request.body.items.all(i, i.qty > 0)":                true,
		"request.body.items.exists(i, i.qty > 2)":             true,
		"request.body.items.exists_one(i, i.sku == 'x')":      true,
		"request.body.items.map(i, i.sku) == ['x', 'y']":      true,
		"request.body.items.filter(i, i.qty == 1).size() > 1": false,
		"request.body.items[1].qty == 2.5":                    true,
		"has(current.body.deleted_at)":                        false,
		"has(current.body.address.city)":                      true,
		"current.body.version + 1 == request.body.version":    true,
		"request.body.paid && request.body.note == null":      true,
		"request.body.all(k, k != '')":                        true,

		"request.method == 'PUT' && request.path == '/orders/7' && request.params.id == '7'": true,
		"request.query.tag == ['a', 'b'] && 'a' in request.query.tag":                        true,
		"has(request.query.page) || 'page' in request.query":                                 false,
		"request.headers['content-type'] == 'application/json'":                              true,
		"current.exists && current.status == 200 && current.etag == '\"1\"'":                 true,
		"int(current.headers['x-total']) == 2":                                               true,
		"orders.status == 200 && orders.headers.link.contains('<3>')":                        true,
		"current.status > 199.5":                                                             true,

		"has(request.body) && has(current.etag) && has(current.exists) && has(orders.status)": true,
		"has(invoices.body) || has(invoices.headers)":                                         false,
		"[orders, invoices].exists(a, a.status == 404)":                                       true,
		"dyn(request).body.version == 8 && has(dyn(request).body)":                            true,
		"orders == orders && orders != invoices && orders in [invoices, orders]":              true,
		"request == request && dyn(request) != dyn(current)":                                  true,
		"type(orders) == type(invoices)":                                                      true,

		"request.body.price == 9.5 && type(request.body.price) == double":                        true,
		"request.body.round == 2 && type(request.body.round) == double":                          true,
		"request.body.thousand == 1000":                                                          true,
		"request.body.most == 9223372036854775807 && type(request.body.most) == int":             true,
		"request.body.least == -9223372036854775807 - 1":                                         true,
		"request.body.more == 9223372036854775808.0 && type(request.body.more) == double":        true,
		"request.body.beyond > request.body.more && request.body.tiny == 0.0":                    true,
		"request.body.numbers == [3, 1, 2, 3] && 3.0 in request.body.numbers":                    true,
		"request.body.numbers.distinct() == [3, 1, 2] && request.body.numbers.reverse()[0] == 3": true,

		"sets.contains(request.body.tags, ['a']) && sets.equivalent(request.body.tags, ['a', 'b'])": true,
		"sets.intersects(request.body.tags, ['c'])":                                                 false,
		"request.body.tags.sort() == ['a', 'b', 'b'] && request.body.tags.slice(0, 1) == ['b']":     true,
		"[[1], request.body.tags].flatten().size() == 4 && lists.range(3) == [0, 1, 2]":             true,
		"request.body.items.sortBy(i, -double(i.qty))[0].sku == 'y'":                                true,
		"request.body.tags.join('+') == 'b+a+b'":                                                    true,
		"request.body.customer.upperAscii() == 'ANN' && request.body.customer.indexOf('nn') == 1":   true,
		"request.body.customer.replace('n', 'm') == 'amm' && 'a,b'.split(',') == ['a', 'b']":        true,
		"'%s has %d'.format([request.body.customer, request.body.version]) == 'ann has 8'":          true,
		"math.greatest(request.body.version, current.body.version) == 8 && math.abs(-1) == 1":       true,
		"request.body.customer.matches('^[a-z]+$')":                                                 true,
		"request.body.customer.matches(request.body.tags[1])":                                       true,
		"request.body.?customer.orValue('') == 'ann' && !request.body.?gone.?more.hasValue()":       true,
		"request.body.?gone.orValue('none') == 'none' && request.?method.hasValue()":                true,
		"timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')":                     true,

		// What one side says is decisive, though the other fails.
		"request.body.gone == 1 || current.exists":   true,
		"request.body.gone == 1 && !current.exists":  false,
		"'x' in request.body && request.body.x == 1": false,
	} {
		t.Run(text, func(t *testing.T) {
			got, err := condition(t, text).Holds(t.Context(), in)
			if err != nil || got != want {
				t.Errorf("%t, %v, want %t", got, err, want)
			}
		})
	}
}

func TestABodyThatIsNoObjectIsAValueAllTheSame(t *testing.T) {
	for text, body := range map[string]any{
		"request.body == null":       nil,
		"request.body == true":       true,
		"request.body == 'x'":        "x",
		"request.body == 7":          decode(t, "7"),
		"request.body == 7.5":        7.5,
		"size(request.body) == 2":    decode(t, "[1, 2]"),
		"request.body[0][0][0] == 1": decode(t, "[[[1]]]"),
	} {
		holds, err := condition(t, text).Holds(t.Context(), &expression.Input{Request: expression.Request{Body: body}})
		if err != nil || !holds {
			t.Errorf("%s: %t, %v", text, holds, err)
		}
	}
}

func TestAnEmptyInputIsNoReasonToPanic(t *testing.T) {
	holds, err := condition(t, "!current.exists && size(request.headers) == 0 && !has(request.query.x)").Holds(t.Context(), &expression.Input{})
	if err != nil || !holds {
		t.Errorf("%t, %v", holds, err)
	}
}
