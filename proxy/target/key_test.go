package target

import (
	"testing"

	"proxy409/etagcache"
)

// The key is what replicas meet at, of different releases too: it must not change by accident.
func TestKeyIsStable(t *testing.T) {
	p, _ := Canonical("/articles/7")
	if got, want := Key("http://b:9000", "", p).String(), "CofzfRsZ1tCPNfm9j8kkiA"; got != want {
		t.Errorf("Key = %s, want %s; if that is meant, count KeyDomain up", got, want)
	}
}

func TestKeysOfDifferentFieldsDiffer(t *testing.T) {
	path := func(s string) Path {
		p, err := Canonical(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	keys := map[etagcache.Key]string{}
	add := func(what string, k etagcache.Key) {
		if other, taken := keys[k]; taken {
			t.Errorf("%s has the key of %s", what, other)
		}
		keys[k] = what
	}
	add("plain", Key("u", "h", path("/a")))
	add("no host", Key("u", "", path("/a")))
	add("host in upstream", Key("uh", "", path("/a")))
	add("upstream in host", Key("", "uh", path("/a")))
	add("path", Key("u", "h", path("/A")))
	add("parameter", Key("u", "h", path("/a"), [2]string{"id", "7"}))
	add("empty parameter", Key("u", "h", path("/a"), [2]string{"id", ""}))
	add("no name", Key("u", "h", path("/a"), [2]string{"", "id"}))
	add("moved border", Key("u", "h", path("/a"), [2]string{"id7", ""}))
	add("two", Key("u", "h", path("/a"), [2]string{"id", "7"}, [2]string{"", ""}))
	add("the other order", Key("u", "h", path("/a"), [2]string{"", ""}, [2]string{"id", "7"}))
}
