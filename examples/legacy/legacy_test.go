package legacy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"proxy409/examples/legacy"
)

// send makes one request; headers are name, value, name, value.
func send(b http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	b.ServeHTTP(rec, r)
	return rec
}

// object is the JSON object in an answer.
func object(t *testing.T, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if got := rec.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	var members map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &members); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return members
}

func TestTheSecondWriteFromOneReadSilentlyWins(t *testing.T) {
	for _, etags := range []legacy.ETags{legacy.Strong, legacy.Weak} {
		t.Run(etags.String(), func(t *testing.T) {
			b := legacy.New(legacy.Options{ETags: etags})
			read := send(b, "GET", "/items/1", "").Header().Get("ETag")
			for _, title := range []string{"Ada's edit", "Grace's edit"} {
				rec := send(b, "PUT", "/items/1", fmt.Sprintf(`{"title":%q}`, title), "If-Match", read)
				if rec.Code != http.StatusOK {
					t.Fatalf("%s: %d %s", title, rec.Code, rec.Body)
				}
			}
			if got := object(t, send(b, "GET", "/items/1", "")); got["title"] != "Grace's edit" || got["revision"] != 3.0 {
				t.Errorf("got %v, want the second edit to have won, at revision 3", got)
			}
			writes := b.Applied()
			if len(writes) != 2 || writes[0].IfMatch != read || writes[1].IfMatch != read {
				t.Fatalf("applied %+v, want two writes from %s", writes, read)
			}
			if string(writes[0].Body) != `{"title":"Ada's edit"}` || writes[0].Revision != 2 || writes[0].Method != "PUT" {
				t.Errorf("the first was %+v", writes[0])
			}
		})
	}
}

func TestEachKindOfETags(t *testing.T) {
	for etags, prefix := range map[legacy.ETags]string{legacy.Strong: `"`, legacy.Weak: `W/"`, legacy.None: ""} {
		t.Run(etags.String(), func(t *testing.T) {
			b := legacy.New(legacy.Options{ETags: etags})
			first := send(b, "GET", "/items/1", "")
			tag := first.Header().Get("ETag")
			if !strings.HasPrefix(tag, prefix) || (prefix == "") != (tag == "") {
				t.Fatalf("ETag %q, want it to begin with %q", tag, prefix)
			}
			again := send(b, "GET", "/items/1", "", "If-None-Match", `"else", `+tag)
			switch {
			case tag == "" && again.Code != http.StatusOK:
				t.Errorf("without an ETag: %d, want 200", again.Code)
			case tag != "" && (again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("ETag") != tag):
				t.Errorf("got %d %v %s, want a bare 304", again.Code, again.Header(), again.Body)
			}
			// The very same content again is another revision, so another tag.
			wrote := send(b, "PUT", "/items/1", `{"title":"Quarterly report","body":"Draft","author":"Ada"}`).Header().Get("ETag")
			if read := send(b, "GET", "/items/1", "").Header().Get("ETag"); read != wrote || (tag != "" && read == tag) {
				t.Errorf("first %q, after a write %q, read again %q", tag, wrote, read)
			}
		})
	}
}

func TestETagsNames(t *testing.T) {
	for _, name := range []string{"strong", "weak", "none"} {
		var e legacy.ETags
		if err := e.UnmarshalText([]byte(name)); err != nil || e.String() != name {
			t.Errorf("%s became %s, %v", name, e, err)
		}
	}
	var e legacy.ETags
	if err := e.UnmarshalText([]byte("Weak")); err == nil {
		t.Error("Weak was taken")
	}
	if got := legacy.ETags(7).String(); got != "ETags(7)" {
		t.Errorf("got %q", got)
	}
}

func TestHeadAgreesWithGet(t *testing.T) {
	server := httptest.NewServer(legacy.New(legacy.Options{}))
	defer server.Close()
	for _, path := range []string{"/items", "/items/1", "/items/99"} {
		get := head(t, server.URL+path, http.MethodGet)
		for name, value := range head(t, server.URL+path, http.MethodHead) {
			if get[name] != value {
				t.Errorf("%s: HEAD says %s: %s, GET %s", path, name, value, get[name])
			}
		}
	}
}

// head returns an answer's status and the header fields that matter.
func head(t *testing.T, url, method string) map[string]string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	fields := map[string]string{"status": res.Status}
	for _, name := range []string{"Content-Type", "Content-Length", "ETag"} {
		fields[name] = res.Header.Get(name)
	}
	return fields
}

func TestLatencyComesBeforeAnyEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := legacy.New(legacy.Options{Latency: time.Second})
		start := time.Now()
		go send(b, "PUT", "/items/1", `{}`)
		time.Sleep(999 * time.Millisecond)
		if n := len(b.Applied()); n != 0 {
			t.Errorf("%d writes were applied before the latency was over", n)
		}
		synctest.Wait()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if n := len(b.Applied()); n != 1 || time.Since(start) != time.Second {
			t.Errorf("%d writes after %v, want 1 after 1s", n, time.Since(start))
		}
	})
}

func TestAppliedKeepsWhatItIsToldTo(t *testing.T) {
	for keep, want := range map[int]string{0: "[2 3 4]", 2: "[3 4]", -1: "[]"} {
		b := legacy.New(legacy.Options{Keep: keep})
		for range 3 {
			send(b, "PUT", "/items/1", `{}`)
		}
		revisions := []int{}
		for _, w := range b.Applied() {
			revisions = append(revisions, w.Revision)
		}
		if got := fmt.Sprint(revisions); got != want {
			t.Errorf("keep %d: revisions %s, want %s", keep, got, want)
		}
	}
}

func TestConcurrentWritesAreAllCounted(t *testing.T) {
	b := legacy.New(legacy.Options{})
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range each {
				send(b, "PATCH", "/items/1", fmt.Sprintf(`{"by":%d}`, i))
				send(b, "GET", "/items", "")
			}
		})
	}
	wg.Wait()
	if got := object(t, send(b, "GET", "/items/1", ""))["revision"]; got != float64(1+writers*each) {
		t.Errorf("revision %v, want %d", got, 1+writers*each)
	}
	for i, w := range b.Applied() {
		if w.Revision != i+2 {
			t.Fatalf("write %d has revision %d: not in the order in which they were applied", i, w.Revision)
		}
	}
}
