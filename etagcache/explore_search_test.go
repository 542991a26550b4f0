package etagcache

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strings"
	"time"
)

// search walks a small world breadth first, so that the first story that breaks a promise is a shortest one.
type search struct {
	*explorer
	canon canon
	seeds [2]maphash.Seed
	seen  map[[2]uint64]struct{}
	edges []edge // how each state was come by, in the order in which they were found
	forms []byte // the canonical forms of the states of the present level, one after the other
	ends  []int
	next  []byte
	nexts []int
	calm  map[[2]uint64]struct{} // quiet worlds that were checked
	steps int
	depth int
}

type edge struct {
	parent int32
	move   move
}

func newSearch(cfg ExploreConfig, open func(clock func() time.Time) Store) *search {
	s := &search{
		explorer: newExplorer(cfg, open),
		seeds:    [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		seen:     map[[2]uint64]struct{}{}, calm: map[[2]uint64]struct{}{},
	}
	s.canon.tags, s.canon.lag = s.tags, cfg.lag
	return s
}

// run returns the story that breaks a promise, or "".
func (s *search) run() string {
	w := s.first()
	s.reach(&w, edge{parent: -1})
	first := 0
	for len(s.nexts) > 0 {
		s.forms, s.next = s.next, s.forms[:0]
		s.ends, s.nexts = s.nexts, s.ends[:0]
		start := 0
		for i, end := range s.ends {
			if story := s.expand(int32(first+i), s.forms[start:end]); story != "" {
				return story
			}
			start = end
		}
		first += len(s.ends)
		s.depth++
	}
	return ""
}

// expand takes all steps from one state.
func (s *search) expand(state int32, form []byte) string {
	from := s.first()
	s.canon.read(form, &from)
	if again := from; state%101 == 0 && !bytes.Equal(s.canon.write(&again), form) {
		return "what is read from a canonical form has another form"
	}
	var story string
	var take func(m move)
	take = func(m move) {
		if story != "" {
			return
		}
		w := from
		ok := s.do(&w, m)
		var tries []tried
		if m.fault == fine {
			tries = append(tries, s.tries...)
		}
		if ok {
			s.steps++
			broken := s.broken
			if broken == "" && s.reach(&w, edge{state, m}) {
				broken = s.quietly(&w)
			}
			if broken != "" {
				story = s.story(edge{state, m}, broken)
				return
			}
		}
		if m.fault == fine {
			s.variants(m, tries, func(v move) {
				if (v.fault == lostRequest || v.fault == lostReply) && from.left.Lost > 0 ||
					(v.fault == delayed || v.fault == repeated) && from.left.Copies > 0 {
					take(v)
				}
			})
		}
	}
	for _, m := range s.moves(&from, nil) {
		take(m)
	}
	return story
}

func (s *search) hash(form []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(s.seeds[0], form), maphash.Bytes(s.seeds[1], form)}
}

// reach reports whether the state is a new one.
func (s *search) reach(w *smallWorld, e edge) bool {
	form := s.canon.write(w)
	h := s.hash(form)
	if _, old := s.seen[h]; old {
		return false
	}
	s.seen[h] = struct{}{}
	s.edges = append(s.edges, e)
	s.next = append(s.next, form...)
	s.nexts = append(s.nexts, len(s.next))
	return true
}

// quietly checks what happens if everybody stops here.
func (s *search) quietly(w *smallWorld) string {
	still := *w
	for i := range still.actors {
		still.actors[i] = actor{}
	}
	still.late, still.left = [maxLate]lateCopy{}, budget{}
	h := s.hash(s.canon.write(&still))
	if _, old := s.calm[h]; old {
		return ""
	}
	s.calm[h] = struct{}{}
	return s.quiet(still)
}

// story tells the way to the end of an edge, with the world's own ids.
func (s *search) story(last edge, broken string) string {
	moves := []move{last.move}
	for i := last.parent; s.edges[i].parent >= 0; i = s.edges[i].parent {
		moves = append(moves, s.edges[i].move)
	}
	w := s.first()
	s.telling, s.told = true, nil
	for i := len(moves) - 1; i >= 0; i-- {
		sortActors(&w)
		before := len(s.told)
		if !s.do(&w, moves[i]) {
			s.tell("(this step cannot be taken: the search is broken)")
		}
		if f := moves[i].fault; f != fine && len(s.told) > before {
			s.told[before] += " [" + f.String() + "]"
		}
	}
	s.telling = false
	if s.broken != "" {
		broken = s.broken // by the names of the story
	}
	var b strings.Builder
	for _, line := range s.told {
		if strings.HasPrefix(line, " ") {
			b.WriteString("  " + line + "\n")
		} else {
			b.WriteString("  > " + line + "\n")
		}
	}
	fmt.Fprintf(&b, "after %d steps: %s\n", len(moves), broken)
	return b.String()
}
