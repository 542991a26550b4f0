package etagcache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The files in testdata/step are stories: lines that begin with ">" happen, and what follows each is what came of it, as
// this test writes it with -update. All else is for the reader. One second is the unit of time, and a line is one of
//
//	> R begins                            a read takes the record
//	> R shows "a" [of REP] [weak]         its answer
//	> R shows nothing                     its answer is a 404
//	> W claims [if FIELD] [if-none-match *] [strong] [seeing R "a" | seeing R nothing]
//	> W concludes applied|unapplied|doubt [shows "a" [confirmed]]
//	> M opens, > M closes                 an unsafe request that nobody judges
//	> time 10, > grace on|off, > lag 5, > forget
//
// A version is named v1, v2, ... as it is minted, and "a"@v1 in a FIELD is the qualified tag. Leases last 60, doubt 30.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/step/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newTeller(t).tell(string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("the story goes otherwise now:\n%s", got)
			}
		})
	}
}

type teller struct {
	t     *testing.T
	r     Record
	now   Instant
	grace bool
	lag   time.Duration
	fresh int
	begun map[string]Begun
	tags  map[Digest]string
}

func newTeller(t *testing.T) *teller {
	return &teller{t: t, begun: map[string]Begun{}, tags: map[Digest]string{DigestOf("rep", ""): ""}}
}

func (s *teller) tell(text string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		command, ok := strings.CutPrefix(line, "> ")
		switch {
		case ok:
			out = append(out, line, "  "+s.step(strings.Fields(command)))
		case !strings.HasPrefix(line, "  "):
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n") + "\n"
}

func (s *teller) moment() Moment { return Moment{Now: s.now, Grace: s.grace} }

func (s *teller) step(words []string) string {
	switch words[0] {
	case "time":
		d, err := time.ParseDuration(words[1] + "s")
		if err != nil {
			s.t.Fatal(err)
		}
		s.now += Instant(d / time.Second)
		return fmt.Sprintf("it is %d: %s", s.now, s.record())
	case "lag":
		d, err := time.ParseDuration(words[1] + "ms") // a tick of the stories is a millisecond
		if err != nil {
			s.t.Fatal(err)
		}
		s.lag = d
		return "reads may be so much behind: " + words[1]
	case "grace":
		s.grace = words[1] == "on"
		return s.record()
	case "forget":
		s.r = Record{}
		return s.record()
	}
	if words[1] == "begins" {
		if s.r.State == None {
			s.put(Plant{})
		}
		b := Begin(s.r, s.moment(), s.lag)
		s.begun[words[0]] = b
		if b.Closed {
			return "under " + name(b.Version) + ", which is closed"
		}
		return "under " + name(b.Version)
	}
	v := s.put(s.event(words))
	if v == Planted {
		v = s.put(s.event(words))
	}
	return fmt.Sprintf("%s: %s", v, s.record())
}

func (s *teller) put(e Event) Verdict {
	s.fresh++
	at := s.moment()
	at.Fresh = id(fmt.Sprintf("v%d", s.fresh))
	next, verdict := Step(s.r, e, at)
	if next.Seq == s.r.Seq {
		s.fresh--
	} else {
		s.r = next
	}
	return verdict
}

func (s *teller) event(words []string) Event {
	who, rest := words[0], words[2:]
	switch words[1] {
	case "shows":
		if rest[0] == "nothing" {
			return Gone{Begun: s.begun[who]}
		}
		return Learn{Begun: s.begun[who], Shown: s.validator(rest)}
	case "claims":
		return s.claim(who, rest)
	case "concludes":
		e := Conclude{ID: id(who), Now: s.now, Until: s.now + 30, Outcome: map[string]Outcome{"applied": Applied, "unapplied": Unapplied, "doubt": Doubt}[rest[0]]}
		if len(rest) > 1 {
			e.Shows, e.Shown, e.Confirmed = true, s.validator(rest[2:]), rest[len(rest)-1] == "confirmed"
		}
		return e
	case "opens":
		return OpenMark{ID: id(who), Until: s.now + 60}
	case "closes":
		return CloseMark{ID: id(who), Now: s.now}
	}
	s.t.Fatalf("nobody knows how to %q", words)
	return nil
}

func (s *teller) claim(who string, words []string) Claim {
	c := Claim{ID: id(who), Until: s.now + 60}
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "if":
			i++
			c.Condition.Match.Field = true
			for f := range strings.SplitSeq(words[i], ",") {
				tag, version, qualified := strings.Cut(f, "@")
				t, _, err := ParseETag([]string{tag})
				if err != nil {
					s.t.Fatal(err)
				}
				if qualified {
					t = t.Qualify(id(version))
				}
				c.Condition.Match.Tags = append(c.Condition.Match.Tags, t)
			}
		case "if-none-match":
			i++
			c.Condition.Absent = true
		case "strong":
			c.Condition.Strong = true
		case "never":
			c.Condition.Qualify = QualifyNever
		case "always":
			c.Condition.Qualify = QualifyAlways
		case "seeing":
			c.Evidence = Evidence{Begun: s.begun[words[i+1]], Kind: ShownAbsent}
			if words[i+2] != "nothing" {
				c.Evidence.Kind, c.Evidence.Shown = ShownVersion, s.validator(words[i+2:])
			}
			return c
		default:
			s.t.Fatalf("a claim with %q", words[i])
		}
	}
	return c
}

func (s *teller) validator(words []string) Validator {
	tag, _, err := ParseETag(words[:1])
	if err != nil {
		s.t.Fatal(err)
	}
	s.tags[tag.Digest()] = tag.String()
	v := taggedFor("", tag.Opaque)
	for i, w := range words {
		switch w {
		case "of":
			v.Rep = DigestOf("rep", words[i+1])
			s.tags[v.Rep] = " of " + words[i+1]
		case "weak":
			v.Weak = true
		}
	}
	return v
}

func (s *teller) record() string {
	r := s.r
	var b strings.Builder
	b.WriteString(r.State.String())
	if r.State == None {
		return b.String()
	}
	fmt.Fprintf(&b, " %s", name(r.Version))
	for _, v := range r.Validators {
		fmt.Fprintf(&b, " %s%s", s.tags[v.Tag], s.tags[v.Rep])
		if v.Weak {
			b.WriteString(" (weak)")
		}
	}
	if r.State == Writing {
		fmt.Fprintf(&b, "; before it %s %s; until %d", r.Lease.Before, name(r.Lease.BeforeVersion), r.Lease.Until)
		if r.Lease.InDoubt {
			b.WriteString(", in doubt")
		}
		if r.Lease.Touched {
			b.WriteString(", touched")
		}
	}
	for i, d := range r.Retired {
		b.WriteString(map[bool]string{true: "; retired ", false: " "}[i == 0] + s.tags[d])
	}
	for i, m := range r.Marks {
		b.WriteString(map[bool]string{true: "; open ", false: ", "}[i == 0] + fmt.Sprintf("%s until %d", name(m.ID), m.Until))
	}
	if now := r.at(s.now); now.State != r.State {
		fmt.Fprintf(&b, " -- which reads as %s by now", now.State)
	}
	return b.String()
}

func name[T ~[12]byte](v T) string { return strings.TrimRight(string(v[:]), "\x00") }
