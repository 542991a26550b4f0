package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The parsers of addresses and URLs. They drop the errors of net/url, which quote the URL and the password in it.

func address(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", errors.New("is not an address; write it as 127.0.0.1:8080 or :8080")
	}
	if !isPort(port, 0) {
		return "", errors.New("has a bad port; allowed: 0 to 65535")
	}
	if strings.ContainsAny(host, " \t/@%") {
		return "", errors.New("has a bad host")
	}
	return text, nil
}

func isPort(text string, least uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= least
}

func upstreamURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("is not a backend's URL; write it as http://127.0.0.1:9000")
	case u.User != nil:
		return nil, errors.New("names a user; the proxy sends its clients' credentials and none of its own")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return nil, errors.New("has a query or a fragment; only scheme, host and path are allowed")
	case !portIsSound(u):
		return nil, errors.New("has a bad port; allowed: 1 to 65535")
	case !pathIsClean(u):
		return nil, errors.New("has a path that is not clean: no escapes, no //, no dot segments")
	}
	return u, nil
}

func portIsSound(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	return isPort(u.Port(), 1)
}

func pathIsClean(u *url.URL) bool {
	p := u.EscapedPath()
	if p == "" || p == "/" {
		return true
	}
	return path.Clean(p) == strings.TrimSuffix(p, "/") && !strings.ContainsAny(p, `%\`)
}

func redisURL(text string) (Secret, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Secret{}, errors.New("is not a URL; write it as redis://[user:password@]host:port/db")
	}
	switch u.Scheme {
	case "unix":
		if u.Path == "" {
			return Secret{}, errors.New("names no socket; write it as unix:///path/to/redis.sock")
		}
	case "redis", "rediss":
		if u.Hostname() == "" || !portIsSound(u) {
			return Secret{}, errors.New("has a bad host or port; write it as redis://[user:password@]host:port/db")
		}
		if db := strings.Trim(u.Path, "/"); db != "" && !isPort(db, 0) {
			return Secret{}, errors.New("has a path that is not the number of a database")
		}
	default:
		return Secret{}, errors.New("is not a Redis URL; it begins with redis://, rediss:// or unix://")
	}
	return NewSecret(text), nil
}

// mismatch says why the URL is none for the mode; "" if it is.
func (r *Redis) mismatch() string {
	u, err := url.Parse(r.URL.Reveal())
	switch {
	case err != nil || r.Mode == Single:
		return ""
	case u.Scheme == "unix":
		return "a socket is one server; with it, mode is single"
	case r.Mode == Sentinel && u.Query().Get("master_name") == "":
		return "mode sentinel wants the master's name in the URL: ?master_name=mymaster"
	case r.Mode == Cluster && strings.Trim(u.Path, "/0") != "":
		return "Redis Cluster has no database but 0"
	}
	return ""
}

// isTLS says whether the connection to the server is encrypted.
func (r *Redis) isTLS() bool { return strings.HasPrefix(r.URL.Reveal(), "rediss:") }

// isOpen says whether the server is on another machine and the URL has no password.
func (r *Redis) isOpen() bool {
	u, err := url.Parse(r.URL.Reveal())
	if err != nil || u.Scheme == "unix" || isLoopback(u.Hostname()) {
		return false
	}
	password, _ := u.User.Password()
	return password == "" && u.Query().Get("password") == ""
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

func isEverywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// sameListener says whether two listeners cannot both have their addresses.
func sameListener(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	return portA == portB && portA != "0" &&
		(sameHost(hostA, hostB) || isEverywhere(hostA) || isEverywhere(hostB))
}

// leadsTo says whether a request to u comes to the listener at the address.
func leadsTo(u *url.URL, listener string) bool {
	host, port, _ := net.SplitHostPort(listener)
	at := u.Port()
	if at == "" {
		at = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return at == port && (sameHost(u.Hostname(), host) || isEverywhere(host) && isLoopback(u.Hostname()))
}

// aliases says whether two URLs name one port of this machine by different hosts.
func aliases(a, b *url.URL) bool {
	local := func(u *url.URL) bool {
		return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(u.Hostname()))
	}
	return a.Port() == b.Port() && a.Scheme == b.Scheme && local(a) && local(b) && !strings.EqualFold(a.Hostname(), b.Hostname())
}

func sameHost(a, b string) bool {
	return strings.EqualFold(a, b) || isLoopback(a) && isLoopback(b) && (a == "localhost" || b == "localhost")
}
