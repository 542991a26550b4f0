package etagcache

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// ErrUnlike says that other replicas share the store whose settings are not this one's, so that both would keep records of
// their own for one resource. Nothing is read from the store or written to it then.
var ErrUnlike = errors.New("replicas with other settings share the store")

// enrolment is a replica's word from the store that it is a member of the roster.
type enrolment struct {
	generation generation
	opens      time.Time // before it, writes of the generation before may be under way
	renew      time.Time // when it is time to enrol anew
	until      time.Time // when the word is worth nothing any more
	// The same by the store's clock, in the epoch that the roster was in: this process's may have stood still.
	epoch EpochID
	gone  Instant
}

// outlived reports whether a reply of the store shows that others may have taken the roster over.
func (e *enrolment) outlived(r Reply) bool {
	return e != nil && r.Epoch.ID == e.epoch && r.Now >= e.gone
}

// memory is what records are told apart by.
func (e *enrolment) memory(id EpochID) EpochID {
	if e == nil {
		return id
	}
	return id.in(e.generation)
}

// graceLeft is how long writes of the generation before may be under way yet.
func (e *enrolment) graceLeft(now time.Time) time.Duration {
	if e == nil {
		return 0
	}
	return max(0, e.opens.Sub(now))
}

// membership is what a [Cache] knows of its place on the roster.
type membership struct {
	id       string
	settings map[string]string // digests; nil: nobody asks
	now      atomic.Pointer[enrolment]
	unlike   atomic.Int64
	stranger atomic.Pointer[refused]
	left     atomic.Bool
	lasts    time.Duration // how long an enrolment is worth something
}

// refused is why the replica is not on the roster, and until when it does not ask again.
type refused struct {
	err   error
	until time.Time
}

var (
	errLeft       = errors.New("the replica has left the roster")
	errStoodStill = errors.New("the replica stood still for longer than its place on the roster lasts")
)

// rosterKey is where the roster lies. Resources have digests of other things for keys.
var rosterKey = func() (k Key) {
	d := DigestOf("proxy409 roster")
	copy(k[:], d[:])
	return k
}()

// enrolmentLasts is the longest that a replica goes on without having enrolled anew.
const enrolmentLasts = 10 * time.Second

func newMembership(o Options) membership {
	if o.Settings == nil {
		return membership{}
	}
	id := o.Fresh()
	return membership{
		id: hex.EncodeToString(id[:]), settings: digestSettings(o.Settings),
		// Who has not noticed that the store lost the roster does so in the grace that this begins.
		lasts: min(enrolmentLasts, max(o.Grace, time.Second)),
	}
}

// enrolled returns the replica's enrolment; nil where nobody asks for one.
func (c *Cache) enrolled(ctx context.Context) (*enrolment, error) {
	e, err := c.renewed(ctx)
	if old := c.member.now.Load(); err != nil && !errors.Is(err, ErrUnlike) && old != nil && c.opt.Clock().Before(old.until) {
		return old, nil // what is asked of the store next will tell whether it answers
	}
	return e, err
}

// renewed returns the replica's enrolment, anew if it is time to.
func (c *Cache) renewed(ctx context.Context) (*enrolment, error) {
	if c.member.settings == nil {
		return nil, nil
	}
	if e := c.member.now.Load(); e != nil && c.opt.Clock().Before(e.renew) {
		return e, nil
	}
	out := c.member.stranger.Load()
	if out != nil && c.opt.Clock().Before(out.until) {
		return nil, out.err
	}
	e, err, _ := c.flights.Do("", func() (any, error) { return c.enrol(context.WithoutCancel(ctx)) })
	if err != nil {
		if out != nil && !errors.Is(err, ErrUnlike) {
			err = errors.Join(out.err, err)
		}
		return nil, err
	}
	return e.(*enrolment), nil
}

// stands reports whether the view's enrolment is good still, so that it may be claimed from.
func (c *Cache) stands(v View) bool {
	if c.member.settings == nil {
		return true
	}
	e := c.member.now.Load()
	return v.enrolled != nil && e != nil && e.generation == v.enrolled.generation && c.opt.Clock().Before(e.until)
}

// enrol puts the replica on the roster.
func (c *Cache) enrol(ctx context.Context) (*enrolment, error) {
	m := &c.member
	if m.left.Load() {
		return nil, errLeft
	}
	asked := c.opt.Clock() // before the store says what time it is
	reply, err := c.store.Get(ctx, rosterKey)
	for {
		if err != nil {
			return nil, fmt.Errorf("store: the list of replicas: %w", err)
		}
		list, err1 := parseRoster(reply.Value)
		if err1 != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, err1)
		}
		sent, began := asked, c.opt.Clock()
		seen := reply
		next, member := list.enrol(applicant{
			id: m.id, name: c.opt.Name, settings: m.settings, lasts: m.lasts * 3 / 2, grace: c.opt.Grace,
		}, seen.Now, seen.Epoch)
		asked = began
		if reply, err = c.swapRoster(ctx, reply, next); err != nil || !reply.Swapped {
			continue
		}
		if !member {
			m.now.Store(nil)
			m.unlike.Store(int64(len(next.Members)))
			err := fmt.Errorf("%w: %s; what differs: %s", ErrUnlike, names(next.Members), strings.Join(next.differs(m.id), ", "))
			m.stranger.Store(&refused{err: err, until: sent.Add(strangerWaits)})
			return nil, err
		}
		m.stranger.Store(nil)
		m.unlike.Store(int64(len(next.Others)))
		e := &enrolment{
			generation: next.generation(), renew: sent.Add(m.lasts / 2), until: sent.Add(m.lasts),
			opens: c.opt.Clock().Add(next.graceLeft(seen.Now, c.opt.Grace)),
			epoch: seen.Epoch.ID, gone: seen.Now.Add(m.lasts * 3 / 2),
		}
		m.now.Store(e)
		return e, nil
	}
}

// strangerWaits is how long a replica that was shut out does not ask again.
const strangerWaits = 900 * time.Millisecond

// mayReplace makes sure that a value which is no record to the replica is from before its generation, and not from one that
// began since it enrolled.
func (c *Cache) mayReplace(ctx context.Context, v View) error {
	if v.enrolled == nil || v.raw == nil || v.Record.State != None {
		return nil
	}
	reply, err := c.store.Get(ctx, rosterKey)
	if err != nil {
		return fmt.Errorf("store: the list of replicas: %w: %w", ErrNotSent, err)
	}
	list, err := parseRoster(reply.Value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if list.Settings == nil || list.generation() != v.enrolled.generation {
		return fmt.Errorf("%w: %w", ErrNotSent, ErrUnlike)
	}
	return nil
}

func (c *Cache) swapRoster(ctx context.Context, seen Reply, next roster) (Reply, error) {
	value, err := json.Marshal(next)
	if err != nil {
		return Reply{}, err
	}
	// It outlives every record that was written under it.
	return c.store.Swap(ctx, rosterKey, Change{Epoch: seen.Epoch.ID, Old: seen.Value, New: value, TTL: 4 * c.opt.TTL})
}

// differs is what a stranger differs in. One that found no room on the list differs in what the others do.
func (r roster) differs(id string) []string {
	if e, ok := r.Others[id]; ok {
		return e.Differs
	}
	for _, e := range r.Others {
		return e.Differs
	}
	return nil
}

// leave takes the replica off the roster, so that replicas with other settings need not wait until its entry has run out.
func (c *Cache) leave(ctx context.Context) {
	if c.member.settings == nil {
		return
	}
	c.member.left.Store(true)
	c.member.now.Store(nil)
	reply, err := c.store.Get(ctx, rosterKey)
	for err == nil && reply.Value != nil {
		list, err1 := parseRoster(reply.Value)
		if err1 != nil {
			return
		}
		if reply, err = c.swapRoster(ctx, reply, list.leave(c.member.id)); err != nil || reply.Swapped {
			return
		}
	}
}

// Unlike is how many replicas share the store whose settings are not this one's, as of the latest enrolment. Where there are
// any, those that were there first go on, and the others fail with [ErrUnlike].
func (c *Cache) Unlike() int { return int(c.member.unlike.Load()) }
