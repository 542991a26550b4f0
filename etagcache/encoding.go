package etagcache

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// format is the version of the encoding below. It is the first byte of every stored value.
const format = 1

// ErrNewer says that a stored record was written by a newer release. It is never overwritten: during a rolling upgrade
// the older replica answers 503 for that resource rather than losing what it cannot read.
var ErrNewer = errors.New("the stored record has a newer format than this release knows")

// ErrCorrupt says that a stored value is not a record. It is not overwritten either: somebody else writes under our
// prefix, and that must be found, not hidden.
var ErrCorrupt = errors.New("the stored value is not a record")

// The encoding is: format, epoch (8), state, flags, seq, moved, version (12), left (12), then counted lists of validators
// (tag 12, rep 12, flags), retired digests (12) and marks (id 12, until), then, while writing, the lease (id 12, until,
// state before, version before 12, and its print if it has one), and what is remembered of the last write. Counts, seq and instants are uvarints.
const (
	flagTouched = 1 << iota
	flagInDoubt
	flagCreated
	flagLast    // there is a Last
	flagDoubted // and it is in doubt
	flagPrinted // the lease has a print
	flagKept    // the lease is one of a write that does not change the resource
)

// MaxAnswer is how long the answer of a [Last] is at the most, in bytes.
const MaxAnswer = 80 << 10

// encode writes the record as it is stored in the given epoch.
func encode(r Record, epoch EpochID) []byte {
	size := 72 + 25*len(r.Validators) + 12*len(r.Retired) + 21*len(r.Marks) + 36 + 70 + len(r.Last.Answer)
	b := make([]byte, 0, size)
	b = append(b, format)
	b = append(b, epoch[:]...)
	var flags byte
	if r.Lease.Touched {
		flags |= flagTouched
	}
	if r.Lease.InDoubt {
		flags |= flagInDoubt
	}
	if r.Created {
		flags |= flagCreated
	}
	if r.Last.Print != (Print{}) {
		flags |= flagLast
	}
	if r.Last.Doubt {
		flags |= flagDoubted
	}
	if r.Lease.Print != (Print{}) {
		flags |= flagPrinted
	}
	if r.Lease.Kept {
		flags |= flagKept
	}
	b = append(b, byte(r.State), flags)
	b = binary.AppendUvarint(b, r.Seq)
	b = binary.AppendUvarint(b, uint64(r.Moved))
	b = append(b, r.Version[:]...)
	b = append(b, r.Left[:]...)
	b = binary.AppendUvarint(b, uint64(len(r.Validators)))
	for _, v := range r.Validators {
		b = append(b, v.Tag[:]...)
		b = append(b, v.Rep[:]...)
		b = append(b, boolByte(v.Weak))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Retired)))
	for _, d := range r.Retired {
		b = append(b, d[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Marks)))
	for _, m := range r.Marks {
		b = append(b, m.ID[:]...)
		b = binary.AppendUvarint(b, uint64(m.Until))
	}
	if r.State == Writing {
		b = append(b, r.Lease.ID[:]...)
		b = binary.AppendUvarint(b, uint64(r.Lease.Until))
		b = append(b, byte(r.Lease.Before))
		b = append(b, r.Lease.BeforeVersion[:]...)
		if flags&flagPrinted != 0 {
			b = appendPrint(b, r.Lease.Print, r.Lease.Remember)
		}
	}
	if flags&flagLast != 0 {
		b = appendPrint(b, r.Last.Print, r.Last.Until)
		b = binary.AppendUvarint(b, uint64(len(r.Last.Answer)))
		b = append(b, r.Last.Answer...)
	}
	return b
}

func appendPrint(b []byte, p Print, until Instant) []byte {
	b = append(b, p.Head[:]...)
	b = append(b, p.Whole[:]...)
	return binary.AppendUvarint(b, uint64(until))
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// decode reads a stored value in the given epoch. Nothing stored, and a record of another epoch, are no record.
func decode(value []byte, epoch EpochID) (Record, error) {
	if value == nil {
		return Record{}, nil
	}
	if len(value) == 0 || value[0] == 0 {
		return Record{}, ErrCorrupt
	}
	if value[0] > format {
		return Record{}, fmt.Errorf("%w: format %d", ErrNewer, value[0])
	}
	d := decoder{rest: value[1:]}
	var r Record
	var stored EpochID
	d.bytes(stored[:])
	if d.err == nil && stored != epoch {
		return Record{}, nil
	}
	r.State = State(d.byte())
	flags := d.byte()
	r.Created = flags&flagCreated != 0
	r.Seq = d.uvarint()
	r.Moved = Instant(d.uvarint())
	d.bytes(r.Version[:])
	d.bytes(r.Left[:])
	r.Validators = decodeList(&d, maxValidators, func() (v Validator) {
		d.bytes(v.Tag[:])
		d.bytes(v.Rep[:])
		weak := d.byte()
		d.demand(weak <= 1)
		v.Weak = weak == 1
		return v
	})
	r.Retired = decodeList(&d, maxRetired, func() (x Digest) { d.bytes(x[:]); return x })
	r.Marks = decodeList(&d, maxMarks, func() (m Mark) {
		d.bytes(m.ID[:])
		m.Until = Instant(d.uvarint())
		return m
	})
	if r.State == Writing {
		d.bytes(r.Lease.ID[:])
		r.Lease.Until = Instant(d.uvarint())
		r.Lease.Before = State(d.byte())
		d.bytes(r.Lease.BeforeVersion[:])
		r.Lease.Touched = flags&flagTouched != 0
		r.Lease.InDoubt = flags&flagInDoubt != 0
		r.Lease.Kept = flags&flagKept != 0
		d.demand(r.Lease.Before == Unknown || r.Lease.Before == Known)
		if flags&flagPrinted != 0 {
			r.Lease.Print, r.Lease.Remember = d.print()
		}
	} else {
		d.demand(flags&(flagTouched|flagInDoubt|flagPrinted|flagKept) == 0)
	}
	d.demand(flags < flagKept<<1 && (flags&flagDoubted == 0 || flags&flagLast != 0))
	if flags&flagLast != 0 {
		r.Last.Print, r.Last.Until = d.print()
		r.Last.Doubt = flags&flagDoubted != 0
		r.Last.Answer = d.answer()
	}
	d.demand(len(d.rest) == 0 && r.State != None && r.State <= Writing)
	if d.err != nil {
		return Record{}, d.err
	}
	return r, nil
}

// decoder reads from rest until something is missing; after that it reads zeroes.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) bytes(into []byte) {
	if d.err != nil || len(d.rest) < len(into) {
		d.err = ErrCorrupt
		return
	}
	d.rest = d.rest[copy(into, d.rest):]
}

// print reads a print that is not zero, and until when it is remembered.
func (d *decoder) print() (p Print, until Instant) {
	d.bytes(p.Head[:])
	d.bytes(p.Whole[:])
	until = Instant(d.uvarint())
	d.demand(p != Print{})
	return p, until
}

// answer reads what is left in its place. It is not copied: nobody changes what is stored.
func (d *decoder) answer() []byte {
	n := d.uvarint()
	if d.err != nil || n > MaxAnswer || n > uint64(len(d.rest)) {
		d.err = ErrCorrupt
		return nil
	}
	a := d.rest[:n:n]
	d.rest = d.rest[n:]
	if n == 0 {
		return nil
	}
	return a
}

// demand makes a value that encode would not have written an error, so that one record is stored in one way only.
func (d *decoder) demand(ok bool) {
	if !ok {
		d.err = ErrCorrupt
	}
}

func (d *decoder) byte() byte {
	var b [1]byte
	d.bytes(b[:])
	return b[0]
}

func (d *decoder) uvarint() uint64 {
	if d.err != nil {
		return 0
	}
	x, n := binary.Uvarint(d.rest)
	if n <= 0 || (n > 1 && d.rest[n-1] == 0) { // cut off, too large, or longer than it need be
		d.err = ErrCorrupt
		return 0
	}
	d.rest = d.rest[n:]
	return x
}

func decodeList[T any](d *decoder, most int, one func() T) []T {
	n := d.uvarint()
	if n > uint64(most) {
		d.err = ErrCorrupt
	}
	if n == 0 || d.err != nil {
		return nil
	}
	list := make([]T, 0, n)
	for range n {
		list = append(list, one())
	}
	return list
}
