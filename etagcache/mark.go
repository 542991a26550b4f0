package etagcache

import "context"

// Marked is an open mark: an unsafe request that nobody judged is under way. It is ended with [Marked.Close] when its
// answer came, extended while it is under way, and left alone when no answer came: it runs out by itself.
type Marked struct {
	// Overran says that the mark was set over a lease that had run out before its owner concluded it.
	Overran bool

	cache *Cache
	view  View
	id    MarkID
}

// Mark moves the record before an unsafe request is sent that nobody judged. After an error the request must not be
// sent as if it had been noted.
func (c *Cache) Mark(ctx context.Context, v View, term Term) (*Marked, error) {
	m := &Marked{cache: c, id: c.opt.Fresh()}
	if !c.stands(v) {
		var err error
		if v, err = c.Fetch(ctx, v.Key); err != nil {
			return m, err
		}
	}
	m.view = v
	err := m.Extend(ctx, term)
	m.Overran = m.view.Overran
	return m, err
}

// Extend says that the request may be under way for a term from now on. Nothing bounds how long a backend takes for a request that
// nobody judged, and its mark must not run out before it is over, or is not going to be applied any more.
func (m *Marked) Extend(ctx context.Context, term Term) (err error) {
	m.view, _, err = m.cache.apply(ctx, m.view, func(v View) Event {
		return OpenMark{ID: m.id, Until: m.cache.laterThan(v, term.Work+term.margin()+term.Settle)}
	})
	return err
}

// Close moves the record once more, after the answer. When the store does not take it, the mark stays open until it
// runs out by itself, and the error says so.
func (m *Marked) Close(ctx context.Context) error {
	_, _, err := m.cache.apply(ctx, m.view, func(v View) Event {
		return CloseMark{ID: m.id, Now: m.cache.laterThan(v, 0)}
	})
	return err
}
