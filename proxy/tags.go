package proxy

import (
	"net/http"

	"proxy409/etagcache"
)

// handOut is the tag as a client gets it. A tag that names the record's version goes out bare, or qualified when it has
// named an earlier version before. A tag that nobody noted is qualified with a version that is on no record: sent back,
// it is stale; bare, it could come back as another version's.
func (g *guard) handOut(tag etagcache.Tag, p *route, view etagcache.View, noted bool) etagcache.Tag {
	if !noted {
		return tag.Qualify(g.cache.FreshVersion())
	}
	if _, returned := view.Describe(p.unsuffixed(tag), p.Version.Qualify); returned {
		return tag.Qualify(view.Version())
	}
	return tag
}

// unnoted makes an entity tag that nobody is going to note one that admits nothing.
func (g *guard) unnoted(res *http.Response, p *route) {
	if p.maker.Made() {
		delete(res.Header, "Etag")
	} else if tag, ok, err := etagcache.ParseETag(res.Header["Etag"]); err == nil && ok {
		res.Header["Etag"] = []string{g.handOut(tag, p, etagcache.View{}, false).String()}
	}
}

// bareRead makes a read speak the backend's language: qualified tags in its conditions are undone. One that is not of
// the record's present version, like a bare one that names none, is taken out, and with the last of them the whole
// condition, its date too: the backend, for which the tag may well be current, would otherwise confirm to the client
// a copy of an earlier version. A list that cannot be read goes the same way.
func bareRead(req *http.Request, p *route, view etagcache.View, trusted bool) *http.Request {
	if len(req.Header["If-None-Match"]) == 0 && len(req.Header["If-Range"]) == 0 && len(req.Header["If-Match"]) == 0 {
		return req
	}
	out := req.Clone(req.Context())
	if list, err := etagcache.ParseTagList(req.Header["If-Match"], 0); err == nil && len(list.Tags) > 0 {
		if kept := p.bareTags(list.Tags, view, trusted); len(kept) > 0 { // else the backend finds that none matches, which is so
			out.Header["If-Match"] = []string{(etagcache.TagList{Tags: kept}).String()}
		}
	}
	if list, err := etagcache.ParseTagList(req.Header["If-None-Match"], 0); list.Field && !list.Any || err != nil {
		if list.Tags = p.bareTags(list.Tags, view, trusted); len(list.Tags) > 0 {
			out.Header["If-None-Match"] = []string{list.String()}
		} else {
			delete(out.Header, "If-None-Match")
			delete(out.Header, "If-Modified-Since")
		}
	}
	// What is no tag here is a date, and none of our business.
	if tag, ok, err := etagcache.ParseETag(req.Header["If-Range"]); err == nil && ok {
		// Where a compressor has added a suffix, the bytes are not the backend's either.
		if bare, _, _ := tag.Unqualify(); len(p.bareTags([]etagcache.Tag{tag}, view, trusted)) > 0 && p.unsuffixed(bare) == bare {
			out.Header["If-Range"] = []string{bare.String()}
		} else {
			delete(out.Header, "If-Range")
			delete(out.Header, "Range")
		}
	}
	return out
}

// bareTags returns the tags as the backend knows them, without those that do not name the present version.
func (p *route) bareTags(tags []etagcache.Tag, view etagcache.View, trusted bool) []etagcache.Tag {
	kept := make([]etagcache.Tag, 0, len(tags))
	for _, sent := range tags {
		tag, version, qualified := p.bare(sent)
		known, returned := false, false
		if trusted {
			known, returned = view.Describe(tag, p.Version.Qualify)
		}
		switch {
		case qualified && !(known && version == view.Version()):
		case !qualified && returned:
		default:
			kept = append(kept, tag)
		}
	}
	return kept
}

// towardsBackend decides what of a write's condition the backend sees. If-Match goes along when every tag in it is strong
// and the backend's own, word for word: a backend that can check it closes the last window against writers that go round
// the fleet. Weak ones stay here, because Apache refuses W/"x" whatever the resource's tag is, and so do those that the
// backend never sent.
func (x *exchange) towardsBackend(h http.Header) {
	p := x.route
	if x.subject != nil { // it is about another resource than the one that the backend would hold it against
		for _, name := range [...]string{"If-Match", "If-None-Match", "If-Unmodified-Since"} {
			delete(h, name)
		}
		return
	}
	list, err := etagcache.ParseTagList(h["If-Match"], 0)
	if err != nil {
		return
	}
	for _, tag := range list.Tags {
		if bare, _, _ := p.bare(tag); tag.Weak || bare != tag || p.maker.Made() {
			delete(h, "If-Match")
			return
		}
	}
}
