package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"proxy409/examples/process"
)

// The times that all replicas and the backend live by. They are short, so that a lease runs out while one watches, and
// long enough for a busy machine.
const (
	writeTime  = 1000 * time.Millisecond
	settleTime = 700 * time.Millisecond
	busyWait   = 500 * time.Millisecond
	storeTime  = 300 * time.Millisecond
	// margin is what a lease in the store is longer than its owner believes.
	margin = 100*time.Millisecond + writeTime/50
	// leaseTime is how long a write that nobody concludes keeps its resource closed; so long is the grace period too.
	leaseTime = writeTime + settleTime + margin
	// longestFreeze is shorter than any lease: nobody can stop a replica that sends a write when its lease is over. What
	// the backend may take for a write that was given up on is shorter by as much (see the origin's budget).
	longestFreeze = 350 * time.Millisecond
)

const replicaConfig = `listen: {{.Listen}}
upstream: http://{{.Origin}}
admin: {listen: {{.Admin}}}
store: {redis: {url: "redis://{{.Redis}}/0", prefix: {{.Prefix}}, timeout: {{.StoreTime}}}}
timeouts: {write: {{.WriteTime}}, settle: {{.SettleTime}}, busy_wait: {{.BusyWait}}}
routes:
{{- range .Kinds}}
  - {name: {{.Name}}, match: "/{{.Name}}/{id}", version: {{.Version}}}
{{- end}}
`

// replica is one proxy409.
type replica struct {
	n      int
	listen string
	admin  string
	binary string
	config string
	log    string
	way    *relay
	proc   *process.Process
	client *http.Client
}

func (s *stand) newReplica(n int) (*replica, error) {
	r := &replica{
		n: n, binary: s.binary, config: filepath.Join(s.dir, fmt.Sprintf("replica-%d.yaml", n)),
		log: filepath.Join(s.dir, fmt.Sprintf("replica-%d.log", n)), client: newHTTPClient(),
	}
	for _, addr := range []*string{&r.listen, &r.admin} {
		var err error
		if *addr, err = process.FreeAddress(); err != nil {
			return nil, err
		}
	}
	var err error
	if r.way, err = newRelay(s.redis.addr); err != nil {
		return nil, err
	}
	return r, s.configure(r)
}

func (s *stand) configure(r *replica) error {
	t, err := template.New("config").Parse(replicaConfig)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	err = t.Execute(&text, map[string]any{
		"Listen": r.listen, "Admin": r.admin, "Origin": s.origin.addr, "Redis": r.way.addr, "Prefix": s.prefix,
		"StoreTime": storeTime, "WriteTime": writeTime, "SettleTime": settleTime, "BusyWait": busyWait, "Kinds": kinds,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(r.config, text.Bytes(), 0o600)
}

// start starts the process and waits until it serves, which it does without a store too.
func (r *replica) start(ctx context.Context) error {
	p, err := process.Launch(r.name(), r.log, r.binary, "serve", "--config", r.config)
	if err != nil {
		return err
	}
	r.proc = p
	return p.Await(ctx, r.says("/healthz"))
}

func (r *replica) name() string { return fmt.Sprintf("replica %d", r.n) }

// says is ready when the admin listener answers a path with 200.
func (r *replica) says(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.admin+path, nil)
		if err != nil {
			return err
		}
		res, err := r.client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
		return err
	}
}

func (r *replica) stop() {
	r.proc.Stop()
	r.way.close()
}
