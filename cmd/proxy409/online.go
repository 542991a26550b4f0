package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"proxy409/config"
)

// online is what `check --online` is told.
type online struct {
	wanted  bool   // --online is given
	url     string // "": the store alone
	headers []string
	method  string   // of the write that it may make; "": none
	data    []string // the write's bodies, or @ and the name of a file
	pause   time.Duration
	timeout time.Duration
}

// checkAll asks Redis, if the configuration names one, and the backend, if there is a URL.
func (o *online) checkAll(cmd *cobra.Command, cfg *config.Config) error {
	out := cmd.OutOrStdout()
	var unfit error
	switch {
	case cfg == nil && o.url == "":
		return errors.New("--online asks a backend (--online URL), or the Redis of a configuration (--online --config FILE)")
	case o.url == "":
		if err := o.withoutURL(cmd); err != nil {
			return err
		}
		return checkStore(cmd.Context(), out, cfg)
	case cfg != nil && cfg.Store.Redis != nil:
		if unfit = checkStore(cmd.Context(), out, cfg); unfit != nil && !errors.Is(unfit, errUnfit) {
			return unfit
		}
		fmt.Fprintln(out)
	}
	return errors.Join(unfit, o.check(cmd.Context(), out, cfg))
}

var errNotGuarded = errors.New("writes to it cannot be guarded like this")

// check asks the backend and says what it found. The error is errNotGuarded where that is bad news.
func (o online) check(ctx context.Context, out io.Writer, cfg *config.Config) error {
	if err := o.load(); err != nil {
		return err
	}
	how := "as configured"
	if cfg == nil {
		how = "with the defaults"
		var err error
		if cfg, err = o.defaults(); err != nil {
			return err
		}
	}
	s, err := o.survey(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s\n%s\n\n", s.read.Method, s.read.URL.Redacted(), s.as())
	if err := s.ask(); err != nil {
		return err
	}
	r := &report{}
	s.judge(r)
	if err := r.write(out); err != nil {
		return err
	}
	return s.advise(out, r, how)
}

// load reads the bodies, and checks what flags cannot.
func (o *online) load() error {
	switch {
	case o.method == "" && len(o.data) > 0:
		return errors.New("--data is the body of --write METHOD")
	case o.method != "" && len(o.data) == 0, len(o.data) > 2:
		return errors.New("--write needs one or two --data")
	case o.method != "" && !slices.Contains([]string{"PUT", "PATCH", "POST"}, o.method):
		return errors.New("--write takes PUT, PATCH or POST")
	}
	for i, d := range o.data {
		if name, ok := strings.CutPrefix(d, "@"); ok {
			content, err := os.ReadFile(name)
			if err != nil {
				return fmt.Errorf("--data: %w", err)
			}
			o.data[i] = string(content)
		}
	}
	return nil
}

// defaults is the configuration of `serve --upstream` for the URL's server.
func (o *online) defaults() (*config.Config, error) {
	u, err := url.Parse(o.url)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("--online takes the backend's URL without --config, such as http://127.0.0.1:9000/items/7; " +
			"credentials belong into -H 'Authorization: …'")
	}
	return config.Default(u.Scheme + "://" + u.Host)
}

// asked is one request about the resource as clients send it.
func (o online) asked(method, data string) asked {
	a := asked{method: method, url: o.url, data: data}
	agent := []string{"User-Agent: proxy409-check"}
	for _, h := range o.headers {
		name, _, _ := strings.Cut(h, ":")
		switch name = http.CanonicalHeaderKey(name); {
		case name == "User-Agent":
			agent = nil
		case strings.HasPrefix(name, "If-"), data == "" && strings.HasPrefix(name, "Content-"):
			continue // conditions are asked here, and what describes a write's content is not for reads
		}
		a.headers = append(a.headers, h)
	}
	a.headers = append(a.headers, agent...)
	typed := slices.ContainsFunc(a.headers, func(h string) bool { return strings.HasPrefix(strings.ToLower(h), "content-type:") })
	if data != "" && !typed && json.Valid([]byte(data)) {
		a.headers = append(a.headers, "Content-Type: application/json")
	}
	return a
}

// survey prepares the questions: how a client's read and its write reach the backend, and how the proxy would probe.
func (o online) survey(ctx context.Context, cfg *config.Config) (*survey, error) {
	read, err := explanation(cfg, o.asked(http.MethodGet, ""))
	if err != nil {
		return nil, err
	}
	s := &survey{ctx: ctx, online: o, transport: (&instance{cfg: cfg}).transport(), read: read.Sent, route: routeOf(cfg, read.Route)}
	if s.read == nil {
		return nil, errors.New("the proxy itself would not forward a read of it; `proxy409 explain` says why")
	}
	s.rule = config.Version{From: config.FromETag, Compare: config.CompareWeak, Qualify: config.QualifyReturned}
	s.limit = int64(cfg.Limits.Representation)
	method := http.MethodPut
	if s.route != nil {
		s.rule, s.limit, method = s.route.Version, int64(s.route.Limits.Representation), s.route.Guard[0]
	}
	if s.guarded, err = explanation(cfg, o.asked(method, "")); err != nil {
		return nil, err
	}
	for _, d := range o.data {
		write, err := explanation(cfg, o.asked(o.method, d))
		if err != nil || write.Sent == nil {
			return nil, errors.Join(err, errors.New("the proxy itself would not forward the write"))
		}
		s.writes = append(s.writes, write.Sent)
	}
	s.probe = s.guarded.Probe
	if s.probe == nil { // nothing is guarded here, and said so; the rest is told all the same
		s.probe = s.read.Clone(ctx)
		s.probe.Header.Set("Cache-Control", "no-cache")
	}
	return s, nil
}
