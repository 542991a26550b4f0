package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"proxy409/cmd/proxy409/tlsfiles"
	"proxy409/config"
	"proxy409/etagcache"
	"proxy409/etagcache/memstore"
	"proxy409/etagcache/redisstore"
	"proxy409/metrics"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

// localFor is how old a local copy of a record may be (the design's "up to a second").
const localFor = time.Second

// instance is everything that one configuration makes, ready to serve.
type instance struct {
	cfg      *config.Config
	registry *prometheus.Registry
	metrics  *metrics.Metrics // nil where nothing is counted
	cache    *etagcache.Cache
	proxy    *proxy.Proxy
	ready    *readiness
	closers  []io.Closer

	front        *tlsfiles.Files // nil: clients connect without TLS
	certificates []section       // all files of certificates
}

// assemble makes an instance. It does no I/O.
func assemble(cfg *config.Config, log *slog.Logger) (*instance, error) {
	in := &instance{cfg: cfg, registry: prometheus.NewRegistry()}
	in.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	labels := make([]metrics.Route, len(cfg.Routes))
	for i, r := range cfg.Routes {
		labels[i] = metrics.Route{Name: r.Name, Mode: string(r.Mode), Rules: ruleNames(r)}
	}
	m, err := metrics.New(in.registry, labels, build())
	if err != nil {
		return nil, err
	}
	in.metrics, in.front = m, in.frontFiles()
	store, err := in.store(log, m.StoreClockJumped)
	if err != nil {
		return nil, err
	}
	proxied := proxyConfig(cfg, log, m)
	proxied.Transport = in.transport()
	options := etagcache.Options{TTL: cfg.Store.TTL, Grace: cfg.GracePeriod(), Validators: cfg.Limits.Validators}
	if cfg.Store.Redis != nil {
		options.LocalFor, options.Name = localFor, replicaName()
		if options.Settings, err = proxied.KeySettings(); err != nil {
			return nil, inFile(cfg, err)
		}
	}
	in.cache = etagcache.New(m.InstrumentStore(store), options)
	in.ready = newReadiness(in.cache, log, m)
	if checked, ok := store.(*redisstore.Store); ok {
		in.ready.check = checked.Check
	}
	proxied.Cache = in.cache
	in.proxy, err = proxy.New(proxied)
	return in, inFile(cfg, err)
}

// inFile adds to a problem that the proxy has with its configuration where it stands in the file.
func inFile(cfg *config.Config, err error) error {
	if problem, ok := errors.AsType[proxy.Problem](err); ok {
		return cfg.Problem(problem.Path, problem.Message)
	}
	return err
}

// replicaName is what other replicas call this one in their logs.
func replicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// store opens the store that the configuration names. clockJumped is told whenever the store's clock was set.
func (in *instance) store(log *slog.Logger, clockJumped func()) (etagcache.Store, error) {
	r := in.cfg.Store.Redis
	if r == nil {
		return memstore.New(memstore.Options{}), nil
	}
	redisstore.LogDriver(log)
	s, err := redisstore.New(redisstore.Options{
		URL: r.URL.Reveal(), Mode: redisstore.Mode(r.Mode), Prefix: r.Prefix,
		Timeout: r.Timeout, WaitReplicas: r.WaitReplicas, Logger: log,
		OnClockJump: func(time.Duration) { clockJumped() },
		TLS:         in.redisFiles().Handshake,
	})
	if err != nil {
		return nil, in.cfg.Problem("store.redis", err.Error())
	}
	in.closers = append(in.closers, s)
	return s, nil
}

func (in *instance) close() error {
	var errs []error
	for _, c := range in.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// validate finds what only assembling can find.
func validate(cfg *config.Config) error {
	in, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return in.close()
}

// proxyConfig translates the file's words into the proxy's.
func proxyConfig(cfg *config.Config, log *slog.Logger, o proxy.Observer) proxy.Config {
	out := proxy.Config{
		Upstream: cfg.Upstream,
		Timeouts: proxy.Timeouts(cfg.Timeouts.RouteTimeouts),
		Limits:   limits(cfg.Limits.RouteLimits),
		Held:     int64(cfg.Limits.Held),
		Refusals: refusals(cfg.Refusals),
		Logger:   log,
		Observer: o,

		TrustedProxies: cfg.TrustedProxies,
		Silence:        cfg.Timeouts.Send,
	}
	for _, r := range cfg.Routes {
		out.Routes = append(out.Routes, route(r))
	}
	return out
}

func route(r config.Route) proxy.Route {
	timeouts, limits, refusals := proxy.Timeouts(r.Timeouts), limits(r.Limits), refusals(r.Refusals)
	return proxy.Route{
		Name: r.Name, Match: r.Match, When: r.When.Query, Mode: proxy.Mode(r.Mode),
		Guard: r.Guard, Pass: r.Pass, Missing: proxy.Missing(r.Missing),
		Key:          proxy.Key{FoldCase: r.Key.Case == config.CaseFold, Query: r.Key.Query, Path: r.Key.Path},
		AllowOdd:     r.Path == config.PathAllow,
		WebSocket:    r.WebSocket,
		CORS:         r.CORS == config.CORSAuto,
		Version:      versionRule(r.Version),
		Private:      r.Private,
		VerifyAlways: r.Verify == config.VerifyAlways,
		AllowBlind:   r.StoreDown == config.StoreDownAllow,
		Upstream:     r.Upstream,
		UpstreamHost: r.Host == config.HostUpstream,
		Rules:        rulesOf(r.Rules),
		NoReplay:     r.Replay == config.ReplayOff,
		Idempotency:  idempotency(r.Idempotency),
		History:      history(r.History),
		Merge:        r.OnStale == config.StaleMerge,
		BodyTemplate: r.BodyTemplate,
		Timeouts:     &timeouts, Limits: &limits, Refusals: &refusals,
	}
}

func versionRule(v config.Version) proxy.Version {
	return proxy.Version{
		Source: validator.Source{
			From: validator.From(v.From), Pointer: v.Pointer, Header: v.Header, Ignore: v.Ignore,
		},
		Strong: v.Compare == config.CompareStrong, Suffixes: v.Suffixes,
		Reread: v.Reread, TrustWrites: v.TrustWrites,
		Qualify: qualify[v.Qualify], Lag: v.Lag, Read: v.Read,
	}
}

var qualify = map[config.Qualify]etagcache.Qualify{
	config.QualifyReturned: etagcache.QualifyReturned,
	config.QualifyNever:    etagcache.QualifyNever,
	config.QualifyAlways:   etagcache.QualifyAlways,
}

func limits(l config.RouteLimits) proxy.Limits {
	return proxy.Limits{
		Body: int64(l.Body), Representation: int64(l.Representation), Tags: l.Tags, Waiters: l.Waiters,
	}
}

func refusals(r config.Refusals) proxy.Refusals {
	return proxy.Refusals{Style: style(r), Disclose: r.Disclose == config.DiscloseProbe}
}

func style(r config.Refusals) refusal.Style {
	s := refusal.Style{
		Profile: refusal.Profile(r.Profile), TypePrefix: r.TypePrefix,
		Status: make(map[refusal.Reason]int, len(r.Status)),
	}
	for name, status := range r.Status {
		var reason refusal.Reason
		if err := reason.UnmarshalText([]byte(name)); err != nil {
			panic(fmt.Sprintf("package config let the reason %q through", name))
		}
		s.Status[reason] = status
	}
	return s
}
