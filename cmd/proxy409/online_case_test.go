package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Express ignores letter case in what a route spells out, and minds it in what a parameter stands for; the reverse is tried as well.
func TestOnlineFindsTheSegmentWhoseCaseDoesNotMatter(t *testing.T) {
	for what, c := range map[string]struct {
		ignores int    // the segment in which the backend ignores letter case
		path    string // that is read
		asked   []string
		found   string
		status  int // of the answer to another spelling
	}{
		"Express":        {ignores: 0, path: "/posts/ab", asked: []string{"/base/POSTS/ab"}, found: "/base/POSTS/ab"},
		"a name":         {ignores: 1, path: "/posts/ab", asked: []string{"/base/POSTS/ab", "/base/posts/AB"}, found: "/base/posts/AB"},
		"none":           {ignores: -1, path: "/posts/ab", asked: []string{"/base/POSTS/ab", "/base/posts/AB"}},
		"no letters":     {ignores: 0, path: "/1/%41%2d2?x=y"},
		"escapes":        {ignores: 0, path: "/p%C3%A9/2", asked: []string{"/base/P%C3%A9/2"}, found: "/base/P%C3%A9/2"},
		"another status": {ignores: 0, path: "/posts/1", asked: []string{"/base/POSTS/1"}, status: http.StatusNonAuthoritativeInfo},
	} {
		t.Run(what, func(t *testing.T) {
			var mu sync.Mutex
			var asked []string
			want := strings.Split(c.path, "?")[0]
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path := r.URL.EscapedPath()
				if below, ok := strings.CutPrefix(path, "/base"); ok && below != want {
					mu.Lock()
					asked = append(asked, path)
					mu.Unlock()
					got, plain := strings.Split(below, "/")[1:], strings.Split(want, "/")[1:]
					if c.ignores >= 0 {
						got[c.ignores], plain[c.ignores] = strings.ToLower(got[c.ignores]), strings.ToLower(plain[c.ignores])
					}
					if !slices.Equal(got, plain) {
						http.NotFound(w, r)
						return
					}
					w.Header().Set("Etag", `"a"`)
					w.WriteHeader(max(c.status, http.StatusOK))
					return
				}
				w.Header().Set("Etag", `"a"`)
			}))
			defer s.Close()
			file := filepath.Join(t.TempDir(), "proxy409.yaml")
			if err := os.WriteFile(file, []byte("upstream: "+s.URL+"/base\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			said, err := command(t, "check", "--online", c.path, "--config", file, "--pause", "0s")
			if err != nil {
				t.Errorf("%v\n%s", err, said)
			}
			if !slices.Equal(asked, c.asked) {
				t.Errorf("asked for %q, want %q", asked, c.asked)
			}
			if got := strings.Contains(said, "key: {case: fold}"); got != (c.found != "") || !strings.Contains(said, c.found) {
				t.Errorf("it says:\n%s", said)
			}
		})
	}
}

func TestOtherCasesAreFewAndOfOneSegmentEach(t *testing.T) {
	if got := otherCases("/Base/", "/Base/a1/2/Bé%fe/"); !slices.Equal(got, []string{"/Base/A1/2/Bé%fe/", "/Base/a1/2/bé%fe/"}) {
		t.Errorf("got %q", got)
	}
	if got := otherCases("", strings.Repeat("/a", 100)); len(got) != mostSegments {
		t.Errorf("%d paths would be asked for", len(got))
	}
}
