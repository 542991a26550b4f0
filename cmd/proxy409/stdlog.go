package main

import (
	stdlog "log"
	"log/slog"

	"proxy409/proxy"
)

// quietStandardLog sends what net/http says on the standard logger to ours, at debug level and without what it quotes: of a
// backend that sends more than it announced it would print the rest, unasked and beside the log's format.
func quietStandardLog(log *slog.Logger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(proxy.QuietLog(log).Writer())
}
