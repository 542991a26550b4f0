package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// replica is one of the proxies over one Redis. It can be killed and started again, at the same address.
type replica struct {
	*process
	file, backend, listen, admin, url string
}

// fleetOf starts two replicas with the configuration of an example, and these timeouts, over a Redis.
func fleetOf(t *testing.T, example, timeouts, backend, redis string) []*replica {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proxy409.yaml")
	_, port, _ := strings.Cut(strings.TrimPrefix(backend, "http://"), ":") // replicas with other upstreams share no prefix: they would wait for each other
	text := read(t, example) + "\ntimeouts: {" + timeouts + "}\n" +
		"store: {grace: 0s, redis: {url: " + redis + ", prefix: p" + port + ", timeout: 1800ms}}\n" // nothing is forgotten, and a busy machine is slow
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var both []*replica
	for range 2 {
		r := &replica{file: file, backend: backend, listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
		r.start(t)
		both = append(both, r)
	}
	for _, r := range both {
		r.serves()
	}
	return both
}

func (r *replica) start(t *testing.T) {
	t.Helper()
	r.process = launch(t, []string{"LISTEN=" + r.listen, "ADMIN_LISTEN=" + r.admin, "UPSTREAM=" + r.backend},
		program(t, "proxy409/cmd/proxy409"), "serve", "--config", r.file)
}

// serves waits until the replica is ready.
func (r *replica) serves() {
	r.t.Helper()
	addresses := r.says(`msg=serving listen=(\S+) admin=(\S+)`)
	r.listen, r.admin, r.url = addresses[1], addresses[2], "http://"+addresses[1]
	r.eventually(func() error {
		if a := send(r.t, "GET", "http://"+r.admin+"/readyz", ""); a.status != 200 {
			return fmt.Errorf("/readyz: %d %s", a.status, a.body)
		}
		return nil
	})
}

// kill ends the replica without a warning, and waits until it is gone.
func (r *replica) kill() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	<-r.done
}
