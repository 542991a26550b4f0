// Package rules has what the rules of a route are made of, apart from who asks and who answers: the body of a request as a document,
// the templates of questions, the folding of what must be unique, the steps of a workflow. It is pure: no I/O, no clock, no state.
//
// # Why it is strict
//
// A rule holds only if the proxy and the backend read the same from one body. Who finds a body that the two read differently has a way
// round every rule: the proxy judges one value, and the backend stores the other. So whatever readers are known to differ in is refused,
// with [ErrMalformed], where a rule reads it; and what is not a document at all, with [ErrUnsupported]:
//
//   - two members of one name in an object: some take the first, some the last (RFC 8259 section 4);
//   - members whose names differ in letter case alone, or after a NUL: encoding/json and .NET take one for the other, and what is
//     written in C may read a name up to its NUL only. The one that is asked for need not be there;
//   - bytes that are no UTF-8, halves of surrogate pairs, a byte order mark: decoders replace, drop or refuse them, and make one of two
//     values that a backend may tell apart;
//   - in a form whatever [target.SameParameter] takes for the name: name[], Name, " name"; a name that comes twice; a ";" beside it;
//     broken escapes; a parameter after so many others that some backends no longer look;
//   - a Content-Type that comes twice, that names two types, or another charset; any Content-Encoding.
//
// JSON Patch (RFC 6902), sequences and lines of JSON are documents, but not of what the resource becomes: a rule that looked for a member
// in them would find none, and hold.
//
// One kind of holes is the operator's to close, because nothing in one body shows it: a backend that reads a nested form
// (order[status]=shipped) and JSON as well has two names for one thing. And of the spellings of a number, only those of whole ones up to
// 2^53 are one text here (7, 7.0, 7e0): which others are one number is up to how a backend holds them.
//
// # Why questions cannot be steered
//
// A [Template] becomes the path of a question to the backend, with values in it that a client chose. None of them may lead the
// question elsewhere, or what the backend says would be about something else. So a value has no way to become a segment, a parameter
// or a dot segment: it is percent-encoded, and what [target.Canonical] then refuses is refused here.
package rules
