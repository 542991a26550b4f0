package proxy_test

import (
	"net/http"
	"testing"

	"proxy409/proxy/refusal"
)

// What SECURITY.md says of unjudged requests: one that the backend refuses makes everybody's tag stale all the same, and a route on
// which POST is judged lets nobody do that.
func TestAStrangerMakesNoTagStaleWherePostIsJudged(t *testing.T) {
	for _, judged := range []bool{false, true} {
		s := newSecretive(t, http.StatusUnauthorized)
		f := newFleet(t, s.backend)
		if judged {
			r := &f.cfg.Routes[0]
			r.Guard, r.Pass = append(r.Guard, http.MethodPost), nil
		}
		c := f.replica()
		tag := c.get("/a").etag()
		posted := c.do("POST", "/a", "x", "X-Caller", "stranger")
		if judged {
			posted.want(t, 409, refusal.Missing)
			c.put("/a", "two", tag).want(t, 204)
			continue
		}
		posted.want(t, 401)
		c.put("/a", "two", tag).want(t, 409, refusal.Stale)
	}
}
