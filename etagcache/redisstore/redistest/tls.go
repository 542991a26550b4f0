package redistest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TLS names the files of servers that speak TLS: their certificate, its key, and who may sign the certificates of clients.
type TLS struct{ Cert, Key, CA string }

// SecureServer is a server that speaks TLS at a second address, and there asks its clients for a certificate. What the test
// does to it goes to the first.
type SecureServer struct {
	*Server
	TLSAddr string
}

// URL returns the rediss:// URL of the server.
func (s SecureServer) URL() string { return "rediss://" + s.TLSAddr }

// StartTLS is [Start] with TLS.
func StartTLS(t testing.TB, files TLS, args ...string) SecureServer {
	t.Helper()
	requireTLS(t)
	for range 5 { // somebody else may take the port in between
		port := freePort(t)
		if s := start(t, nil, append(files.options("--", port), args...)); s != nil {
			return SecureServer{Server: s, TLSAddr: "127.0.0.1:" + port}
		}
	}
	t.Fatal("redistest: redis-server does not start with TLS")
	return SecureServer{}
}

// options are those of a server, each name and value an item, with what its names begin with.
func (f TLS) options(prefix, port string) []string {
	return []string{
		prefix + "tls-port", port, prefix + "tls-cert-file", f.Cert, prefix + "tls-key-file", f.Key,
		prefix + "tls-ca-cert-file", f.CA, prefix + "tls-auth-clients", "yes",
	}
}

// requireTLS skips the test where redis-server was built without TLS, which it then says before it looks at anything else.
func requireTLS(t testing.TB) {
	t.Helper()
	requireRedis(t)
	out, err := exec.Command("redis-server", "--port", "0", "--tls-port", "1", "--tls-cert-file", "/nowhere").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Bad directive") {
		return
	}
	const missing = "redistest: this redis-server was built without TLS (Debian's has it)"
	if os.Getenv("PROXY409_REQUIRE_REDIS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}

// StartTLSCluster starts a Redis Cluster whose nodes speak TLS with each other too, one for each of files, and waits until all
// agree that it is up.
func StartTLSCluster(t testing.TB, files ...TLS) []SecureServer {
	t.Helper()
	nodes := make([]SecureServer, len(files))
	for i, f := range files {
		nodes[i] = StartTLS(t, f, "--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", freePort(t))
	}
	join(t, nodes, func(s SecureServer) (*Server, string) { return s.Server, port(s.TLSAddr) })
	return nodes
}

// StartTLSSentinel starts a master and a Sentinel that watches it under the name "mymaster", both with TLS, and returns the
// URL for mode sentinel.
func StartTLSSentinel(t testing.TB, files TLS) string {
	t.Helper()
	master := StartTLS(t, files)
	plain, secure, dir := freePort(t), freePort(t), t.TempDir()
	lines := []string{
		"port " + plain, "bind 127.0.0.1", "dir " + dir, "logfile " + filepath.Join(dir, "sentinel.log"), "tls-replication yes",
	}
	options := files.options("", secure)
	for i := 0; i < len(options); i += 2 {
		lines = append(lines, options[i]+" "+options[i+1])
	}
	lines = append(lines, "sentinel monitor mymaster 127.0.0.1 "+port(master.TLSAddr)+" 1", "")
	conf := filepath.Join(dir, "sentinel.conf") // a Sentinel writes what it learns into it
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := &Server{t: t, Addr: "127.0.0.1:" + plain, dir: dir, args: []string{conf, "--sentinel"}}
	if !sentinel.run() {
		t.Fatal("redistest: the Sentinel does not start")
	}
	t.Cleanup(sentinel.Kill)
	Eventually(t, 15*time.Second, func() error { // it has found the master, by TLS
		if flags := sentinel.Do("SENTINEL", "MASTER", "mymaster"); !strings.Contains(flags, "\nrole-reported\nmaster\n") || strings.Contains(flags, "disconnected") {
			return errors.New("the Sentinel has not reached the master yet")
		}
		return nil
	})
	return "rediss://127.0.0.1:" + secure + "/0?master_name=mymaster"
}
