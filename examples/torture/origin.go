package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"proxy409/examples/process"
)

// The header fields by which clients and backend understand each other; the proxies between them do not know them.
const (
	headerID     = "X-Write-Id"
	headerBase   = "X-Base"
	headerWork   = "X-Work"   // how many milliseconds the backend is to take
	headerBare   = "X-Bare"   // the write has no body, and needs none
	headerOrigin = "X-Origin" // on all answers of the backend, so that they are told from a proxy's
)

// body is what a resource consists of, and what a write sends.
type body struct {
	Version version `json:"version"`
	Filler  string  `json:"filler"`
}

const filler = "the same in all versions, so that all are nearly of one size"

// origin is the backend. It lets the last write win, logs what it applies, and behaves as badly as it is told to. One
// promise it keeps: what was given up on is applied within its budget, or not at all.
type origin struct {
	addr    string
	journal *journal

	moods     moods
	abandoned atomic.Int64 // writes given up on before the time for them was over
	dropped   atomic.Int64 // writes that came too late to be applied

	mu     sync.Mutex
	server *http.Server
}

// budget is how long after a proxy gave up on a write the backend may still apply it. A proxy that was frozen gives up
// late by as long as it was frozen, so that much is taken off the settle time, and something for a busy machine.
const budget = settleTime - longestFreeze - 50*time.Millisecond

func newOrigin(j *journal) (*origin, error) {
	addr, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	o := &origin{addr: addr, journal: j}
	return o, o.open()
}

// open begins to listen, at the same address each time.
func (o *origin) open() error {
	ln, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: o, ReadHeaderTimeout: 10 * time.Second}
	o.mu.Lock()
	o.server = server
	o.mu.Unlock()
	go func() { _ = server.Serve(ln) }()
	return nil
}

// shut stops listening and breaks all connections, as a process does that dies and has nothing under way.
func (o *origin) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.server.Close()
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(headerOrigin, "1")
	resource, ok := resourceAt(r.URL.Path, len(o.journal.present))
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		o.read(w, r, resource)
	case r.Method == http.MethodPut:
		o.write(w, r, resource)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func resourceAt(path string, resources int) (int, bool) {
	for i := range resources {
		if pathOf(i) == path {
			return i, true
		}
	}
	return 0, false
}

// read shows the resource. Every tenth answer is late: what it shows may be over when it comes.
func (o *origin) read(w http.ResponseWriter, r *http.Request, resource int) {
	v, since := o.journal.look(resource)
	if rand.IntN(10) == 0 {
		time.Sleep(time.Duration(5+rand.IntN(55)) * time.Millisecond)
	}
	k := kindOf(resource)
	k.tag(w.Header(), v, since)
	if tag := w.Header().Get("ETag"); tag != "" && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body{v, filler})
}

// job is one write at the backend.
type job struct {
	*origin
	w        http.ResponseWriter
	r        *http.Request
	resource int
	id, base version
	work     time.Duration
	how      string
}

var errBadWrite = errors.New("this is no whole write")

func (o *origin) write(w http.ResponseWriter, r *http.Request, resource int) {
	j := &job{origin: o, w: w, r: r, resource: resource, how: "well"}
	if err := j.parse(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	begun := time.Now()
	mood, ok := o.moods.next()
	if !ok {
		mood = moodNamed["well"]
	}
	j.how = mood.name
	mood.act(j)
	// The server tells by the context that the connection broke. In a mood the backend may have done that itself.
	if r.Context().Err() != nil && !ok && time.Since(begun) < writeTime*3/4 {
		o.abandoned.Add(1)
	}
}

// parse reads the write. Who does not send the whole body has not written.
func (j *job) parse() error {
	text, err := io.ReadAll(j.r.Body)
	if err != nil {
		return err
	}
	id, err1 := strconv.ParseInt(j.r.Header.Get(headerID), 10, 64)
	base, err2 := strconv.ParseInt(j.r.Header.Get(headerBase), 10, 64)
	if err1 != nil || err2 != nil || !whole(text, version(id), j.r.Header.Get(headerBare) != "") {
		return errBadWrite
	}
	j.id, j.base, j.work = version(id), version(base), time.Duration(1+rand.IntN(4))*time.Millisecond
	if ms, err := strconv.Atoi(j.r.Header.Get(headerWork)); err == nil {
		j.work = time.Duration(ms) * time.Millisecond
	}
	return nil
}

// whole reports whether a body is all that the write was to have.
func whole(text []byte, id version, bare bool) bool {
	if bare {
		return len(text) == 0
	}
	var b body
	return json.Unmarshal(text, &b) == nil && b.Version == id
}

// apply applies the write now.
func (j *job) apply() bool { return j.applyIf(func() bool { return true }) }

func (j *job) applyIf(inTime func() bool) bool {
	done := j.journal.apply(j.resource, j.id, j.base, j.how, inTime)
	if !done {
		j.dropped.Add(1)
	}
	return done
}

// applyAfter applies the write a while from now, in the background; if that turns out to be later than the backend may, not
// at all.
func (j *job) applyAfter(wait time.Duration) {
	end := time.Now().Add(budget)
	time.AfterFunc(wait, func() { j.applyIf(func() bool { return time.Now().Before(end) }) })
}

// outlast waits until the proxy gives up, or should have.
func (j *job) outlast() {
	ctx, cancel := context.WithTimeout(j.r.Context(), writeTime+longestFreeze)
	defer cancel()
	<-ctx.Done()
}

// confirm answers that the write was applied.
func (j *job) confirm(status int) {
	kindOf(j.resource).own(j.w.Header(), j.id, j.base)
	j.w.WriteHeader(status)
}

// hangUp breaks the connection without an answer.
func (j *job) hangUp() { panic(http.ErrAbortHandler) }
