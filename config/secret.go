package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that does not print: it formats, logs and marshals as <secret>. The zero value is the empty text.
type Secret struct {
	// A pointer, because fmt cannot call the methods of a value in an unexported field: there it prints an address.
	value *string
}

const redacted = "<secret>"

// NewSecret hides a text.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal is the text itself.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String is <secret>.
func (Secret) String() string { return redacted }

// GoString is <secret>.
func (Secret) GoString() string { return redacted }

// Format prints <secret>, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText is <secret>, for JSON, YAML and XML.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is <secret>.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
