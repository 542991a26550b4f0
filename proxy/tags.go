package proxy

import (
	"net/http"
	"slices"
	"strings"

	"proxy409/etagcache"
)

// validatorOf reads the version that an answer shows. ok is false when it shows none; malformed tells that it has an
// ETag field which is not one entity tag, and counts as none.
func validatorOf(req *http.Request, res *http.Response) (tag etagcache.Tag, v etagcache.Validator, ok, malformed bool) {
	tag, ok, err := etagcache.ParseETag(res.Header["Etag"])
	if err != nil || !ok {
		return tag, v, false, err != nil
	}
	return tag, etagcache.Validator{Tag: tag.Digest(), Rep: representation(req, res), Weak: tag.Weak}, true, false
}

// representation digests what selects the representation that an answer carries (RFC 9110 section 12.5.5). A 304 does
// not say which one it spares the client: the zero digest.
func representation(req *http.Request, res *http.Response) etagcache.Digest {
	if res.StatusCode == http.StatusNotModified {
		return etagcache.Digest{}
	}
	parts := make([]string, 0, 8)
	parts = append(parts, req.URL.RawQuery,
		res.Header.Get("Content-Type"), res.Header.Get("Content-Encoding"), res.Header.Get("Content-Language"))
	names := varyNames(res.Header)
	for _, name := range names {
		parts = append(parts, name, strings.Join(req.Header[name], ","))
	}
	return etagcache.DigestOf(parts...)
}

// varyNames lists the request fields that Vary names, canonical and sorted. For "*" they are those that tell one caller
// from another.
func varyNames(h http.Header) []string {
	var names []string
	for _, line := range h["Vary"] {
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

// handOut is the tag as a client gets it. A tag that names the record's version goes out bare, or qualified when it has
// named an earlier version before. A tag that nobody noted is qualified with a version that is on no record: sent back,
// it is stale; bare, it could come back as another version's.
func (g *guard) handOut(tag etagcache.Tag, view etagcache.View, noted bool) etagcache.Tag {
	if !noted {
		return tag.Qualify(g.cache.FreshVersion())
	}
	if _, returned := view.Describe(tag); returned {
		return tag.Qualify(view.Record.Version)
	}
	return tag
}

// setETag replaces the ETag field, if the tag is another one.
func setETag(res *http.Response, was, tag etagcache.Tag) {
	if tag != was {
		res.Header["Etag"] = []string{tag.String()}
	}
}

// bareRead makes a read speak the backend's language: qualified tags in its conditions are undone. One that is not of
// the record's present version, like a bare one that names none, is taken out, and with the last of them the whole
// condition, its date too: the backend, for which the tag may well be current, would otherwise confirm to the client
// a copy of an earlier version. A list that cannot be read goes the same way.
func bareRead(req *http.Request, view etagcache.View, trusted bool) *http.Request {
	if len(req.Header["If-None-Match"]) == 0 && len(req.Header["If-Range"]) == 0 && len(req.Header["If-Match"]) == 0 {
		return req
	}
	out := req.Clone(req.Context())
	if list, err := etagcache.ParseTagList(req.Header["If-Match"], 0); err == nil && len(list.Tags) > 0 {
		if kept := bareTags(list.Tags, view, trusted); len(kept) > 0 { // else the backend finds that none matches, which is so
			out.Header["If-Match"] = []string{(etagcache.TagList{Tags: kept}).String()}
		}
	}
	if list, err := etagcache.ParseTagList(req.Header["If-None-Match"], 0); list.Field && !list.Any || err != nil {
		if list.Tags = bareTags(list.Tags, view, trusted); len(list.Tags) > 0 {
			out.Header["If-None-Match"] = []string{list.String()}
		} else {
			delete(out.Header, "If-None-Match")
			delete(out.Header, "If-Modified-Since")
		}
	}
	// What is no tag here is a date, and none of our business.
	if tag, ok, err := etagcache.ParseETag(req.Header["If-Range"]); err == nil && ok {
		if kept := bareTags([]etagcache.Tag{tag}, view, trusted); len(kept) > 0 {
			out.Header["If-Range"] = []string{kept[0].String()}
		} else {
			delete(out.Header, "If-Range")
			delete(out.Header, "Range")
		}
	}
	return out
}

// bareTags returns the tags as the backend knows them, without those that do not name the present version.
func bareTags(tags []etagcache.Tag, view etagcache.View, trusted bool) []etagcache.Tag {
	kept := make([]etagcache.Tag, 0, len(tags))
	for _, sent := range tags {
		tag, version, qualified := sent.Unqualify()
		known, returned := false, false
		if trusted {
			known, returned = view.Describe(tag)
		}
		switch {
		case qualified && !(known && version == view.Record.Version):
		case !qualified && returned:
		default:
			kept = append(kept, tag)
		}
	}
	return kept
}

// towardsBackend decides what of a write's condition the backend sees. If-Match goes along when every tag in it is strong
// and the backend's own, word for word: a backend that can check it closes the last window against writers that go round
// the fleet. Weak ones stay here, because Apache refuses W/"x" whatever the resource's tag is.
func towardsBackend(h http.Header) {
	list, err := etagcache.ParseTagList(h["If-Match"], 0)
	if err != nil {
		return
	}
	for _, tag := range list.Tags {
		if _, _, qualified := tag.Unqualify(); tag.Weak || qualified {
			delete(h, "If-Match")
			return
		}
	}
}
