package etagcache

import (
	"time"

	"pgregory.net/rapid"
)

// The steps of reads, of unjudged writes and of fate in the world.

type readOp struct {
	on       *replica
	key      Key
	view     View
	begun    Begun
	rep      int
	answered bool
	gone     bool // it is shown no resource, as one who may not look
	state    int
	outlived bool
}

func (w *world) beginRead() {
	if len(w.reads) > 4 {
		return
	}
	o := &readOp{on: w.drawReplica(), key: w.drawKey(), rep: w.draw(2, "rep")}
	v, err := o.on.cache.Look(w.ctx, o.key)
	if err != nil {
		return
	}
	o.view, o.begun = v, v.Begin(0)
	o.outlived = w.outlives(v)
	w.reads = append(w.reads, o)
}

// stepRead lets the backend answer one of the reads, or the answer arrive.
func (w *world) stepRead() {
	o := pick(w, w.reads, func(o *readOp) bool { return !o.on.gone() })
	switch {
	case o == nil:
	case !o.answered:
		r := w.backend[o.key]
		o.answered, o.state = true, r.state
		o.gone = r.absent || w.oneIn(8, "masked")
	case o.gone:
		w.dropRead(o)
		_, _, _ = o.on.cache.Gone(w.ctx, o.view, o.begun)
	default:
		w.dropRead(o)
		w.learn(o)
	}
}

// readNow is a read that nothing interleaves with.
func (w *world) readNow(on *replica, key Key, rep int) {
	if v, err := on.cache.Look(w.ctx, key); err == nil {
		w.learn(&readOp{
			on: on, key: key, view: v, begun: v.Begin(0), rep: rep, state: w.backend[key].state,
			outlived: w.outlives(v),
		})
	}
}

func (w *world) dropRead(o *readOp) {
	for i, x := range w.reads {
		if x == o {
			w.reads = append(w.reads[:i:i], w.reads[i+1:]...)
			return
		}
	}
}

func (w *world) learn(o *readOp) {
	v, verdict, err := o.on.cache.Learn(w.ctx, o.view, o.begun, w.validator(o.state, o.rep))
	w.sawReply("read", verdict, err)
	if err != nil || (verdict != Done && verdict != Drift) {
		w.held = append(w.held, clientTag{
			key: o.key, state: o.state, tag: w.tagOf(o.state, o.rep).Qualify(o.on.cache.FreshVersion()),
		})
		return
	}
	w.handOut(v, o.key, o.state, o.rep, true)
	w.held[len(w.held)-1].outlived = o.outlived
}

func (w *world) sawReply(what string, v Verdict, err error) {
	if err != nil {
		w.saw[what+" without reply"]++
		return
	}
	w.saw[what+" "+v.String()]++
}

// postOp is an unsafe request that nobody judges.
type postOp struct {
	flight
	on   *replica
	key  Key
	mark *Marked
}

func (w *world) beginPost() {
	if len(w.posts) > 12 {
		return
	}
	o := &postOp{on: w.drawReplica(), key: w.drawKey()}
	o.deadline = time.Now().Add(w.term.Work)
	v, err := o.on.cache.Look(w.ctx, o.key)
	if err != nil {
		return
	}
	if o.mark, err = o.on.cache.Mark(w.ctx, v, w.term); err != nil {
		return
	}
	o.sent = true
	w.posts = append(w.posts, o)
}

func (w *world) stepPost() {
	o := pick(w, w.posts, func(o *postOp) bool { return !o.over || !o.abandoned && !o.on.gone() })
	switch {
	case o == nil:
	case !o.over && rapid.Bool().Draw(w.t, "apply"):
		w.postApplied(o)
	case !o.abandoned && !o.on.gone():
		w.endPost(o)
	}
}

func (w *world) postApplied(o *postOp) {
	r := w.backend[o.key]
	r.state++
	r.absent = false
	o.end()
}

func (w *world) endPost(o *postOp) {
	if !o.over {
		o.end() // the backend refused it
	}
	o.abandoned = true
	_ = o.mark.Close(w.ctx)
}

// Fate.

func (w *world) pass() {
	if o := pick(w, w.writes, func(o *writeOp) bool { return o.phase == sent }); o != nil && rapid.Bool().Draw(w.t, "to an end of the lease") {
		end := o.lease.Deadline
		for _, d := range []time.Duration{w.term.margin(), w.term.Settle} {
			if rapid.Bool().Draw(w.t, "later") {
				end = end.Add(d)
			}
		}
		w.sleep(time.Until(end) + 2*time.Millisecond)
		return
	}
	w.sleep(time.Duration(rapid.SampledFrom([]int{1, 60, 400, 1001, 5000, 9990, 15400}).Draw(w.t, "ms")) * time.Millisecond)
}

func (w *world) spoilSwaps() {
	f := rapid.SampledFrom([]fault{lostRequest, lostReply, delayed, repeated, notSent}).Draw(w.t, "fault")
	for range w.draw(3, "after") {
		w.store.fail(fine)
	}
	w.store.fail(f)
}

func (w *world) deliver() {
	if n := w.store.latecomers(); n > 0 {
		if w.store.deliver(w.draw(n, "which")) {
			w.saw["late swap made"]++
		} else {
			w.saw["late swap refused"]++
		}
	}
}

func (w *world) toggleStore() { w.store.setDown(w.oneIn(4, "up")) }

func (w *world) killReplica() {
	i := w.draw(len(w.replicas), "replica")
	dead := w.replicas[i]
	dead.kill()
	for _, o := range w.writes {
		if o.on == dead && o.phase == sent && !o.abandoned {
			o.abandon(w)
		}
	}
	for _, o := range w.posts {
		if o.on == dead && !o.abandoned {
			o.abandon(w)
		}
	}
	w.replicas[i] = w.newReplica()
}

func (w *world) forget() {
	if k := w.drawKey(); rapid.Bool().Draw(w.t, "rarely") && w.store.forget(k) {
		w.outlive(k)
	}
}

func (w *world) emptyStore() {
	under := pick(w, w.writes, func(o *writeOp) bool { return o.phase == sent && !o.over }) != nil
	if !under && !w.oneIn(4, "rarely") {
		return
	}
	w.store.empty()
	for _, k := range w.keys {
		w.outlive(k)
	}
	if rapid.Bool().Draw(w.t, "wait for the end of grace") {
		w.sleep(w.grace)
	}
}

// outlive: the bare tags of the key, and those of reads that are under way, are older than any record from now on.
func (w *world) outlive(key Key) {
	w.forgot[key] = time.Now()
	for i := range w.held {
		if w.held[i].key == key {
			w.held[i].outlived = true
		}
	}
	for _, o := range w.reads {
		if o.key == key {
			o.outlived = true
		}
	}
	for _, o := range w.writes {
		for i := range o.base {
			if o.key == key {
				o.base[i].outlived = true
			}
		}
	}
}

// outlives: the view is a local copy of a record that was forgotten since. What is noted on it is noted nowhere else.
func (w *world) outlives(v View) bool { return v.Local && v.sent.Before(w.forgot[v.Key]) }

// quietWrite is P2: when nothing is under way, who reads and then writes is admitted.
func (w *world) quietWrite() {
	k := w.drawKey()
	r := w.store.record(k).at(w.store.now())
	if len(w.writes)+len(w.posts)+len(w.reads) > 0 || !w.store.calm() ||
		r.State == Writing || len(r.Marks) > 0 || w.store.now() < w.store.epoch.Start.Add(w.grace) {
		w.clean()
		return
	}
	w.sleep(worldLocalFor)
	w.undisturbed(w.drawReplica(), k)
}

// clean drops what can have no effect any more.
func (w *world) clean() {
	over := func(f flight) bool { return f.over && f.abandoned && time.Since(f.ended) > time.Minute }
	var posts []*postOp
	for _, o := range w.posts {
		if !over(o.flight) {
			posts = append(posts, o)
		}
	}
	w.posts = posts
	var writes []*writeOp
	for _, o := range w.writes {
		if !(o.phase == sent && o.over && o.abandoned) && !o.on.gone() || o.phase == sent && !o.over {
			writes = append(writes, o)
		}
	}
	w.writes = writes
}

func (w *world) undisturbed(on *replica, k Key) {
	wish := Wish{Condition: Condition{Absent: true}}
	var base []clientTag
	if !w.backend[k].absent {
		w.readNow(on, k, 0)
		base = w.held[len(w.held)-1:]
		wish.Condition = Condition{Match: TagList{Field: true, Tags: []Tag{base[0].tag}}}
	}
	var err error
	if wish.View, err = on.cache.Fetch(w.ctx, k); err != nil {
		w.t.Fatal(err)
	}
	for range 2 {
		if on.cache.Judge(wish.View, wish.Condition, wish.Evidence) == Ask {
			wish.Evidence = w.probe(wish.View, k, 0)
		}
		h, ruling, err := on.cache.Claim(w.ctx, []Wish{wish}, w.term)
		if err != nil {
			w.t.Fatal(err)
		}
		if h != nil {
			o := &writeOp{on: on, key: k, base: base, creates: base == nil, begun: time.Now()}
			w.saw["undisturbed write"]++
			w.applied(o)
			_, _, _ = h.Conclude(w.ctx, Conclusion{Outcome: Applied}, nil)
			return
		}
		if ruling.Verdict != Ask {
			w.t.Fatalf("P2: an undisturbed write with %v was refused as %s: %+v", wish.Condition, ruling.Verdict, ruling.View.Record)
		}
		wish.View = ruling.View
	}
	w.t.Fatal("P2: it asks for ever")
}
