package main

import (
	"fmt"
	"net/http"
	"strings"
)

// surveyed is a backend and what it is asked.
type surveyed struct {
	backend func(o *origin)
	route   string // the rest of the route in a configuration; "": there is none
	args    []string
	works   bool
	best    string // the last line; "": there is none
}

var (
	mayWrite = []string{"--write", "PUT", "--data", `{"title":"B"}`, "--data", `{"title":"C"}`}
	readOnly []string
)

func ignoresCase(path string) bool { return strings.EqualFold(path, "/doc") }

var backends = map[string]surveyed{
	"strong": {func(*origin) {}, "", readOnly, true, "version: {from: etag}"},
	"express": {func(o *origin) { // its answer to a write is tagged too
		o.tag = weakByContent
		o.wrote = func(_ *origin, h http.Header) { h.Set("Etag", `W/"b-2F0"`) }
	}, "", mayWrite, true, "version: {from: etag}"},
	"express-trusted": {func(o *origin) {
		o.tag = weakByContent
		o.wrote = func(_ *origin, h http.Header) { h.Set("Etag", `W/"b-2F0"`) }
	}, "version: {trust_writes: true}", mayWrite, false, "version: {from: etag}"},
	"trusted": {func(o *origin) {
		o.tag = byRevision
		o.wrote = func(o *origin, h http.Header) { h.Set("Etag", byRevision(o)) }
	}, "", mayWrite, true, "version: {from: etag, trust_writes: true}"},
	"nginx": {func(o *origin) {
		o.tag, o.codings, o.weakened = likeNginx, []string{"gzip"}, true
		o.read = func(o *origin, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Last-Modified", o.modified())
			return false
		}
	}, "", mayWrite, true, "version: {from: etag}"},
	"nginx-never": {func(o *origin) { o.tag = likeNginx }, "version: {qualify: never}", mayWrite, false, "version: {from: etag}"},
	"apache": {
		func(o *origin) { o.minds, o.codings, o.suffixed = true, []string{"gzip", "br"}, true }, "", mayWrite, true,
		"version: {from: etag, suffixes: [-gzip, -br]}",
	},
	"apache-configured": {
		func(o *origin) { o.codings, o.suffixed = []string{"gzip"}, true }, "version: {suffixes: [-gzip]}", readOnly, true,
		"version: {from: etag, suffixes: [-gzip]}",
	},
	"none":       {func(o *origin) { o.tag, o.content, o.kind = nil, "<p>", "text/html" }, "", readOnly, false, "version: {from: body}"},
	"none-named": {func(o *origin) { o.tag, o.content = nil, `{"version":3}` }, "", readOnly, false, "version: {from: body}"},
	"json": {func(o *origin) {
		o.tag = nil
		o.shows = func(o *origin) string { return fmt.Sprintf(`{"at":%d,"meta":{"_rev":"%d-x"}}`, o.reads, o.revision) }
	}, "", mayWrite, false, "version: {from: json, pointer: /meta/_rev}"},
	"json-configured": {func(o *origin) {
		o.tag, o.content = nil, `{"version":3}`
	}, "version: {from: json, pointer: /version}", readOnly, true, "version: {from: json, pointer: /version}"},
	"json-constant": {func(o *origin) {
		o.tag = nil
		o.shows = func(o *origin) string { return fmt.Sprintf(`{"version":"1.0","doc":%s}`, o.content) }
	}, "version: {from: json, pointer: /version}", mayWrite, false, "version: {from: body}"},
	"no-member": {func(o *origin) { o.tag = nil }, "version: {from: json, pointer: /version}", readOnly, false, "version: {from: body}"},
	"not-json":  {func(o *origin) { o.tag, o.content = nil, "<p>" }, "version: {from: json, pointer: /version}", readOnly, false, "version: {from: body}"},
	"no-header": {func(*origin) {}, "version: {from: header, header: X-Revision}", readOnly, false, "version: {from: etag}"},
	"header": {func(o *origin) {
		o.tag, o.kind = nil, "application/octet-stream"
		o.shows = func(o *origin) string { return strings.Repeat("x", 2000+o.revision) }
		o.read = func(o *origin, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-Revision", fmt.Sprint(o.revision))
			return false
		}
	}, "limits: {representation: 1KiB}", mayWrite, false, "version: {from: header, header: X-Revision}"},
	"too-large": {
		func(o *origin) { o.tag, o.content = nil, strings.Repeat("x", 2000) },
		"version: {from: body}, limits: {representation: 1KiB}", readOnly, false, "",
	},
	"modified": {func(o *origin) {
		o.tag = nil
		o.shows = func(o *origin) string { return fmt.Sprintf("<p>%d", o.reads) }
		o.read = func(o *origin, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Last-Modified", o.modified())
			return false
		}
	}, "version: {from: header, header: last-modified}", readOnly, true, "version: {from: header, header: last-modified}"},
	"always-coded": {func(o *origin) {
		o.tag = nil
		o.read = func(_ *origin, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Encoding", "br")
			return false
		}
	}, "version: {from: body}", readOnly, false, ""},
	"coded-body": {func(o *origin) { o.codings = []string{"gzip"} }, "version: {from: body}", readOnly, true, "version: {from: body}"},
	"clock": {func(o *origin) {
		o.tag = func(o *origin) string { return fmt.Sprintf(`"%d"`, o.reads) }
		o.shows = func(o *origin) string { return fmt.Sprintf(`{"title":"A","served":{"at/by":%d}}`, o.reads) }
	}, "", readOnly, false, `version: {from: body, ignore: ["/served/at~1by"]}`},
	"hopeless": {func(o *origin) {
		o.tag = nil
		o.shows = func(o *origin) string { return fmt.Sprintf("<p>%d", o.reads) }
	}, "", readOnly, false, ""},
	"head": {func(o *origin) {
		o.read = func(_ *origin, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("Etag", `"empty"`)
				w.Header().Set("Content-Length", "0")
			}
			return r.Method == http.MethodHead
		}
	}, "", readOnly, false, "version: {from: body}"},
	"no-head": {func(o *origin) {
		o.read = func(_ *origin, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
			return r.Method == http.MethodHead
		}
	}, "", readOnly, true, "version: {from: etag}"},
	"unquoted":      {func(o *origin) { o.tag = func(*origin) string { return "abc" } }, "", readOnly, false, "version: {from: body}"},
	"strong-wanted": {func(o *origin) { o.tag = weakByContent }, "version: {compare: strong}", readOnly, false, "version: {from: etag}"},
	"cached": {func(o *origin) {
		o.read = func(_ *origin, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Vary", "Cookie")
			w.Header().Set("Via", "1.1 squid")
			if r.Header.Get("Cache-Control") == "" {
				w.Header().Set("Age", "12")
			}
			return false
		}
	}, "", readOnly, true, "version: {from: etag}"},
	"stubborn-cache": {func(o *origin) {
		o.read = func(_ *origin, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Age", "12")
			return false
		}
	}, "", readOnly, false, ""},
	"lag": {func(o *origin) {
		shown := ""
		o.tag = func(*origin) string { return fmt.Sprintf(`"%08x"`, len(shown)) }
		o.shows = func(*origin) string { return shown }
		o.read = func(o *origin, _ http.ResponseWriter, _ *http.Request) bool {
			if len(o.writes) < 3 || o.revision < 0 {
				shown = o.content
			}
			if len(o.writes) == 3 { // the next read but one shows the last write
				o.revision = -1
			}
			return false
		}
	}, "", []string{"--write", "PUT", "--data", "B", "--data", "CC"}, true, "version: {from: etag, lag: 2s}"},
	"unwritable": {
		func(o *origin) { o.minds, o.tag = true, weakByContent }, "",
		[]string{"--write", "PUT", "--data", "{}", "-H", `If-Match: "mine"`},
		true, "version: {from: etag}",
	},
	"case": {func(o *origin) { o.folds = ignoresCase }, "", readOnly, true, "version: {from: etag}"},
	"case-no-tag": {
		func(o *origin) { o.folds, o.tag = ignoresCase, nil }, "version: {from: body}", readOnly, true, "version: {from: body}",
	},
	"case-clock": {func(o *origin) {
		o.folds, o.tag = ignoresCase, nil
		o.shows = func(o *origin) string { return fmt.Sprintf(`{"title":"A","at":%d}`, o.reads) }
	}, "version: {from: body, ignore: [/at]}", readOnly, true, "version: {from: body, ignore: [/at]}"},
	"case-folded": {func(o *origin) { o.folds = ignoresCase }, "key: {case: fold}", readOnly, true, "version: {from: etag}"},
	"closed":      {func(*origin) {}, "mode: closed", readOnly, false, "version: {from: etag}"},
	"off":         {func(*origin) {}, `mode: "off"`, readOnly, false, "version: {from: etag}"},
	"keyless":     {func(*origin) {}, `key: {query: {id: "[0-9]+"}}`, readOnly, false, "version: {from: etag}"},
	"observe":     {func(*origin) {}, "mode: observe", readOnly, true, "version: {from: etag}"},
}
