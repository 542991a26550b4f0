package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the admin listener's users have: the hash is of the password, by bcrypt.
const (
	adminPassword = "s3cret-of-admin"
	adminHash     = "$2a$04$M8ONBV17TXwuOc29ANj8m.SEMrLZN6ydt.pyljAnTOVgFJdHtkumG"
)

// guardedAdmin is a configuration whose admin listener is as its web configuration says, and which listens where a healthcheck finds it.
func (a *trust) guardedAdmin(upstream, web string) (configuration, webFile string) {
	a.t.Helper()
	webFile = filepath.Join(a.dir, "web.yml")
	if err := os.WriteFile(webFile, []byte(web), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return fmt.Sprintf("listen: 127.0.0.1:0\nupstream: %s\nadmin: {listen: '%s', web_config: %s}\n", upstream, freeAddress(a.t), webFile), webFile
}

const webTLS = "tls_server_config: {cert_file: admin.crt, key_file: admin.key}\n"

// serveGuarded is serve for a configuration whose admin listener wants TLS, a password, or both.
func serveGuarded(t testing.TB, configuration string) (r *replica, path string) {
	t.Helper()
	path = file(t, configuration)
	r = &replica{process: launch(t, binary(t), "serve", "--config", path)}
	eventually(t, 10*time.Second, func() error {
		found := serving.FindStringSubmatch(r.logs.String())
		if found == nil {
			return errorf("it does not say that it serves; it said:\n%s", r.logs)
		}
		r.url, r.admin = "http://"+found[1], "https://"+found[2]
		return nil
	})
	return r, path
}

// health runs the healthcheck, and returns what it said. env is added to its environment.
func health(t testing.TB, env []string, args ...string) (said string, ok bool) {
	t.Helper()
	cmd := exec.Command(binary(t), append([]string{"healthcheck"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// A listener that shows another certificate than the configuration names may be anybody's.
func TestHealthcheckTakesNoOtherCertificateThanTheListeners(t *testing.T) {
	a := newTrust(t)
	a.issue("admin", "127.0.0.1")
	configuration, _ := a.guardedAdmin(newOrigin(t).url(), webTLS)
	_, path := serveGuarded(t, configuration)
	if said, ok := health(t, nil, "--config", path); !ok {
		t.Fatal(said)
	}
	b := newTrust(t)
	b.issue("admin", "127.0.0.1")
	text := strings.Replace(configuration, a.dir, b.dir, 1)
	if err := os.WriteFile(filepath.Join(b.dir, "web.yml"), []byte(webTLS), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, ok := health(t, nil, "--config", file(t, text)); ok || !strings.Contains(said, "another certificate than the one") {
		t.Errorf("healthy %v; it said %s", ok, said)
	}
}
