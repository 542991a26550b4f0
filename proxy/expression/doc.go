// Package expression evaluates the conditions and messages of a route's rules. They are written in CEL, the Common Expression Language
// (https://cel.dev), as the admission policies of Kubernetes and the filters of Envoy are. It is the only package that imports CEL.
//
// # What an expression sees
//
//	request.method          string
//	request.path            string
//	request.params.id       string           what a wildcard of the route's match stands for
//	request.query.tag       list of strings  a parameter may come more than once
//	request.headers['accept'] string         names in lower case; several lines are joined by ", "
//	request.body            dyn              the document, null where there is none
//	current.exists          bool
//	current.status          int
//	current.headers, current.body
//	current.etag            string           as the header has it; "" where there is none
//	NAME.status, NAME.headers, NAME.body     for each NAME under ask
//
// All of this but what is within a body has a type, so that a misspelt field, or a status that is compared with a string, is an error
// when the expression is compiled. has() of a field is false where the field is null, "", or a map without an entry.
//
// A number in a body is an int where it is written as one, without a point or an exponent, and fits into 64 bits. Every other number
// is a double, the nearest there is: beyond 64 bits two different integers may be equal, and beyond all doubles a number is infinite.
// Ints and doubles can be compared with each other, but not added: that is CEL's rule.
//
// # What an expression may use
//
// CEL's standard library, with matches() for regular expressions (RE2) and the macros has, all, exists, exists_one, map and filter; and
// of cel-go's extensions Strings (version 5), Lists (4), Sets, Math (2) and optional types (2), as in
// request.body.?address.?city.orValue('unknown'). What Kubernetes adds of its own (quantities, URLs, IP addresses, semantic versions) is
// not there. The versions are pinned.
//
// # When it fails
//
// Whatever goes wrong while an expression is evaluated is an error: a member that is not there, operands of a wrong type, has() of what
// is no object, a result that is not what it must be, costs, the end of the context, a panic. No failure reads as false. As always in
// CEL, what one side of || or && says may be decisive without the other, so that true || (failure) is true and false && (failure) is
// false, in whichever order they stand.
//
// Errors hold the expression, the place in it, and one of a closed set of phrases, but nothing of the data: they go to logs.
//
// # Bounds
//
// An expression has at most MaxLength bytes, and an evaluation costs at most MaxCost. The end of the context ends it between two
// elements of whatever it goes through, so that it may be late by one call. Calls whose work is the product of the sizes of their
// arguments (distinct, sets, indexOf, matches, replace, join) are refused before they are made where that costs more than MaxCost; what
// the others do grows with what they are given. All this is against hostile data. The author of an expression is trusted not to mean
// harm.
package expression
