// Package cors lets pages of other origins read what the proxy says of its own accord where they may read what the backend
// says, and nowhere else. It is pure functions on header fields. Who may read what is the backend's to say: this package makes
// no permission, it carries one on.
//
// The rules are those of the CORS protocol of the WHATWG Fetch standard. A browser lets a page read an answer from another
// origin if Access-Control-Allow-Origin is "*" or that origin, byte for byte, in one field line (section "CORS check"); where
// the request has credentials, "*" does not do, and Access-Control-Allow-Credentials must be "true". Of the header fields the
// page sees a few and those that Access-Control-Expose-Headers names. A request that is not simple, as every PUT and every
// If-Match is, is sent only if the answer to a preflight (OPTIONS with Origin and Access-Control-Request-Method, without
// credentials) has a status of 200 to 299 and allows the origin, the method and the fields.
//
// What was decided, and why:
//
//   - A refusal carries the [Grant] that the backend gives this origin now, and none where it gives none or was not asked.
//     Grants are not remembered: what was allowed yesterday, or to another caller, says nothing of this one.
//   - Of a grant, "*" and the very origin count. The name of another origin would make the browser refuse the answer all the
//     same, and would tell the page who else may read; it is not passed on. Two field lines allow nothing.
//   - Credentials go along with a named origin only. With "*" no browser honours them.
//   - [Origin] is strict. "null" is what all pages have that have no origin of their own (a sandboxed frame, a file), so it
//     names nobody. Two Origin lines, or what is not the serialisation of an origin, were not sent by a browser. All of them
//     count as none: nothing is asked on their behalf, and nothing allowed.
//   - What is exposed of a refusal is what it says in its header: Retry-After, Proxy-Status, ETag and Location, as far as it has
//     them. Exposing a field says nothing to an origin that may not read the answer.
//   - Answers of the backend that allow some origin also expose ETag: without it the page cannot send If-Match. The field "*"
//     exposes everything only to requests without credentials; with them it is the name of a field.
//   - If-Match, If-None-Match and Idempotency-Key are what the proxy speaks, whether the backend does or not, so the backend is not asked
//     whether a page may send them: they are taken out of a preflight's Access-Control-Request-Headers and, if the backend
//     then lets the origin in, added to Access-Control-Allow-Headers. To leave them in and add them afterwards would not do:
//     Spring, Starlette and rs/cors refuse a preflight as a whole for one field that they were not told of. Methods and origins
//     are never added, nor are other fields.
//   - The order and spelling of the other fields in Access-Control-Request-Headers stay as the browser sent them: lower case,
//     sorted, a comma without a space between them. There are servers that rely on it.
//   - Vary names Origin on every refusal of a route with CORS, also to a request without Origin and where nothing was allowed
//     (Fetch, "CORS protocol and HTTP caches"; RFC 9110 section 12.5.5). Refusals are not to be stored at all, but not every
//     cache obeys.
package cors
