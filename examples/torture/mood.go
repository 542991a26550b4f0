package main

import (
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// mood is how the backend treats one write.
type mood struct {
	name string
	act  func(*job)
}

// moods are those that wait for a write to come by.
type moods struct {
	mu      sync.Mutex
	waiting []mood
}

// expect makes the backend treat the next write so.
func (m *moods) expect(next mood) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = append(m.waiting, next)
}

func (m *moods) next() (mood, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 {
		return mood{}, false
	}
	next := m.waiting[0]
	m.waiting = m.waiting[1:]
	return next, true
}

// clear forgets the moods that no write has met.
func (m *moods) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = nil
}

// sleep takes the time that a write takes.
func (j *job) sleep() { time.Sleep(j.work) }

// moodNamed are all moods by name.
var moodNamed = named(
	mood{"well", func(j *job) {
		j.sleep()
		j.apply()
		j.confirm(http.StatusOK)
	}},
	mood{"slow", func(j *job) {
		time.Sleep(writeTime/8 + rand.N(writeTime/8))
		j.apply()
		j.confirm(http.StatusNoContent)
	}},
	mood{"reset before", func(j *job) { j.hangUp() }},
	mood{"reset after", func(j *job) {
		j.apply()
		j.hangUp()
	}},
	mood{"reset, then applied", func(j *job) {
		j.applyAfter(rand.N(budget))
		j.hangUp()
	}},
	mood{"500 before", func(j *job) { j.w.WriteHeader(http.StatusInternalServerError) }},
	mood{"500 after", func(j *job) {
		j.apply()
		j.w.WriteHeader(http.StatusInternalServerError)
	}},
	mood{"503, then applied", func(j *job) {
		j.applyAfter(rand.N(budget))
		j.w.WriteHeader(http.StatusServiceUnavailable)
	}},
	mood{"408 before", func(j *job) { j.w.WriteHeader(http.StatusRequestTimeout) }},
	mood{"late", func(j *job) {
		j.outlast()
		j.applyAfter(rand.N(budget))
		j.hangUp()
	}},
	mood{"never", func(j *job) {
		j.outlast()
		j.hangUp()
	}},
	mood{"202, then applied", func(j *job) {
		j.applyAfter(rand.N(budget))
		j.w.WriteHeader(http.StatusAccepted)
	}},
	mood{"303", func(j *job) {
		j.apply()
		j.w.Header().Set("Location", j.r.URL.Path)
		j.w.WriteHeader(http.StatusSeeOther)
	}},
	mood{"1xx first", func(j *job) {
		j.w.WriteHeader(http.StatusEarlyHints)
		j.sleep()
		j.apply()
		j.w.WriteHeader(http.StatusProcessing)
		j.confirm(http.StatusOK)
	}},
	mood{"half a header", func(j *job) {
		j.apply()
		j.raw("HTTP/1.1 200 OK\r\nX-Origin: 1\r\nContent-Le")
	}},
	mood{"half a body", func(j *job) {
		j.apply()
		j.raw("HTTP/1.1 200 OK\r\nX-Origin: 1\r\nContent-Length: 1000\r\n\r\nthe first of a thous")
	}},
	mood{"4xx", func(j *job) {
		refusals := []int{
			http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusGone,
			http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		}
		j.w.WriteHeader(refusals[rand.IntN(len(refusals))])
	}},
)

func named(all ...mood) map[string]mood {
	m := make(map[string]mood, len(all))
	for _, x := range all {
		m[x.name] = x
	}
	return m
}

// raw sends something by hand and breaks the connection.
func (j *job) raw(text string) {
	conn, _, err := http.NewResponseController(j.w).Hijack()
	if err != nil {
		j.hangUp()
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text)
}
