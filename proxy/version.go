package proxy

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/target"
	"proxy409/proxy/validator"
)

// shown is the version that an answer of the backend shows.
type shown struct {
	tag     etagcache.Tag       // as the backend sent it, or as it was made of the answer
	noted   etagcache.Validator // the tag as a record has it
	current json.RawMessage     // the version, verbatim, where the route takes it from JSON or a header
	ok      bool
	content []byte // the representation, where it is to be compared with another one
	noRoom  bool   // it could not be made, because there is no room to hold the content
}

// version reads the version off an answer to req, and tells the observer when it shows none although it should. Where
// the route makes versions, the backend's own entity tag is taken off, and what the version is made of is held: the answer's
// content can still be read to its end.
func (g *guard) version(req *http.Request, res *http.Response, x *exchange) (s shown) {
	if !x.route.maker.Made() {
		return g.ownVersion(req, res, x)
	}
	delete(res.Header, "Etag")
	if !describes(res.StatusCode, x.route.maker.NeedsBody()) {
		return shown{}
	}
	made, err := x.route.make(req, res, x)
	if err != nil {
		g.unversioned(x, err)
		return shown{noRoom: errors.Is(err, validator.NoRoom)}
	}
	if len(made.Current) > maxCurrent {
		made.Current = nil
	}
	return shown{
		tag: made.Tag, current: made.Current, ok: true,
		noted: etagcache.Validator{Tag: made.Tag.Digest(), Rep: representation(req, res, x.route), Weak: made.Tag.Weak},
	}
}

// maxCurrent is the longest version, in bytes of JSON, that a refusal repeats.
const maxCurrent = 1 << 10

// ownVersion reads the entity tag that the backend sent.
func (g *guard) ownVersion(req *http.Request, res *http.Response, x *exchange) shown {
	tag, ok, err := etagcache.ParseETag(res.Header["Etag"])
	switch {
	case err != nil:
		g.observer.MalformedETag(x.route.Name)
		return shown{tag: tag}
	case !ok:
		if res.StatusCode == http.StatusOK && target.Safe(req.Method) {
			g.unversioned(x, validator.NoETag)
		}
		return shown{}
	}
	return shown{tag: tag, ok: true, noted: etagcache.Validator{
		Tag: x.route.unsuffixed(tag).Digest(), Rep: representation(req, res, x.route), Weak: tag.Weak,
	}}
}

// describes reports whether an answer with the status describes the resource, so that a version can be made of it.
func describes(status int, byContent bool) bool {
	switch status {
	case http.StatusPartialContent, http.StatusNoContent, http.StatusResetContent:
		return !byContent // they have the representation's header, not its content
	case http.StatusNotModified:
		// The backend was asked by a date alone. The copy that it confirms may be older than its header, by less than a second.
		return false
	}
	return success(status)
}

// make makes the version of an answer.
func (p *route) make(req *http.Request, res *http.Response, x *exchange) (validator.Made, error) {
	if !p.maker.NeedsBody() {
		return p.maker.Make(res.Header, nil)
	}
	if req.Method == http.MethodHead {
		return validator.Made{}, validator.Stream
	}
	content, err := hold(res, p.limits.Representation, x.holds())
	if err != nil {
		return validator.Made{}, err
	}
	return p.maker.Make(res.Header, content)
}

// representation digests what selects the representation that an answer carries (RFC 9110 section 12.5.5). A 304 does
// not say which one it spares the client: the zero digest.
func representation(req *http.Request, res *http.Response, p *route) etagcache.Digest {
	if res.StatusCode == http.StatusNotModified {
		return etagcache.Digest{}
	}
	var room [12]string
	// One resource may be asked for at several paths (key.path, version.read, a slash at the end), and shown otherwise at each.
	// And at several hosts, by which applications build their links.
	parts := append(room[:0], req.URL.Path, req.URL.RawQuery,
		req.Host, req.Header.Get("X-Forwarded-Host"), req.Header.Get("X-Forwarded-Proto"), req.Header.Get("X-Forwarded-Prefix"),
		res.Header.Get("Content-Type"), res.Header.Get("Content-Encoding"), res.Header.Get("Content-Language"))
	for _, name := range selecting(res.Header, p.Private) {
		parts = append(parts, name, strings.Join(req.Header[name], ","))
	}
	return etagcache.DigestOf(parts...)
}

// selecting lists the request fields that select a representation, canonical and sorted: those that Vary names, and for "*",
// or where a representation is its caller's own, those that tell one caller from another.
func selecting(h http.Header, private bool) []string {
	vary := h["Vary"]
	if len(vary) == 0 && !private {
		return nil
	}
	var names []string
	if private {
		names = append(names, "Authorization", "Cookie")
	}
	for _, line := range vary {
		for name := range strings.SplitSeq(line, ",") {
			switch name = strings.TrimSpace(name); name {
			case "":
			case "*":
				names = append(names, "Authorization", "Cookie")
			default:
				names = append(names, http.CanonicalHeaderKey(name))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// aged reports whether a cache on the way answered with what it kept: such an answer says nothing of the present.
func aged(res *http.Response) bool {
	age := res.Header.Get("Age")
	return age != "" && age != "0"
}
