package main_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

func TestReplicasShareARedisWithTLS(t *testing.T) {
	a := newTrust(t)
	cert, key := a.Issue(t, "redis.test").Write(t, a.dir, "redis")
	redis := redistest.StartTLS(t, redistest.TLS{Cert: cert, Key: key, CA: a.ca()})
	redis.Do("CONFIG", "SET", "requirepass", "s3cret-of-redis")
	o := newOrigin(t)
	configuration := func(more string) string {
		return setup{upstream: o.url()}.yaml() + fmt.Sprintf(
			"store: {grace: 0s, redis: {url: 'rediss://:s3cret-of-redis@%s', timeout: 900ms%s}}\n", redis.TLSAddr, more)
	}
	good := configuration(fmt.Sprintf(", tls: {ca_file: %s, server_name: redis.test, %s}", a.ca(), a.issue("client", "proxy")))
	one, other := serve(t, good).ready(), serve(t, good).ready()
	tag := get(t, one.url+"/doc").etag()
	put(t, other.url+"/doc", "two", tag).done(t)
	put(t, one.url+"/doc", "lost", tag).want(t, 409, "stale")
	if said, err := exec.Command(binary(t), "check", "--config", file(t, good), "--online").CombinedOutput(); err != nil {
		t.Errorf("check --online: %v: %s", err, said)
	}

	for more, reason := range map[string]string{
		", tls: {server_name: redis.test}":                          "(store.redis.tls: name the file with the certificate of the authority that signed it",
		", tls: {ca_file: " + a.ca() + "}":                          "(store.redis.tls: if it is the right server, give one of the names",
		", tls: {ca_file: " + a.ca() + ", server_name: redis.test}": "does it want a certificate",
	} {
		bad := configuration(more)
		r := serve(t, bad)
		eventually(t, 5*time.Second, func() error {
			if !strings.Contains(r.logs.String(), reason) {
				return errorf("it does not say %q, but:\n%s", reason, r.logs)
			}
			return nil
		})
		r.unready(t, "store")
		said := fails(t, "check", "--config", file(t, bad), "--online")
		contains(t, strings.Join(strings.Fields(said), " "), reason) // it is broken into lines
		for _, text := range []string{said, r.logs.String()} {
			if strings.Contains(text, "s3cret") || strings.Contains(text, "rediss://") {
				t.Errorf("the URL is shown:\n%s", text)
			}
		}
	}
}
