package config

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// goodFiles are the files of testdata/good, each with what it changes in the configuration of
// `upstream: http://localhost:9000`.
var goodFiles = map[string]func(c *Config){
	"minimal": func(*Config) {},
	"default": withRedis(func(c *Config) {}),
	"design": withRedis(func(c *Config) {
		c.Routes[0].Name, c.Routes[0].Match = "articles", "/articles/{id}"
	}),
	"anchors": func(c *Config) {
		c.Upstream = &url.URL{Scheme: "https", Host: "backend.example", Path: "/api"}
		first, third := c.Routes[0], c.Routes[0]
		first.Name, first.Match, first.Guard = "first", "/first/{id}", []string{"PUT", "DELETE"}
		first.Version.Compare, first.Version.Reread = CompareStrong, true
		second := first
		second.Name, second.Match, second.Mode = "second", "/second/{id}", Off
		third.Name, third.Match, third.Guard = "third", "example.com/third/{rest...}", first.Guard
		third.Version.Reread = true // the first of the merged mappings has it
		c.Routes = []Route{first, second, third}
	},
	"defaults": func(c *Config) {
		own, shared := c.Routes[0], c.Routes[0]
		own.Name, own.Match, own.Pass, own.Verify = "own", "/own", []string{}, VerifyAlways
		own.Version.Compare = CompareStrong
		shared.Name, shared.Match, shared.Pass, shared.Verify = "shared", "/shared", []string{"POST", "LOCK"}, VerifyAlways
		shared.Mode, shared.Missing = Observe, MissingAllow
		shared.Version.Compare, shared.Version.Reread = CompareStrong, true
		c.Routes = []Route{own, shared}
	},
	"env": func(c *Config) {
		c.Upstream.Host = "backend.example:9000"
		c.Listen = ":8080"
		c.Store.Redis = defaultRedis()
		c.Store.Redis.URL = NewSecret("redis://:hunter2@127.0.0.1:6379/1")
		c.Store.Redis.Prefix = "fleet"
		c.Timeouts.Write = 10 * time.Second
		c.Limits.Tags = 7
		c.Refusals.TypePrefix = "urn:${x}:$y:$$:${HOST},mode:off:"
		c.Routes[0].Name, c.Routes[0].Match, c.Routes[0].Mode = "articles", "/a/{$}", Observe
	},
	"admin-other-host": func(c *Config) {
		c.Upstream = &url.URL{Scheme: "http", Host: "10.0.0.1:8080", Path: "/"}
		c.Listen, c.Admin.Listen = "10.0.0.2:8080", "127.0.0.1:8080"
		c.Timeouts.Settle, c.Timeouts.BusyWait = time.Minute, 0
		c.Store.Grace, c.Store.TTL = Grace{}, 90*time.Second
		c.Limits.Body, c.Limits.Representation, c.Limits.Header = 1024, 10_000, 1_000_000
		c.Refusals.Profile, c.Refusals.Disclose = ProfileRFC9110, DiscloseNever
		c.Refusals.Status = map[string]int{"stale": 409, "busy": 423}
	},
	"tls": func(c *Config) {
		c.Upstream.Scheme = "https"
		c.TLS = &ServerTLS{CertFile: "/etc/p/a.pem", KeyFile: "testdata/good/keys/a.key", ClientCAFile: "testdata/good/ca.pem", MinVersion: tls.VersionTLS13}
		c.UpstreamTLS = ClientTLS{
			CAFile: "testdata/good/ca.pem", CertFile: "testdata/good/c.pem", KeyFile: "testdata/good/c.key",
			ServerName: "b.example", MinVersion: tls.VersionTLS10,
		}
		c.TrustedProxies = []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32"),
		}
		c.Admin.WebConfig = "testdata/web.yaml"
		c.Store.Redis = defaultRedis()
		c.Store.Redis.URL = NewSecret("rediss://localhost")
		c.Store.Redis.TLS = ClientTLS{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
		c.Timeouts.Body, c.Timeouts.Answer, c.Timeouts.Header = time.Second, 2*time.Second, 3*time.Second
		c.Timeouts.Send, c.Timeouts.Idle = 4*time.Second, 5*time.Second
		c.Limits.Held, c.Limits.Validators = GiB, 8
		r := &c.Routes[0]
		r.Name, r.Match, r.Path, r.WebSocket, r.CORS, r.Key.Case = "a", "/a", PathRefuse, true, CORSOff, CaseFold
	},
	"repeat": withRepeats,
	"rules":  withRules,
	"sentinel": func(c *Config) {
		c.Store.Redis = defaultRedis()
		c.Store.Redis.Mode, c.Store.Redis.WaitReplicas = Sentinel, 1
		c.Store.Redis.URL = NewSecret("rediss://:hunter2@redis.example:26379?master_name=m")
	},
}

func withRedis(change func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Upstream.Host = "127.0.0.1:9000"
		c.Store.Redis = defaultRedis()
		c.Store.Redis.URL = NewSecret("redis://127.0.0.1:6379/0")
		change(c)
	}
}

// inherit gives the routes of c what it says for all, which in goodFiles no route says itself.
func inherit(c *Config) {
	for i := range c.Routes {
		r := &c.Routes[i]
		r.Upstream, r.Timeouts, r.Limits, r.Refusals = c.Upstream, c.Timeouts.RouteTimeouts, c.Limits.RouteLimits, c.Refusals
	}
}

func TestGoodFilesLoadAsWritten(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("testdata", "good", "*.yaml"))
	if len(files) != len(goodFiles) {
		t.Errorf("%d files, but %d expectations", len(files), len(goodFiles))
	}
	for name, change := range goodFiles {
		t.Run(name, func(t *testing.T) {
			got, _, err := Load(filepath.Join("testdata", "good", name+".yaml"), testEnv)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Default("http://localhost:9000")
			if err != nil {
				t.Fatal(err)
			}
			change(want)
			inherit(want)
			got.source = source{}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %s\nwant %s", show(t, got), show(t, want))
			}
		})
	}
}

func TestTheDesignsExampleAndTheDefaultsRaiseNoWarning(t *testing.T) {
	for _, name := range []string{"design", "default", "minimal", "sentinel"} {
		if _, warnings, _ := Load(filepath.Join("testdata", "good", name+".yaml"), testEnv); len(warnings) != 0 {
			t.Errorf("%s: %v", name, warnings)
		}
	}
}

func TestALineBreakInAVariableInjectsNothing(t *testing.T) {
	env := func(string) (string, bool) { return "x\nroutes: []", true }
	c, _, err := Parse("f", []byte("upstream: http://localhost:9000\nrefusals: {type_prefix: \"${X}\"}\n"), env)
	if c != nil || err == nil || err.(Problems)[0].Path != "refusals.type_prefix" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestLoadSaysWhichFileCannotBeRead(t *testing.T) {
	if _, _, err := Load("testdata/none.yaml", testEnv); !os.IsNotExist(unwrap(err)) {
		t.Errorf("got %v", err)
	}
}

func TestDefaultRefusesABadUpstream(t *testing.T) {
	for upstream, want := range map[string]string{
		"localhost:9000":        `upstream: "localhost:9000" is not a backend's URL; write it as http://127.0.0.1:9000`,
		"http://u:hunter2@h:1":  `upstream: the value (not shown, for there may be a password in it) names a user; the proxy sends its clients' credentials and none of its own`,
		"http://h?":             `upstream: the value (not shown, for there may be a password in it) has a query or a fragment; only scheme, host and path are allowed`,
		"http://127.0.0.1:8080": `upstream: the proxy would be its own backend: listen is "127.0.0.1:8080"`,
	} {
		if _, err := Default(upstream); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", upstream, err, want)
		}
	}
}

func TestGracePeriod(t *testing.T) {
	for _, tt := range []struct {
		store Store
		want  time.Duration
	}{
		{Store{Grace: Grace{Auto: true}}, 0},
		{Store{Grace: Grace{Auto: true}, Redis: &Redis{}}, 9 * time.Second},
		{Store{Grace: Grace{Fixed: time.Second}}, time.Second},
		{Store{Grace: Grace{}, Redis: &Redis{}}, 0},
	} {
		c := &Config{Store: tt.store, Timeouts: Timeouts{RouteTimeouts: RouteTimeouts{Write: 2 * time.Second, Settle: 3 * time.Second}}}
		c.Routes = []Route{
			{Timeouts: RouteTimeouts{Write: time.Second, Settle: 8 * time.Second}},
			{Timeouts: RouteTimeouts{Write: 7 * time.Second, Settle: time.Second}},
		}
		if got := c.GracePeriod(); got != tt.want {
			t.Errorf("%+v: got %v, want %v", tt.store, got, tt.want)
		}
	}
	c, _, err := Parse("", []byte("{upstream: http://h, store: {redis: {url: redis://localhost}}, timeouts: {write: 20m}, "+
		"routes: [{name: a, match: /, timeouts: {write: 3s}}]}"), nil)
	if err != nil || c.GracePeriod() != 20*time.Minute+30*time.Second {
		t.Errorf("got %v, %v; what the file says for all counts too", c.GracePeriod(), err)
	}
}
