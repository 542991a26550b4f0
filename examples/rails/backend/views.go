package main

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var page string

var view = template.Must(template.New("page").Parse(page))

func (q request) show(w http.ResponseWriter, r row) {
	if q.json {
		showJSON(w, http.StatusOK, r)
		return
	}
	mask := "one-for-the-session"
	if !q.table.members {
		mask = rand.Text() // another one each time
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = view.Execute(w, map[string]any{ // into memory
		"Row": r, "Table": q.table.name, "Name": strings.TrimSuffix(q.table.name, "s"), "Token": mask + "." + q.session,
	})
}

func showJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // into memory
}
