package proxy

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"proxy409/etagcache"
	"proxy409/proxy/merge"
	"proxy409/proxy/rules"
)

// past is one version of a resource: what a client was shown with an entity tag.
type past struct {
	tag     etagcache.Digest // of the tag as it was handed out
	shown   etagcache.Instant
	content []byte // compressed
}

// pasts are the versions of one resource, the newest last, in the form in which the store has them: tag (12), shown (8), the length of the
// content (4), and the content.
func readPasts(b []byte) []past {
	var list []past
	for len(b) >= 24 {
		var p past
		copy(p.tag[:], b)
		p.shown = etagcache.Instant(binary.BigEndian.Uint64(b[12:]))
		n := int(binary.BigEndian.Uint32(b[20:]))
		if b = b[24:]; n > len(b) {
			return list
		}
		p.content, b = b[:n:n], b[n:]
		list = append(list, p)
	}
	return list
}

func writePasts(list []past) []byte {
	var b []byte
	for _, p := range list {
		b = append(b, p.tag[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(p.shown))
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.content)))
		b = append(b, p.content...)
	}
	return b
}

// withPast adds a version. Those that are too old go, and of the others the oldest, until all of them have room.
func withPast(list []past, p past, h History) []past {
	old := func(o past) bool { return o.tag == p.tag || p.shown.Sub(o.shown) > h.For }
	list = append(slices.DeleteFunc(slices.Clone(list), old), p)
	room := h.Keep
	for i, o := range slices.Backward(list) {
		if room -= int64(24 + len(o.content)); room < 0 {
			return list[i+1:]
		}
	}
	return list
}

// historyKey names what is kept of a resource; of one that looks different to each caller, of what this caller was shown.
func historyKey(req *http.Request, x *exchange) etagcache.Key {
	parts := []string{string(x.key[:])}
	if x.route.Private {
		parts = append(parts, strings.Join(req.Header["Authorization"], "\n"), strings.Join(req.Header["Cookie"], "\n"))
	}
	return rules.UniqueKey("history", nil, parts)
}

func (p *route) prepareHistory(path string) error {
	for i, text := range p.History.Sets {
		set, err := rules.ParsePointer(text)
		if err != nil {
			return Problem{Path: fmt.Sprintf("%s.history.sets[%d]", path, i), Message: err.Error()}
		}
		p.sets = append(p.sets, set)
	}
	if p.Merge && p.readAt != nil {
		return Problem{Path: path + ".on_stale", Message: "merge needs what others have written to be shown by the resource itself; version.read asks for the version elsewhere"}
	}
	if p.Merge && p.History.Keep == 0 {
		return Problem{Path: path + ".on_stale", Message: "merge needs history: without it nobody knows what a client's version was"}
	}
	return nil
}

// recent are versions that this process has kept, or found unfit, so that it does not do so with every read.
type recent struct {
	mu   sync.Mutex
	seen map[etagcache.Digest]struct{}
}

const mostRecent = 1 << 13

// first reports whether a version is seen for the first time, or has been forgotten.
func (r *recent) first(of etagcache.Digest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[of]; ok {
		return false
	}
	if r.seen == nil || len(r.seen) >= mostRecent {
		r.seen = make(map[etagcache.Digest]struct{})
	}
	r.seen[of] = struct{}{}
	return true
}

// forget has a version be one that is seen for the first time.
func (r *recent) forget(of etagcache.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, of)
}

// keepVersion keeps what an answer shows a client with a tag, so that it can be told later what has changed since.
func (g *guard) keepVersion(req *http.Request, res *http.Response, x *exchange, tag etagcache.Tag) {
	h := x.route.History
	if h.Keep == 0 || tag == (etagcache.Tag{}) || res.StatusCode != http.StatusOK || req.Method != http.MethodGet || !keepable(res.Header, x.route.Private) {
		return
	}
	if x.route.aside(req, x) {
		return // a write is not compared with such a representation
	}
	key := historyKey(req, x)
	// Half of the time later it is kept anew, if it is still shown.
	period := time.Since(g.began) / max(h.For/2, time.Second)
	version := etagcache.DigestOf(string(key[:]), tag.Opaque, period.String())
	if !g.recent.first(version) {
		return
	}
	content, err := x.route.contentOf(res, x.holds())
	if err != nil {
		return
	}
	if _, err := merge.Parse(content); err != nil {
		return
	}
	if err := g.keepContent(req.Context(), key, x, tag, content); err != nil {
		g.recent.forget(version)
	}
}

// keepContent keeps the content that goes with a tag. An error: the store did not take it.
func (g *guard) keepContent(ctx context.Context, key etagcache.Key, x *exchange, tag etagcache.Tag, content []byte) error {
	h := x.route.History
	packed := pack(content)
	if int64(24+len(packed)) > h.Keep {
		g.observer.History(x.route.Name, HistoryTooLarge)
		return nil
	}
	err := g.cache.Memorize(ctx, key, h.For, func(old []byte, now etagcache.Instant) []byte {
		return writePasts(withPast(readPasts(old), past{tag: tag.Digest(), shown: now, content: packed}, h))
	})
	if err != nil {
		g.observer.History(x.route.Name, HistoryFailed)
		return err
	}
	g.observer.History(x.route.Name, HistoryKept)
	return nil
}

// keepable reports whether what an answer shows one caller may be shown to another who has the same tag.
func keepable(h http.Header, private bool) bool {
	cache := strings.ToLower(strings.Join(h["Cache-Control"], ","))
	if strings.Contains(cache, "no-store") || len(h["Set-Cookie"]) > 0 || isStream(h) {
		return false
	}
	if private {
		return true
	}
	vary := strings.ToLower(strings.Join(h["Vary"], ","))
	return !strings.Contains(cache, "private") && !strings.Contains(vary, "*") && !strings.Contains(vary, "authorization") && !strings.Contains(vary, "cookie")
}

// contentOf is the content of an answer, decoded. The answer still has it.
func (p *route) contentOf(res *http.Response, in *holding) ([]byte, error) {
	content, err := hold(res, p.limits.Representation, in)
	if err != nil {
		return nil, err
	}
	return p.maker.Decoded(res.Header, content)
}

// recallVersion is what a client was shown with one of the tags that it sends; nil: nobody knows.
func (w *write) recallVersion(ctx context.Context) []byte {
	list, err := etagcache.ParseTagList(w.req.Header["If-Match"], 0)
	tags := list.Tags
	if err != nil || len(tags) == 0 {
		tags = w.cond.Match.Tags
	}
	memo, now, err := w.cache.Recall(ctx, historyKey(w.req, w.x))
	if err == nil {
		for _, p := range slices.Backward(readPasts(memo)) {
			if now.Sub(p.shown) <= w.x.route.History.For && slices.ContainsFunc(tags, func(t etagcache.Tag) bool { return w.x.route.unsuffixed(t).Digest() == p.tag || t.Digest() == p.tag }) {
				if content, ok := unpack(p.content, w.x.route.limits.Representation); ok {
					w.observer.History(w.x.route.Name, HistoryFound)
					return content
				}
			}
		}
	}
	w.observer.History(w.x.route.Name, HistoryGone)
	return nil
}

func pack(content []byte) []byte {
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.DefaultCompression) // the level is a good one
	_, _ = z.Write(content)                               // into memory
	_ = z.Close()
	return b.Bytes()
}

func unpack(packed []byte, limit int64) ([]byte, bool) {
	content, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), limit+1))
	return content, err == nil && int64(len(content)) <= limit
}
