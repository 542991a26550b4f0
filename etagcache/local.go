package etagcache

import (
	"sync"
	"time"
)

// localCopies keeps recent views, so that a hot read of an unchanged resource costs at most one trip to the store in
// their lifetime. A copy admits nothing and refuses nothing: a read's answer is compared with it, and a swap is tried
// from it, which fails if it is no longer what is stored.
type localCopies struct {
	lifetime time.Duration
	perShard int
	shards   [64]localShard
}

type localShard struct {
	mu    sync.RWMutex
	views map[Key]View
}

func newLocalCopies(lifetime time.Duration, size int) *localCopies {
	l := &localCopies{lifetime: lifetime}
	l.perShard = max(1, size/len(l.shards))
	for i := range l.shards {
		l.shards[i].views = make(map[Key]View)
	}
	return l
}

func (l *localCopies) shard(k Key) *localShard { return &l.shards[k[0]%byte(len(l.shards))] }

// get returns a copy that is younger than the lifetime.
func (l *localCopies) get(k Key, now time.Time) (View, bool) {
	if l.lifetime == 0 {
		return View{}, false
	}
	s := l.shard(k)
	s.mu.RLock()
	v, ok := s.views[k]
	s.mu.RUnlock()
	if !ok || now.Sub(v.sent) >= l.lifetime {
		return View{}, false
	}
	v.Local = true
	return v, true
}

// put keeps the view, unless it is one that a read could learn nothing under: a copy of that would hide the end of the
// write for its lifetime.
func (l *localCopies) put(v View) {
	if l.lifetime == 0 {
		return
	}
	if v.Begin(0).Closed {
		l.drop(v.Key)
		return
	}
	s := l.shard(v.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.views[v.Key]
	if ok && old.sent.After(v.sent) {
		return
	}
	if !ok && len(s.views) >= l.perShard {
		for k := range s.views { // any one will do
			delete(s.views, k)
			break
		}
	}
	s.views[v.Key] = v
}

func (l *localCopies) drop(k Key) {
	if l.lifetime == 0 {
		return
	}
	s := l.shard(k)
	s.mu.Lock()
	delete(s.views, k)
	s.mu.Unlock()
}
