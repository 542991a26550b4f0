package etagcache

import "pgregory.net/rapid"

// Generators of arbitrary values, and names for values in examples.

func drawID(t *rapid.T, label string) (id [12]byte) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, label))
	return id
}

func drawTag(t *rapid.T) Tag {
	char := rapid.OneOf(rapid.ByteRange(0x23, 0x7e), rapid.ByteRange(0x80, 0xff), rapid.SampledFrom([]byte(`!;,-p409`)))
	return Tag{
		Opaque: string(rapid.SliceOfN(char, 0, 40).Draw(t, "opaque")),
		Weak:   rapid.Bool().Draw(t, "weak"),
	}
}

func drawInstant(t *rapid.T, label string) Instant {
	return Instant(rapid.Int64Range(0, 1<<45).Draw(t, label))
}

func drawRecord(t *rapid.T) Record {
	digest := rapid.Custom(func(t *rapid.T) Digest { return drawID(t, "digest") })
	r := Record{
		State:   rapid.SampledFrom([]State{Unknown, Known, Writing}).Draw(t, "state"),
		Version: drawID(t, "version"),
		Left:    drawID(t, "left"),
		Seq:     rapid.Uint64().Draw(t, "seq"),
		Created: rapid.Bool().Draw(t, "created"),
		Validators: nonEmpty(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Validator {
			return Validator{Tag: digest.Draw(t, "tag"), Rep: digest.Draw(t, "rep"), Weak: rapid.Bool().Draw(t, "weak")}
		}), 0, usualValidators).Draw(t, "validators")),
		Retired: nonEmpty(rapid.SliceOfN(digest, 0, usualRetired).Draw(t, "retired")),
		Marks: nonEmpty(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Mark {
			return Mark{ID: drawID(t, "mark"), Until: drawInstant(t, "until")}
		}), 0, maxMarks).Draw(t, "marks")),
	}
	drawPrint := func() Print { return Print{Head: digest.Draw(t, "head"), Whole: digest.Draw(t, "whole")} }
	if rapid.Bool().Draw(t, "repeatable") {
		r.Last = Last{Print: drawPrint(), Doubt: rapid.Bool().Draw(t, "doubt"), Until: drawInstant(t, "until")}
		r.Last.Answer = nonEmpty(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "answer"))
		if r.Last.Print == (Print{}) {
			r.Last = Last{}
		}
	}
	if r.State == Writing {
		r.Lease = Lease{
			ID: drawID(t, "lease"), Until: drawInstant(t, "until"),
			InDoubt: rapid.Bool().Draw(t, "in doubt"), Touched: rapid.Bool().Draw(t, "touched"),
			Before: rapid.SampledFrom([]State{Unknown, Known}).Draw(t, "before"), BeforeVersion: drawID(t, "before version"),
			Print: drawPrint(), Kept: rapid.Bool().Draw(t, "kept"),
		}
	}
	return r
}

func nonEmpty[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

// id is an identifier that reads as its name.
func id(name string) (id [12]byte) {
	copy(id[:], name)
	return id
}

// tagged is the validator of a strong tag, for the representation that the tests use when it does not matter which.
func tagged(opaque string) Validator { return taggedFor("", opaque) }

func taggedFor(rep, opaque string) Validator {
	return Validator{Tag: DigestOf(opaque), Rep: DigestOf("rep", rep)}
}

func weak(v Validator) Validator {
	v.Weak = true
	return v
}

// ifMatch is the condition that the field value makes.
func ifMatch(field string) Condition {
	list, err := ParseTagList([]string{field}, 0)
	if err != nil {
		panic(err)
	}
	return Condition{Match: list}
}
