package proxy_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The members of a request by which the backend of a world knows what its client knows.
const (
	headerWrite = "X-Write" // which write it is, or which one it is a probe for
	headerBase  = "X-Base"  // which text its writer had read
)

const originAddr = address("origin:80")

// origin is the backend of a world: one text per path, the last write wins.
type origin struct {
	w *world
	*party
	server *http.Server

	mu      sync.Mutex
	texts   map[string]text
	reads   map[string]int // by client or write, so that each has faults of its own
	refuses time.Time      // connections, until then
	holds   time.Duration  // every write before it is applied, whatever becomes of its connection
	late    time.Duration  // every answer to a read, after it was computed
	next    string         // what becomes of the next write when it is applied: "reset", "500"
}

// text is what a path has.
type text struct {
	is      string // "": nothing
	was     string
	changed time.Time
}

func newOrigin(w *world) *origin {
	o := &origin{w: w, party: newParty("origin"), texts: make(map[string]text), reads: make(map[string]int)}
	o.server = &http.Server{Handler: o, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, wireKey{}, c)
	}}
	l := w.net.listen(o.party, originAddr)
	w.background.Go(func() { _ = o.server.Serve(l) })
	return o
}

type wireKey struct{}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method, content, ok := effective(r)
	switch {
	case !ok: // half of a request is none
	case method == http.MethodGet || method == http.MethodHead:
		o.read(w, r)
	default:
		o.write(w, r, method, content)
	}
}

// effective reads a request, whose form may say that it stands for another method.
func effective(r *http.Request) (method, content string, ok bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", "", false
	}
	if r.Header.Get("Content-Type") == urlencodedForm {
		form, err := url.ParseQuery(string(body))
		if err == nil && form.Get("_method") != "" {
			return form.Get("_method"), form.Get("text"), true
		}
	}
	return r.Method, string(body), true
}

const urlencodedForm = "application/x-www-form-urlencoded"

// tag is the entity tag of a text.
func (o *origin) tag(t text, coding string) string {
	switch o.w.law.tags {
	case byItsSize:
		return fmt.Sprintf(`"%d"`, len(t.is))
	case weakAtOnce:
		if time.Since(t.changed) < time.Second {
			return `W/"` + t.is + `"`
		}
	case compressed:
		if coding == "gzip" {
			return `"` + t.is + `-gzip"`
		}
	case untagged:
		return ""
	case byContent:
	}
	return `"` + t.is + `"`
}

// originAnswer is an answer of the backend, computed at one moment, and perhaps sent at another.
type originAnswer struct {
	status int
	header http.Header
	body   []byte
}

func (o *origin) look(r *http.Request) originAnswer {
	o.mu.Lock()
	t := o.texts[r.URL.Path]
	o.mu.Unlock()
	a := originAnswer{status: http.StatusOK, header: make(http.Header)}
	if t.is == "" {
		a.status, a.body = http.StatusNotFound, []byte("nothing here")
		if o.w.law.absentTag {
			a.header.Set("ETag", `"404"`)
		}
		return a
	}
	coding := ""
	if o.w.law.tags == compressed {
		a.header.Set("Vary", "Accept-Encoding")
		coding = r.Header.Get("Accept-Encoding")
	}
	tag := o.tag(t, coding)
	if tag != "" {
		a.header.Set("ETag", tag)
	}
	if sent := r.Header.Get("If-None-Match"); tag != "" && strings.TrimPrefix(sent, "W/") == strings.TrimPrefix(tag, "W/") {
		a.status = http.StatusNotModified
		return a
	}
	a.header.Set("Content-Type", "text/plain")
	a.body = []byte(t.is)
	if coding == "gzip" {
		a.header.Set("Content-Encoding", "gzip")
		a.body = zipped(t.is)
	}
	return a
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.Bytes()
}

func (a originAnswer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// read answers a GET or HEAD: what it shows is what was there at one moment between request and answer.
func (o *origin) read(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path + " " + r.Header.Get("X-Client") + " " + r.Header.Get(headerWrite)
	o.mu.Lock()
	o.reads[name]++
	random := o.w.draw(fmt.Sprint("read ", name, o.reads[name]))
	o.mu.Unlock()
	time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
	_, late := o.held()
	a := o.look(r)
	time.Sleep(late + time.Duration(random.IntN(5))*time.Millisecond)
	if !o.w.troubled() || random.Float64() >= o.w.law.readFaults {
		a.send(w)
		return
	}
	o.misread(w, r, a, random)
}

func (o *origin) hold(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holds = d
}

// holdReads computes answers now and gives them later.
func (o *origin) holdReads(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.late = d
}

// spoilNext says what becomes of the next write when it is applied.
func (o *origin) spoilNext(how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next = how
}

// spoils takes what spoilNext said.
func (o *origin) spoils() (how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	how, o.next = o.next, ""
	return how
}

func (o *origin) held() (write, read time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.holds, o.late
}
