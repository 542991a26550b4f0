package config

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The parsers of what stands in `version`; see the note in parse.go.

// texts decodes a list of single values, none twice. It replaces what is there.
func texts[T ~string](dst *[]T, most int, parse func(string) (T, error)) decodeFunc {
	return func(d *decoder, v value) {
		var found []T
		d.list(v, func(d *decoder, i int, v value) {
			var item T
			one(&item, parse)(d, v)
			switch {
			case item == "":
				return
			case i == most:
				d.fail(v.path, "is one too many; %d are allowed", most)
			case slices.Contains(found, item):
				d.fail(v.path, "stands in the list twice")
			}
			found = append(found, item)
		})
		*dst = found
	}
}

const maxPointer = 1000

// jsonPointer checks an RFC 6901 pointer to a member; the empty one, to the whole document, is none.
func jsonPointer(text string) (string, error) {
	unescaped := strings.NewReplacer("~0", "", "~1", "").Replace(text)
	switch {
	case !strings.HasPrefix(text, "/"):
		return "", errors.New("is not a JSON pointer (RFC 6901) to a member; it begins with /, as /version or /meta/revision")
	case strings.Contains(unescaped, "~"):
		return "", errors.New("has a ~ that is neither ~0, for a ~ in a name, nor ~1, for a /")
	case len(text) > maxPointer:
		return "", fmt.Errorf("is longer than %d bytes", maxPointer)
	case !utf8.ValidString(text):
		return "", errors.New("has broken UTF-8 in it")
	}
	return text, nil
}

var (
	fieldNames  = regexp.MustCompile("^[0-9A-Za-z!#$%&'*+.^_`|~-]{1,100}$") // a token of RFC 9110 section 5.6.2
	tagSuffixes = regexp.MustCompile(`^[-;:.+][!#-~]{0,31}$`)
)

// versionless are fields about the connection, the message or the moment: they say nothing of the resource's version.
var versionless = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Proxy-Connection",
	"Proxy-Status", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
	"Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Content-Type",
	"Age", "Cache-Control", "Date", "Expires", "Retry-After", "Set-Cookie", "Vary",
}

func versionField(text string) (string, error) {
	switch canonical := textproto.CanonicalMIMEHeaderKey(text); {
	case !fieldNames.MatchString(text):
		return "", errors.New("is not the name of a header field, such as X-Revision")
	case canonical == "Etag":
		return "", errors.New("is what from: etag is for; leave header out")
	case slices.Contains(versionless, canonical):
		return "", errors.New("is about the connection, the message or the moment, and names no version of a resource")
	}
	return text, nil
}

// tagSuffix checks what a compressor adds to a tag. With a letter at its beginning it could cut into a tag.
func tagSuffix(text string) (string, error) {
	if !tagSuffixes.MatchString(text) {
		return "", errors.New(`is not a suffix, such as -gzip; a suffix is one of - ; : . + and up to 31 visible ASCII characters but "`)
	}
	return text, nil
}
