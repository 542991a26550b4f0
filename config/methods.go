package config

import (
	"errors"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// safeMethods are the methods that never write, by design section 3.
var safeMethods = []string{"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"}

// methods decodes a list of methods that rule has nothing against.
func methods(dst *[]string, rule func(method string) error) decodeFunc {
	return func(d *decoder, v value) {
		if v.node.Kind == yaml.ScalarNode {
			d.fail(v.path, "wants a list, as in [PUT, PATCH]; this is %s", describe(v.node))
			return
		}
		list := []string{}
		d.list(v, func(d *decoder, _ int, v value) {
			var m string
			one(&m, method)(d, v)
			switch {
			case m == "":
				return
			case slices.Contains(list, m):
				d.fail(v.path, "%s stands in the list twice", m)
			}
			if err := rule(m); err != nil {
				d.fail(v.path, "%s %s", m, err)
			}
			list = append(list, m)
		})
		*dst = list
	}
}

func method(text string) (string, error) {
	switch {
	case methodNames.MatchString(text):
		return text, nil
	case methodNames.MatchString(strings.ToUpper(text)):
		return "", errors.New("is not a method; methods are written in capitals: " + strings.ToUpper(text))
	}
	return "", errors.New("is not a method")
}

// guardable lets GET be guarded, for legacy backends that write on it.
func guardable(method string) error {
	switch {
	case method == "HEAD":
		return errors.New("goes with GET; a guard names GET for both")
	case method != "GET" && slices.Contains(safeMethods, method):
		return errors.New("is a safe method; the only one of them that can be guarded is GET")
	}
	return nil
}

func passable(method string) error {
	if slices.Contains(safeMethods, method) {
		return errors.New("is a safe method, which passes in any case; leave it out")
	}
	return nil
}
