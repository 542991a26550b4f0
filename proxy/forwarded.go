package proxy

import (
	"cmp"
	"net/http/httputil"
	"net/netip"
	"slices"
	"strings"

	"proxy409/proxy/target"
)

// trusted are the networks of the proxies in front.
type trusted []netip.Prefix

// rewrite aims the request at the backend. The Host stays the client's, because applications build their links from it,
// unless the route wants the upstream's.
func (t trusted) rewrite(pr *httputil.ProxyRequest) {
	x := exchangeOf(pr.In.Context())
	p := cmp.Or(x.via, x.route)
	pr.Out.URL.RawQuery = pr.In.URL.RawQuery
	pr.SetURL(p.upstream)
	if !p.UpstreamHost {
		pr.Out.Host = pr.In.Host
	}
	t.forward(pr)
}

// forward tells the backend where the request came from, in X-Forwarded-For, -Host and -Proto. What the client says of that itself, in
// whatever spelling, is dropped, unless the client is a trusted proxy: then its list is extended, and the rest is passed on.
func (t trusted) forward(pr *httputil.ProxyRequest) {
	for name := range pr.Out.Header {
		if target.Forwards(name) {
			delete(pr.Out.Header, name)
		}
	}
	believed := t.contain(pr.In.RemoteAddr)
	if believed {
		pr.Out.Header["X-Forwarded-For"] = slices.Clone(pr.In.Header["X-Forwarded-For"])
	}
	pr.SetXForwarded()
	if !believed {
		return
	}
	for name, lines := range pr.In.Header {
		if name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") && name != "X-Forwarded-For" {
			pr.Out.Header[name] = lines
		}
	}
}

// contain reports whether a peer's address, as net/http has it, is in one of the networks.
func (t trusted) contain(remote string) bool {
	if len(t) == 0 {
		return false
	}
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(t, func(p netip.Prefix) bool { return p.Contains(addr) })
}
