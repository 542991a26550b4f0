package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// row is a row of a table. Lock is lock_version, which the database counts up.
type row struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Body  string `json:"body"`
	Lock  int    `json:"lock_version"`
}

type table struct {
	name    string
	members bool // only who is signed in may see it
	rows    map[int]row
	last    int
}

type app struct {
	mu     sync.Mutex
	tables map[string]*table
}

func newApp() *app {
	rows := func() map[int]row {
		return map[int]row{7: {ID: 7, Title: "Title", Body: "First."}, 8: {ID: 8, Title: "Other", Body: "Text."}}
	}
	return &app{tables: map[string]*table{
		"articles": {name: "articles", rows: rows(), last: 8},
		"tickets":  {name: "tickets", rows: rows(), last: 8, members: true},
	}}
}

// request is a request, as far as it has been understood.
type request struct {
	*http.Request
	table   *table
	session string
	id      int
	json    bool
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name, segment, single := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	q := request{Request: r, table: a.tables[strings.TrimSuffix(name, ".json")]}
	if q.table == nil || strings.Contains(segment, "/") {
		http.NotFound(w, r)
		return
	}
	if cookie, err := r.Cookie("session"); err == nil {
		q.session = cookie.Value
	}
	q.json = path.Ext(r.URL.Path) == ".json" || r.URL.Query().Get("format") == "json" ||
		path.Ext(r.URL.Path) == "" && strings.HasPrefix(r.Header.Get("Accept"), "application/json")
	w.Header().Set("Vary", "Accept")
	switch {
	case q.table.members && q.session == "" && q.json:
		http.Error(w, `{"error":"sign in"}`, http.StatusUnauthorized)
	case q.table.members && q.session == "":
		http.Redirect(w, r, "/login", http.StatusFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead && !q.genuine():
		http.Error(w, "Can't verify CSRF token authenticity.", http.StatusUnprocessableEntity)
	case single:
		q.id = toI(segment)
		q.one(w)
	default:
		q.collection(w)
	}
}

var leadingNumber = regexp.MustCompile(`^\s*[+-]?[0-9]+(_[0-9]+)*`)

// toI is Ruby's String#to_i, by which Rails finds what /articles/7-title means: "7-title", "07" and " 7abc" are 7, and "7_0"
// is 70.
func toI(s string) int {
	n, _ := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(leadingNumber.FindString(s)), "_", "")) // none is 0, in Ruby too
	return n
}

// genuine is protect_from_forgery: a form must carry the token that a page of the session gave it.
func (q request) genuine() bool {
	kind := q.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "application/x-www-form-urlencoded") && !strings.HasPrefix(kind, "multipart/form-data") {
		return true
	}
	_, session, ok := strings.Cut(q.PostFormValue("authenticity_token"), ".")
	return ok && session == q.session
}

func (q request) collection(w http.ResponseWriter) {
	if q.Method != http.MethodPost {
		var all []row
		for _, id := range slices.Sorted(maps.Keys(q.table.rows)) {
			all = append(all, q.table.rows[id])
		}
		showJSON(w, http.StatusOK, all)
		return
	}
	q.table.last++
	q.id = q.table.last
	q.save(w, row{ID: q.id, Lock: -1}, http.StatusCreated)
}

func (q request) one(w http.ResponseWriter) {
	old, found := q.table.rows[q.id]
	switch {
	case !found:
		http.Error(w, "The page you were looking for doesn't exist.", http.StatusNotFound)
	case q.Method == http.MethodGet || q.Method == http.MethodHead:
		q.show(w, old)
	case q.Method == http.MethodPatch || q.Method == http.MethodPut:
		q.save(w, old, http.StatusOK)
	case q.Method == http.MethodDelete:
		delete(q.table.rows, q.id)
		q.saved(w, "/"+q.table.name, http.StatusNoContent, nil)
	default:
		http.Error(w, "No route matches.", http.StatusNotFound)
	}
}

// save takes over what was sent, whatever the row was when its sender saw it.
func (q request) save(w http.ResponseWriter, changed row, status int) {
	if strings.HasPrefix(q.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(q.Body).Decode(&changed); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	} else {
		for field, to := range map[string]*string{"title": &changed.Title, "body": &changed.Body} {
			name := strings.TrimSuffix(q.table.name, "s") + "[" + field + "]"
			if _, sent := q.PostForm[name]; sent {
				*to = q.PostFormValue(name)
			}
		}
	}
	if changed.Title == "" {
		http.Error(w, "Title can't be blank", http.StatusUnprocessableEntity)
		return
	}
	changed.ID, changed.Lock = q.id, q.table.rows[q.id].Lock+1
	q.table.rows[q.id] = changed
	q.saved(w, fmt.Sprintf("/%s/%d", q.table.name, q.id), status, changed)
}

// saved answers a program with the row, and sends a browser on to a page.
func (q request) saved(w http.ResponseWriter, to string, status int, v any) {
	switch {
	case !q.json:
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
	case v == nil:
		w.WriteHeader(status)
	default:
		showJSON(w, status, v)
	}
}
