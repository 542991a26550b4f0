package redisstore

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"proxy409/etagcache"
)

// parseReply reads what the scripts return: swapped, value or nil, epoch, seconds, microseconds.
func parseReply(cmd *redis.Cmd) (etagcache.Reply, error) {
	var r etagcache.Reply
	parts, err := cmd.Slice()
	if err != nil {
		return r, err
	}
	if len(parts) != 5 {
		return r, fmt.Errorf("the script returned %d values instead of 5", len(parts))
	}
	swapped, told := parts[0].(int64)
	value, stored := parts[1].(string)
	epoch, _ := parts[2].(string)
	seconds, _ := parts[3].(string)
	micros, _ := parts[4].(string)
	sec, err1 := strconv.ParseInt(seconds, 10, 64)
	usec, err2 := strconv.ParseInt(micros, 10, 64)
	var err3 error
	r.Epoch, err3 = parseEpoch(epoch)
	if err := errors.Join(err1, err2, err3); err != nil {
		return etagcache.Reply{}, fmt.Errorf("the script returned what it should not: %w", err)
	}
	kinds := told && (swapped == 0 || swapped == 1) && (stored || parts[1] == nil)
	if inTime := sec >= 0 && sec < 1<<50 && usec >= 0; !kinds || !inTime {
		return etagcache.Reply{}, errors.New("the script returned what it should not: is there a proxy before Redis that changes replies?")
	}
	r.Swapped = swapped == 1
	r.Now = etagcache.Instant(sec*1000 + usec/1000)
	if stored {
		r.Value = []byte(value)
	}
	return r, nil
}
