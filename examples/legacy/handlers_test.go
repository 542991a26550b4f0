package legacy_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"proxy409/examples/legacy"
)

func TestAnswers(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string // the answer's body
		location, allow          string
	}{
		{
			name: "seeded", method: "GET", path: "/items/1", status: http.StatusOK,
			want: `{"author":"Ada","body":"Draft","id":"1","revision":1,"title":"Quarterly report"}`,
		},
		{
			name: "create", method: "POST", path: "/items", body: `{"title":"New","id":"7","revision":9}`, status: http.StatusCreated,
			want: `{"id":"3","revision":1,"title":"New"}`, location: "/items/3",
		},
		{
			name: "replace", method: "PUT", path: "/items/1", body: `{"title":"New"}`, status: http.StatusOK,
			want: `{"id":"1","revision":2,"title":"New"}`,
		},
		{
			name: "create by name", method: "PUT", path: "/items/a%20b", body: `{}`, status: http.StatusCreated,
			want: `{"id":"a b","revision":1}`, location: "/items/a%20b",
		},
		{
			name: "merge", method: "PATCH", path: "/items/1", body: `{"title":"New","body":null,"id":null}`, status: http.StatusOK,
			want: `{"author":"Ada","id":"1","revision":2,"title":"New"}`,
		},
		{name: "delete", method: "DELETE", path: "/items/1", status: http.StatusNoContent},
		{
			name: "absent", method: "GET", path: "/items/99", status: http.StatusNotFound,
			want: `{"error":"there is no such item"}`,
		},
		{
			name: "merge into nothing", method: "PATCH", path: "/items/99", body: `{}`, status: http.StatusNotFound,
			want: `{"error":"there is no such item"}`,
		},
		{
			name: "delete nothing", method: "DELETE", path: "/items/99", status: http.StatusNotFound,
			want: `{"error":"there is no such item"}`,
		},
		{
			name: "not JSON", method: "PUT", path: "/items/1", body: `{"title"`, status: http.StatusBadRequest,
			want: `{"error":"the body is not a JSON object: unexpected end of JSON input"}`,
		},
		{name: "not an object", method: "POST", path: "/items", body: `[1]`, status: http.StatusBadRequest},
		{
			name: "null", method: "PATCH", path: "/items/1", body: `null`, status: http.StatusBadRequest,
			want: `{"error":"the body is not a JSON object: null"}`,
		},
		{name: "two values", method: "PUT", path: "/items/1", body: `{}{}`, status: http.StatusBadRequest},
		{
			name: "too long", method: "PUT", path: "/items/1", body: `{"a":"` + strings.Repeat("a", 1<<20) + `"}`,
			status: http.StatusRequestEntityTooLarge, want: `{"error":"the body is longer than 1048576 bytes"}`,
		},
		{name: "no method for an item", method: "POST", path: "/items/1", status: http.StatusMethodNotAllowed, allow: "DELETE, GET, HEAD, PATCH, PUT"},
		{name: "no method for all", method: "DELETE", path: "/items", status: http.StatusMethodNotAllowed, allow: "GET, HEAD, POST"},
		{name: "elsewhere", method: "GET", path: "/else", status: http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := legacy.New(legacy.Options{})
			before := send(b, "GET", "/items", "").Body.Bytes()
			rec := send(b, tt.method, tt.path, tt.body)
			if rec.Code != tt.status {
				t.Errorf("%d, want %d: %s", rec.Code, tt.status, rec.Body)
			}
			if tt.want != "" && rec.Body.String() != tt.want+"\n" {
				t.Errorf("got %s want %s", rec.Body, tt.want)
			}
			if got := rec.Header().Get("Location"); got != tt.location {
				t.Errorf("Location %q, want %q", got, tt.location)
			}
			if got := rec.Header().Get("Allow"); got != tt.allow {
				t.Errorf("Allow %q, want %q", got, tt.allow)
			}
			changed := !bytes.Equal(before, send(b, "GET", "/items", "").Body.Bytes())
			applied := len(b.Applied())
			if failed := rec.Code >= 400; failed && (changed || applied != 0) {
				t.Errorf("an answer of %d, and yet changed: %v, applied: %d", rec.Code, changed, applied)
			} else if !failed && tt.method != "GET" && (!changed || applied != 1) {
				t.Errorf("an answer of %d, and yet changed: %v, applied: %d", rec.Code, changed, applied)
			}
		})
	}
}

func TestListIsInOrder(t *testing.T) {
	b := legacy.New(legacy.Options{})
	for _, id := range []string{"b", "10", "a", "9"} {
		send(b, "PUT", "/items/"+id, `{}`)
	}
	var ids []string
	for part := range strings.SplitSeq(send(b, "GET", "/items", "").Body.String(), `"id":"`) {
		id, _, _ := strings.Cut(part, `"`)
		ids = append(ids, id)
	}
	if got, want := strings.Join(ids[1:], " "), "1 2 9 10 a b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNoRevisionComesTwice(t *testing.T) {
	b := legacy.New(legacy.Options{})
	first := send(b, "GET", "/items/1", "")
	send(b, "DELETE", "/items/1", "")
	again := send(b, "PUT", "/items/1", `{"title":"Quarterly report","body":"Draft","author":"Ada"}`)
	if got := object(t, again)["revision"]; got != 3.0 {
		t.Errorf("revision %v, want 3", got)
	}
	if first.Header().Get("ETag") == again.Header().Get("ETag") {
		t.Error("the entity tag of a deleted item came back")
	}
}

func TestPostTakesNoIDThatWasThereBefore(t *testing.T) {
	b := legacy.New(legacy.Options{})
	send(b, "PUT", "/items/3", `{}`)
	send(b, "DELETE", "/items/3", "")
	if got := send(b, "POST", "/items", `{}`).Header().Get("Location"); got != "/items/4" {
		t.Errorf("Location %s, want /items/4", got)
	}
}
