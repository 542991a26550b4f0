package proxy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"proxy409/proxy/target"
)

// matcher finds routes by patterns, the most specific first, as net/http does.
type matcher struct {
	mux   *http.ServeMux
	lists map[string][]*route // by pattern; those without when come last
}

func newMatcher() *matcher {
	return &matcher{mux: http.NewServeMux(), lists: make(map[string][]*route)}
}

// add puts a route into the list of a pattern. It turns the panic of ServeMux, which explains well what is wrong, into an error.
func (m *matcher) add(pattern string, r *route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	if len(m.lists[pattern]) == 0 {
		m.mux.Handle(pattern, http.NotFoundHandler())
	}
	list, at := m.lists[pattern], len(m.lists[pattern])
	for len(r.when) > 0 && at > 0 && len(list[at-1].when) == 0 {
		at--
	}
	m.lists[pattern] = slices.Insert(list, at, r)
	return nil
}

// match returns the list of the pattern that a host and a path have; nil if none.
func (m *matcher) match(host string, path target.Path) []*route {
	_, pattern := m.mux.Handler(&http.Request{Method: http.MethodGet, Host: hostname(host), URL: path.URL()})
	return m.lists[pattern]
}

// folds reports whether folding letter case makes another pattern of it.
func folds(match string) bool {
	_, path, _ := strings.Cut(match, "/")
	return slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return !strings.HasPrefix(s, "{") && target.FoldCase(s) != s })
}

// foldPattern is a pattern for paths whose letter case is folded. Its wildcards have names of their own, so that patterns which
// match alike are alike.
func foldPattern(match string) string {
	host, path, _ := strings.Cut(match, "/")
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch {
		case s == "{$}":
		case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "...}"):
			segments[i] = fmt.Sprintf("{w%d...}", i)
		case strings.HasPrefix(s, "{"):
			segments[i] = fmt.Sprintf("{w%d}", i)
		default:
			segments[i] = target.FoldCase(s)
		}
	}
	return host + "/" + strings.Join(segments, "/")
}
