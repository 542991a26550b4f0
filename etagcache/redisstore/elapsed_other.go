//go:build !linux

package redisstore

import "time"

// elapsedTime returns the clock of [Options.Clock].
func elapsedTime() func() time.Duration { return monotonicTime() }
