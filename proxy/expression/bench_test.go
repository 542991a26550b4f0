package expression_test

import "testing"

func BenchmarkHolds(b *testing.B) {
	in := anOrder(b)
	for _, text := range []string{"size(orders.body) == 0", "current.body.status == 'pending'", "request.body.items.all(i, i.qty > 0)"} {
		b.Run(text, func(b *testing.B) {
			c := condition(b, text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Holds(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
