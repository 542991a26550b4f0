// Package merge compares JSON documents: what the caller of a write changes, what others have changed since the version that the caller knew, and what
// the document is with both. It is pure: no I/O, no clock, no state.
//
// # What a change is
//
// Objects are compared member by member, however deep. Everything else is one value: where it is not the same, that is one change at its place.
// So is a member that comes or goes, and one that becomes an object or ceases to be one, with all that is below it. An array is one value as
// well, unless [Sets] names it. null is a value like any other.
//
// Two sides overlap where both change one place to different values, or one changes what is below a place that the other replaces or removes; that is
// then one change, at the upper place. The same change made by both is no overlap. Nor are two changes of a set: what either side adds is
// added, and what either removes is removed.
//
// Backends written in .NET, or in Go with encoding/json, take "Title" for "title". Nobody here knows whether the one behind the proxy does. So changes by
// two sides of members whose names differ in letter case alone, or after a NUL, overlap; and a patch that would add such a member beside the one that there is
// cannot be applied.
//
// # What is equal
//
// Numbers are equal that are the same decimal number, however they are written: 1, 1.0 and 1e0. They are never rounded, and what is kept of a
// document is kept as it was written. The order of an object's members never counts; that of a merged document is theirs, with what the caller
// adds at the end.
//
// # Why patches are applied here
//
// What a merge takes for the caller's change decides whether somebody's update is lost. The well-known library for RFC 6902 and RFC 7396,
// github.com/evanphx/json-patch, is not used for it. As of v5.9.11 it panics where a test meets a null in an array, lets a test for null hold where there is
// nothing, tells 1 from 1.0, takes 01 and +1 for indices, confuses the member whose name is empty with what that is in, drops members that are null within
// the arrays of a merge patch, and takes seconds for a large one. The tests compare with it where it is right.
package merge
