package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// lonely is a contest with one contestant, who may never be refused.
type lonely struct {
	*contest
	t     testing.TB
	count int
}

// cycle reads at one replica and writes at another, or the same.
func (l *lonely) cycle(readAt, writeAt int) answer {
	l.t.Helper()
	from, err := l.read(l.targets[readAt])
	if err != nil {
		l.t.Fatal(err)
	}
	return l.put(writeAt, from)
}

// put writes from the edition.
func (l *lonely) put(at int, from edition) answer {
	l.t.Helper()
	l.count++
	a, err := l.write(l.targets[at], from, documentID(l.name, l.count, 0))
	if err != nil {
		l.t.Fatal(err)
	}
	if !a.ok() {
		l.t.Fatalf("cycle %d: undisturbed, and refused: %s with %s: %d: %s", l.count, a.request, from.tag, a.status, a.body)
	}
	return a
}

func TestWhoReadsAndWritesUndisturbedIsNeverRefused(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tc := range backends {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.start(t)
			s := setup{upstream: b.url, redis: redistest.Start(t).URL()} // fleets of other backends would keep each other out
			replicas := s.pair(t)
			l := &lonely{contest: over(t, "lonely", b, replicas), t: t}
			for n := range 20 { // the very first comes right after the start
				l.cycle(n%2, n%2)
			}
			for n := range 20 {
				l.cycle(n%2, (n+1)%2)
			}
			// Reading at one replica and writing at the other, where the tag comes back within the second that the reading
			// replica's copy of the record may live.
			for range 20 {
				l.cycle(0, 1)
			}
			// Both replicas start anew over a store that knows the document; a tag from before is as good as ever.
			before, err := l.read(l.targets[0])
			if err != nil {
				t.Fatal(err)
			}
			replicas[0].end()
			replicas[1].end()
			for i := range replicas {
				l.targets[i] = serve(t, s.yaml()).url + b.path
			}
			l.put(1, before)
			l.cycle(0, 1)
			l.cycle(1, 0)
			l.settled(b)
		})
	}
}

func TestAnUndisturbedWriterOfAWeakTagIsAdmittedWhenTheTagHasTurnedStrong(t *testing.T) {
	long(t)
	t.Parallel()
	b := startApache(t)
	replicas := setup{upstream: b.url, redis: redistest.Start(t).URL(), grace: "0s"}.pair(t)
	l := &lonely{contest: over(t, "turning", b, replicas), t: t}
	for n := range 2 {
		time.Sleep(b.apart)
		l.cycle(n, n)
		weak, err := l.read(l.targets[n])
		if err != nil || formOf(weak.tag) != "weak" {
			t.Fatalf("read %s, %v: want a weak tag", weak.tag, err)
		}
		untilStrong()
		if n == 1 { // the second time, the fleet has seen the strong one
			strong, err := l.read(l.targets[0])
			if err != nil || formOf(strong.tag) != "strong" {
				t.Fatalf("read %s, %v: want a strong tag", strong.tag, err)
			}
		}
		l.put(1-n, weak)
	}
	untilStrong()
	l.cycle(0, 1) // reads a strong tag, which goes along to Apache
	if l.untilReturned() {
		untilStrong()
		l.cycle(0, 1) // reads a strong tag that the proxy has qualified, which must not go along
	}
	l.settled(b)
}

// untilReturned writes so fast that a tag comes back. It tells whether one did: with a kernel whose file times are fine
// enough none does.
func (l *lonely) untilReturned() bool {
	l.t.Helper()
	for range 200 {
		l.cycle(0, 0)
		now, err := l.read(l.targets[0])
		if err != nil {
			l.t.Fatal(err)
		}
		if strings.Contains(now.tag, ";p409-") {
			return true
		}
	}
	l.t.Log("no tag came back")
	return false
}

func TestWithRereadAWriterGoesOnFromTheTagOfItsAnswer(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tc := range backends {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.start(t)
			replicas := setup{
				upstream: b.url, redis: redistest.Start(t).URL(), more: "defaults: {version: {reread: true}}\n",
			}.pair(t)
			l := &lonely{contest: over(t, "reread", b, replicas), t: t}
			from, err := l.read(l.targets[0])
			if err != nil {
				t.Fatal(err)
			}
			for n := range 12 {
				if b.name == "Apache" && n == 6 {
					untilStrong()
				}
				a := l.put(n/2%2, from)
				from = edition{l.written[documentID(l.name, l.count, 0)], a.etag()}
				if from.tag == "" {
					t.Fatalf("%s: no ETag: %v", a.request, a.header)
				}
			}
			l.cycle(1, 0)
			l.settled(b)
		})
	}
}

func TestJSONServersTagOfANotFoundIsNoVersion(t *testing.T) {
	long(t)
	t.Parallel()
	b := startJSONServer(t)
	replicas := setup{upstream: b.url, redis: redistest.Start(t).URL(), grace: "0s"}.pair(t)
	for i, r := range replicas {
		nowhere := fmt.Sprintf("%s/documents/%d", r.url, 70+i)
		absent := do(t, "GET", nowhere, "").want(t, 404, "")
		if absent.etag() == "" {
			t.Fatal("json-server does not tag its 404s any more, so this proves nothing")
		}
		put(t, nowhere, firstDocument.String(), absent.etag()).want(t, 409, "absent")
		// Creation by POST passes, and what it created is edited like anything else.
		do(t, "POST", r.url+"/documents", fmt.Sprintf(`{"id":%d}`, 70+i)).want(t, 201, "")
		put(t, nowhere, firstDocument.String(), absent.etag()).want(t, 409, "stale")
		put(t, nowhere, firstDocument.String(), get(t, nowhere).etag()).done(t)
	}
}
