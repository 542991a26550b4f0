package refusal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const notForwarded = " The request was not forwarded."

// detail explains the occurrence: in the caller's words, else in the reason's, with what the other members tell, which
// are there before it.
func (p problem) detail(r Refusal) string {
	row := r.Reason.row()
	switch {
	case r.Detail != "":
		return printable(r.Detail, maxDetail)
	case r.IfMatch != "" && row.sent != "":
		return "You sent If-Match " + printable(r.IfMatch, maxIfMatch) + "; " + row.sent
	case p.ExpectedVersion != nil:
		return "You said that you edited version " + printable(compact(p.ExpectedVersion), maxIfMatch) +
			"; the resource is now at another version. Read it again, apply your change, send it with the new version."
	case r.Reason == Duplicate && len(p.Fields) > 0:
		same := printable(strings.Join(p.Fields, " and "), maxDetail)
		return "Another resource has the same " + same + " already, which must be unique." + notForwarded
	case r.Reason == Transition && p.AllowedStates != nil:
		return printable(p.step(), maxDetail) + notForwarded
	case p.Message != row.message:
		return sentence(p.Message) + notForwarded
	}
	return row.detail
}

// step says which step is refused, and which ones are not.
func (p problem) step() string {
	allowed := `"` + strings.Join(p.AllowedStates, `", "`) + `"`
	if p.CurrentState == "" {
		if len(p.AllowedStates) == 0 {
			allowed = "none"
		}
		return `The resource cannot be created in the state "` + p.RequestedState + `". States in which it can: ` + allowed + "."
	}
	step := "which does not allow this step"
	if p.RequestedState != "" {
		step = `from which no step leads to "` + p.RequestedState + `"`
	}
	to := "Steps lead from there to " + allowed + "."
	if len(p.AllowedStates) == 0 {
		to = "No step leads away from there."
	}
	return `The resource is in the state "` + p.CurrentState + `", ` + step + ". " + to
}

// sentence makes one of a message.
func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	message = string(unicode.ToUpper(first)) + message[size:]
	if strings.ContainsRune(".!?…", lastRune(message)) {
		return message
	}
	return message + "."
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}
