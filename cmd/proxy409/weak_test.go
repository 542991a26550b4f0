package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles/tlstest"
	"proxy409/config"
)

// rsaKey is a key of so many bits.
func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// checked writes a configuration into the folder with its certificates, and returns what is weak in what it says and in them.
func checked(t *testing.T, dir, text string) []config.Warning {
	t.Helper()
	path := filepath.Join(dir, "proxy409.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	warnings, err := inspect(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return warnings
}

func TestCheckSaysWhatIsWeak(t *testing.T) {
	const (
		day      = 24 * time.Hour
		plain    = "upstream: http://127.0.0.1:9000\n"
		secure   = "upstream: https://backend.test\n"
		front    = plain + "tls: {cert_file: %.crt, key_file: %.key}\n"
		webAdmin = plain + "admin: {listen: ':9409', web_config: web.yml}\n"
	)
	a := tlstest.NewAuthority(t, "test")
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	host := []string{"proxy.test"}
	leaf := func(l tlstest.Leaf) func(t *testing.T) tlstest.Pair {
		return func(t *testing.T) tlstest.Pair { t.Helper(); return a.IssueLeaf(t, l) }
	}
	good := leaf(tlstest.Leaf{Names: host})
	for what, c := range map[string]struct {
		text string // % is the file with the certificate
		pair func(t *testing.T) tlstest.Pair
		also func(t *testing.T, dir string)
		want []string // nothing: it is not weak
	}{
		"nothing":    {front, good, nil, nil},
		"an RSA key": {front, leaf(tlstest.Leaf{Names: host, Key: rsaKey(t, 2048)}), nil, nil},
		"a certificate that has expired": {
			front, leaf(tlstest.Leaf{Names: host, NotAfter: time.Now().Add(-day)}), nil,
			[]string{`:2: tls.cert_file: the certificate "proxy.test" has expired, on `},
		},
		"one that is about to": {
			front, leaf(tlstest.Leaf{Names: host, NotAfter: time.Now().Add(13 * day)}), nil,
			[]string{`tls.cert_file: the certificate "proxy.test" expires within 14 days, on `},
		},
		"one that is not": {front, leaf(tlstest.Leaf{Names: host, NotAfter: time.Now().Add(15 * day)}), nil, nil},
		"a small RSA key": {
			front, leaf(tlstest.Leaf{Names: host, Key: rsaKey(t, 1024)}), nil, []string{"tls.cert_file: the RSA key", "has 1024 bits"},
		},
		"a small curve": {front, leaf(tlstest.Leaf{Names: host, Key: p224}), nil, []string{"on the curve P-224"}},
		"an old signature": {
			front, leaf(tlstest.Leaf{Names: host, Signature: x509.ECDSAWithSHA1}), nil,
			[]string{`tls.cert_file: the certificate "proxy.test" is signed with ECDSA-SHA1`},
		},
		"no name": {front, leaf(tlstest.Leaf{}), nil, []string{"has no name that clients look at"}},
		"a client's": {
			front, leaf(tlstest.Leaf{Names: host, Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}), nil,
			[]string{"is not made for this"},
		},
		"a server's": {
			secure + "upstream_tls: {cert_file: %.crt, key_file: %.key}\n",
			leaf(tlstest.Leaf{Names: host, Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}), nil,
			[]string{"upstream_tls.cert_file: the certificate", "is not made for this"},
		},
		"a key that others can read": {front, good, func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "a.key"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"tls.key_file: every user of this machine can read", "a.key"}},
		"a key that its group can read": {front, good, func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "a.key"), 0o640); err != nil {
				t.Fatal(err)
			}
		}, nil},
		"a host that the certificate is not for": {
			front + "routes: [{name: a, match: proxy.test/}, {name: b, match: other.test/}]\n", good, nil,
			[]string{":3: routes[1].match: the certificate of tls.cert_file is not for other.test"},
		},
		"old versions": {secure + "upstream_tls: {min_version: TLS10}\n", nil, nil, []string{"upstream_tls.min_version: TLS 1.0"}},
		"any server": {
			secure + "upstream_tls: {insecure_skip_verify: true}\n", nil, nil, []string{"upstream_tls.insecure_skip_verify: whoever stands between"},
		},
		"a certificate of the server's own": {
			secure + "upstream_tls: {ca_file: %.crt}\n", good, nil, []string{"upstream_tls.ca_file: is a server's own certificate, and not for backend.test"},
		},
		"one for the name that is wanted": {secure + "upstream_tls: {ca_file: %.crt, server_name: proxy.test}\n", good, nil, nil},
		"authorities that have all expired": {
			secure + "upstream_tls: {ca_file: %.crt}\n", leaf(tlstest.Leaf{NotAfter: time.Now().Add(-day)}), nil,
			[]string{"upstream_tls.ca_file: the certificate", "has expired"},
		},
		"Redis, any server": {
			plain + "store: {redis: {url: 'rediss://10.0.0.1', tls: {insecure_skip_verify: true, min_version: TLS11}}}\n", nil, nil,
			[]string{"store.redis.tls.insecure_skip_verify: ", "store.redis.tls.min_version: TLS 1.1"},
		},
		"Redis elsewhere in clear text": {
			plain + "store: {redis: {url: 'redis://u:s3cret@10.0.0.1'}}\n", nil, nil, []string{"store.redis.url: 10.0.0.1 is another machine"},
		},
		"one node elsewhere": {
			plain + "store: {redis: {url: 'redis://u:s3cret@localhost?addr=10.0.0.2:6379', mode: cluster, wait_replicas: 1}}\n", nil, nil,
			[]string{"store.redis.url: 10.0.0.2 is another machine"},
		},
		"Redis here":                           {plain + "store: {redis: {url: 'redis://u:s3cret@localhost'}}\n", nil, nil, nil},
		"Redis elsewhere with TLS":             {plain + "store: {redis: {url: 'rediss://u:s3cret@10.0.0.1'}}\n", nil, nil, nil},
		"an admin listener without a password": {webAdmin, nil, webFile("{}"), []string{"admin.web_config: asks for no password and no certificate"}},
		"an admin listener with passwords in clear text": {
			webAdmin, nil, webFile("basic_auth_users: {ada: '" + adminHash + "'}"), []string{"admin.web_config: has no TLS"},
		},
		"an admin listener with all of it": {
			webAdmin, good, webFile("tls_server_config: {cert_file: a.crt, key_file: a.key}\nbasic_auth_users: {ada: '" + adminHash + "'}"), nil,
		},
		"an admin listener with an old certificate": {
			webAdmin, leaf(tlstest.Leaf{Names: host, NotAfter: time.Now().Add(-day)}),
			webFile("tls_server_config: {cert_file: a.crt, key_file: a.key, min_version: TLS10}\nbasic_auth_users: {ada: '" + adminHash + "'}"),
			[]string{"admin.web_config: TLS 1.0 can be broken", "admin.web_config: the certificate \"proxy.test\" has expired"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			if c.pair != nil {
				c.pair(t).Write(t, dir, "a")
			}
			if c.also != nil {
				c.also(t, dir)
			}
			var said []string
			for _, w := range checked(t, dir, strings.ReplaceAll(c.text, "%", "a")) {
				said = append(said, w.String())
			}
			all := strings.Join(said, "\n")
			for _, part := range c.want {
				if !strings.Contains(all, part) {
					t.Errorf("%q is missing in:\n%s", part, all)
				}
			}
			if len(c.want) == 0 && all != "" {
				t.Errorf("it warns of:\n%s", all)
			}
			if strings.Contains(all, "s3cret") {
				t.Errorf("it shows a password:\n%s", all)
			}
		})
	}
}

const adminHash = "$2a$04$M8ONBV17TXwuOc29ANj8m.SEMrLZN6ydt.pyljAnTOVgFJdHtkumG"

// webFile writes a web configuration file.
func webFile(text string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "web.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Of a bundle of authorities there is always one that expires.
func TestCheckMindsNotOneOldAuthorityAmongGoodOnes(t *testing.T) {
	dir := t.TempDir()
	a := tlstest.NewAuthority(t, "test")
	old := a.IssueLeaf(t, tlstest.Leaf{NotAfter: time.Now().Add(-time.Hour)})
	tlstest.Replace(t, filepath.Join(dir, "ca.crt"), append(old.Cert, a.Cert...))
	if w := checked(t, dir, "upstream: https://backend.test\nupstream_tls: {ca_file: ca.crt}\n"); len(w) > 0 {
		t.Error(w)
	}
}

// Connections in the clear are often meant: check speaks of them, once each, and serve does not.
func TestCheckNotesWhatLeavesTheMachineInTheClear(t *testing.T) {
	const secure = "tls: {cert_file: a.crt, key_file: a.key}\n"
	const clients, backends = "listen: clients of other machines connect in the clear", "go to "
	for text, want := range map[string][]string{
		"upstream: http://localhost:9\n":                                            nil,
		"upstream: http://127.9.9.9:9\nlisten: '[::1]:8080'\n":                      nil,
		"upstream: https://api.example\nlisten: :8080\n" + secure:                   nil,
		"upstream: http://localhost:9\nlisten: :8080\n":                             {":2: " + clients},
		"upstream: http://api.example:9\n":                                          {":1: upstream: requests, with their credentials, go to api.example in"},
		"upstream: http://10.0.0.1\nlisten: 0.0.0.0:80\n":                           {clients, backends + "10.0.0.1 in"},
		"upstream: http://10.0.0.1\nroutes: [{name: a, match: /, mode: observe}]\n": {":1: upstream: ", backends + "10.0.0.1 in"},
		"upstream: https://api.example\nroutes:\n- {name: a, match: /a}\n- {name: b, match: /b, upstream: 'http://b.example'}\n" +
			"- {name: c, match: /c, upstream: 'http://c.example'}\n- {name: d, match: /d, upstream: 'http://b.example/d'}\n": {
			":4: routes[1].upstream: ", backends + "b.example, c.example in",
		},
	} {
		dir := t.TempDir()
		tlstest.NewAuthority(t, "test").IssueLeaf(t, tlstest.Leaf{Names: []string{"proxy.test"}}).Write(t, dir, "a")
		path := filepath.Join(dir, "proxy409.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := command(t, "check", "--config", path)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for _, part := range want {
			if !strings.Contains(said, part) {
				t.Errorf("%s: %q is missing in:\n%s", text, part, said)
			}
		}
		notes := strings.Count(said, "note: ")
		if notes > 2 || (notes == 0) != (want == nil) || strings.Contains(said, "warning: ") && !strings.Contains(text, "observe") {
			t.Errorf("%s: it says:\n%s", text, said)
		}
		if w := checked(t, dir, text); len(w) > 0 {
			t.Errorf("%s: serve warns of %v", text, w)
		}
	}
}
