package redisstore

import (
	"time"

	"golang.org/x/sys/unix"
)

// elapsedTime returns a clock that goes on while the machine is suspended.
func elapsedTime() func() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil { // a sandbox that does not have it
		return monotonicTime()
	}
	return func() time.Duration {
		var ts unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // it did not fail before
		return time.Duration(ts.Nano())
	}
}
