package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The parsers of single values. Their errors go on after the value ("is not a mode; allowed: …") and do not quote it.

func oneOf[T ~string](what string, allowed ...T) func(string) (T, error) {
	return func(text string) (T, error) {
		if slices.Contains(allowed, T(text)) {
			return T(text), nil
		}
		names := make([]string, len(allowed))
		for i, a := range allowed {
			names[i] = string(a)
		}
		return "", fmt.Errorf("is not a %s; allowed: %s", what, strings.Join(names, ", "))
	}
}

func boolean(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("is neither true nor false")
}

func whole(least, most int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("is not a whole number; allowed: %d to %d", least, most)
		}
		return within(n, least, most)
	}
}

func size(least, most ByteSize) func(string) (ByteSize, error) {
	return func(text string) (ByteSize, error) {
		n, err := byteSize(text)
		if err != nil {
			return 0, err
		}
		return within(n, least, most)
	}
}

func duration(least, most time.Duration) func(string) (time.Duration, error) {
	return func(text string) (time.Duration, error) {
		t, err := time.ParseDuration(text)
		if err != nil {
			return 0, errors.New("is not a duration; write it with its unit, as 300ms, 1m30s or 720h")
		}
		if t < least || t > most {
			return 0, fmt.Errorf("is out of range; allowed: %s to %s", short(least), short(most))
		}
		return t, nil
	}
}

func within[T int | ByteSize](n, least, most T) (T, error) {
	if n < least || n > most {
		return 0, fmt.Errorf("is out of range; allowed: %v to %v", least, most)
	}
	return n, nil
}

// short is a duration without the zeros at its end: 24h, not 24h0m0s.
func short(t time.Duration) string {
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func grace(text string) (Grace, error) {
	if text == "auto" {
		return Grace{Auto: true}, nil
	}
	fixed, err := duration(0, day)(text)
	if err != nil {
		return Grace{}, fmt.Errorf("%w; or auto", err)
	}
	return Grace{Fixed: fixed}, nil
}

func text(most int) func(string) (string, error) {
	return func(text string) (string, error) {
		switch {
		case text == "":
			return "", errors.New("is empty")
		case len(text) > most:
			return "", fmt.Errorf("is longer than %d bytes", most)
		case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == utf8.RuneError }):
			return "", errors.New("has a space, a control character or broken UTF-8 in it")
		}
		return text, nil
	}
}

var (
	routeNames    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	redisPrefixes = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$`)
	methodNames   = regexp.MustCompile(`^[A-Z][A-Z0-9_-]*$`)
)

func routeName(text string) (string, error) {
	if !routeNames.MatchString(text) {
		return "", errors.New("is not a name; a name is a letter and up to 62 of a-z, 0-9, _ and -")
	}
	return text, nil
}

func redisPrefix(text string) (string, error) {
	if !redisPrefixes.MatchString(text) {
		return "", errors.New("is not a prefix; a prefix is a letter or digit and up to 62 of a-z, A-Z, 0-9, . _ : and -")
	}
	return text, nil
}
