package metrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/etagcache"
)

// fakeStore answers everything with reply and err, after it took its time.
type fakeStore struct {
	reply etagcache.Reply
	err   error
	took  time.Duration
}

func (s *fakeStore) answer() (etagcache.Reply, error) {
	time.Sleep(s.took)
	return s.reply, s.err
}

func (s *fakeStore) Get(context.Context, etagcache.Key) (etagcache.Reply, error) { return s.answer() }

func (s *fakeStore) Swap(context.Context, etagcache.Key, etagcache.Change) (etagcache.Reply, error) {
	return s.answer()
}

func (s *fakeStore) Ping(context.Context) (etagcache.Reply, error) { return s.answer() }

func TestInstrumentedStoreAnswersAsTheStoreDoes(t *testing.T) {
	m, _ := newMetrics(t)
	want := errors.New("went away")
	s := m.InstrumentStore(&fakeStore{reply: etagcache.Reply{Value: []byte("v"), Swapped: true, Now: 7}, err: want})
	ctx := context.Background()
	for name, call := range map[string]func() (etagcache.Reply, error){
		"get":  func() (etagcache.Reply, error) { return s.Get(ctx, etagcache.Key{}) },
		"swap": func() (etagcache.Reply, error) { return s.Swap(ctx, etagcache.Key{}, etagcache.Change{}) },
		"ping": func() (etagcache.Reply, error) { return s.Ping(ctx) },
	} {
		got, err := call()
		if string(got.Value) != "v" || !got.Swapped || got.Now != 7 || !errors.Is(err, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestStoreUpFollowsTheLatestAnswer(t *testing.T) {
	m, reg := newMetrics(t)
	store := &fakeStore{}
	s := m.InstrumentStore(store)
	hungUp, hangUp := context.WithCancel(context.Background())
	hangUp()
	late, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()

	steps := []struct {
		what string
		ctx  context.Context
		err  error
		up   string
	}{
		{"an answer", context.Background(), nil, "1"},
		{"a failure", context.Background(), errors.New("connection refused"), "0"},
		{"a client that hung up, while down", hungUp, context.Canceled, "0"},
		{"another answer", context.Background(), nil, "1"},
		{"a client that hung up, while up", hungUp, context.Canceled, "1"},
		{"a store that is too slow", late, context.DeadlineExceeded, "0"},
	}
	if got := sample(t, exposition(t, reg), "proxy409_store_up"); got != "0" {
		t.Errorf("before the first contact: up is %s", got)
	}
	for _, step := range steps {
		store.err = step.err
		_, _ = s.Get(step.ctx, etagcache.Key{})
		if got := sample(t, exposition(t, reg), "proxy409_store_up"); got != step.up {
			t.Errorf("after %s: up is %s, want %s", step.what, got, step.up)
		}
	}
}

// A Redis that is full, or cannot save, answers reads and pings.
func TestAStoreThatTakesNoSwapIsNotUp(t *testing.T) {
	m, reg := newMetrics(t)
	store := &fakeStore{}
	s := m.InstrumentStore(store)
	swap := func(err error) {
		store.err = err
		_, _ = s.Swap(t.Context(), etagcache.Key{}, etagcache.Change{})
		store.err = nil
		_, _ = s.Ping(t.Context())
	}
	swap(errors.New("OOM"))
	if got := sample(t, exposition(t, reg), "proxy409_store_up"); got != "0" {
		t.Errorf("while it takes no swap: up is %s", got)
	}
	swap(nil)
	if got := sample(t, exposition(t, reg), "proxy409_store_up"); got != "1" {
		t.Errorf("after a swap that was answered: up is %s", got)
	}
}

func TestASwapThatFoundSomethingElseIsLostNotFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reg := newMetrics(t)
		s := m.InstrumentStore(&fakeStore{took: 2 * time.Millisecond})
		if _, err := s.Swap(t.Context(), etagcache.Key{}, etagcache.Change{}); err != nil {
			t.Fatal(err)
		}
		text := exposition(t, reg)
		for series, want := range map[string]string{
			`proxy409_store_operations_total{operation="swap",outcome="lost"}`:  "1",
			`proxy409_store_operations_total{operation="swap",outcome="ok"}`:    "0",
			`proxy409_store_operations_total{operation="swap",outcome="error"}`: "0",
			`proxy409_store_operation_duration_seconds_sum{operation="swap"}`:   "0.002",
			`proxy409_store_up`: "1",
		} {
			if got := sample(t, text, series); got != want {
				t.Errorf("%s is %s, want %s", series, got, want)
			}
		}
	})
}

// sample is the value of one series in an exposition.
func sample(t *testing.T, exposition, series string) string {
	t.Helper()
	for line := range strings.Lines(exposition) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("there is no %s", series)
	return ""
}
