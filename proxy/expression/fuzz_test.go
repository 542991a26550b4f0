package expression_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"proxy409/proxy/expression"
)

// FuzzExpression compiles whatever there is, and what can be compiled is evaluated: without a panic, within the bounds, without a word
// of the data in an error, and without looking at what it says that it does not read.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		"size(orders.body) == 0", "current.body.status == 'pending'", "request.body.items.all(i, i.qty > 0)", "has(current.body.deleted_at)",
		"current.body.version + 1 == request.body.version", "request.headers['content-type'].matches('^text/')", "dyn(request).body",
		"request.?body.?x.orValue(1) == 1", "[orders].all(a, a.status == 404)", "request.body.map(x, x + x).map(x, x + x)", "request[current.etag]",
		"request.query.tag.distinct().sort() == ['a']", "'%s %d'.format([request.body, orders.status])", "math.abs(request.body.least)",
		"sets.contains(request.query.tag, [])", "lists.range(current.status).flatten()", "{request.path: 1}[request.method]", ".request.body[0]",
		"'\\u00e9\\x41' + b'a'", "true ? orders : dyn(current)", "[1, 2].exists(request, request == 1)", "timestamp(request.path)", "1 +", "((((", "",
	} {
		f.Add(text)
	}
	whole := anOrder(f)
	whole.Request.Headers = map[string]string{"authorization": secret, "content-type": "text/plain"}
	whole.Request.Query["secret"] = []string{secret}
	whole.Current.Body = decode(f, `{"hunter2": ["hunter2", {"status": "hunter2"}], "status": "hunter2", "version": 7}`)
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		c, err := expression.CompileCondition(text, []string{"orders", "invoices"})
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("to compile it took %s", took)
		}
		if err != nil {
			m, err := expression.CompileMessage(text, []string{"orders", "invoices"})
			if err == nil {
				_, err = m.Text(t.Context(), whole)
				keepsSecret(t, text, err)
			}
			return
		}
		holds, err := bounded(t, c, whole)
		keepsSecret(t, text, err)
		partly, perr := bounded(t, c, without(c.Reads(), whole))
		if holds != partly || (err == nil) != (perr == nil) {
			t.Errorf("%q: %t, %v; but without what it does not read: %t, %v", text, holds, err, partly, perr)
		}
		_, _ = bounded(t, c, &expression.Input{})
	})
}

// bounded evaluates, and is not patient. The machine may be busy; what the bounds are for would take minutes.
func bounded(t *testing.T, c *expression.Condition, in *expression.Input) (bool, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	start := time.Now()
	holds, err := c.Holds(ctx, in)
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("it took %s", took)
	}
	return holds, err
}

func keepsSecret(t *testing.T, text string, err error) {
	if err != nil && strings.Contains(err.Error(), secret) && !strings.Contains(text, secret) {
		t.Errorf("%q: %s", text, err)
	}
}

// without is an input that lacks what an expression does not read.
func without(reads expression.Reads, in *expression.Input) *expression.Input {
	part := &expression.Input{Request: in.Request, Asked: map[string]expression.Answer{}}
	if !reads.RequestBody {
		part.Request.Body = nil
	}
	if reads.Current {
		part.Current = in.Current
	}
	for name := range reads.Asks {
		part.Asked[name] = in.Asked[name]
	}
	return part
}
