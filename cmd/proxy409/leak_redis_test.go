package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"proxy409/etagcache/redisstore/redistest"
)

// TestRedisHoldsNoBytesOfAnybody looks through all that is in Redis after traffic with recognisable hosts, paths, tags and credentials.
func TestRedisHoldsNoBytesOfAnybody(t *testing.T) {
	redis := redistest.Start(t)
	o := newOrigin(t)
	o.mu.Lock()
	for _, name := range []string{"a", "b", "c"} {
		o.texts["/"+mark+"-path/"+name] = mark + "-" + name
	}
	o.mu.Unlock()
	r := serve(t, setup{upstream: o.url(), redis: redis.URL(), more: `routes:
  - {name: all, match: /}
  - {name: keyed, match: "/{path}/b", private: true, key: {query: {id: "^.+$"}}}
`}.yaml()).ready()
	header := []string{
		"Authorization", "Basic " + basic, "Cookie", "session=" + mark, "Accept-Language", mark, "X-Forwarded-Host", mark, "User-Agent", mark,
	}
	at := r.url + "/" + mark + "-path/"
	for _, name := range []string{"a", "b?id=" + mark, "c"} {
		a := do(t, "GET", at+name, "", header...).done(t)
		do(t, "PUT", at+name, mark+"-two", append(header, "If-Match", a.etag())...).done(t)
		do(t, "PUT", at+name, "x", append(header, "If-Match", `"`+mark+`-guessed"`)...).want(t, 409, "stale")
		do(t, "POST", at+name, mark+"-three", header...)
		do(t, "GET", at+name, "", header...).done(t)
	}
	held := o.hold()
	tag := get(t, at+"c").etag()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = send("PUT", at+"c", mark+"-four", append(header, "If-Match", tag)...)
	}()
	<-held.arrived
	mustHoldDigests(t, redis)
	held.release()
	<-over
	mustHoldDigests(t, redis)
}

var (
	nameInRedis  = regexp.MustCompile(`^proxy409:\{0\}:(epoch|[A-Za-z0-9_-]{22})$`)
	epochInRedis = regexp.MustCompile(`^[\x00-\xff]{0,40}[0-9]{13}[\x00-\xff]*[0-9a-f]{40}[\x00-\xff]*[0-9a-f]{40}$`)
)

func mustHoldDigests(t *testing.T, redis *redistest.Server) {
	t.Helper()
	records := 0
	for name := range strings.FieldsSeq(redis.Do("KEYS", "*")) {
		if !nameInRedis.MatchString(name) {
			t.Errorf("the key %q", name)
		}
		value := redis.Do("GET", name)
		mustNotTell(t, name, value)
		switch {
		case strings.HasSuffix(name, ":epoch"):
			if !epochInRedis.MatchString(value) {
				t.Errorf("the epoch is %q", value)
			}
		case strings.HasPrefix(value, "{"): // who shares the store: names of machines, and digests of what they must have alike
			var roster struct {
				Settings map[string]string
				Members  map[string]struct{ Name string }
			}
			if err := json.Unmarshal([]byte(value), &roster); err != nil || len(roster.Members) != 1 || len(roster.Settings) == 0 {
				t.Errorf("%v: the roster %q", err, value)
			}
			for setting, digest := range roster.Settings {
				if strings.Contains(digest, "/") || strings.Contains(digest, "http") {
					t.Errorf("the roster has the setting %q as %q", setting, digest)
				}
			}
		default:
			// Format, epoch, state, flags: a record is of digests, numbers and names made by chance.
			if records++; len(value) < 12 || value[0] != 1 {
				t.Errorf("the record %q", value)
			}
		}
	}
	if records < 3 {
		t.Errorf("%d records: what is tested?", records)
	}
}

// stores are Redis URLs with secrets, whatever is wrong with them.
func stores(t *testing.T) map[string]string {
	sound := redistest.Start(t)
	sound.Do("ACL", "SETUSER", "app", "on", ">another", "~*", "+@all")
	mute := redistest.Start(t, "--rename-command", "AUTH", "", "--rename-command", "HELLO", "")
	parrot := newParrot(t)
	secret := "app:" + mark + "-password@"
	return map[string]string{
		"wrong password":       "redis://" + secret + sound.Addr,
		"without AUTH":         "redis://" + secret + mute.Addr,
		"nobody there":         "redis://" + secret + "127.0.0.1:1",
		"no such host":         "redis://" + secret + "nowhere.invalid:6379",
		"no Redis":             "redis://" + secret + parrot,
		"no TLS there":         "rediss://" + secret + sound.Addr,
		"a socket":             "unix://" + secret + "/nowhere/redis.sock",
		"a parameter":          "redis://" + sound.Addr + "?password=" + mark + "-parameter&username=app",
		"a bad parameter":      "redis://" + secret + sound.Addr + "?pasword=" + mark + "-bad",
		"a bad value":          "redis://" + secret + sound.Addr + "?pool_size=" + mark + "-bad",
		"a bad database":       "redis://" + secret + sound.Addr + "/" + mark + "-database",
		"a fragment":           "redis://" + secret + sound.Addr + "#" + mark,
		"not encoded, slash":   "redis://app:" + mark + "/p@" + sound.Addr,
		"not encoded, hash":    "redis://app:" + mark + "#p@" + sound.Addr,
		"not encoded, percent": "redis://app:" + mark + "%zz@" + sound.Addr,
		"not encoded, at":      "redis://app:" + mark + "@" + mark + "@" + sound.Addr,
		"not encoded, and":     "redis://" + sound.Addr + "?username=app&password=a&" + mark + "=b",
		"no port":              "redis://app:" + mark + "@" + "127.0.0.1:" + mark,
		"another scheme":       "http://" + secret + sound.Addr,
		"no scheme":            secret + sound.Addr,
		"sentinel":             "redis://" + secret + "127.0.0.1:1?master_name=mymaster&password=" + mark + "-inner",
		"sentinel, no Redis":   "redis://" + secret + parrot + "?master_name=mymaster&password=" + mark + "-inner",
		"sentinel, no master":  "redis://" + secret + sound.Addr + "?password=" + mark + "-inner",
		"cluster":              "redis://" + secret + sound.Addr + "?addr=127.0.0.1:1",
	}
}

// newParrot is a server that repeats every line that it gets as an error.
func newParrot(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					if text := lines.Text(); strings.Contains(text, mark) {
						_, _ = io.WriteString(c, "500 what is "+text+"?\r\n")
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestNobodyTellsTheCredentialsOfRedis has a Redis fail in every way, and looks at what the commands say.
func TestNobodyTellsTheCredentialsOfRedis(t *testing.T) {
	for name, url := range stores(t) {
		mode := "single"
		if before, _, ok := strings.Cut(name, ","); ok && before == "sentinel" || name == "sentinel" || name == "cluster" {
			mode = before
		}
		path := file(t, fmt.Sprintf("listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nupstream: http://127.0.0.1:1\n"+
			"store: {redis: {url: '${REDIS_URL}', mode: %s, timeout: 300ms}}\n", mode))
		t.Run(name, func(t *testing.T) {
			for _, args := range [][]string{
				{"check", "--config", path},
				{"check", "--online", "--config", path},
				{"explain", "--config", path, "PUT", "/x", "-H", "Authorization: " + mark, "-d", mark},
			} {
				cmd := exec.Command(binary(t), args...)
				cmd.Env = append(os.Environ(), "REDIS_URL="+url)
				out, err := cmd.CombinedOutput()
				mustNotTell(t, strings.Join(args[:2], " "), string(out))
				if len(out) == 0 {
					t.Errorf("%v says nothing: %v", args, err)
				}
			}
			mustServeDiscreetly(t, path, url)
		})
	}
}

// mustServeDiscreetly starts a replica, which says that its Redis does not answer, or does not start at all.
func mustServeDiscreetly(t *testing.T, path, url string) {
	t.Helper()
	t.Setenv("REDIS_URL", url)
	p := launch(t, binary(t), "serve", "--config", path, "--log-level", "debug")
	r := &replica{process: p}
	eventually(t, 10*time.Second, func() error {
		select {
		case <-p.done:
			return nil
		default:
		}
		if found := serving.FindStringSubmatch(p.logs.String()); found != nil {
			r.url, r.admin = "http://"+found[1], "http://"+found[2]
		}
		if r.url == "" || !strings.Contains(p.logs.String(), "does not answer") {
			return errorf("it said:\n%s", p.logs)
		}
		return nil
	})
	if r.url != "" {
		do(t, "PUT", r.url+"/x", "x", "If-Match", `"x"`).want(t, 503, "store")
		mustNotTell(t, "a refusal", do(t, "PUT", r.url+"/x", "x", "If-Match", `"x"`).body)
		mustNotTell(t, "/readyz", do(t, "GET", r.admin+"/readyz", "").body)
		mustNotTell(t, "/metrics", do(t, "GET", r.admin+"/metrics", "").body)
	}
	p.end()
	mustNotTell(t, "the log", p.logs.String())
}

// TestABadFileIsNotQuoted puts a Redis URL where something else is expected.
func TestABadFileIsNotQuoted(t *testing.T) {
	url := "redis://app:" + mark + "@127.0.0.1:6379"
	for _, store := range []string{
		"store: " + url, "store: {redis: " + url + "}", "store: {redis: ['" + url + "']}", "store: {redis: {url: ['" + url + "']}}",
		"store: {redis: {url: {'" + url + "': 1}}}", "store: {redis: {'" + url + "': 1}}", "store: {redis: {uri: '" + url + "'}}",
		"store: {redis: {url: '" + url + "', url: '" + url + "'}}", "store: {redis: {url: '" + url + "', mode: '" + url + "'}}",
		"store: {redis: {url: '" + url + "\n",
		"upstream: http://app:" + mark + "@127.0.0.1:1", "upstream: http://127.0.0.1:1?token=" + mark, "listen: '" + url + "'",
	} {
		text := store + "\n"
		if !strings.HasPrefix(store, "upstream") {
			text += "upstream: http://127.0.0.1:1\n"
		}
		for _, command := range []string{"check", "serve"} {
			p := launch(t, binary(t), command, "--config", file(t, text))
			if code := p.exit(10 * time.Second); code != 1 {
				t.Errorf("%s takes %q", command, text)
			}
			mustNotTell(t, command+" of "+strings.ReplaceAll(store, mark, "…"), p.logs.String())
		}
	}
}
