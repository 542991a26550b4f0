package main_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// attacked is the configuration under attack. What no route matches, such as /free/x, is not guarded.
const attacked = `
routes:
- {name: items, match: "/items/{id}"}
- {name: folded, match: "/folded/{id}", key: {case: fold}}
- {name: allowed, match: "/allowed/{id}", path: allow}
- {name: hosted, match: "api.example.com/hosted/{id}"}
- {name: shut, match: /shut/, mode: closed}
- {name: strict, match: "/strict/{id}", guard: [PUT, PATCH, DELETE, POST]}
- {name: legacy, match: /legacy.php, guard: [PUT, PATCH, DELETE, POST], key: {query: {id: "^[1-9][0-9]*$"}}}
`

// theRange is where the attacks are tried: a proxy in front of a backend.
type theRange struct {
	proxy  *replica
	target *lenient
	addr   string
	client *http.Client // for what is no attack
	fire   func(t testing.TB, addr string, steps []step, expect int) shot
	stale  map[string]string // the tag before the present one, of each document
	shots  int
}

func newRange(t *testing.T, f framing) *theRange {
	t.Helper()
	b := startLenient(t, f)
	p := serve(t, setup{upstream: "http://" + b.addr, more: attacked}.yaml()).ready()
	return &theRange{
		proxy: p, target: b, addr: strings.TrimPrefix(p.url, "http://"), client: client, fire: fire, stale: map[string]string{},
	}
}

// TestNoAttackGetsPastTheGuard sends every row of the tables to the proxy, in front of a backend that does whatever a request may
// mean. After each row the document can still be written with its present tag.
func TestNoAttackGetsPastTheGuard(t *testing.T) {
	tables := attacks(t)
	for name, f := range map[string]framing{
		"chunks and the last length count": {chunkedWins: true, lastLength: true},
		"the first length counts":          {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRange(t, f)
			for _, table := range slices.Sorted(maps.Keys(tables)) {
				for _, a := range tables[table] {
					t.Run(table+"/"+a.name, func(t *testing.T) { r.try(t, a) })
				}
			}
		})
	}
}

// try tries one row.
func (r *theRange) try(t *testing.T, a attack) {
	tag := r.tag(t, a.document)
	applied, arrived := r.target.count()
	values := r.values(a.document, tag)
	got := r.fire(t, r.addr, a.filled(t, values), len(a.answers))
	a.check(t, got)
	applications, messages := r.target.since(applied, arrived)
	a.checkBackend(t, values, applications, messages)
	for _, one := range applications {
		if one.body != values["body"] && slices.ContainsFunc(a.steps, func(s step) bool { return strings.Contains(s.bytes, "{body}") }) {
			t.Errorf("the backend has applied the body %q, and %q was sent", one.body, values["body"])
		}
	}
	if a.admitted && !t.Failed() {
		r.shareTheirKey(t, a, tag)
	}
	r.write(t, a.document)
	r.write(t, "/items/a")
}

func (r *theRange) values(document, tag string) map[string]string {
	r.shots++
	return map[string]string{
		"host": r.addr, "tag": tag, "stale": cmp.Or(r.stale[document], `"v0"`), "body": fmt.Sprintf(`{"n":%d}`, 1000+r.shots%9000),
	}
}

// filled is what is sent: the row's steps with their escapes undone.
func (a attack) filled(t testing.TB, values map[string]string) []step {
	t.Helper()
	steps, all := slices.Clone(a.steps), ""
	for i := range steps {
		steps[i].bytes = bytesOf(t, steps[i].bytes, values)
		all += steps[i].bytes
	}
	_, content, _ := strings.Cut(all, "\r\n\r\n")
	for i := range steps {
		steps[i].bytes = strings.ReplaceAll(steps[i].bytes, "{length}", strconv.Itoa(len(content)))
	}
	return steps
}

// check holds the answers against the row.
func (a attack) check(t *testing.T, got shot) {
	t.Helper()
	var want, came []int
	for _, e := range a.answers {
		want = append(want, e.status)
	}
	for _, one := range got.answers {
		came = append(came, one.status)
	}
	if !slices.Equal(came, want) || len(got.extra) > 0 {
		t.Errorf("answers %v and then %v, want %v; said is: %s", came, got.extra, want, got.said())
		return
	}
	for i, e := range a.answers {
		if !strings.Contains(got.answers[i].body, e.says) {
			t.Errorf("the answer does not say %q: %s", e.says, got.answers[i].body)
		}
	}
	if a.ending != "" && got.closed != (a.ending == "close") {
		t.Errorf("closed: %t, want the connection %s", got.closed, a.ending)
	}
}

func (s shot) said() string {
	var all []string
	for _, a := range s.answers {
		all = append(all, a.body)
	}
	return strings.Join(all, " | ")
}

// hyphened are fields that the guard reads, or that say where a request ends. No backend may get one in a spelling without hyphens,
// which CGI and WSGI take for the same.
var hyphened = []string{
	"If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since", "If-Range", "X-HTTP-Method-Override", "X-HTTP-Method",
	"X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-For", "X-Forwarded-Host", "Content-Length",
	"Content-Type", "Transfer-Encoding",
}

// disguised reports whether the field is one of these in another spelling.
func (f field) disguised() bool {
	written, _, _ := strings.Cut(f.line, ":")
	return slices.ContainsFunc(hyphened, func(name string) bool {
		return f.name == foldName(name) && !strings.EqualFold(written, name)
	})
}

// checkBackend holds what the backend did against the row. Of a request that is refused it sees nothing but the proxy's own reads.
func (a attack) checkBackend(t *testing.T, values map[string]string, applications []application, messages []message) {
	t.Helper()
	if len(applications) != a.applied {
		t.Errorf("the backend has applied %d writes, want %d: %v", len(applications), a.applied, applications)
	}
	for _, one := range applications {
		if one.document != a.document {
			t.Errorf("the backend has written to another document: %v", one)
		}
	}
	refused := a.applied == 0 && len(a.answers) > 0 && (a.answers[0].status >= 400 || a.answers[0].status == reset)
	for _, m := range messages {
		if verb, writes := m.verb(); refused && (writes || verb == "POST") {
			t.Errorf("the backend was sent what is refused:\n%s", m.head)
		}
		for _, f := range m.fields {
			if f.disguised() {
				t.Errorf("the backend was sent the field %q", f.line)
			}
		}
		for _, name := range a.lacks {
			if slices.ContainsFunc(m.fields, func(f field) bool { return f.name == foldName(name) }) {
				t.Errorf("the backend was sent a field that it takes for %s:\n%s", name, m.head)
			}
		}
	}
	for _, line := range a.has {
		line = bytesOf(t, line, values) + "\n"
		if !slices.ContainsFunc(messages, func(m message) bool { return strings.Contains(m.head, line) }) {
			t.Errorf("the backend was not sent %q: %q", line, messages)
		}
	}
}

// shareTheirKey tells that the row's spelling and the plain one are of one record: of two writes from one version, one by each
// spelling, the second is stale, in either order. The row itself was admitted with the tag.
func (r *theRange) shareTheirKey(t *testing.T, a attack, tag string) {
	t.Helper()
	r.put(t, a.document, tag).want(t, http.StatusConflict, "stale")
	tag = r.tag(t, a.document)
	values := r.values(a.document, tag)
	if steps := a.filled(t, values); strings.HasPrefix(steps[0].bytes, "PUT ") { // it is read by this spelling too
		steps[0].bytes = "GET " + strings.TrimPrefix(steps[0].bytes, "PUT ")
		for i := range steps {
			steps[i].bytes = strings.Replace(steps[i].bytes, "If-Match: "+tag+"\r\n", "", 1)
		}
		if got := r.fire(t, r.addr, steps, 1); len(got.answers) != 1 || got.answers[0].status != http.StatusOK {
			t.Errorf("a GET by this spelling: %+v", got)
		}
	}
	r.put(t, a.document, tag).done(t)
	if got := r.fire(t, r.addr, a.filled(t, values), 1); len(got.answers) != 1 || got.answers[0].reason() != "stale" {
		t.Errorf("after a write by the plain spelling, one by this spelling, with the same tag: %+v", got)
	}
	r.stale[a.document] = tag
}

// tag is the document's present tag, as a client reads it.
func (r *theRange) tag(t *testing.T, document string) string {
	t.Helper()
	if document == "/shut/a" {
		return `"v1"`
	}
	return r.do(t, http.MethodGet, document, "").done(t).etag()
}

func (r *theRange) put(t *testing.T, document, tag string) answer {
	t.Helper()
	return r.do(t, http.MethodPut, document, `{"n":1}`, "If-Match", tag)
}

// write shows that the document can be written with its present tag.
func (r *theRange) write(t *testing.T, document string) {
	t.Helper()
	if document == "/shut/a" {
		return
	}
	tag := r.tag(t, document)
	if a := r.put(t, document, tag); !a.ok() {
		t.Errorf("afterwards a write of %s with its present tag %s: %d %s", document, tag, a.status, a.body)
	}
	r.stale[document] = tag
}

// do sends a request in plain spelling, on a connection of its own.
func (r *theRange) do(t *testing.T, method, document, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, r.proxy.url+document, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(document, "/hosted/") {
		req.Host = "api.example.com"
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{method + " " + document, res.StatusCode, res.Header, string(text)}
}
