package proxy_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// originWrite is a write in the hands of the backend.
type originWrite struct {
	*origin
	*deed
	w       http.ResponseWriter
	r       *http.Request
	content string
	remove  bool
}

func (o *origin) write(w http.ResponseWriter, r *http.Request, method, content string) {
	d := o.w.judge.arrives(r.Header.Get(headerWrite), r.URL.Path, o.w.store.awayFrom)
	if d == nil {
		return
	}
	sender := o.w.replicaOf(r.RemoteAddr)
	sender.comesTo(atBackend)
	defer sender.comesTo(answered)
	random := o.w.draw("write " + d.id)
	ow := &originWrite{origin: o, deed: d, w: w, r: r, content: content, remove: method == http.MethodDelete}
	time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
	held, _ := o.held()
	time.Sleep(held)
	switch o.spoils() {
	case "reset":
		ow.apply()
		ow.reset("reset")
		return
	case "500":
		ow.apply()
		ow.answer(originAnswer{status: 500})
		return
	}
	if o.w.troubled() && random.Float64() < o.w.law.originFaults {
		ow.mishandle(random)
		return
	}
	if random.IntN(10) == 0 {
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond) // an application that takes its time
	}
	if errors.Is(r.Context().Err(), context.Canceled) && d.judged && !sender.isExcused() {
		o.w.judge.fail(d.path, "the proxy hung up on %s, which was at the backend under a lease", d.id)
	}
	ow.apply()
	ow.answer(ow.success())
}

// apply does what the write says.
func (w *originWrite) apply() {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.texts[w.path]
	t.was, t.changed, t.is = t.is, time.Now(), w.content
	if w.remove {
		t.is = ""
	}
	w.texts[w.path] = t
	w.origin.w.judge.applies(w.deed, t.is)
}

// success is the answer to a write that was applied, whose tag may be of anything.
func (w *originWrite) success() originAnswer {
	w.mu.Lock()
	t := w.texts[w.path]
	w.mu.Unlock()
	a := originAnswer{status: http.StatusOK, header: make(http.Header), body: []byte(`{"ok":true}`)}
	a.header.Set("Content-Type", "application/json")
	if w.r.Header.Get("Content-Type") == urlencodedForm {
		a.status = http.StatusSeeOther
		a.header.Set("Location", w.path)
	}
	switch {
	case w.remove && !w.origin.w.law.absentTag:
	case w.origin.w.law.writeTags == "own body":
		a.header.Set("ETag", `W/"ok-true"`)
	case w.origin.w.law.writeTags == "previous" && t.was != "":
		if tag := w.tag(text{is: t.was}, ""); tag != "" {
			a.header.Set("ETag", tag)
		}
	}
	return a
}

func (w *originWrite) answer(a originAnswer) {
	w.origin.w.judge.leaves(w.deed, strconv.Itoa(a.status))
	a.send(w.w)
}
