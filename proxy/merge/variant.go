package merge

import (
	"fmt"
	"strings"

	"proxy409/proxy/target"
)

// lenient is what some backends read of a member's name: one that is the same for two names makes one of them.
func lenient(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	return target.FoldCase(name)
}

// errVariant says of a member that is not there that backends may take it for one that is.
func errVariant(name string) error {
	return fmt.Errorf("the member %q differs in letter case or after a NUL alone from another one, and it cannot be told which one is meant", name)
}
