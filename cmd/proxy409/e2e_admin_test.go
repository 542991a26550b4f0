package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

func TestTheAdminListenerTakesNothingButReads(t *testing.T) {
	r := serve(t, setup{upstream: newOrigin(t).url()}.yaml()).ready()
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/nothing", "/debug/pprof/"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"} {
			a := do(t, method, r.admin+path, "").want(t, 405, "")
			if allow := a.header.Get("Allow"); allow != "GET, HEAD" {
				t.Errorf("%s %s: Allow is %q", method, path, allow)
			}
		}
	}
	for path, status := range map[string]int{"/": 200, "/metrics": 200, "/healthz": 200, "/readyz": 200, "/nothing": 404, "/debug/pprof/": 404} {
		for _, method := range []string{"GET", "HEAD"} {
			do(t, method, r.admin+path, "").want(t, status, "")
		}
	}
}

func TestTheAdminListenerHasTLSAndAPassword(t *testing.T) {
	a := newTrust(t)
	a.issue("admin", "admin.test")
	configuration, _ := a.guardedAdmin(newOrigin(t).url(), webTLS+"basic_auth_users: {ada: '"+adminHash+"'}\n")
	r, path := serveGuarded(t, configuration)
	by := a.caller(t, true, nil)
	by.Transport.(*http.Transport).TLSClientConfig.ServerName = "admin.test"
	for _, page := range []string{"/", "/metrics", "/healthz", "/readyz"} {
		must(t, by, "GET", r.admin+page, "").want(t, 401, "")
		must(t, by, "POST", r.admin+page, "").want(t, 401, "")
		must(t, by, "GET", r.admin+page, "", "Authorization", "Basic YWRhOndyb25n").want(t, 401, "")
	}
	as := func(method string) answer {
		req, err := http.NewRequest(method, r.admin+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("ada", adminPassword)
		return must(t, by, method, r.admin+"/metrics", "", "Authorization", req.Header.Get("Authorization"))
	}
	contains(t, as("GET").want(t, 200, "").body, "proxy409_build_info")
	as("POST").want(t, 405, "")

	users := filepath.Join(a.dir, "user")
	if err := os.WriteFile(users, []byte("ada:"+adminPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"PROXY409_HEALTHCHECK_USER=ada:" + adminPassword}
	other := tlstest.NewAuthority(t, "other")
	otherCA := filepath.Join(a.dir, "other.crt")
	tlstest.Replace(t, otherCA, other.Cert)
	url := []string{"--url", r.admin + "/readyz"}
	for what, c := range map[string]struct {
		env  []string
		args []string
		want string // "": it is healthy
	}{
		"a user in a file":        {nil, []string{"--config", path, "--user-file", users}, ""},
		"a user in a variable":    {env, []string{"--config", path}, ""},
		"by an authority":         {env, append(url, "--ca-file", a.ca(), "--server-name", "admin.test"), ""},
		"any certificate":         {env, append(url, "--insecure"), ""},
		"no user":                 {nil, []string{"--config", path}, "--user-file or PROXY409_HEALTHCHECK_USER"},
		"a wrong password":        {[]string{"PROXY409_HEALTHCHECK_USER=ada:" + adminPassword + "x"}, []string{"--config", path}, "401"},
		"a user without password": {[]string{"PROXY409_HEALTHCHECK_USER=" + adminPassword}, []string{"--config", path}, "is not user:password"},
		"another authority":       {env, append(url, "--ca-file", otherCA, "--server-name", "admin.test"), "unknown authority"},
		"the system's":            {env, append(url, "--server-name", "admin.test"), "unknown authority"},
		"another name":            {env, append(url, "--ca-file", a.ca()), "127.0.0.1"},
		"no TLS":                  {env, []string{"--url", strings.Replace(r.admin, "https:", "http:", 1) + "/healthz"}, "answered 400"},
		"half a pair":             {env, append(url, "--cert-file", a.ca()), "go together"},
	} {
		said, ok := health(t, c.env, c.args...)
		if ok != (c.want == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: healthy %v, want %q; it said %s", what, ok, c.want, said)
		}
		if strings.Contains(said, adminPassword) {
			t.Errorf("%s: it shows the password: %s", what, said)
		}
	}

	a.issue("admin", "admin.test") // the healthcheck expects the one that is there now
	if said, ok := health(t, env, "--config", path); !ok {
		t.Errorf("with a new certificate: %s", said)
	}
	r.signal(syscall.SIGTERM)
	if code := r.exit(10 * time.Second); code != 0 {
		t.Errorf("exit code %d; it said:\n%s", code, r.logs)
	}
	if strings.Contains(r.logs.String(), adminPassword) || strings.Contains(r.logs.String(), adminHash) {
		t.Errorf("the log shows the password:\n%s", r.logs)
	}
}

func TestAdminClientsNeedACertificateWhereTheWebConfigurationSaysSo(t *testing.T) {
	a := newTrust(t)
	a.issue("admin", "127.0.0.1")
	a.issue("operator", "operator")
	configuration, _ := a.guardedAdmin(newOrigin(t).url(), "tls_server_config: {cert_file: admin.crt, key_file: admin.key, "+
		"client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert}\n")
	_, path := serveGuarded(t, configuration)
	if said, ok := health(t, nil, "--config", path); ok {
		t.Errorf("without a certificate: %s", said)
	}
	said, ok := health(t, nil, "--config", path, "--cert-file", filepath.Join(a.dir, "operator.crt"), "--key-file", filepath.Join(a.dir, "operator.key"))
	if !ok {
		t.Error(said)
	}
}

func TestABadWebConfigurationIsAnErrorAtStart(t *testing.T) {
	a := newTrust(t)
	a.issue("admin", "127.0.0.1")
	for what, c := range map[string]struct{ web, want string }{
		"an unknown key":         {"users: {ada: '" + adminHash + "'}\n", "users not found"},
		"a password in clear":    {"basic_auth_users: {ada: hunter2-hunter2}\n", "bcrypt"},
		"a password for a table": {"basic_auth_users: hunter2-hunter2\n", "not shown"},
		"a file that is not":     {"tls_server_config: {cert_file: none.crt, key_file: admin.key}\n", "none.crt"},
		"no key":                 {"tls_server_config: {cert_file: admin.crt}\n", "missing one of key or key_file"},
		"another key":            {"tls_server_config: {cert_file: ca.crt, key_file: admin.key}\n", "does not match"},
		"no YAML":                {"{", "yaml"},
	} {
		configuration, web := a.guardedAdmin("http://127.0.0.1:9", c.web)
		for _, command := range []string{"serve", "check"} {
			said := fails(t, command, "--config", file(t, configuration))
			contains(t, said, "proxy409.yaml:3: admin.web_config: "+web+": ", c.want)
			if strings.Contains(said, "hunter2") {
				t.Errorf("%s: %s shows a value:\n%s", what, command, said)
			}
		}
		if err := os.Remove(web); err != nil {
			t.Fatal(err)
		}
		contains(t, fails(t, "check", "--config", file(t, configuration)), "admin.web_config: "+web, "no such file")
	}
}
