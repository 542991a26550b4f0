package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/merge"
	"proxy409/proxy/refusal"
	"proxy409/proxy/target"
	"proxy409/proxy/validator"
)

// route is a Route, prepared: with what it inherits from the Config, and with its texts parsed.
type route struct {
	Route
	upstream *url.URL
	origin   string      // the part of the upstream's URL that tells backends apart
	base     target.Path // the upstream's path
	host     string      // the pattern's literal host, part of the key
	pattern  target.Pattern
	when     []parameter
	// siblings are the routes that share this one's match, if they are told apart by parameters and one of them is guarded;
	// chosenBy are these parameters.
	siblings []*route
	chosenBy []parameter
	inQuery  []parameter // what of the query is part of the key
	inPath   []parameter // what of the path is, instead of a whole segment
	readAt   *readTarget // nil: where it was written to
	maker    *validator.Maker
	term     etagcache.Term
	timeouts Timeouts
	limits   Limits
	refusals Refusals
	rules    *ruleset
	sets     merge.Sets
	// wildcards are the names of those of the pattern.
	wildcards []string
}

// parameter is one that a route looks at.
type parameter struct {
	name    string
	form    *regexp.Regexp
	segment int // of the path, for one that is there
}

// prepare checks a route. Path is where it stands in the YAML file.
func (cfg *Config) prepare(r Route, path string) (*route, error) {
	p := &route{Route: r, upstream: cfg.Upstream, timeouts: cfg.Timeouts, limits: cfg.Limits, refusals: cfg.Refusals}
	if r.Upstream != nil {
		p.upstream = r.Upstream
	}
	if r.Timeouts != nil {
		p.timeouts = *r.Timeouts
	}
	if r.Limits != nil {
		p.limits = *r.Limits
	}
	if r.Refusals != nil {
		p.refusals = *r.Refusals
	}
	p.term = etagcache.Term{Work: p.timeouts.Write, Settle: p.timeouts.Settle}
	p.origin = origin(p.upstream)
	p.host, p.pattern = target.ParsePattern(r.Match)
	p.wildcards = p.pattern.Names()
	for _, step := range []func(string) error{p.prepareUpstream, p.prepareParameters, p.prepareVersion, p.prepareRules, p.prepareHistory} {
		if err := step(path); err != nil {
			return nil, err
		}
	}
	if r.BodyTemplate != "" {
		var err error
		if p.refusals.Style.Body, err = refusal.ParseTemplate(r.BodyTemplate); err != nil {
			return nil, Problem{Path: path + ".body_template", Message: err.Error()}
		}
	}
	if err := p.refusals.Style.Check(); err != nil {
		return nil, Problem{Path: path + ".refusals", Message: err.Error()}
	}
	return p, nil
}

// origin is the part of a backend's URL that tells it from others, in the one form that its spellings share.
func origin(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host
}

func (p *route) prepareUpstream(path string) (err error) {
	if p.upstream.Host == "" {
		return Problem{Path: path + ".upstream", Message: "a URL with a host is required"}
	}
	if p.base, err = target.Canonical(strings.TrimSuffix(p.upstream.EscapedPath(), "/")); err != nil {
		return Problem{Path: path + ".upstream", Message: err.Error()}
	}
	return nil
}

func (p *route) prepareParameters(path string) (err error) {
	if p.when, err = parameters(p.When, path+".when.query", `^(?:%s)$`); err != nil {
		return err
	}
	if p.inQuery, err = parameters(p.Key.Query, path+".key.query", "%s"); err != nil {
		return err
	}
	if p.inPath, err = parameters(p.Key.Path, path+".key.path", "%s"); err != nil {
		return err
	}
	for i := range p.inPath {
		var ok bool
		if p.inPath[i].segment, ok = p.pattern.Wildcard(p.inPath[i].name); !ok {
			return Problem{
				Path: path + ".key.path." + p.inPath[i].name, Message: "names no wildcard {" + p.inPath[i].name + "} of match",
			}
		}
	}
	return nil
}

func (p *route) prepareVersion(path string) (err error) {
	source := p.Version.Source
	if source.Limit == 0 {
		source.Limit = p.limits.Representation
	}
	if p.maker, err = validator.New(source); err != nil {
		if p, ok := errors.AsType[validator.Problem](err); ok {
			return Problem{Path: path + ".version." + p.Key, Message: p.Message}
		}
		return Problem{Path: path + ".version", Message: err.Error()}
	}
	if p.Version.Read != "" {
		if p.readAt, err = p.parseReadTarget(p.Version.Read); err != nil {
			return Problem{Path: path + ".version.read", Message: err.Error()}
		}
	}
	if p.readAt == nil && slices.Contains(p.Guard, http.MethodGet) {
		return Problem{
			Path:    path + ".version.read",
			Message: "is required where guard names GET: the version cannot be asked for by the very request that is guarded",
		}
	}
	return nil
}

// parameters compiles expressions, in the order of their names: two routes that name the same ones agree on keys.
func parameters(forms map[string]string, path, format string) ([]parameter, error) {
	var list []parameter
	for name, form := range forms {
		compiled, err := regexp.Compile(fmt.Sprintf(format, form))
		if err != nil {
			return nil, Problem{Path: path + "." + name, Message: err.Error()}
		}
		list = append(list, parameter{name: name, form: compiled})
	}
	slices.SortFunc(list, func(a, b parameter) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

func (p *route) guarded() bool { return p != nil && p.Mode != Off }

// safe reports whether a request with the effective method only reads.
func (p *route) safe(method string) bool {
	// A backend that writes on a GET may well do so whatever the method is: PHP looks at the query alone.
	return target.Safe(method) && !slices.Contains(p.Guard, http.MethodGet)
}

// judges reports whether an unsafe request with the effective method is judged. conditional: it carries a precondition.
func (p *route) judges(method string, conditional bool) bool {
	return conditional || slices.Contains(p.Guard, method) || !slices.Contains(p.Pass, method)
}

// bare undoes what the proxy and the compressors on the way have added to a tag that a client sends. Compressors are on
// both sides of the proxy.
func (p *route) bare(sent etagcache.Tag) (tag etagcache.Tag, version etagcache.Version, qualified bool) {
	tag, version, qualified = sent.Unqualify()
	if !qualified { // a version may end like a suffix, so that is looked for second
		tag, version, qualified = p.unsuffixed(sent).Unqualify()
	}
	return p.unsuffixed(tag), version, qualified
}

// unsuffixed is a tag without the suffix of a compressor: the longest that fits, whatever the order in which they are listed,
// for of "--gzip" it is not "-gzip" that was added.
func (p *route) unsuffixed(tag etagcache.Tag) etagcache.Tag {
	longest := 0
	for _, suffix := range p.Version.Suffixes {
		if len(suffix) > longest && len(suffix) < len(tag.Opaque) && strings.HasSuffix(tag.Opaque, suffix) {
			longest = len(suffix)
		}
	}
	tag.Opaque = tag.Opaque[:len(tag.Opaque)-longest]
	return tag
}

// unsuffixedList is If-Match as the record is asked about it.
func (p *route) unsuffixedList(list etagcache.TagList) etagcache.TagList {
	if len(p.Version.Suffixes) == 0 {
		return list
	}
	tags := make([]etagcache.Tag, len(list.Tags))
	for i, sent := range list.Tags {
		tag, version, qualified := p.bare(sent)
		if qualified {
			tag = tag.Qualify(version)
		}
		tags[i] = tag
	}
	list.Tags = tags
	return list
}
