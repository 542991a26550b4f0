package proxy

import (
	"container/list"
	"errors"
	"io"
	"sync"
	"time"
)

// holding is what one body holds of its pool. It is counted by what is allocated, which is at most twice what has
// come, and of large bodies at most a quarter more, and never by what is announced.
type holding struct {
	of *pool
	// hurry makes whoever is waited for give up: what is read from the client, or written to it, fails at once. Nil: nobody is waited for.
	hurry func() error

	mu      sync.Mutex
	n       int64
	awaited bool // hurry may be called
	gone    bool // given up: nothing is counted any more, and nothing more is to be held

	place *list.Element // in the pool's line of those that wait; it has the pool's lock, as since has
	since time.Time
}

// await notes that from now on the holding lasts for as long as its client likes.
func (h *holding) await() {
	if h.of == nil || h.of.limit == 0 || h.hurry == nil {
		return
	}
	h.mu.Lock()
	h.awaited = true
	h.mu.Unlock()
	h.of.join(h)
}

// settle ends that, and reports whether the holding has been given up. The client's connection is not touched afterwards.
func (h *holding) settle() (gone bool) {
	h.mu.Lock()
	waited := h.awaited
	h.awaited, gone = false, h.gone
	h.mu.Unlock()
	if waited {
		h.of.leave(h)
	}
	return gone
}

// giveUp hurries whoever is waited for, and gives everything back: what has been read is garbage as soon as its reader has seen
// the error.
func (h *holding) giveUp() {
	h.mu.Lock()
	if !h.awaited || h.hurry() != nil {
		h.mu.Unlock()
		return
	}
	n := h.n
	h.n, h.gone = 0, true
	h.mu.Unlock()
	h.of.give(n)
}

// release gives all of it back. It may be called again, and by several at once.
func (h *holding) release() {
	h.settle()
	h.mu.Lock()
	n := h.n
	h.n = 0
	h.mu.Unlock()
	h.of.give(n)
}

// counted is what is counted for it.
func (h *holding) counted() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// take adds n bytes, if there is room for them.
func (h *holding) take(n int64) bool {
	if !h.of.take(n, h) {
		return false
	}
	h.mu.Lock()
	gone := h.gone
	if !gone {
		h.n += n
	}
	h.mu.Unlock()
	if gone {
		h.of.give(n)
	}
	return !gone
}

// grow takes the room for a buffer that has become full. It is doubled, and from a mebibyte on made a quarter larger, but not
// larger than limit, nor than announced, if that is positive and not yet reached.
func (h *holding) grow(full []byte, limit, announced int64) ([]byte, error) {
	const (
		first = 4 << 10 // what a connection costs anyway
		large = 1 << 20
	)
	had := int64(cap(full))
	room := max(first, 2*had)
	if had >= large {
		room = had + had/4
	}
	if announced > had {
		room = min(room, announced)
	}
	room = min(room, limit)
	if !h.take(room - had) {
		return full, errNoRoom
	}
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
