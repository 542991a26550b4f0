package proxy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"proxy409/proxy"
)

// A caller who may move a resource of its own learns nothing of the destination that it may not read.
func TestAMoveTellsNothingOfItsDestination(t *testing.T) {
	s := newSecretive(t, http.StatusForbidden)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Caller") == "stranger" && r.URL.Path == "/mine" && r.Method == http.MethodGet {
			return false
		}
		return s.answered(w, r)
	})
	f := newFleet(t, s.backend)
	f.cfg.Timeouts = proxy.Timeouts{Write: 20 * time.Second, Settle: 20 * time.Second, BusyWait: 5 * time.Millisecond}
	c := f.replica()
	s.set("/mine", "mine")
	tag := c.get("/mine").etag()
	standings[4].make(t, s, c, "/secret") // being written
	move := func(to string) string {
		w := whisper{method: "MOVE", fields: []string{"If-Match: " + tag, "Destination: " + to}}
		return w.sent(t, c, "/mine")
	}
	if written, nothing := move("/secret"), move("/absent"); written != nothing || !strings.Contains(nothing, " 403 ") {
		t.Errorf("to what is being written:\n%s\nto where nothing is:\n%s", indent(written), indent(nothing))
	}
}

// To whom the backend shows nothing, nothing was written a moment ago.
func TestALagTellsNothingUnderAMask(t *testing.T) {
	s := newSecretive(t, http.StatusNotFound)
	f := newFleet(t, s.backend)
	f.cfg.Routes[0].Version.Lag = time.Hour
	c := f.replica()
	c.do("POST", "/written", "first").want(t, 204)
	for name, fields := range map[string][]string{
		"guessed": {`If-Match: "guessed"`}, "several": {`If-Match: "first", "guessed"`}, "weak": {`If-Match: W/"first"`},
	} {
		w := whisper{method: "PUT", fields: fields, body: "x"}
		if written, nothing := w.sent(t, c, "/written"), w.sent(t, c, "/nothing"); written != nothing {
			t.Errorf("%s, of what was written:\n%s\nof nothing:\n%s", name, indent(written), indent(nothing))
		}
	}
}
