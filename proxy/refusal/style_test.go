package refusal

import (
	"strings"
	"testing"
)

func TestStyleCheck(t *testing.T) {
	for _, ok := range []Style{
		{},
		{Profile: Conflict, TypePrefix: "https://example.com/problems/"},
		{Profile: RFC9110, TypePrefix: "urn:x:", Status: map[Reason]int{Stale: 412, Busy: 423, Store: 500}},
	} {
		if err := ok.Check(); err != nil {
			t.Errorf("%+v: %v", ok, err)
		}
	}
	bad := Style{
		Profile: "rfc", TypePrefix: "problems/",
		Status: map[Reason]int{Stale: 200, Missing: 401, Busy: 499, Store: 600, None: 500, Reason(99): 409, Timeout: 408},
	}
	err := bad.Check()
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{
		`profile: "rfc" is neither conflict nor rfc9110`, "status: 0 is no reason", "status: 99 is no reason",
		"status.stale: 200 is no status of an error", "status.missing: 401 needs WWW-Authenticate", "status.busy: 499",
		"status.store: 600", "status.timeout: 408 makes clients repeat", `type_prefix: "problems/"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	for _, prefix := range []string{"urn:a b:", "http://é/", "://", "%"} {
		if (Style{TypePrefix: prefix}).Check() == nil {
			t.Errorf("type prefix %q is fine", prefix)
		}
	}
}
