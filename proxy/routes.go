package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"proxy409/proxy/target"
)

// routes finds the route of a request: the most specific pattern wins, as in net/http.
type routes struct {
	mux       *http.ServeMux
	byPattern map[string][]*route // in the order of the configuration, but the one without when comes last
	unmatched *route              // for what no route matches: it is not guarded
}

func newRoutes(cfg *Config) (*routes, error) {
	unmatched, err := cfg.prepare(Route{Mode: Off}, "")
	if err != nil {
		return nil, unplaced(err)
	}
	rs := &routes{mux: http.NewServeMux(), byPattern: make(map[string][]*route), unmatched: unmatched}
	for i, r := range cfg.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		if r.Match == "" || r.Match[0] == ' ' {
			return nil, Problem{Path: at + ".match", Message: "a pattern [HOST]/path is required"}
		}
		prepared, err := cfg.prepare(r, at)
		if err != nil {
			return nil, err
		}
		if err := rs.register(prepared); err != nil {
			return nil, Problem{Path: at + ".match", Message: err.Error()}
		}
	}
	return rs, nil
}

// unplaced is a problem of what all routes inherit.
func unplaced(err error) error {
	if p, ok := errors.AsType[Problem](err); ok {
		p.Path = strings.TrimPrefix(p.Path, ".")
		return p
	}
	return err
}

// register turns the panic of ServeMux, which explains well what is wrong, into an error.
func (rs *routes) register(r *route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	list := rs.byPattern[r.Match]
	last := len(list) - 1
	if last >= 0 && len(list[last].when) == 0 {
		if len(r.when) == 0 {
			return errors.New("another route has the same match, and no when either")
		}
		list = append(list[:last:last], r, list[last])
	} else {
		list = append(list, r)
	}
	if last < 0 {
		rs.mux.Handle(r.Match, http.NotFoundHandler())
	}
	rs.byPattern[r.Match] = list
	return nil
}

// find returns the route of a request, if its path is this. Ambiguous tells that the query has a parameter by which routes
// are chosen more than once, or spelt in an odd way: what of it the backend looks at is not known, and the strictest of the
// routes is returned.
func (rs *routes) find(r *http.Request, path target.Path) (found *route, ambiguous bool) {
	_, pattern := rs.mux.Handler(&http.Request{Method: http.MethodGet, Host: hostname(r.Host), URL: path.URL()})
	list := rs.byPattern[pattern]
	if len(list) == 1 && len(list[0].when) == 0 {
		return list[0], false
	}
	found = rs.unmatched
	for _, candidate := range slices.Backward(list) {
		fits, odd := candidate.fits(r.URL.RawQuery)
		if fits {
			found = candidate
		}
		ambiguous = ambiguous || odd
	}
	if ambiguous {
		found = strictest(list, r.Method)
	}
	return found, ambiguous
}

// strictest returns the route of the list that lets the least pass.
func strictest(list []*route, method string) *route {
	return slices.MaxFunc(list, func(a, b *route) int { return cmp.Compare(a.strictness(method), b.strictness(method)) })
}

func (p *route) strictness(method string) int {
	switch {
	case p.Mode == Closed:
		return 4
	case !p.guarded():
		return 0
	case p.Mode == Observe:
		return 1
	case p.safe(method):
		return 2
	default:
		return 3
	}
}

// hostname is the host of a request as patterns have it.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// fits reports whether the query is one that the route's when asks for. Odd: it has a parameter of it more than once, or in
// a spelling that backends read differently.
func (p *route) fits(rawQuery string) (fits, odd bool) {
	fits = true
	for _, w := range p.when {
		values, plain := target.QueryValues(rawQuery, w.name)
		matched := false
		for _, v := range values {
			matched = matched || w.form.MatchString(v)
		}
		fits, odd = fits && matched, odd || len(values) > 1 || !plain
	}
	return fits, odd
}
