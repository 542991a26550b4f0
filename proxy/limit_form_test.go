package proxy_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// A backend may take the last of two Content-Type fields, and what it says is a form.
func TestABodyThatMayBeAFormIsNotTakenForJSON(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	c := f.replica()
	req, err := http.NewRequest(http.MethodPost, c.url+"/a", bytes.NewReader([]byte("_method=PUT&text=x")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Content-Type"] = []string{"application/json", "application/x-www-form-urlencoded"}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	if res.Body.Close(); res.StatusCode != 400 || len(b.writes()) > 0 {
		t.Errorf("%d; applied %q", res.StatusCode, b.writes())
	}
}
