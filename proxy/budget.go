package proxy

import (
	"errors"
	"io"
	"sync/atomic"
)

// errNoRoom says that the process holds as much as it may.
var errNoRoom = errors.New("limits.held is used up")

// budget is what the whole process may hold in memory of the bodies of requests and of the content of answers. The two are kept
// apart: how long an answer is held is up to how fast its client reads, and how long a body, to how fast its client sends; but
// clients that read slowly do not stop writes, and those that send slowly do not stop reads from having versions.
type budget struct {
	writes  pool // the bodies of requests, and what probes for them bring
	answers pool // the content of answers that clients get
}

func newBudget(limit int64, o Observer) *budget {
	forAnswers := limit / 4
	return &budget{
		writes:  pool{limit: limit - forAnswers, observer: o},
		answers: pool{limit: forAnswers, shared: true, observer: o},
	}
}

// pool is a part of the budget. A nil one has no limit and counts nothing.
type pool struct {
	limit    int64 // in bytes; 0: none
	shared   bool  // nobody may take more than a quarter of what is left, so that there is always room for little ones
	held     atomic.Int64
	observer Observer
}

// take adds n bytes to what is held, unless that is too much.
func (p *pool) take(n int64) bool {
	if p == nil {
		return true
	}
	for {
		held := p.held.Load()
		left := p.limit - held
		if p.shared {
			left /= 4
		}
		if p.limit > 0 && n > left {
			return false
		}
		if p.held.CompareAndSwap(held, held+n) {
			p.observer.Held(n)
			return true
		}
	}
}

func (p *pool) give(n int64) {
	if p != nil {
		p.held.Add(-n)
		p.observer.Held(-n)
	}
}

// forWrites is a new holding for the body of a request, or what a probe brings.
func (b *budget) forWrites() *holding {
	if b == nil {
		return &holding{}
	}
	return &holding{of: &b.writes}
}

// forAnswers is a new holding for the content of an answer.
func (b *budget) forAnswers() *holding {
	if b == nil {
		return &holding{}
	}
	return &holding{of: &b.answers}
}

// holding is what one body holds of its pool. It is counted by what is allocated, which is at most twice what has
// come, and never by what is announced.
type holding struct {
	of *pool
	n  atomic.Int64
}

// release gives all of it back. It may be called again, and by several at once.
func (h *holding) release() {
	if n := h.n.Swap(0); n > 0 {
		h.of.give(n)
	}
}

// grow takes the room for a buffer that has become full: it is doubled, but is not made larger than limit, nor than
// announced, if that is positive and not yet reached.
func (h *holding) grow(full []byte, limit, announced int64) ([]byte, error) {
	const first = 4 << 10 // what a connection costs anyway
	room := max(first, 2*int64(cap(full)))
	if announced > int64(cap(full)) {
		room = min(room, announced)
	}
	room = min(room, limit)
	more := room - int64(cap(full))
	if !h.of.take(more) {
		return full, errNoRoom
	}
	h.n.Add(more)
	out := make([]byte, len(full), room)
	copy(out, full)
	return out, nil
}

// read reads to the end, but no further than one byte over limit. It returns what it has read, whatever the error: errBodyTooLarge
// when there is more, errNoRoom when the budget is used up, or the reader's own. What is over has no place in content.
func (h *holding) read(r io.Reader, limit, announced int64) (content, over []byte, err error) {
	for {
		into := content[len(content):cap(content)]
		full := len(into) == 0
		if full {
			into = make([]byte, 1) // before the buffer grows there must be something to put into it
		}
		n, err := r.Read(into)
		switch {
		case !full:
			content = content[:len(content)+n]
		case n > 0 && int64(len(content)) >= limit:
			return content, into, errBodyTooLarge
		case n > 0:
			grown, noRoom := h.grow(content, limit, announced)
			if noRoom != nil {
				return content, into, noRoom
			}
			content = append(grown, into[0])
		}
		if errors.Is(err, io.EOF) {
			return content, nil, nil
		}
		if err != nil {
			return content, nil, err
		}
	}
}
