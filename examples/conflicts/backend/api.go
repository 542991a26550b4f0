package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// object is a JSON object. One that is stored is never changed, only replaced.
type object map[string]any

// applied is a line of the log.
type applied struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	ID     string `json:"id"`
	Before object `json:"before"` // what stood there; null: nothing
	After  object `json:"after"`  // what stands there now
	Email  string `json:"email,omitempty"`
}

type api struct {
	mux   http.ServeMux
	delay time.Duration

	mu     sync.Mutex
	stored map[string]map[string]object // by kind and id
	last   int                          // the id that was given last
	log    []applied
}

func newAPI(delay time.Duration) *api {
	a := &api{delay: delay, stored: map[string]map[string]object{}}
	for _, kind := range []string{"users", "customers", "orders"} {
		a.stored[kind] = map[string]object{}
		a.mux.HandleFunc("GET /"+kind, a.list(kind))
		a.mux.HandleFunc("POST /"+kind, a.write(kind, sent))
		a.mux.HandleFunc("GET /"+kind+"/{id}", a.read(kind))
		a.mux.HandleFunc("PUT /"+kind+"/{id}", a.write(kind, sent))
		a.mux.HandleFunc("PATCH /"+kind+"/{id}", a.write(kind, merged))
		a.mux.HandleFunc("DELETE /"+kind+"/{id}", a.write(kind, removed))
	}
	a.mux.HandleFunc("POST /orders/{id}/approve", a.write("orders", status("approved")))
	a.mux.HandleFunc("POST /orders/{id}/cancel", a.write("orders", status("cancelled")))
	a.mux.HandleFunc("GET /log", a.showLog)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// change makes of what is there and what was sent what shall be there. It gets a copy, nil if nothing is there, and returns nil to
// delete.
type change func(there, sent object) object

func sent(_, sent object) object { return sent }

func merged(there, sent object) object {
	for name, value := range sent {
		if there[name] = value; value == nil {
			delete(there, name)
		}
	}
	return there
}

func removed(object, object) object { return nil }

func status(to string) change {
	return func(there, _ object) object {
		there["status"] = to
		return there
	}
}

// write looks, thinks and writes. What others wrote in between is overwritten.
func (a *api) write(kind string, to change) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := decode(r)
		if err != nil {
			reply(w, http.StatusBadRequest, object{"error": err.Error()})
			return
		}
		id, there := a.find(kind, r.PathValue("id"))
		if there == nil && r.Method != http.MethodPut && r.PathValue("id") != "" {
			reply(w, http.StatusNotFound, object{"error": "there is no such thing in " + kind})
			return
		}
		version, _ := there["version"].(int)
		after := to(there, body)
		if after != nil {
			after["id"], after["version"] = id, version+1
		}
		if a.delay > 0 {
			time.Sleep(rand.N(a.delay))
		}
		a.apply(kind, applied{Method: r.Method, Path: r.URL.Path, ID: id, After: after})
		switch {
		case after == nil:
			w.WriteHeader(http.StatusNoContent)
		case version == 0:
			w.Header().Set("Location", "/"+kind+"/"+id)
			reply(w, http.StatusCreated, after)
		default:
			reply(w, http.StatusOK, after)
		}
	}
}

// find returns a copy of what is there, or nil. Where no id is named, it gives a new one.
func (a *api) find(kind, id string) (string, object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id != "" {
		return id, maps.Clone(a.stored[kind][id])
	}
	for id == "" || a.stored[kind][id] != nil {
		a.last++
		id = strconv.Itoa(a.last)
	}
	return id, nil
}

func (a *api) apply(kind string, this applied) {
	a.mu.Lock()
	defer a.mu.Unlock()
	this.Before = a.stored[kind][this.ID]
	if this.After == nil {
		delete(a.stored[kind], this.ID)
	} else {
		a.stored[kind][this.ID] = this.After
	}
	for _, o := range []object{this.Before, this.After} {
		if email, ok := o["email"].(string); ok {
			this.Email = email
		}
	}
	a.log = append(a.log, this)
}

func (a *api) read(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, there := a.find(kind, r.PathValue("id")); there != nil {
			reply(w, http.StatusOK, there)
			return
		}
		reply(w, http.StatusNotFound, object{"error": "there is no such thing in " + kind})
	}
}

// list shows all in which the members that the query names are as it says.
func (a *api) list(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found := []object{}
		a.mu.Lock()
		for _, o := range a.stored[kind] {
			if like(o, r.URL.Query()) {
				found = append(found, o)
			}
		}
		a.mu.Unlock()
		slices.SortFunc(found, func(x, y object) int { return strings.Compare(fmt.Sprint(x["id"]), fmt.Sprint(y["id"])) })
		reply(w, http.StatusOK, found)
	}
}

func like(o object, query map[string][]string) bool {
	for name, values := range query {
		if !strings.EqualFold(strings.TrimSpace(fmt.Sprint(o[name])), strings.TrimSpace(values[0])) {
			return false
		}
	}
	return true
}

func (a *api) showLog(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	all := slices.Clone(a.log)
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/jsonl")
	lines := json.NewEncoder(w)
	for _, this := range all {
		if lines.Encode(this) != nil {
			return // the client has gone
		}
	}
}

// decode reads an object: JSON, unless it is said to be a form. A body that is not there is an empty object.
func decode(r *http.Request) (object, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		o := object{}
		for name, values := range r.PostForm {
			o[name] = values[0]
		}
		return o, nil
	}
	o := object{}
	if r.ContentLength == 0 {
		return o, nil
	}
	err := json.NewDecoder(r.Body).Decode(&o)
	if err == nil && o == nil {
		err = fmt.Errorf("null is no object")
	}
	return o, err
}

func reply(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		data = fmt.Appendf(nil, `{"error": %q}`, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // a client that has gone needs no answer
}
