package main_test

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoAttackChangesADocumentOfARealServer sends the rows that make sense for json-server and for Apache through the proxy to
// them. The judge is the document: it is what the last admitted write made of it.
func TestNoAttackChangesADocumentOfARealServer(t *testing.T) {
	tables := attacks(t)
	for name, start := range map[string]func(testing.TB) string{"json-server": jsonServerWithItems, "Apache": apacheWithItems} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := start(t)
			r := &realRange{
				direct: url + "/items/a",
				proxy:  serve(t, setup{upstream: url, more: attacked}.yaml()).ready(),
			}
			for _, table := range slices.Sorted(maps.Keys(tables)) {
				for _, a := range tables[table] {
					if a.real {
						t.Run(table+"/"+a.name, func(t *testing.T) { r.try(t, a) })
					}
				}
			}
		})
	}
}

// jsonServerWithItems starts json-server with the document /items/a.
func jsonServerWithItems(t testing.TB) (url string) {
	t.Helper()
	path := require(t, "there is no json-server: see startJSONServer", cmp.Or(os.Getenv("PROXY409_JSON_SERVER"), "json-server"))
	dir := t.TempDir()
	db := filepath.Join(dir, "db.json")
	write(t, db, `{"items":[{"id":"a","n":1}],"free":[{"id":"x"}]}`)
	addr := freeAddress(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, path, "--quiet", "--host", "127.0.0.1", "--port", port, "--snapshots", dir, db)
	listening(t, p, addr)
	return "http://" + addr
}

// apacheWithItems starts Apache with the document /items/a.
func apacheWithItems(t testing.TB) (url string) {
	t.Helper()
	url = startApache(t).url
	do(t, "MKCOL", url+"/items", "").done(t)
	do(t, "MKCOL", url+"/free", "").done(t)
	do(t, "PUT", url+"/free/x", `{"n":1}`).done(t)
	do(t, "PUT", url+"/items/a", `{"n":1}`).done(t)
	return url
}

// realRange is a proxy in front of a real server.
type realRange struct {
	direct string // the document, past the proxy
	proxy  *replica
	stale  string
	shots  int
}

// try tries one row. How the server answers what is not refused is its own affair.
func (r *realRange) try(t *testing.T, a attack) {
	before, tag := get(t, r.direct).body, r.tag(t)
	r.shots++
	number := fmt.Sprint(1000 + r.shots%9000)
	addr := strings.TrimPrefix(r.proxy.url, "http://")
	got := fire(t, addr, a.filled(t, map[string]string{
		"host": addr, "tag": tag, "stale": cmp.Or(r.stale, `"v0"`), "body": `{"n":` + number + `}`,
	}), len(a.answers))
	a.checkRefusals(t, got)
	after := get(t, r.direct).body
	// Whether the server knows the spelling of a write that is admitted is its own affair, too.
	if after != before && (a.applied == 0 || !strings.Contains(after, number)) {
		t.Errorf("the document was %s and is %s; answered was %v", before, after, got.answers)
	}
	r.put(t)
}

// checkRefusals holds the answers that the proxy gives itself against the row.
func (a attack) checkRefusals(t *testing.T, got shot) {
	t.Helper()
	if len(got.answers) != len(a.answers) {
		t.Errorf("%d answers, want %d: %s", len(got.answers), len(a.answers), got.said())
		return
	}
	for i, e := range a.answers {
		if e.status < http.StatusBadRequest {
			continue
		}
		if one := got.answers[i]; one.status != e.status || !strings.Contains(one.body, e.says) {
			t.Errorf("answer %d is %d, want %d %s: %s", i, one.status, e.status, e.says, one.body)
		}
	}
}

func (r *realRange) tag(t *testing.T) string {
	t.Helper()
	return get(t, r.proxy.url+"/items/a").etag()
}

// put shows that the document can be written with its present tag.
func (r *realRange) put(t *testing.T) {
	t.Helper()
	tag := r.tag(t)
	r.shots++
	body := fmt.Sprintf(`{"n":%d}`, 1000+r.shots%9000)
	if a := put(t, r.proxy.url+"/items/a", body, tag); !a.ok() {
		t.Errorf("afterwards a write with the present tag %s: %d %s", tag, a.status, a.body)
	}
	r.stale = tag
}
