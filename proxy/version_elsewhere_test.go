package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"proxy409/proxy"
)

// What version.read shows and what is read at the resource's own path are two representations: neither contradicts the other.
func TestWhatIsShownElsewhereIsNoDrift(t *testing.T) {
	b := newBackend(t)
	f := newFleet(t, b)
	r := route()
	r.Match, r.Version.Read = "/items/{id}", "/meta/{id}"
	f.cfg.Routes = []proxy.Route{r}
	var written atomic.Int32
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			written.Add(1)
			w.WriteHeader(http.StatusNoContent)
			return true
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"`+strings.ReplaceAll(r.URL.Path, "/", "-")+`"`)
		_, _ = io.WriteString(w, "{}")
		return true
	})
	c := f.replica()
	tag := c.get("/items/7").etag()
	c.put("/items/7", "x", `"old"`).want(t, http.StatusConflict) // its refusal asks elsewhere
	c.put("/items/7", "x", tag).want(t, http.StatusNoContent)
	if written.Load() != 1 || strings.Contains(f.logs.String(), "drift") {
		t.Errorf("%d writes; the log says %s", written.Load(), f.logs)
	}
}
