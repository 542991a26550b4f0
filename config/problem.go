package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a file.
type Problem struct {
	File    string // as it was named to [Load] or [Parse]; "" for a configuration without a file
	Line    int    // counted from 1; 0: not known
	Path    string // where in the YAML, such as routes[0].mode; "": the file as a whole
	Message string // what is wrong, and what to do; holds no secret
}

// String is the problem in one line: file:line: path: message.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line))
		}
		b.WriteString(": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error is [Problem.String].
func (p Problem) Error() string { return p.String() }

// Problems is everything wrong with a file, sorted by line. As an error it is never empty.
type Problems []Problem

// Error has one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems to errors.Is and errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// Warning is something legal but suspicious. The program starts all the same.
type Warning Problem

// String is the warning in one line: file:line: path: message.
func (w Warning) String() string { return Problem(w).String() }

// tidy sorts by line and drops repetitions: what is wrong in `defaults` is wrong in every route.
func tidy(ps []Problem) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(ps)
}

// source remembers where in a file each value stands.
type source struct {
	file  string
	lines map[string]int // by YAML path; "" is the whole file
}

func (s source) has(path string) bool {
	_, ok := s.lines[path]
	return ok
}

// find is the path from which the value at a path was taken, and its line: the path itself; or one that a route inherits
// it from; or, for a value that the file does not have, the path itself with the line of the nearest value around it.
func (s source) find(path string) (string, int) {
	for _, from := range append([]string{path}, inherited(path)...) {
		if line, ok := s.lines[from]; ok {
			return from, line
		}
	}
	for around := path; around != ""; {
		around = parent(around)
		if line, ok := s.lines[around]; ok {
			return path, line
		}
	}
	return path, 0
}

func (s source) problem(path, message string) Problem {
	path, line := s.find(path)
	return Problem{File: s.file, Line: line, Path: path, Message: message}
}

// forAll are the keys of a route that the file as a whole has too.
var forAll = []string{"upstream", "timeouts", "limits", "refusals"}

// inherited are the paths from which a route's key is taken if the route does not have it, the nearest first.
func inherited(path string) []string {
	_, key, ok := strings.Cut(path, "].")
	if !ok || !strings.HasPrefix(path, "routes[") {
		return nil
	}
	from := []string{"defaults." + key}
	if first, _, _ := strings.Cut(key, "."); slices.Contains(forAll, first) {
		from = append(from, key)
	}
	return from
}

// nearness is higher for a path nearer to one route.
func nearness(path string) int {
	switch {
	case strings.HasPrefix(path, "routes["):
		return 2
	case strings.HasPrefix(path, "defaults."):
		return 1
	}
	return 0
}

// parent is the path without its last step.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// join is the path of a key in the mapping at path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// item is the path of an item of the list at path.
func item(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}
