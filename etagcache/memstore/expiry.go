package memstore

import (
	"container/heap"

	"proxy409/etagcache"
)

// makeRoom forgets what has expired and then, while the store is too large, what would expire soonest; but never what
// has just been put there, or a swap that was confirmed would have been for nothing. The caller holds s.mu.
func (s *Store) makeRoom(newest *record, now etagcache.Instant) {
	s.forgetExpired(now, 64) // a few at a time, so that no swap pays for a million
	if s.bytes <= s.maxBytes {
		return
	}
	if newest.expires != 0 {
		heap.Remove(&s.order, newest.place)
		defer heap.Push(&s.order, newest)
	}
	for s.bytes > s.maxBytes && len(s.order) > 0 {
		s.forget(s.order[0])
	}
}

// forgetExpired forgets up to limit records that have expired. The caller holds s.mu.
func (s *Store) forgetExpired(now etagcache.Instant, limit int) {
	for range limit {
		if len(s.order) == 0 || !s.order[0].expired(now) {
			return
		}
		s.forget(s.order[0])
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
	if r.expires != 0 {
		heap.Remove(&s.order, r.place)
	}
}

// expiryHeap is a [heap.Interface] of records, the soonest to expire first. Each knows its place.
type expiryHeap []*record

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires < h[j].expires }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *expiryHeap) Push(x any) {
	r := x.(*record)
	r.place = len(*h)
	*h = append(*h, r)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil // let it be collected
	*h = (*h)[:last]
	return r
}
