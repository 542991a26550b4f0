package proxy_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy"
)

// The timeouts are those that are shipped.
var shippedTimeouts = proxy.Timeouts{Write: 30 * time.Second, Settle: 30 * time.Second, BusyWait: 2 * time.Second}

// graceOf is what the command makes of them for a store that was found empty.
const graceOf = 60 * time.Second

// closedFor is the longest that a write which nobody hears of again may keep its resource closed: lease, margin and settle
// time, and the settle time's own margin where it was concluded at the last moment.
const closedFor = 30*time.Second + 30*time.Second + 2*700*time.Millisecond

// instant is a point in a write's way through a replica.
type instant string

// The instants at which a replica can be killed, besides any other.
const (
	beforeSwap instant = "before a swap is sent"
	afterSwap  instant = "after a swap was answered"
	atBackend  instant = "when a write is at the backend"
	answered   instant = "when a write was answered by the backend"
)

// replica is one proxy process.
type replica struct {
	w *world
	*party
	addr   address
	proxy  *proxy.Proxy
	server *http.Server
	store  *storeClient
	cache  *etagcache.Cache

	mu      sync.Mutex
	trap    instant // where it is killed next; "": nowhere
	excused time.Time
	told    bool // to end
	gone    bool
	died    chan struct{}
}

// newReplica starts the gen-th process of a place in the fleet.
func newReplica(w *world, index, gen int) *replica {
	name := fmt.Sprintf("replica-%d.%d", index, gen)
	r := &replica{w: w, party: newParty(name), addr: replicaAddr(index), died: make(chan struct{})}
	r.store = &storeClient{sharedStore: w.store, owner: r}
	transport := proxy.NewTransport()
	transport.DialContext = r.dial
	r.cache = etagcache.New(r.store, etagcache.Options{
		Grace: graceOf, LocalFor: time.Second, Fresh: minting(w.draw(name)),
		Name: name, Settings: map[string]string{"upstream": string(originAddr)},
	})
	p, err := proxy.New(proxy.Config{
		Upstream:  &url.URL{Scheme: "http", Host: string(originAddr)},
		Routes:    []proxy.Route{w.law.route},
		Cache:     r.cache,
		Timeouts:  shippedTimeouts,
		Limits:    proxy.Limits{Body: 1 << 20, Representation: 1 << 20, Tags: 64, Waiters: 64},
		Refusals:  proxy.Refusals{Disclose: true},
		Transport: transport,
		Logger:    slog.New(storyteller{w.judge, name}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	r.proxy = p
	r.server = &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 120 * time.Second, Protocols: new(http.Protocols),
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	r.server.Protocols.SetHTTP1(true)
	r.server.Protocols.SetUnencryptedHTTP2(true)
	l := w.net.listen(r.party, r.addr)
	w.background.Go(func() { _ = r.server.Serve(l) })
	return r
}

func replicaAddr(index int) address { return address(fmt.Sprintf("replica-%d:80", index)) }

// minting makes ids from the seed, as unique as the random ones that are shipped.
func minting(r *rand.Rand) func() [12]byte {
	var mu sync.Mutex
	return func() (id [12]byte) {
		mu.Lock()
		defer mu.Unlock()
		binary.BigEndian.PutUint64(id[:], r.Uint64())
		binary.BigEndian.PutUint32(id[8:], r.Uint32())
		return id
	}
}

// dial reaches the backend, which sometimes refuses, or does not answer until the dial's five seconds are over.
func (r *replica) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	random := r.w.drawNow(r.name, "dials")
	fails := r.w.troubled() && random.Float64() < r.w.law.dialFaults
	switch {
	case r.w.origin.refusesNow():
		return nil, dialError(originAddr, errRefused)
	case fails && random.IntN(3) == 0:
		r.w.fault("backend: a dial without an answer")
		_ = sleep(ctx, 5*time.Second)
		return nil, dialError(originAddr, context.DeadlineExceeded)
	case fails:
		r.w.fault("backend: a dial refused")
		return nil, dialError(originAddr, errRefused)
	}
	return r.w.net.dial(ctx, r.party, address(addr))
}

var errRefused = errors.New("connection refused")

// comesTo is told the instants, and is where a trap snaps.
func (r *replica) comesTo(i instant) {
	r.mu.Lock()
	snaps := r.trap == i && !r.gone
	r.mu.Unlock()
	if snaps {
		r.w.fault("replica: killed " + string(i))
		r.kill()
	}
}

func (r *replica) setTrap(i instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trap = i
}

// kill is kill -9.
func (r *replica) kill() {
	r.mu.Lock()
	gone := r.gone
	r.gone, r.trap = true, ""
	r.mu.Unlock()
	if gone {
		return
	}
	r.w.judge.tell("", "%s is gone", r.name)
	r.party.kill()
	_ = r.server.Close()
	close(r.died)
}

// freeze is SIGSTOP, and SIGCONT after d.
func (r *replica) freeze(d time.Duration) {
	r.w.judge.tell("", "%s is frozen for %v", r.name, d)
	r.excuse(d)
	r.party.freeze(d)
}

// excuse says that the backend may lose connections of this replica for d from now on, and a little longer.
func (r *replica) excuse(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.excused = time.Now().Add(d + 35*time.Second)
}

// isExcused reports whether the backend may have lost a connection without any fault of the proxy's.
func (r *replica) isExcused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isDead() || time.Now().Before(r.excused)
}

// drain is SIGTERM. It returns when the process is over, and says what it left unfinished.
func (r *replica) drain() error {
	r.mu.Lock()
	told := r.told
	r.told = true
	r.mu.Unlock()
	if told {
		<-r.died
		return nil
	}
	r.w.judge.tell("", "%s is told to end", r.name)
	ctx, cancel := context.WithTimeout(context.Background(), shippedTimeouts.BusyWait+closedFor+5*time.Second)
	defer cancel()
	err := r.server.Shutdown(ctx)
	if err == nil {
		err = r.proxy.Drain(ctx)
	}
	r.kill()
	return err
}

// storyteller adds what a replica logs to the story of the resource.
type storyteller struct {
	judge *judge
	name  string
}

func (s storyteller) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (s storyteller) WithAttrs([]slog.Attr) slog.Handler           { return s }
func (s storyteller) WithGroup(string) slog.Handler                { return s }

func (s storyteller) Handle(_ context.Context, r slog.Record) error {
	var path string
	line := []string{s.name + ": " + r.Message}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "path":
			path = a.Value.String()
		case "detail", "route":
		default:
			line = append(line, a.String())
		}
		return true
	})
	s.judge.tell(path, "%s", strings.Join(line, " "))
	return nil
}
