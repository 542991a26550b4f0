package main_test

import (
	"encoding/json"
	"mime"
	"mime/multipart"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// documents lists those that the request may mean: by its target, by what hops before write into headers, and for MOVE and COPY
// by its Destination.
func (m message) documents() []string {
	targets := []string{m.target}
	for _, name := range []string{"x-original-url", "x-rewrite-url", "x-original-uri", "x-forwarded-uri"} {
		targets = append(targets, m.values(name)...)
	}
	for _, prefix := range m.values("x-forwarded-prefix") {
		targets = append(targets, strings.TrimSuffix(prefix, "/")+m.target)
	}
	switch verbs := m.verbs(); {
	case slices.Contains(verbs, "MOVE"):
		targets = append(targets, m.values("destination")...)
	case slices.Contains(verbs, "COPY"):
		targets = m.values("destination")
	}
	var found []string
	for _, t := range targets {
		for reading := range readings(t) {
			if name := documentAt(reading, m); name != "" && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return found
}

// documentAt is the document of a path as it finally is, or "". Names lose dots and spaces at their ends, as on Windows; those of
// folders do not mind letter case, nor do whole paths under /folded/ and /shut/.
func documentAt(reading string, m message) string {
	dir, name := path.Split("/" + strings.Trim(trailing.ReplaceAllString(reading, "$1$2"), "/"))
	dir = strings.ToLower(dir)
	if dir == "/folded/" || dir == "/shut/" || dir == "/" {
		name = strings.ToLower(name)
	}
	if dir+name == "/legacy.php" && slices.Contains(m.ids(), 7) {
		return "/legacy.php?id=7"
	}
	if slices.Contains(documents, dir+name) {
		return dir + name
	}
	return ""
}

// decodings is how often in a row the backend, with the hops before it, decodes a path.
const decodings = 3

// readings are the paths that a target may stand for: everything that one backend or another does with it, in every order.
func readings(target string) map[string]int {
	type state struct {
		path    string
		decoded int
	}
	found := map[string]int{}
	todo := []state{{target, 0}}
	for len(todo) > 0 && len(found) < 4000 {
		s := todo[0]
		todo = todo[1:]
		if before, seen := found[s.path]; seen && before <= s.decoded {
			continue
		}
		found[s.path] = s.decoded
		for _, change := range changes {
			if next := change(s.path); next != s.path {
				todo = append(todo, state{next, s.decoded})
			}
		}
		if next := percentDecode(s.path); next != s.path && s.decoded < decodings {
			todo = append(todo, state{next, s.decoded + 1})
		}
	}
	return found
}

var (
	authority = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*`)
	scheme    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	slashes   = regexp.MustCompile(`/+`)
	params    = regexp.MustCompile(`;[^/]*`)
	trailing  = regexp.MustCompile(`([^/.])[. ]+(/|$)`)
	unicode16 = regexp.MustCompile(`%[uU]([0-9A-Fa-f]{4})`)
	escape    = regexp.MustCompile(`%([0-9A-Fa-f]{2})`)
	leading   = regexp.MustCompile(`^[ +0]*([0-9]*)`)
)

// changes are what backends do with a path, besides decoding it.
var changes = []func(string) string{
	func(s string) string { return cutAt(s, "?") },
	func(s string) string { return cutAt(s, "#") },
	func(s string) string { return cutAt(s, "\x00") },
	func(s string) string { return authority.ReplaceAllString(s, "") },
	func(s string) string { return scheme.ReplaceAllString(s, "") },
	func(s string) string { return slashes.ReplaceAllString(s, "/") },
	func(s string) string { return params.ReplaceAllString(s, "") },
	func(s string) string { return strings.ReplaceAll(s, `\`, "/") },
	func(s string) string { return replaceOverlong(s) },
	func(s string) string { return strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s) },
	func(s string) string {
		if strings.Contains(s, "/.") {
			return path.Clean(s)
		}
		return s
	},
}

func cutAt(s, what string) string {
	before, _, _ := strings.Cut(s, what)
	return before
}

func percentDecode(s string) string {
	s = unicode16.ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[2:], 16, 16)
		return string(rune(n))
	})
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[1:], 16, 8)
		return string([]byte{byte(n)})
	})
}

// replaceOverlong takes UTF-8 sequences that are longer than they need be for what they stand for.
func replaceOverlong(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		size := map[byte]int{0xc0: 2, 0xc1: 2, 0xe0: 3, 0xf0: 4}[s[i]]
		if size == 0 || i+size > len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteByte(s[i+size-2]<<6 | s[i+size-1]&0x3f)
		i += size
	}
	return b.String()
}

// verbs are the methods that the request may have: its own, and what any field, parameter or form member overrides it with.
// Parameters may mean anything, so there it obeys only those that it knows.
func (m message) verbs() []string {
	found, named := []string{m.method}, m.parameters("-method")
	for _, name := range []string{"x-http-method-override", "x-http-method", "x-method-override"} {
		found = append(found, m.values(name)...)
		named = append(named, m.parameters(name)...)
	}
	var content struct {
		Method string `json:"_method"`
	}
	if json.Unmarshal([]byte(m.body), &content) == nil {
		named = append(named, content.Method)
	}
	for _, v := range named {
		if slices.Contains([]string{"PUT", "PATCH", "DELETE", "MOVE", "COPY"}, verb(v)) {
			found = append(found, v)
		}
	}
	for i := range found {
		found[i] = verb(found[i])
	}
	return found
}

func verb(s string) string { return strings.ToUpper(strings.TrimFunc(s, isBlank)) }

// verb is the most dangerous of them, and whether it writes. A POST adds to what is there, but for what only takes POST.
func (m message) verb() (verb string, writes bool) {
	safe := []string{"", "GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"}
	for _, v := range m.verbs() {
		if !slices.Contains(safe, v) && v != "POST" {
			return v, true
		}
	}
	own := strings.ToUpper(m.method)
	return own, own == "POST" && slices.Contains(m.documents(), "/legacy.php?id=7")
}

// parameters are the values of one in the query or in a form, under all names that fold to it.
func (m message) parameters(name string) []string {
	_, query, _ := strings.Cut(m.target, "?")
	found := pairs(query, name)
	kind := strings.ToLower(m.value("content-type"))
	switch {
	case strings.Contains(kind, "multipart"):
		_, params, _ := mime.ParseMediaType(m.value("content-type"))
		form, err := multipart.NewReader(strings.NewReader(m.body), params["boundary"]).ReadForm(1 << 20)
		if err != nil {
			return found
		}
		for k, values := range form.Value {
			if foldParameter(k) == name {
				found = append(found, values...)
			}
		}
	case kind == "" && strings.EqualFold(m.method, "POST"), strings.Contains(kind, "urlencoded"):
		found = append(found, pairs(m.body, name)...)
	}
	return found
}

func pairs(query, name string) (found []string) {
	for piece := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		k, v, _ := strings.Cut(piece, "=")
		if foldParameter(decodeParameter(k)) == name {
			found = append(found, decodeParameter(v))
		}
	}
	return found
}

func decodeParameter(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// foldParameter is a parameter's name without what PHP, Rack and Slim do not mind: spaces, brackets, a NUL, letter case.
func foldParameter(name string) string {
	name = strings.TrimFunc(cutAt(name, "\x00"), isBlank)
	if i := strings.IndexByte(name, '['); i > 0 && strings.Contains(name[i:], "]") {
		name = name[:i]
	}
	return foldName(strings.Trim(name, "[]"))
}

// ids are the numbers that the request has for the parameter id, as PHP reads numbers.
func (m message) ids() (found []int) {
	for _, v := range m.parameters("id") {
		if n, err := strconv.Atoi(leading.FindStringSubmatch(v)[1]); err == nil {
			found = append(found, n)
		}
	}
	return found
}
