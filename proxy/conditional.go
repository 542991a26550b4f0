package proxy

import (
	"fmt"
	"net/http"
	"slices"

	"proxy409/etagcache"
	"proxy409/proxy/validator"
)

// forMaking turns a read into one whose answer shows the version that the route makes: the backend does not know the made
// tags, so it cannot answer for them. Its conditions stay here, to be answered from what the backend sends; only codings
// are asked for that can be decoded; and where the content is needed, a HEAD becomes a GET.
func (p *route) forMaking(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	h := out.Header
	if len(h["If-None-Match"]) > 0 { // it makes If-Modified-Since void, RFC 9110 section 13.1.3
		delete(h, "If-None-Match")
		delete(h, "If-Modified-Since")
	}
	delete(h, "If-Match")
	if _, ok, err := etagcache.ParseETag(h["If-Range"]); ok || err != nil && !isDate(h["If-Range"]) {
		// Whether the part fits cannot be said before the whole is seen, and a range may always be ignored (section 14.2).
		delete(h, "If-Range")
		delete(h, "Range")
	}
	switch {
	case p.Version.Strong: // a tag of compressed content is weak, and strong comparison would never accept it
		h["Accept-Encoding"] = []string{"identity"}
	case p.maker.NeedsBody():
		h["Accept-Encoding"] = []string{validator.AcceptEncoding(h["Accept-Encoding"])}
	}
	if p.maker.NeedsBody() && out.Method == http.MethodHead {
		out.Method = http.MethodGet
		delete(h, "Range") // it says something to a GET alone (section 14.2)
		delete(h, "If-Range")
	}
	return out
}

func isDate(lines []string) bool {
	if len(lines) != 1 {
		return false
	}
	_, err := http.ParseTime(lines[0])
	return err == nil
}

// answerMade answers the conditions of a read whose version was made here (RFC 9110 section 13.2.2), and a HEAD that became
// a GET. Current is the tag as the client has just been given it; ok is false when there is none. If-Match is compared as
// that of a write is, so that a client with a weak tag, as gzip has it, is not refused for ever.
func answerMade(req *http.Request, res *http.Response, current etagcache.Tag, ok bool) {
	same := func(strong bool) func(etagcache.Tag) bool {
		return func(t etagcache.Tag) bool {
			return t.Opaque == current.Opaque && !(strong && (t.Weak || current.Weak))
		}
	}
	if ok && res.StatusCode == http.StatusOK {
		strongly := exchangeOf(req.Context()).route.Version.Strong
		match, matchErr := etagcache.ParseTagList(req.Header["If-Match"], 0)
		none, noneErr := etagcache.ParseTagList(req.Header["If-None-Match"], 0)
		switch {
		case matchErr == nil && match.Field && !match.Any && !slices.ContainsFunc(match.Tags, same(strongly)):
			instead(res, http.StatusPreconditionFailed)
		case noneErr == nil && (none.Any || slices.ContainsFunc(none.Tags, same(false))):
			instead(res, http.StatusNotModified)
		}
	}
	if req.Method == http.MethodHead {
		discardBody(res)
	}
}

// instead makes an answer with content one without, of another status. What described the content goes with it
// (section 15.4.5).
func instead(res *http.Response, status int) {
	discardBody(res)
	res.StatusCode, res.Status = status, fmt.Sprintf("%d %s", status, http.StatusText(status))
	for _, name := range [...]string{
		"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Range", "Content-Disposition",
		"Content-Md5", "Content-Digest", "Repr-Digest", "Digest", "Accept-Ranges", "Last-Modified",
	} {
		delete(res.Header, name)
	}
	res.ContentLength = 0
	res.Trailer = nil
	if status != http.StatusNotModified {
		delete(res.Header, "Etag") // it would be that of the answer's own content
		delete(res.Header, "Expires")
		res.Header["Cache-Control"] = []string{"no-store"} // how long the content may be kept does not hold of this
		res.Header["Content-Length"] = []string{"0"}
	}
}

// discardBody takes the content off an answer and leaves its header alone.
func discardBody(res *http.Response) {
	discard(&http.Response{ContentLength: res.ContentLength, Body: res.Body})
	res.Body = http.NoBody
}
