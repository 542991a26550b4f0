package refusal

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"
)

// Profile chooses the statuses of refusals.
type Profile string

// The profiles.
const (
	Conflict Profile = "conflict" // 409 for whatever is about versions; the default, and what "" means
	RFC9110  Profile = "rfc9110"  // 412 (RFC 9110, section 15.5.13) and 428 (RFC 6585, section 3) where they apply
)

// DefaultTypePrefix is what the type member begins with if the configuration says nothing.
const DefaultTypePrefix = "urn:proxy409:"

// Style is how refusals look. The zero value is the default. Check it once before use.
type Style struct {
	// Profile is the set of statuses; "" is Conflict.
	Profile Profile
	// Status overrides the status of single reasons.
	Status map[Reason]int
	// TypePrefix and the reason's name make the type member, an absolute URI (RFC 9457, section 3.1.1).
	// "" is DefaultTypePrefix.
	TypePrefix string
	// Body makes the bodies, whatever Accept asks for; nil: they are in the form that Accept asks for.
	Body *Template
	// NewInstance returns a new URI for one refusal (RFC 9457, section 3.1.5); nil is a random UUID as a URN. It must
	// be safe for concurrent use.
	NewInstance func() string
}

// meaningful are the statuses that mean more than "refused": they need a header field that no refusal has, or clients
// repeat the request of their own accord.
var meaningful = map[int]string{
	http.StatusUnauthorized:       "needs WWW-Authenticate",
	http.StatusMethodNotAllowed:   "needs Allow",
	http.StatusProxyAuthRequired:  "needs Proxy-Authenticate",
	http.StatusUpgradeRequired:    "needs Upgrade",
	http.StatusRequestTimeout:     "makes clients repeat the request by themselves",
	http.StatusMisdirectedRequest: "makes clients repeat the request by themselves",
	http.StatusTooEarly:           "makes clients repeat the request by themselves",
}

// Check reports everything that is wrong with the style, in the names that the configuration uses.
func (s Style) Check() error {
	var errs []error
	if s.Profile != "" && s.Profile != Conflict && s.Profile != RFC9110 {
		errs = append(errs, fmt.Errorf("profile: %q is neither %s nor %s", s.Profile, Conflict, RFC9110))
	}
	for reason := range s.Status {
		if !slices.Contains(Reasons(), reason) {
			errs = append(errs, fmt.Errorf("status: %d is no reason for a refusal", uint8(reason)))
		}
	}
	for _, reason := range Reasons() {
		status, ok := s.Status[reason]
		if !ok {
			continue
		}
		if why, bad := meaningful[status]; bad {
			errs = append(errs, fmt.Errorf("status.%s: %d %s", reason, status, why))
		} else if status < 400 || status > 599 || http.StatusText(status) == "" {
			errs = append(errs, fmt.Errorf("status.%s: %d is no status of an error, 400 to 599", reason, status))
		}
	}
	if u, err := url.Parse(s.typeURI(Stale)); err != nil || !u.IsAbs() || !isASCII(s.TypePrefix) {
		errs = append(errs, fmt.Errorf("type_prefix: %q does not begin an absolute URI, such as %s", s.TypePrefix, DefaultTypePrefix))
	}
	return errors.Join(errs...)
}

// StatusOf is the status that a refusal for this reason has.
func (s Style) StatusOf(reason Reason) int {
	if status, ok := s.Status[reason]; ok {
		return status
	}
	if s.Profile == RFC9110 {
		return reason.row().rfc9110
	}
	return reason.row().conflict
}

func (s Style) typeURI(reason Reason) string {
	if s.TypePrefix == "" {
		return DefaultTypePrefix + reason.String()
	}
	return s.TypePrefix + reason.String()
}

func (s Style) instance() string {
	if s.NewInstance != nil {
		return s.NewInstance()
	}
	return uuid.New().URN()
}

// isASCII reports whether s is visible ASCII only: what a URI, and an entity tag in JSON, can hold.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
