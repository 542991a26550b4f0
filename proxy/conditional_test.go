package proxy_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestACopyIsConfirmedByItsMadeTag(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		c := f.replica()
		tag := c.get("/a").etag()
		for _, tc := range []struct {
			name, value string
			status      int
		}{
			{"its tag", tag, 304},
			{"weakly", "W/" + tag, 304},
			{"in a list", `"x", W/"y", ` + tag, 304},
			{"any", "*", 304},
			{"another's tag", `"x"`, 200},
			{"the backend's own", `"of-the-backend"`, 200},
			{"qualified with a version that never was", strings.TrimSuffix(tag, `"`) + `;p409-AAAAAAAAAAAAAAAA"`, 200},
			{"malformed", "x", 200},
		} {
			for _, method := range []string{"GET", "HEAD"} {
				got := c.do(method, "/a", "", "If-None-Match", tc.value, "If-Modified-Since", time.Now().UTC().Format(http.TimeFormat))
				if got.StatusCode != tc.status || got.etag() != tag {
					t.Errorf("%s %s: %d with %s", method, tc.name, got.StatusCode, got.etag())
				}
				if tc.status == 304 && (got.body != "" || got.Header.Get("Content-Type") != "" || got.Header.Get("Cache-Control") == "") {
					t.Errorf("%s: the 304 has %v %q", tc.name, got.Header, got.body)
				}
			}
		}
		c.put("/a", "two", tag).want(t, 200)
		if got := c.get("/a", "If-None-Match", tag); got.StatusCode != 200 {
			t.Errorf("after a change: %d", got.StatusCode)
		}
		d.change(func() { d.text, d.rev = "behind", 9 })
		now := c.get("/a")
		if got := c.get("/a", "If-None-Match", tag); got.StatusCode != 200 || now.etag() == tag {
			t.Errorf("after a change behind the proxy: %d", got.StatusCode)
		}
	})
}

func TestACopyIsConfirmedToWhoTakesGzip(t *testing.T) {
	making(t, func(t *testing.T, _ *docs, f *fleet) {
		c := f.replica()
		gzip := []string{"Accept-Encoding", "gzip"}
		tag := c.get("/a", gzip...).etag()
		if !strings.HasPrefix(tag, "W/") {
			t.Fatalf("the tag of compressed content is %s", tag)
		}
		c.get("/a", append(gzip, "If-None-Match", tag)...).want(t, 304)
		c.get("/a", append(gzip, "If-Match", tag)...).want(t, 200)
		c.get("/a", "If-None-Match", tag).want(t, 304)
		c.do("PUT", "/a", "two", append(gzip, "If-Match", tag)...).want(t, 200)
		c.get("/a", append(gzip, "If-None-Match", tag)...).want(t, 200)
		c.get("/a", append(gzip, "If-Match", tag)...).want(t, 412)
	})
}

func TestWithoutTheStoreNoCopyIsConfirmed(t *testing.T) {
	making(t, func(t *testing.T, _ *docs, f *fleet) {
		f.cache.LocalFor = 0
		c := f.replica()
		tag := c.get("/a").etag()
		f.store.fail(errors.New("down"))
		first := c.get("/a", "If-None-Match", tag)
		first.want(t, 200)
		c.get("/a", "If-None-Match", first.etag()).want(t, 200)
		c.do("HEAD", "/a", "", "If-None-Match", tag).want(t, 200)
	})
}

func TestAReadWithIfMatchGetsTheVersionItNamesOrNone(t *testing.T) {
	making(t, func(t *testing.T, _ *docs, f *fleet) {
		c := f.replica()
		tag := c.get("/a").etag()
		for _, tc := range []struct {
			value  string
			status int
		}{{tag, 200}, {"*", 200}, {`"x", ` + tag, 200}, {`"x"`, 412}} {
			got := c.get("/a", "If-Match", tc.value)
			if got.StatusCode != tc.status {
				t.Errorf("If-Match: %s: %d", tc.value, got.StatusCode)
			}
			if got.StatusCode == 412 && (got.etag() != "" || got.body != "" || got.Header.Get("Cache-Control") != "no-store") {
				t.Errorf("the refusal has %v %q", got.Header, got.body)
			}
		}
		c.do("HEAD", "/a", "", "If-Match", `"x"`).want(t, 412)
	})
}

func TestAHEADHasTheHeaderOfAGETWhereVersionsAreMade(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		c := f.replica()
		for _, header := range [][]string{nil, {"Accept-Encoding", "gzip"}} {
			get, head := c.get("/a", header...), c.do("HEAD", "/a", "", header...)
			if head.body != "" {
				t.Errorf("a HEAD has the content %q", head.body)
			}
			get.Header.Del("Date")
			head.Header.Del("Date")
			if !maps.EqualFunc(get.Header, head.Header, slices.Equal) || get.ContentLength != head.ContentLength {
				t.Errorf("GET has %v (%d), HEAD %v (%d)", get.Header, get.ContentLength, head.Header, head.ContentLength)
			}
		}
		part := c.do("HEAD", "/a", "", "Range", "bytes=0-3") // of which only a GET can be made
		if part.StatusCode == http.StatusPartialContent && f.cfg.Routes[0].Version.Source.Header == "" {
			t.Errorf("a HEAD got %d", part.StatusCode)
		}
		head := c.do("HEAD", "/a", "")
		c.put("/a", "two", head.etag()).want(t, 200)
	})
}

func TestARangeIsServedWhereItCannotMixVersions(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		d.last = time.Now().Add(-time.Hour)
		c := f.replica()
		whole := c.get("/a")
		for _, tc := range []struct {
			name, ifRange string
			status        int
		}{
			{"no If-Range", "", 206},
			{"the made tag", whole.etag(), 200},
			{"another tag", `"x"`, 200},
			{"the backend's own tag", `"of-the-backend"`, 200},
			{"malformed", "x", 200},
			{"the date", d.last.UTC().Format(http.TimeFormat), 206},
			{"another date", d.last.Add(-time.Hour).UTC().Format(http.TimeFormat), 200},
		} {
			header := []string{"Range", "bytes=0-3"}
			if tc.ifRange != "" {
				header = append(header, "If-Range", tc.ifRange)
			}
			got := c.get("/a", header...)
			if got.StatusCode != tc.status {
				t.Errorf("%s: %d", tc.name, got.StatusCode)
			}
			if want := whole.body[:4]; got.StatusCode == 206 && (got.body != want || got.etag() != "" && got.etag() != whole.etag()) {
				t.Errorf("%s: %s %q", tc.name, got.etag(), got.body)
			}
		}
	})
}

func TestAPartTeachesNoVersion(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		c := f.replica()
		tag := c.get("/a").etag()
		d.change(func() { d.text, d.rev = "behind", 2 })
		if part := c.get("/a", "Range", "bytes=0-3"); part.etag() != "" && !strings.Contains(part.etag(), ";p409-") {
			t.Errorf("a part is tagged with %s, which nobody noted", part.etag())
		}
		d.change(func() { d.text, d.rev = "one", 1 })
		o := &told{}
		f.cfg.Observer = o
		f.replica().get("/a")
		if o.count("drift") != 0 {
			t.Error("a drift")
		}
		c.put("/a", "two", tag).want(t, 200)
	})
}

// A date says less than a version: two changes within a second have one. A client that took the tag for that of its copy would
// overwrite the second change.
func TestACopyThatADateConfirmsGetsNoTag(t *testing.T) {
	making(t, func(t *testing.T, d *docs, f *fleet) {
		d.last = time.Now().Add(-time.Hour)
		c := f.replica()
		tag := c.get("/a").etag()
		d.change(func() { d.text, d.rev = "within the second", 2 })
		got := c.get("/a", "If-Modified-Since", d.last.UTC().Format(http.TimeFormat))
		if got.StatusCode != 304 || got.etag() != "" {
			t.Errorf("%d with tag %s", got.StatusCode, got.etag())
		}
		c.get("/a", "If-Modified-Since", d.last.UTC().Format(http.TimeFormat), "If-None-Match", tag).want(t, 200)
	})
}
