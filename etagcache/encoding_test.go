package etagcache

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the files in testdata that tests compare with")

var inEpoch = EpochID{'e', 'p', 'o', 'c', 'h'}

func TestEveryRecordSurvivesTheStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		b := encode(r, inEpoch)
		got, err := decode(b, inEpoch)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("%+v\ncame back as\n%+v, %v", r, got, err)
		}
		if cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut"); cut > 0 {
			if got, err := decode(b[:cut], inEpoch); cut > 8 && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("the first %d of %d bytes make %+v, %v", cut, len(b), got, err)
			}
		}
		if got, err := decode(append(b, 0), inEpoch); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("with a byte too many: %+v, %v", got, err)
		}
	})
}

// Every change of a record changes its stored bytes: compare-and-swap sees nothing else.
func TestDifferentRecordsAreStoredDifferently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRecord(t), drawRecord(t)
		if rapid.Bool().Draw(t, "only the seq differs") {
			b = a
			b.Seq++
		}
		if bytes.Equal(encode(a, inEpoch), encode(b, inEpoch)) != reflect.DeepEqual(a, b) {
			t.Fatalf("%+v\n%+v", a, b)
		}
	})
}

func TestNothingStoredIsNoRecord(t *testing.T) {
	if r, err := decode(nil, inEpoch); err != nil || !reflect.DeepEqual(r, Record{}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRecordOfAnotherEpochIsNoRecord(t *testing.T) {
	b := encode(goldenRecords()["writing"], inEpoch)
	if r, err := decode(b, EpochID{'x'}); err != nil || !reflect.DeepEqual(r, Record{}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	b := encode(goldenRecords()["known"], inEpoch)
	b[0]++
	for _, value := range [][]byte{b, {0xff}, {format + 1}} {
		if _, err := decode(value, inEpoch); !errors.Is(err, ErrNewer) {
			t.Errorf("%x: %v", value, err)
		}
	}
}

func TestForeignValueIsCorrupt(t *testing.T) {
	known := encode(goldenRecords()["known"], inEpoch)
	noState := bytes.Clone(known)
	noState[9] = byte(None)
	wrongState := bytes.Clone(known)
	wrongState[9] = 4
	hugeList := append(encode(Record{State: Known}, inEpoch)[:36], 0xff, 0xff, 0xff, 0xff, 0x0f)
	for name, value := range map[string][]byte{
		"empty": {}, "format 0": {0, 1, 2}, "format alone": {format}, "state none": noState, "state 4": wrongState,
		"a list too long": hugeList, "text": []byte("\x01{\"json\":true,\"padding\":true}"),
	} {
		epoch := inEpoch
		if name == "text" {
			copy(epoch[:], value[1:])
		}
		if r, err := decode(value, epoch); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestRecordsAreSmall(t *testing.T) {
	r := Record{State: Known, Version: id("v"), Left: id("l"), Seq: 1 << 40}
	for i := range 3 {
		r.Validators = append(r.Validators, taggedFor("", string(rune('a'+i))))
	}
	for i := range 8 {
		r.Retired = append(r.Retired, DigestOf(string(rune('k'+i))))
	}
	if n := len(encode(r, inEpoch)); n > 300 {
		t.Errorf("a usual record takes %d bytes", n)
	}
	for len(r.Validators) < usualValidators {
		r.Validators = append(r.Validators, Validator{})
	}
	for len(r.Retired) < usualRetired {
		r.Retired = append(r.Retired, Digest{})
	}
	for len(r.Marks) < maxMarks {
		r.Marks = append(r.Marks, Mark{Until: 1 << 41})
	}
	if n := len(encode(r, inEpoch)); n > 2048 {
		t.Errorf("the largest record takes %d bytes", n)
	}
}

func goldenRecords() map[string]Record {
	return map[string]Record{
		"unknown": {State: Unknown, Version: id("version-0001"), Seq: 1},
		"created": {State: Unknown, Version: id("version-0001"), Seq: 3, Moved: 1700000000123, Created: true},
		"printed": {
			State: Writing, Version: id("lease-000002"), Seq: 301,
			Lease: Lease{
				ID: id("lease-000002"), Until: 1700000060123, Before: Unknown, BeforeVersion: id("version-0002"),
				Print: Print{Head: id("head-0000001"), Whole: id("whole-000001")}, Remember: 1700086460123, Kept: true,
			},
		},
		"repeatable": {
			State: Unknown, Version: id("version-0001"), Seq: 3, Moved: 1700000000123,
			Last: Last{Print: Print{Head: id("head-0000001"), Whole: id("whole-000001")}, Answer: []byte("204\n\n"), Until: 1700000060123},
		},
		"known": {
			State: Known, Version: id("version-0002"), Left: id("lease-000001"), Seq: 300,
			Validators: []Validator{{Tag: id("tag-00000001"), Rep: id("rep-00000001"), Weak: true}, {Tag: id("tag-00000002")}},
			Retired:    []Digest{id("tag-00000003"), id("tag-00000004")},
		},
		"writing": {
			State: Writing, Version: id("lease-000002"), Seq: 301,
			Validators: []Validator{{Tag: id("tag-00000001"), Rep: id("rep-00000001")}},
			Marks:      []Mark{{ID: id("mark-0000001"), Until: 1700000000123}},
			Lease: Lease{
				ID: id("lease-000002"), Until: 1700000060123, InDoubt: true, Touched: true,
				Before: Known, BeforeVersion: id("version-0002"),
			},
		},
	}
}

// A change of these files is a change of the format: it needs a new format number, or old and new replicas of one fleet
// read each other's records wrongly.
func TestTheFormatHasNotChanged(t *testing.T) {
	for name, r := range goldenRecords() {
		file := filepath.Join("testdata", "format1", name+".hex")
		got := hex.EncodeToString(encode(r, inEpoch)) + "\n"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is stored as\n%sand was\n%s", name, got, want)
		}
		value, _ := hex.DecodeString(got[:len(got)-1])
		if back, err := decode(value, inEpoch); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
	}
}

// FuzzDecode: no bytes make decode panic, and those that make a record are those that it is stored as.
func FuzzDecode(f *testing.F) {
	for _, r := range goldenRecords() {
		f.Add(encode(r, inEpoch))
	}
	f.Add([]byte{})
	f.Add([]byte{format})
	f.Add([]byte{format + 1})
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := decode(value, inEpoch)
		if err != nil {
			if !reflect.DeepEqual(r, Record{}) {
				t.Fatalf("an error and a record: %+v", r)
			}
			return
		}
		if r.State == None {
			return
		}
		if back := encode(r, inEpoch); !bytes.Equal(back, value) {
			t.Fatalf("%x decodes to\n%+v, which is stored as\n%x", value, r, back)
		}
		for _, e := range everyEvent() {
			Step(r, e, Moment{Now: 1700000000000, Fresh: id("fresh")})
		}
	})
}

func everyEvent() []Event {
	begun := Begun{Version: id("version-0002")}
	return []Event{
		Plant{},
		Learn{Begun: begun, Shown: tagged("a")},
		Gone{Begun: begun},
		Claim{ID: id("lease"), Until: 1, Condition: ifMatch(`"a"`), Evidence: Evidence{Begun: begun, Kind: ShownVersion, Shown: tagged("a")}},
		Conclude{ID: id("lease-000002"), Outcome: Applied},
		OpenMark{ID: id("mark-0000001"), Until: 1},
		CloseMark{ID: id("mark-0000001")},
	}
}
