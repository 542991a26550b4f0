package config

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// pattern checks a match: the syntax is that of http.ServeMux, which alone knows it.
func pattern(text string) (string, error) {
	host, _, found := strings.Cut(text, "/")
	switch {
	case strings.ContainsAny(text, " \t\r\n"):
		return "", errors.New("has a space or a method in it; a match is [HOST]/path, and guard and pass name methods")
	case !found:
		return "", errors.New("has no path; a match is [HOST]/path")
	case strings.ContainsAny(text, "?#"):
		return "", errors.New("has a query or a fragment; a match is [HOST]/path")
	case strings.Contains(host, ":"), host != strings.ToLower(host):
		return "", errors.New("has a host with a port or with capitals, which matches no request")
	}
	if err := register(http.NewServeMux(), text); err != nil {
		_, reason, _ := strings.Cut(err.Error(), `": `)
		return "", fmt.Errorf("is not a net/http pattern: %s", reason)
	}
	if register(http.NewServeMux(), "GET "+text) != nil { // with a method it insists on a clean path
		return "", errors.New("has a path that is not clean: no //, no dot segments")
	}
	return text, nil
}

// register adds a pattern to a mux, which panics at what it does not like.
func register(mux *http.ServeMux, pattern string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	mux.Handle(pattern, http.NotFoundHandler())
	return nil
}

// overlap says why a request could belong to both patterns alike; "" if none could.
func overlap(a, b string) string {
	mux := http.NewServeMux()
	if register(mux, a) != nil {
		return ""
	}
	err := register(mux, b)
	if err == nil {
		return ""
	}
	_, reason, _ := strings.Cut(err.Error(), "\n")
	reason, _, _ = strings.Cut(reason, "\n")
	if strings.Contains(reason, "both match") {
		reason = strings.TrimSuffix(reason, ".") + ", and neither is more specific"
	}
	return reason
}
