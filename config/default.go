package config

import (
	"crypto/tls"
	"slices"
	"time"
)

// The addresses and the route of a file that names none.
const (
	defaultListen      = "127.0.0.1:8080"
	defaultAdminListen = "127.0.0.1:9409"
	defaultRouteName   = "default"
	defaultRouteMatch  = "/"
)

// Default is the configuration for a backend at the URL upstream, with everything at its default. Its error is [Problems]
// that name no file.
func Default(upstream string) (*Config, error) {
	c := defaults()
	u, err := upstreamURL(upstream)
	if err != nil {
		return nil, Problems{{Path: "upstream", Message: quote(upstream) + " " + err.Error()}}
	}
	c.Upstream = u
	c.Routes = []Route{c.defaultRoute()}
	d := newDecoder("", nil)
	if d.check(c); len(d.problems) > 0 {
		return nil, Problems(tidy(d.problems))
	}
	return c, nil
}

// defaults is a configuration without what has no default: Upstream and Routes.
func defaults() *Config {
	return &Config{
		Listen:      defaultListen,
		Admin:       Admin{Listen: defaultAdminListen},
		Store:       Store{Grace: Grace{Auto: true}, TTL: 720 * time.Hour},
		UpstreamTLS: ClientTLS{MinVersion: tls.VersionTLS12},
		Timeouts: Timeouts{
			RouteTimeouts: RouteTimeouts{
				Write:    30 * time.Second,
				Settle:   30 * time.Second,
				BusyWait: 2 * time.Second,
				Body:     5 * time.Minute,
				Answer:   5 * time.Minute,
			},
			Header: 10 * time.Second,
			Send:   time.Minute,
			Idle:   2 * time.Minute,
		},
		Limits: Limits{
			RouteLimits: RouteLimits{Body: 16 * MiB, Representation: MiB, Tags: 64, Waiters: 64},
			Header:      32 * KiB,
			Held:        512 * MiB,
			Validators:  32,
		},
		Refusals: Refusals{
			Profile:    ProfileConflict,
			Status:     map[string]int{},
			TypePrefix: "urn:proxy409:",
			Disclose:   DiscloseProbe,
		},
	}
}

func defaultRedis() *Redis {
	return &Redis{Mode: Single, Prefix: "proxy409", Timeout: 300 * time.Millisecond, TLS: ClientTLS{MinVersion: tls.VersionTLS12}}
}

// defaultRoute is the route of a file that lists none, and what `defaults` is laid over. What c says for all is in it.
func (c *Config) defaultRoute() Route {
	r := Route{
		Name:      defaultRouteName,
		Match:     defaultRouteMatch,
		Mode:      Enforce,
		Guard:     []string{"PUT", "PATCH", "DELETE"},
		Pass:      []string{"POST"},
		Missing:   MissingReject,
		Version:   Version{From: FromETag, Compare: CompareWeak, Qualify: QualifyReturned},
		Verify:    VerifyDoubt,
		Key:       Key{Case: CaseExact},
		Path:      PathRefuse,
		CORS:      CORSAuto,
		Upstream:  c.Upstream,
		Host:      HostPreserve,
		Timeouts:  c.Timeouts.RouteTimeouts,
		Limits:    c.Limits.RouteLimits,
		Refusals:  c.Refusals,
		StoreDown: StoreDownReject,
		Replay:    ReplayOn,
		OnStale:   StaleRefuse,

		Idempotency: defaultIdempotency, // not Enabled
	}
	return r.clone()
}

// complete gives the route at a path the defaults that depend on what else it says.
func (d *decoder) complete(path string, r *Route) {
	if !d.said(path + ".pass") {
		r.Pass = slices.DeleteFunc(r.Pass, func(m string) bool { return slices.Contains(r.Guard, m) })
	}
	if !d.said(path+".missing") && r.guardsPostAlone() {
		r.Missing = MissingAllow
	}
	if !d.said(path+".version.qualify") && r.Version.From == FromBody {
		r.Version.Qualify = QualifyNever
	}
	r.nameRules()
	d.dropInherited(path, r)
}

// dropInherited forgets what `defaults` says for routes of another kind: with another source of versions, or with
// something to guard.
func (d *decoder) dropInherited(path string, r *Route) {
	version := path + ".version"
	for _, k := range r.Version.sourceKeys() {
		if d.has(version+".from") && k.source != r.Version.From && !d.has(join(version, k.name)) {
			k.drop()
		}
	}
	if r.Mode.guards() {
		return
	}
	for key, forget := range map[string]func(){
		"version.read": func() { r.Version.Read = "" },
		"expect":       func() { r.Expect = nil },
		"ask_headers":  func() { r.AskHeaders = nil },
		"idempotency":  func() { r.Idempotency = defaultIdempotency },
		"history":      func() { r.History = nil },
		"on_stale":     func() { r.OnStale = StaleRefuse },
	} {
		if !d.has(join(path, key)) {
			forget()
		}
	}
}

// said says whether the file has a route's key, in the route or in `defaults`.
func (d *decoder) said(path string) bool {
	found, _ := d.find(path)
	return d.has(found)
}

func (r *Route) guardsPostAlone() bool { return slices.Equal(r.Guard, []string{"POST"}) }
