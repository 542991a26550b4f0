package main_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// backend is a real server that keeps one document and knows nothing of the proxy.
type backend struct {
	name string
	url  string // its base
	path string // of the document
	// apart is how far apart writes must be, at the least, to have different tags for certain.
	apart time.Duration
}

func (b *backend) document() string { return b.url + b.path }

// missing skips the test for want of a server, or fails it where all must be there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PROXY409_REQUIRE_BACKENDS") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// require returns the first of the paths that is there.
func require(t testing.TB, what string, paths ...string) string {
	t.Helper()
	for _, p := range paths {
		if found, err := exec.LookPath(p); err == nil {
			return found
		}
	}
	missing(t, what)
	return ""
}

// listening waits until somebody listens at the address.
func listening(t testing.TB, p *process, addr string) {
	t.Helper()
	eventually(t, 15*time.Second, func() error {
		select {
		case <-p.done:
			t.Fatalf("the backend has exited; it said:\n%s", p.logs)
		default:
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// startJSONServer starts json-server 0.17: an Express application that tags weakly, by content, and tags its 404s too.
func startJSONServer(t testing.TB) *backend {
	t.Helper()
	path := os.Getenv("PROXY409_JSON_SERVER")
	if path == "" {
		path = "json-server"
	}
	path = require(t, "there is no json-server: npm install json-server@0.17.4, "+
		"and name its node_modules/.bin/json-server in PROXY409_JSON_SERVER", path)
	dir := t.TempDir()
	db := filepath.Join(dir, "db.json")
	write(t, db, `{"documents":[{"id":1,"self":"`+firstDocument.Self+`","read":""}]}`)
	addr := freeAddress(t)
	_, port, _ := net.SplitHostPort(addr)
	p := launch(t, path, "--quiet", "--host", "127.0.0.1", "--port", port, "--snapshots", dir, db)
	listening(t, p, addr)
	return &backend{name: "json-server", url: "http://" + addr, path: "/documents/1"}
}

// startNginx starts nginx with its dav module, which tags by time, in seconds, and size: its tags come back.
func startNginx(t testing.TB) *backend {
	t.Helper()
	path := require(t, "there is no nginx (Debian: apt-get install nginx-light)", "/usr/sbin/nginx", "nginx")
	dir, addr := t.TempDir(), freeAddress(t)
	if err := os.Mkdir(filepath.Join(dir, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "nginx.conf")
	// One process without a master stays who it is, be that root or not, so that it needs no user directive.
	write(t, conf, fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		root %[1]s/root;
		location / { dav_methods PUT DELETE; dav_access user:rw; }
	}
}`, dir, addr))
	p := launch(t, path, "-e", "stderr", "-c", conf)
	listening(t, p, addr)
	b := &backend{name: "nginx", url: "http://" + addr, path: "/doc.json", apart: 1100 * time.Millisecond}
	do(t, "PUT", b.document(), firstDocument.String()).done(t)
	return b
}

// startApache starts Apache with mod_dav, whose tags are weak for a second and strong from then on, and which refuses
// weak ones in If-Match. They are of time and size, and Linux lets files have the time of its latest tick, so even these
// come back where two writes are less than ten milliseconds apart.
func startApache(t testing.TB) *backend {
	t.Helper()
	path := require(t, "there is no Apache (Debian: apt-get install apache2)", "/usr/sbin/apache2", "apache2", "httpd")
	modules := "/usr/lib/apache2/modules"
	if _, err := os.Stat(filepath.Join(modules, "mod_dav_fs.so")); err != nil {
		missing(t, "Apache has no mod_dav_fs: "+err.Error())
	}
	dir, addr := t.TempDir(), freeAddress(t)
	if err := os.Mkdir(filepath.Join(dir, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "httpd.conf")
	text := fmt.Sprintf(`
ServerName 127.0.0.1
ServerRoot %[1]s
Listen %[2]s
PidFile %[1]s/pid
ErrorLog /dev/stderr
Mutex file:%[1]s
LoadModule mpm_event_module %[3]s/mod_mpm_event.so
LoadModule authz_core_module %[3]s/mod_authz_core.so
LoadModule dav_module %[3]s/mod_dav.so
LoadModule dav_fs_module %[3]s/mod_dav_fs.so
DavLockDB %[1]s/lock
DocumentRoot %[1]s/root
<Directory %[1]s/root>
	Dav On
	Require all granted
</Directory>
`, dir, addr, modules)
	if os.Getuid() == 0 {
		text += giveAway(t, dir)
	}
	write(t, conf, text)
	p := launch(t, path, "-f", conf, "-DFOREGROUND")
	listening(t, p, addr)
	b := &backend{name: "Apache", url: "http://" + addr, path: "/doc.json", apart: 20 * time.Millisecond}
	do(t, "PUT", b.document(), firstDocument.String()).done(t)
	return b
}

// giveAway lets an ordinary user work in the directory, for Apache does not serve as root, and names that user to it.
func giveAway(t testing.TB, dir string) (directives string) {
	t.Helper()
	who, err := user.Lookup("www-data")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		missing(t, "Apache needs an ordinary user: "+err.Error())
	}
	uid, err1 := strconv.Atoi(who.Uid)
	gid, err2 := strconv.Atoi(who.Gid)
	err = errors.Join(err1, err2,
		os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), // the first is of this test too
		os.Chown(dir, uid, gid), os.Chown(filepath.Join(dir, "root"), uid, gid))
	if err != nil {
		t.Fatal(err)
	}
	return "User #" + who.Uid + "\nGroup #" + who.Gid + "\n"
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
