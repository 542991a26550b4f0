package proxy

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log"
	"log/slog"
	"slices"
	"strings"
)

// told is an error as the log may have it. net/http quotes what it cannot read of a backend's answer, such as a line of its
// header, and so anything: of an error that quotes, the log gets what stands before that.
func told(err error) string { return unquoted(err.Error()) }

// loggedPath is the path as the log has it: in canonical form, which has neither a query nor ;parameters (old applications keep
// sessions in them), and in ASCII, so that no line of the log becomes two.
func (x *exchange) loggedPath() string {
	path := strings.ReplaceAll(cmp.Or(x.path.String(), "(not canonical)"), "%EF%BF%BD", "*") // an empty or a dot segment
	if len(path) > longestLogged {
		return fmt.Sprintf("%s… (%d bytes)", path[:longestLogged], len(path))
	}
	return path
}

const longestLogged = 512

// loggedMethod is the method as the log has it. A client may name anything as one.
func (x *exchange) loggedMethod() string {
	if slices.Contains(loggedMethods, x.method) || slices.Contains(x.route.Guard, x.method) || slices.Contains(x.route.Pass, x.method) {
		return x.method
	}
	return "other"
}

// loggedMethods are those of RFC 9110, 5789, 4918, 3253, 4791, 5323 and QUERY.
var loggedMethods = strings.Fields("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK " +
	"VERSION-CONTROL REPORT CHECKOUT CHECKIN UNCHECKOUT MKWORKSPACE UPDATE LABEL MERGE BASELINE-CONTROL MKACTIVITY MKCALENDAR ACL SEARCH QUERY")

func unquoted(text string) string {
	before, _, quotes := strings.Cut(text, `"`)
	if !quotes {
		return text
	}
	return strings.TrimRight(before, " :") + " (what it quotes is left out)"
}

// QuietLog is a logger for what net/http says by itself, on its servers' ErrorLog and on the standard logger. It goes to
// logger at debug level, but for panics, and without what it quotes, which may be a part of somebody's answer.
func QuietLog(logger *slog.Logger) *log.Logger { return log.New(quiet{logger}, "", 0) }

type quiet struct{ *slog.Logger }

func (q quiet) Write(message []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(message, []byte("panic serving")) {
		level = slog.LevelError
	}
	q.Log(context.Background(), level, unquoted(string(bytes.TrimSpace(message))))
	return len(message), nil
}
