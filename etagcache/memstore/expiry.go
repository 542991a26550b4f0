package memstore

import (
	"container/heap"

	"proxy409/etagcache"
)

// makeRoom forgets what has expired and then, while the store is too large, what would expire soonest; but never what
// has just been put there, or a swap that was confirmed would have been for nothing. The caller holds s.mu.
func (s *Store) makeRoom(newest *record, now etagcache.Instant) {
	s.release(now)
	s.forgetExpired(now, 64) // a few at a time, so that no swap pays for a million
	if s.bytes <= s.maxBytes {
		return
	}
	if s.heapOf(newest) == &s.order {
		heap.Remove(&s.order, newest.place)
		defer heap.Push(&s.order, newest)
	}
	for s.bytes > s.maxBytes && s.order.Len() > 0 {
		s.forget(s.order.records[0])
	}
}

// release lets the records be forgotten that had to be kept until now. The caller holds s.mu.
func (s *Store) release(now etagcache.Instant) {
	for s.kept.Len() > 0 && s.kept.records[0].keep <= now {
		r := heap.Pop(&s.kept).(*record)
		r.keep = 0
		heap.Push(&s.order, r)
	}
}

// heapOf is the heap that a record is in, or goes into; nil: it is never forgotten.
func (s *Store) heapOf(r *record) *recordHeap {
	switch {
	case r.expires == 0:
		return nil
	case r.keep != 0:
		return &s.kept
	}
	return &s.order
}

// forgetExpired forgets up to limit records that have expired. The caller holds s.mu.
func (s *Store) forgetExpired(now etagcache.Instant, limit int) {
	for range limit {
		if s.order.Len() == 0 || !s.order.records[0].expired(now) {
			return
		}
		s.forget(s.order.records[0])
	}
}

func (s *Store) forget(r *record) {
	sh := s.shard(r.key)
	sh.mu.Lock()
	delete(sh.records, r.key)
	sh.mu.Unlock()
	s.discount(r)
}

// discount takes r out of the books when it is no longer in its shard.
func (s *Store) discount(r *record) {
	s.bytes -= r.size()
	s.count--
	if h := s.heapOf(r); h != nil {
		heap.Remove(h, r.place)
	}
}

// recordHeap is a [heap.Interface] of records, the one with the least key first. Each knows its place.
type recordHeap struct {
	records []*record
	key     func(*record) etagcache.Instant
}

func (h *recordHeap) Len() int           { return len(h.records) }
func (h *recordHeap) Less(i, j int) bool { return h.key(h.records[i]) < h.key(h.records[j]) }

func (h *recordHeap) Swap(i, j int) {
	h.records[i], h.records[j] = h.records[j], h.records[i]
	h.records[i].place, h.records[j].place = i, j
}

func (h *recordHeap) Push(x any) {
	r := x.(*record)
	r.place = len(h.records)
	h.records = append(h.records, r)
}

func (h *recordHeap) Pop() any {
	last := len(h.records) - 1
	r := h.records[last]
	h.records[last] = nil // let it be collected
	h.records = h.records[:last]
	return r
}
