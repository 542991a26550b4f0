package redisstore

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"proxy409/etagcache"
)

// FuzzInfo: of each name the last value counts, whatever ends the lines; nothing is found that is not there, and what an
// operator is told of it stays within reason.
func FuzzInfo(f *testing.F) {
	f.Add("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n", uint8(0))
	f.Add("maxmemory_policy:allkeys-lru\nconnected_slaves:1\n", uint8(1))
	f.Add("connected_slaves:99999999999999999999\r\n", uint8(1))
	f.Add("connected_slaves:-1\r\nmin_slaves_good_slaves:", uint8(0))
	f.Add(":\r\n::a\r\na:b:c\r\n\r\r\n", uint8(0))
	f.Add("a:1\na:2", uint8(0))
	f.Add("aof_enabled:1\r\nrdb_saves:3\r\nrdb_last_bgsave_status:err", uint8(0))
	f.Fuzz(func(t *testing.T, text string, want uint8) {
		got := make(map[string]string)
		parseInfo(got, text)
		naive := make(map[string]string)
		for _, line := range strings.Split(text, "\n") {
			line = strings.TrimSpace(line)
			if at := strings.IndexByte(line, ':'); at >= 0 {
				naive[line[:at]] = line[at+1:]
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(naive) {
			t.Fatalf("%q: %q, want %q", text, got, naive)
		}
		s := &Store{options: Options{WaitReplicas: int(want)}}
		warnings := s.judge("a:1", got)
		if policy := got["maxmemory_policy"]; (policy != "" && policy != "noeviction") != (len(warnings) > 0 && strings.Contains(warnings[0], "may evict")) {
			t.Fatalf("maxmemory_policy %q: %q", policy, warnings)
		}
		replicas, err := strconv.Atoi(got["connected_slaves"])
		if missing := err == nil && int(want) > replicas; missing && !strings.Contains(strings.Join(warnings, "\n"), "no guarded write can be admitted") {
			t.Fatalf("%d of %d replicas: %q", replicas, want, warnings)
		}
		if a := about("a:1", got); err == nil && a.Replicas != replicas || a.Policy != got["maxmemory_policy"] {
			t.Fatalf("%q is shown as %+v", text, a)
		}
	})
}

// FuzzEpoch: what is no epoch record, of four fields, is an error, and one that is has its id and its start.
func FuzzEpoch(f *testing.F) {
	id := strings.Repeat("0f", len(etagcache.EpochID{}))
	f.Add(id + " 1700000000000 run12345 hist1234")
	f.Add(id + " 1700000000000 run12345")
	f.Add(id + " 99999999999999999999 run12345 hist1234")
	f.Add(id[1:] + " 1 run12345 hist1234")
	f.Add(strings.Repeat("g", len(id)) + " 1 a b")
	f.Add(" " + id + "\t-1\na b\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseEpoch(text)
		if err != nil {
			if form := regexp.MustCompile(`^[0-9a-f]{` + strconv.Itoa(len(id)) + `} [0-9]{1,18} \S+ \S+$`); isASCII(text) && form.MatchString(text) {
				t.Fatalf("%q is an epoch record, but %v", text, err)
			}
			return
		}
		fields := strings.Fields(text)
		if len(fields) != 4 || !strings.EqualFold(hex.EncodeToString(e.ID[:]), fields[0]) {
			t.Fatalf("%q is %+v", text, e)
		}
		if start, err := strconv.ParseInt(fields[1], 10, 64); err != nil || start != int64(e.Start) {
			t.Fatalf("%q is %+v", text, e)
		}
		again, err := parseEpoch(fmt.Sprintf("%x %d %s %s", e.ID, int64(e.Start), fields[2], fields[3]))
		if err != nil || again != e {
			t.Fatalf("%q is %+v, written anew %+v, %v", text, e, again, err)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// replyPart is one value of a script's reply, of one of the kinds that RESP has.
func replyPart(kind uint8, text string, n int64) any {
	switch kind % 6 {
	case 0:
		return n
	case 1:
		return text
	case 2:
		return nil
	case 3:
		return []any{text}
	case 4:
		return n == 0
	}
	return float64(n)
}

// FuzzReply: only five values with a sound epoch are a reply, only the number 1 says that a swap was made, and an error comes
// without a reply.
func FuzzReply(f *testing.F) {
	epoch := strings.Repeat("0f", len(etagcache.EpochID{})) + " 1700000000000 run12345 hist1234"
	f.Add(uint8(5), uint8(0), int64(1), uint8(1), "value", uint8(1), epoch, "1700000000", "999999")
	f.Add(uint8(5), uint8(0), int64(0), uint8(2), "", uint8(1), epoch, "1700000000", "0")
	f.Add(uint8(4), uint8(0), int64(0), uint8(2), "", uint8(1), epoch, "1700000000", "0")
	f.Add(uint8(5), uint8(0), int64(2), uint8(1), "v", uint8(2), epoch, "1700000000", "0")
	f.Add(uint8(5), uint8(0), int64(1), uint8(1), "v", uint8(1), epoch, "now", "0")
	f.Fuzz(func(t *testing.T, count, kind0 uint8, n int64, kind1 uint8, value string, kind2 uint8, epoch, seconds, micros string) {
		parts := []any{replyPart(kind0, "1", n), replyPart(kind1, value, n), replyPart(kind2, epoch, n), seconds, micros, "more"}
		parts = parts[:min(int(count), len(parts))]
		cmd := new(redis.Cmd)
		cmd.SetVal(parts)
		r, err := parseReply(cmd)
		if err != nil {
			if r.Swapped || r.Value != nil || r.Now != 0 {
				t.Fatalf("%q: an error and a reply: %+v", parts, r)
			}
			return
		}
		want, epochErr := parseEpoch(epoch)
		if len(parts) != 5 || epochErr != nil || r.Epoch != want {
			t.Fatalf("%q is %+v", parts, r)
		}
		if r.Swapped && parts[0] != int64(1) {
			t.Fatalf("%q counts as a swap that was made", parts)
		}
		if s, ok := parts[1].(string); ok != (r.Value != nil) || s != string(r.Value) {
			t.Fatalf("%q has the value %q", parts, r.Value)
		}
	})
}

func TestAReplyOfTheWrongKindIsNoAnswer(t *testing.T) {
	epoch := strings.Repeat("0f", len(etagcache.EpochID{})) + " 1700000000000 run12345 hist1234"
	for _, parts := range [][]any{
		{"1", "v", epoch, "1700000000", "0"},
		{int64(2), "v", epoch, "1700000000", "0"},
		{int64(1), int64(7), epoch, "1700000000", "0"},
		{int64(1), []any{"v"}, epoch, "1700000000", "0"},
		{int64(1), "v", epoch, "9223372036854775807", "0"}, // which is no time in milliseconds
		{int64(1), "v", epoch, "1700000000", "-1"},
	} {
		cmd := new(redis.Cmd)
		cmd.SetVal(parts)
		if r, err := parseReply(cmd); err == nil {
			t.Errorf("%v is %+v", parts, r)
		}
	}
}
