package redisstore_test

import (
	"strings"
	"testing"

	"proxy409/etagcache/redisstore"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestNewRefusesWhatCannotWork(t *testing.T) {
	const url = "redis://127.0.0.1:1"
	for _, c := range []struct {
		o    redisstore.Options
		want string
	}{
		{redisstore.Options{}, "URL is needed"},
		{redisstore.Options{URL: "http://localhost"}, "invalid URL scheme"},
		{redisstore.Options{URL: url + "?no_such=1"}, "unexpected option (not shown"},
		{redisstore.Options{URL: url + "/0#1"}, "fragment"},
		{redisstore.Options{URL: url, Mode: "ring"}, `Mode is "ring"`},
		{redisstore.Options{URL: url, Mode: redisstore.Sentinel}, "master_name"},
		{redisstore.Options{URL: url, Prefix: "a{b}"}, "braces"},
		{redisstore.Options{URL: url, Timeout: -1}, "Timeout"},
		{redisstore.Options{URL: url, WaitReplicas: -1}, "WaitReplicas"},
	} {
		s, err := redisstore.New(c.o)
		if err == nil || !contains(err.Error(), c.want) {
			t.Errorf("%+v: the error is %v, want one with %q", c.o, err, c.want)
		}
		if s != nil {
			t.Errorf("%+v: there is a store beside the error", c.o)
		}
	}
}

// TestErrorsNeverShowThePassword: neither that of a good URL, nor a piece of one that is not percent-encoded.
func TestErrorsNeverShowThePassword(t *testing.T) {
	for _, mode := range []redisstore.Mode{redisstore.Single, redisstore.Cluster, redisstore.Sentinel} {
		for _, url := range []string{
			"redis://user:s3cret@127.0.0.1:1/0",
			"redis://user:s3cret@127.0.0.1:1/x",
			"redis://user:s3cret@127.0.0.1:1/0?no_such=1",
			"redis://user:s3cret@127.0.0.1:port/0",
			"redis://user:1/s3cret@127.0.0.1:1/0",
			"redis://user:1/2/s3cret@127.0.0.1:1",
			"redis://user:1?s3cret@127.0.0.1:1/0",
			"redis://user:1#s3cret@127.0.0.1:1/0",
			"redis://user:%s3cret@127.0.0.1:1/0",
			"redis://user:a b s3cret@127.0.0.1:1/0",
			"user:s3cret@127.0.0.1:1/0",
			"unix://user:s3cret@/no/such.sock",
			"redis://127.0.0.1:1/0?master_name=m&username=u&password=s3cret",
		} {
			s, err := redisstore.New(redisstore.Options{URL: url, Mode: mode})
			if err == nil {
				_, err = s.Get(t.Context(), key)
				_ = s.Close()
			}
			if err == nil {
				t.Errorf("%s %s: no error", mode, url)
			} else if contains(err.Error(), "s3cret") {
				t.Errorf("%s %s: the error shows the password: %v", mode, url, err)
			}
		}
	}
}
