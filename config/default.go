package config

import "time"

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
	c.Routes = []Route{defaultRoute()}
	d := newDecoder("", nil)
	if d.check(c); len(d.problems) > 0 {
		return nil, Problems(tidy(d.problems))
	}
	return c, nil
}

// defaults is a configuration without what has no default: Upstream and Routes.
func defaults() *Config {
	return &Config{
		Listen: defaultListen,
		Admin:  Admin{Listen: defaultAdminListen},
		Store:  Store{Grace: Grace{Auto: true}, TTL: 720 * time.Hour},
		Timeouts: Timeouts{
			Write:    30 * time.Second,
			Settle:   30 * time.Second,
			BusyWait: 2 * time.Second,
		},
		Limits: Limits{Body: 16 * MiB, Representation: MiB, Header: 32 * KiB, Tags: 64, Waiters: 64},
		Refusals: Refusals{
			Profile:    ProfileConflict,
			Status:     map[string]int{},
			TypePrefix: "urn:proxy409:",
			Disclose:   DiscloseProbe,
		},
	}
}

func defaultRedis() *Redis {
	return &Redis{Mode: Single, Prefix: "proxy409", Timeout: 300 * time.Millisecond}
}

// defaultRoute is the route of a file that lists none, and what `defaults` is laid over.
func defaultRoute() Route {
	return Route{
		Name:    defaultRouteName,
		Match:   defaultRouteMatch,
		Mode:    Enforce,
		Guard:   []string{"PUT", "PATCH", "DELETE"},
		Pass:    []string{"POST"},
		Missing: MissingReject,
		Version: Version{From: FromETag, Compare: CompareWeak},
		Verify:  VerifyDoubt,
	}
}
