package expression

import (
	"fmt"
	"regexp"
	"slices"
)

// reserved are the words that CEL keeps for itself, now or in the future.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null",
	"package", "return", "true", "var", "void", "while",
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ValidName says what keeps a name under ask from being a variable. Nil: nothing does.
func ValidName(name string) error {
	switch {
	case !identifier.MatchString(name):
		return fmt.Errorf("the name %q cannot be a variable: it must be of letters, digits and _, and not begin with a digit", name)
	case name == requestName || name == currentName:
		return fmt.Errorf("the name %q is that of a variable which there always is", name)
	case slices.Contains(reserved, name):
		return fmt.Errorf("the name %q is a reserved word of CEL", name)
	}
	return nil
}
