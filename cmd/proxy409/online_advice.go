package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"proxy409/config"
	"proxy409/etagcache"
)

// advise says whether guarding works, and ends with the version: line that serves best.
func (s *survey) advise(out io.Writer, r *report, how string) error {
	best, ok := s.recommended()
	switch {
	case r.bad == 0:
		fmt.Fprintf(out, "\nGuarding works here %s.", how)
		if line := yamlLine(best); line != yamlLine(s.rule) {
			fmt.Fprint(out, " This is better still:")
		}
	case !ok:
		fmt.Fprintf(out, "\nGuarding does not work here %s, and no version: line changes that.\n", how)
		return errNotGuarded
	default:
		fmt.Fprintf(out, "\nGuarding does not work here %s. Best for this backend is:", how)
	}
	fmt.Fprintf(out, "\n%s\n", yamlLine(best))
	if r.bad > 0 {
		return errNotGuarded
	}
	return nil
}

// recommended is the first rule by which guarding would work: the one that is there, if possible.
func (s *survey) recommended() (config.Version, bool) {
	for _, rule := range s.candidates() {
		rule = s.improved(rule)
		if len(s.problems(rule)) == 0 {
			return rule, true
		}
	}
	return config.Version{}, false
}

// candidates are the rules that may do, the best first. A member or field counts only if a write was seen to change it; its
// name alone may promise too much. The content always changes when it is changed.
func (s *survey) candidates() []config.Version {
	rule := func(v config.Version) config.Version {
		v.Compare, v.Lag, v.Read = config.CompareWeak, s.rule.Lag, s.rule.Read
		v.Qualify = config.QualifyReturned
		if v.From == config.FromBody {
			v.Qualify = config.QualifyNever
		}
		return v
	}
	own := s.rule
	if own.From != config.FromBody {
		own.Qualify = config.QualifyReturned
	}
	list := []config.Version{s.rule, own, rule(config.Version{From: config.FromETag})}
	seen := slices.ContainsFunc(s.trial.steps, step.changed)
	if seen {
		for _, pointer := range versionMembers(s.first.body) {
			list = append(list, rule(config.Version{From: config.FromJSON, Pointer: pointer}))
		}
	}
	list = append(list, rule(config.Version{From: config.FromBody}))
	if changed := changes(s.first.body, s.second.body); len(changed) > 0 && len(changed) <= mostIgnored {
		list = append(list, rule(config.Version{From: config.FromBody, Ignore: changed}))
	}
	for _, name := range sortedKeys(s.first.header) {
		if seen && versionFields.MatchString(name) {
			list = append(list, rule(config.Version{From: config.FromHeader, Header: name}))
		}
	}
	return append(list, rule(config.Version{From: config.FromHeader, Header: "Last-Modified"}))
}

// mostIgnored is how many members may change by themselves before that looks like another kind of content.
const mostIgnored = 8

var versionFields = regexp.MustCompile(`^X-.*(Version|Revision|Etag)$`)

// improved adds to a rule what the backend has shown to be good for it, and takes away what is not.
func (s *survey) improved(rule config.Version) config.Version {
	if rule.From == config.FromETag {
		rule.Suffixes = slices.Clone(rule.Suffixes)
		for _, suffix := range s.suffixes() {
			if !slices.Contains(rule.Suffixes, suffix) {
				rule.Suffixes = append(rule.Suffixes, suffix)
			}
		}
	}
	if l, err := s.lens(rule); err == nil {
		if trusted, known := s.trusted(l); known {
			rule.TrustWrites = trusted
		}
		if s.lags(l) {
			rule.Lag = max(rule.Lag, 2*time.Second)
		}
	}
	return rule
}

// lags reports whether a read some time after the last write shows another version than the one at once.
func (s *survey) lags(l lens) bool {
	n := len(s.trial.steps)
	return n > 0 && s.trial.steps[n-1].done() && s.trial.later.status == http.StatusOK &&
		l.same(s.trial.steps[n-1].before, s.trial.steps[n-1].after) && !l.same(s.trial.steps[n-1].after, s.trial.later)
}

// suffix is what may be a compressor's, as the configuration takes it.
var suffix = regexp.MustCompile(`^[-;:.+][!#-~]{0,31}$`)

// suffixes are what compressors add to the tag, in the order of codings.
func (s *survey) suffixes() (found []string) {
	for _, r := range s.coded {
		if added, ok := s.suffixOf(r); ok && !slices.Contains(found, added) {
			found = append(found, added)
		}
	}
	return found
}

func (s *survey) suffixOf(r response) (added string, ok bool) {
	plain, ok1, err1 := etagcache.ParseETag(s.first.header["Etag"])
	coded, ok2, err2 := etagcache.ParseETag(r.header["Etag"])
	if err1 != nil || err2 != nil || !ok1 || !ok2 || r.status != http.StatusOK || plain.Opaque == "" {
		return "", false
	}
	added, ok = strings.CutPrefix(coded.Opaque, plain.Opaque)
	return added, ok && suffix.MatchString(added)
}

// yamlLine is a rule as a file has it, without what is the default.
func yamlLine(v config.Version) string {
	keys := []string{"from: " + string(v.From)}
	add := func(is bool, format string, value any) {
		if is {
			keys = append(keys, fmt.Sprintf(format, value))
		}
	}
	usual := config.QualifyReturned
	if v.From == config.FromBody {
		usual = config.QualifyNever
	}
	add(v.Pointer != "", "pointer: %s", scalar(v.Pointer))
	add(v.Header != "", "header: %s", scalar(v.Header))
	add(len(v.Ignore) > 0, "ignore: %s", sequence(v.Ignore))
	add(v.Compare == config.CompareStrong, "compare: %s", v.Compare)
	add(len(v.Suffixes) > 0, "suffixes: %s", sequence(v.Suffixes))
	add(v.Reread, "reread: %v", v.Reread)
	add(v.TrustWrites, "trust_writes: %v", v.TrustWrites)
	add(v.Qualify != usual && v.Qualify != "", "qualify: %s", v.Qualify)
	add(v.Lag > 0, "lag: %s", v.Lag)
	add(v.Read != "", "read: %s", scalar(v.Read))
	return "version: {" + strings.Join(keys, ", ") + "}"
}

// plain is what YAML needs no quotes for, even between braces, and what is no number, boolean or null to it.
var plain = regexp.MustCompile(`^(/[A-Za-z0-9_./-]*|-[A-Za-z-]+|[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9-]*)$`)

func scalar(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return fmt.Sprintf("%q", text)
}

func sequence(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = scalar(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
