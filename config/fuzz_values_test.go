package config

import (
	"math/big"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzSize: a size is what whole numbers of unbounded size make of it, and is read again from what it prints.
func FuzzSize(f *testing.F) {
	for _, s := range []string{"0", "16MiB", "32KiB", "10MB", "1GB", "7B", "9223372036854775807", "8796093022208MiB", "-1", "1 KiB", "1kb", "+1B", "BB", "0x1B"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^([0-9]+)(KiB|MiB|GiB|KB|MB|GB|B|)$`)
	units := map[string]int64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := byteSize(text)
		m := form.FindStringSubmatch(text)
		want := new(big.Int)
		if m != nil {
			want.SetString(m[1], 10)
			want.Mul(want, big.NewInt(units[m[2]]))
		}
		if sound := m != nil && want.IsInt64(); sound != (err == nil) {
			t.Fatalf("%q: %d, %v", text, got, err)
		}
		if err != nil {
			return
		}
		if int64(got) != want.Int64() {
			t.Fatalf("%q is %d, want %s", text, got, want)
		}
		if again, err := byteSize(got.String()); err != nil || again != got {
			t.Fatalf("%q is %d, prints as %s, and that is %d, %v", text, got, got, again, err)
		}
	})
}

// FuzzDuration: what is accepted lies within the bounds, and what is printed of it is read again.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"0", "300ms", "1m30s", "720h", "1h0m0s", "-1s", "1", "1e3s", "2562047h47m16.854775807s", "10m0.5s", ".5h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := duration(time.Millisecond, 1000*time.Hour)(text)
		want, wantErr := time.ParseDuration(text)
		if within := wantErr == nil && want >= time.Millisecond && want <= 1000*time.Hour; within != (err == nil) {
			t.Fatalf("%q: %s, %v", text, got, err)
		}
		if err != nil {
			return
		}
		if again, err := time.ParseDuration(short(got)); err != nil || again != want {
			t.Fatalf("%q is %s, shown as %s, which is %s, %v", text, want, short(got), again, err)
		}
		if g, err := grace(text); err == nil && (g.Auto || g.Fixed != want) {
			t.Fatalf("%q as a grace is %+v", text, g)
		}
	})
}

// FuzzExpand: variables are put in as a reader by hand would do it, byte by byte; what they hold is not expanded again, and
// no error repeats it.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"a", "${A}", "$${A}", "$$${A}", "${A:-b}", "${E:-b}", "${E}", "${N}", "${N:-}", "${A", "${}", "${A:-${A}}", "$", "x${A}${A}y", "${:-a}", "${A:b}", "${A\n}"} {
		f.Add(s, "s3cret ${A} $${")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		env := func(name string) (string, bool) {
			switch name {
			case "A":
				return value, true
			case "E":
				return "", true
			}
			return "", false
		}
		if strings.Count(text, "${") >= 100 {
			return // there is a limit, of which another test speaks
		}
		got, err := expand(text, env)
		want, sound := naiveExpand(text, env)
		if sound != (err == nil) || got != want {
			t.Fatalf("%q: %q, %v; want %q, %t", text, got, err, want, sound)
		}
		if err != nil && len(value) > 4 && !strings.Contains(text, value) && strings.Contains(err.Error(), value) &&
			!strings.Contains(errUnclosed.Error()+errReference.Error(), value) {
			t.Fatalf("%q: the error shows the variable: %v", text, err)
		}
	})
}

var naiveReference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

func naiveExpand(text string, env func(string) (string, bool)) (string, bool) {
	var out []byte
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, "$${"):
			out, i = append(out, "${"...), i+3
		case strings.HasPrefix(rest, "${"):
			m := naiveReference.FindStringSubmatch(rest)
			if m == nil || strings.Contains(m[3], "${") {
				return "", false
			}
			value, set := env(m[1])
			if m[2] != "" && value == "" {
				value, set = m[3], true
			}
			if !set {
				return "", false
			}
			out, i = append(out, value...), i+len(m[0])
		default:
			out, i = append(out, text[i]), i+1
		}
	}
	return string(out), true
}

// FuzzAddress: an address that is accepted is one that a listener can be given, with a port as a number.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{":8080", "127.0.0.1:0", "[::1]:80", "localhost:65535", "h:65536", "h:http", "h", "[::1%lo]:1", "a b:1", "user@h:1", "h:1/x", "::1:80", ":+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := address(text)
		if err != nil {
			if len(text) > 8 && strings.Contains(err.Error(), text) && !strings.Contains("127.0.0.1:8080", text) {
				t.Fatalf("%q: the error quotes it: %v", text, err)
			}
			return
		}
		host, port, err := net.SplitHostPort(got)
		if err != nil || got != text || strings.ContainsAny(host, " \t/@%") {
			t.Fatalf("%q is %q, %q, %v", text, got, host, err)
		}
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			t.Fatalf("%q has the port %q", text, port)
		}
		if !sameListener(text, text) && port != "0" {
			t.Fatalf("%q could be listened at twice", text)
		}
	})
}

// FuzzURLs: a backend's URL is scheme, host and clean path and nothing else, also when it is printed and read again; no
// error shows what may hold a password.
func FuzzURLs(f *testing.F) {
	for _, s := range []string{
		"http://127.0.0.1:9000", "https://h/base/", "http://u:pa55word@h", "http://h?x", "http://h/#", "http://h//a", "http://h/%2e", "http://h:0", "http://h:",
		"redis://:pa55word@h:6379/0", "rediss://h/x", "unix:///a.sock", "unix://", "redis://h:6379/0?addr=h2:1", "http://[::1]/", "HTTP://H", "http:h", "redis://%zzpa55word@h",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := upstreamURL(text)
		if err == nil {
			again, err := upstreamURL(u.String())
			if err != nil || again.Host != u.Host || again.EscapedPath() != u.EscapedPath() || again.Scheme != u.Scheme {
				t.Fatalf("%q is %s, which is %v, %v", text, u, again, err)
			}
			if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" || strings.Contains(u.Path, "/../") {
				t.Fatalf("%q is accepted: %#v", text, u)
			}
		}
		secret, redisErr := redisURL(text)
		if redisErr == nil {
			if _, err := url.Parse(secret.Reveal()); err != nil || secret.Reveal() != text {
				t.Fatalf("%q is kept as %q, %v", text, secret.Reveal(), err)
			}
		}
		for _, err := range []error{err, redisErr} {
			if err != nil && len(text) > 12 && strings.Contains(err.Error(), text) && !strings.Contains("redis://[user:password@]host:port/db http://127.0.0.1:9000 unix:///path/to/redis.sock", text) {
				t.Fatalf("the error shows %q: %v", text, err)
			}
		}
	})
}

func TestAsManyReferencesAreTakenAsAreAllowed(t *testing.T) {
	env := func(string) (string, bool) { return "v", true }
	if _, err := expand(strings.Repeat("${A}", maxReferences), env); err != nil {
		t.Errorf("%d references: %v", maxReferences, err)
	}
	if _, err := expand(strings.Repeat("${A}", maxReferences+1), env); err == nil {
		t.Errorf("%d references are taken", maxReferences+1)
	}
}
