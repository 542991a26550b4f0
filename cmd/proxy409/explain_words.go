package main

import (
	"fmt"
	"slices"
	"strings"

	"proxy409/config"
	"proxy409/proxy"
)

// words puts an explanation into words.
type words struct {
	proxy.Explanation
	cfg   *config.Config
	asked asked
	route *config.Route // nil: none matches
}

func (w words) write(s *sheet) {
	w.which(s)
	if w.route == nil || w.Mode == proxy.Off {
		w.backend(s)
		return
	}
	w.resource(s)
	if w.Mode != proxy.Closed {
		s.line("request", "%s", w.what())
	}
	w.condition(s)
	w.refusal(s)
	w.backend(s)
	if w.Mode == proxy.Closed || w.Kind == proxy.KindUntouched {
		return
	}
	if w.Kind == proxy.KindRead || w.Kind == proxy.KindJudged {
		s.line("version", "%s", w.source())
	}
	w.probe(s)
	for _, rule := range rules(*w.route) {
		s.line("rules", "%s", rule)
	}
}

// which says which route the request gets, and by what.
func (w words) which(s *sheet) {
	if w.route == nil {
		s.line("route", "none: no route matches, so the request passes untouched")
		if w.Sent != nil && w.Sent.Host == "" && slices.ContainsFunc(w.cfg.Routes, hasHost) {
			s.line("route", "(there are routes for certain hosts: give the whole URL to ask for those)")
		}
	} else {
		s.line("route", "%s: %s", w.Route, w.why())
		s.line("mode", "%s", modes[w.Mode])
	}
	s.line("method", "%s", w.method())
}

func hasHost(r config.Route) bool { return !strings.HasPrefix(r.Match, "/") }

var modes = map[proxy.Mode]string{
	proxy.Enforce: "enforce",
	proxy.Observe: "observe: what would be refused is counted and logged, and let through",
	proxy.Off:     "off: everything passes untouched",
	proxy.Closed:  "closed: nothing passes",
}

func (w words) why() string {
	what := "the path fits "
	if hasHost(*w.route) {
		what = "host and path fit "
	}
	text := what + w.route.Match
	for _, name := range sortedKeys(w.route.When.Query) {
		if w.Ambiguous {
			break
		}
		text += fmt.Sprintf(", and in the query %s fits %s", name, w.route.When.Query[name])
	}
	switch {
	case w.Ambiguous:
		text += "; of the routes that share this match it lets the least pass"
	case w.Spelling != nil:
		text += ", in one of the ways to read it"
	}
	return text
}

func (w words) method() string {
	switch w.MethodFrom {
	case "":
		if w.asked.method != w.Method {
			return fmt.Sprintf("%s, as lenient backends read %s", w.Method, w.asked.method)
		}
		return w.Method
	case "query", "form":
		return fmt.Sprintf("%s, by _method in the %s of a %s", w.Method, w.MethodFrom, w.asked.method)
	}
	return fmt.Sprintf("%s, by %s of a %s", w.Method, w.MethodFrom, w.asked.method)
}

// resource says how the path is read, and what the key is made of.
func (w words) resource(s *sheet) {
	sent, _, _ := w.asked.target()
	sent, _, _ = strings.Cut(sent, "?")
	switch {
	case w.Ambiguous, w.Spelling != nil && sent == w.Path:
		s.line("path", "%s; dangerous: %s", w.Path, w.Spelling)
	case w.Spelling != nil:
		s.line("path", "dangerous: %s; some backend may take it for %s", w.Spelling, w.Path)
	case sent != w.Path:
		s.line("path", "%s, the canonical form of %s", w.Path, sent)
	default:
		s.line("path", "%s", w.Path)
	}
	if w.Key == nil {
		s.line("key", "none: no resource can be told from this request")
		return
	}
	s.line("key", "%s", w.stored(w.Key.Key.String()))
	parts := []string{w.Key.Upstream}
	if w.Key.Host != "" {
		parts = append(parts, w.Key.Host)
	}
	parts = append(parts, w.Key.Path)
	for _, p := range w.Key.Params {
		parts = append(parts, p[0]+"="+p[1])
	}
	s.line("key", "made of %s", strings.Join(parts, ", "))
	if w.Destination != nil {
		s.line("key", "and, for the Destination, %s", w.stored(w.Destination.String()))
	}
}

// stored is the name of a record as its store has it; package redisstore says how names are built.
func (w words) stored(digest string) string {
	r := w.cfg.Store.Redis
	switch {
	case r == nil:
		return digest
	case r.Mode == config.Cluster:
		return fmt.Sprintf("%s, in Redis %s:{*}:%[1]s", digest, r.Prefix)
	default:
		return fmt.Sprintf("%s, in Redis %s:{0}:%[1]s", digest, r.Prefix)
	}
}

// what says what kind of request it is.
func (w words) what() string {
	refused := w.Refused != nil && !w.Forgiven
	switch {
	case w.Kind == proxy.KindRead && (w.Spelling != nil || w.Key == nil):
		return "a read, of which nothing is learned"
	case w.Kind == proxy.KindRead:
		return "a read: the version that a 200 or 304 shows is learned" + w.conditions()
	case w.Kind == proxy.KindUntouched:
		return w.Method + " changes nothing and shows no version: it is forwarded, and nothing is learned"
	case w.Kind == proxy.KindPassed && refused:
		return "a write that is not judged (pass)"
	case w.Kind == proxy.KindPassed:
		return w.Method + " passes unjudged (pass), but it moves the record: versions that were known before it are outdated"
	case w.Judged && w.Ruled && !refused:
		return "a write that is judged: it is held against what is known of the resource, and then against the rules below"
	case w.Judged || refused:
		return "a write that is judged: it is held against what is known of the resource"
	case w.Ruled:
		return "a write without a version to judge it by, which is held against the rules below; versions that were known before it are outdated"
	default:
		return "a write that is let through unjudged; it takes the lease, and versions that were known before it are outdated"
	}
}

// source says where the version comes from. Of another resource it is the business of the route which that has.
func (w words) source() string {
	if w.route.Resource != "" && w.Kind == proxy.KindJudged {
		return "that of " + w.route.Resource + ", as the route of that has it"
	}
	return source(w.route.Version)
}

// conditions says who answers a read's conditions, where that is not the backend.
func (w words) conditions() string {
	if w.route.Version.From == config.FromETag {
		return ""
	}
	return "; If-None-Match is answered by the proxy"
}

func (w words) condition(s *sheet) {
	if w.Creates {
		s.line("condition", "If-None-Match: *, so the resource must not exist")
	}
	for _, tag := range w.Tags {
		text := "If-Match: " + tag.Sent.String()
		switch {
		case tag.Sent.Weak && w.route.Version.Compare == config.CompareStrong:
			text += ", weak, which compare: strong never accepts"
		case tag.Sent.Weak:
			text += ", weak"
		}
		if tag.Qualified {
			text += ", good for one version on record alone"
		}
		if tag.Bare != tag.Sent {
			text += ", of the backend's " + tag.Bare.String()
		}
		s.line("condition", "%s", text)
	}
}

func (w words) refusal(s *sheet) {
	if w.Refused == nil {
		return
	}
	said := w.Refused.Title
	if w.Refused.Reason == "malformed" || w.Refused.Reason == "too_large" {
		said = w.Refused.Detail // it is about this request, not about all of its kind
	}
	label := "refused"
	if w.Forgiven {
		label = "observed"
		said += " (counted and let through)"
	}
	s.line(label, "%d %s: %s", w.Refused.Status, w.Refused.Reason, said)
}

// backend says where the request goes, and what of it does not.
func (w words) backend(s *sheet) {
	if w.Sent == nil {
		s.line("backend", "not asked: the request cannot be forwarded")
		return
	}
	host := w.Sent.Host
	switch {
	case w.route != nil && w.route.Host == config.HostUpstream:
		host = w.Sent.URL.Host
	case host == "":
		host = "the client's"
	}
	text := fmt.Sprintf("%s %s, Host: %s", w.Sent.Method, w.Sent.URL.Redacted(), host)
	if w.Refused != nil && !w.Forgiven {
		text = "not asked; it would be " + text
	} else if len(w.Tags) > 0 && len(w.Sent.Header["If-Match"]) == 0 {
		text += ", without If-Match"
	}
	s.line("backend", "%s", text)
	if len(w.Dropped) > 0 {
		s.line("backend", "never gets %s", strings.Join(w.Dropped, ", "))
	}
}

func (w words) probe(s *sheet) {
	if !w.Judged || w.Probe == nil || w.Refused != nil && !w.Forgiven {
		return
	}
	when := "where the record does not say"
	if w.route.Verify == config.VerifyAlways {
		when += ", and before it is sent (verify: always)"
	}
	s.line("probe", "GET %s as its caller, %s", w.Probe.URL.Redacted(), when)
}
