// Package proxy is the reverse proxy: httputil.ReverseProxy, a handler in front of it, and the guard in it.
//
// The handler in front ([Proxy.ServeHTTP]) sees a request as it came. It finds the route, and removes or refuses what
// could mean one thing to the guard and another to the backend. The reverse proxy then does what it always does. The guard
// is its http.RoundTripper, so that one straight function sees request, verdict, answer and error; it judges by what
// package etagcache has on record, and makes refusals as answers of its own, from the one table in package refusal.
//
// A judged write goes through phases, in this order: identify, precondition, refuse early, buffer, plan, claim, check, decide, forward,
// conclude, answer (see write). Plan finds out what the rules of the route need to hold, and decide holds them against the write.
//
// Where the design leaves something open, this is what was decided, and why:
//
//   - The probe asks for the path as the client spelt it, not for its canonical form: frameworks that insist on a slash
//     at the end would answer the canonical form with a redirect, and none of their resources could be written. What it
//     must not do is find a resource absent that exists under the canonical spelling, so for that verdict it asks for
//     both.
//   - The ETag on the answer to a write is handed out bare only if it could be noted in the record. It admits nothing
//     before the backend has confirmed it (unless the route trusts it), but it retires with its version, so it cannot
//     come back as another's.
//   - A conditional read with a tag of an earlier version goes to the backend without its condition. A backend whose tags
//     come back would otherwise answer 304, and the client would take its old copy for the present version.
//   - If-None-Match with entity tags on a write is refused as malformed. It would admit a write made from any version
//     but those, which is what the guard is there to prevent.
//   - A local copy is not believed for a representation that was modified in its lifetime (Last-Modified): where the tag has
//     come back, it would be handed out for the copy's version, and refused. Such a read takes a trip to the store.
//   - While the store does not answer, reads leave it alone for a second after each failure, so that not each of them waits
//     for its time-out. Writes always ask it.
//   - Made versions ([Version.Source]): where the content is needed, a HEAD goes to the backend as a GET, because backends leave
//     out of a HEAD what costs them work; a Range with an If-Range that names a made tag is dropped, since whether the part
//     fits cannot be said before the whole is seen; and codings that cannot be decoded here are not asked for. A tag made of
//     compressed content is weak.
//   - The tags of json and header versions are strong although they name a version and not its bytes (RFC 9110 section
//     8.8.1): compare: strong must be able to accept them, and no range is ever combined by them.
//   - Which rule a query chooses ([Route.When]) cannot be told when it has that parameter twice: the strictest of the rules
//     counts, and writes are refused.
//   - Whether a page of another origin may read a refusal is asked of the backend, now, by a preflight without credentials, where no
//     probe has just said so ([Route.CORS], package cors). It is asked only what the client could ask itself by the same way, never
//     of a closed route or where it cannot be told what is meant, by no more than 64 requests at once, and for a second: then the refusal
//     goes without. Where GET is guarded, neither this question nor a browser's own preflight goes to the target, for a backend
//     that writes on a GET may write on any OPTIONS; both are sent as version.read says, if that has the same path, and otherwise
//     the one is not asked and the other is judged.
//   - Of a request that could be about two resources the guard refuses to choose: it is refused if it writes, and teaches nothing if it
//     reads. So it is with spellings that backends read differently, with letter case in the literal parts of a pattern (Express and IIS
//     see no difference, most others do), with a Host that no rule for the path names (a backend may have one site for all hosts), and
//     with a body that names another value than the query for a parameter that chooses the rule or the resource (PHP lets the body win).
//     [Route.AllowOdd] and [Key.FoldCase] are for backends that need such requests: they share a key then.
//   - An escaped "?" or "#" is such a spelling too, though it is good data: who decodes before looking for the query cuts there.
//   - A MOVE or COPY onto a guarded resource from where nothing is guarded is guarded by the rule of its Destination: source and
//     destination are leased by it.
//   - Ways round the guard are closed on all routes, guarded or not, as soon as one route guards: header fields that name another path
//     (X-Original-URL), targets that are no path (x:items/7), CONNECT, and upgrades to a protocol in which whole requests can be
//     sent (h2c). What opens a tunnel otherwise, as the WebSocket protocol does, carries no requests that a backend would take for HTTP.
//   - The first mark of an unjudged request whose body is streamed is left when the body has come to its end, and before the backend has the
//     end of it, not before the first byte is sent (see lateMark). Until then there is no request that could be applied, and whoever
//     uploads a byte in a second would keep everybody's writes to the resource out. If the backend refuses it before, no mark is left and the end
//     is not sent; if it breaks off, it is in doubt.
//   - Every safe method is judged where GET is: a backend that writes on a GET may not look at the method at all.
//   - On a private route an answer that sets a cookie teaches nothing: what the caller is shown next is shown to somebody else.
//   - A form is read whole before it is known which method it stands for, since _method may be its last field.
//   - Rules are decided under the lease, after the version has been judged: what they ask for must not change before the write is sent, and
//     who writes from an old version is to read again, whatever else is wrong. Their order is fixed, so that one request gets one
//     answer: unique, transitions, require. Each asks only when those before it hold.
//   - A guarded POST without a precondition that is about other things (what must be unique, what is leased or touched), or has a key of its own, leases nothing of its own, and
//     leaves marks as a passed one does: collections would serialise. A plain guarded POST takes its lease still, since guard is all that its
//     route says of it; and so does one of which a rule looks at the present state.
//   - A write for which a rule is decided by what may change meanwhile is never sent without its lease, whether a version judges it or
//     not: it is refused as busy or grace, where one without rules would leave a mark and go on.
//   - What a write holds and does not change keeps its record: a customer's tag is good while an order of theirs is created and after it, also if nobody knows whether it was.
//   - The method that a rule looks at is any that the request may have at some backend, the effective one and its own: a POST in the name of a PATCH is both.
//   - Questions ask for JSON, as the caller, plain (Accept-Encoding: identity): what they are compared with is a member, and not the representation
//     that the caller would get. So the present state is not taken from a probe.
//   - If-Unmodified-Since counts only where Last-Modified is the version, and must be equal to it: "not after" would admit
//     every later time, and a client's own clock names no version that it was shown.
//   - The key of what must be unique is made of the backend, the text of ask, the fields and the folded values, and never of the route's name: two routes by
//     which an e-mail can change are about the same e-mails. The values are asked for as they were sent, and folded too if that is
//     something else, for nobody knows which of them the backend has stored.
//   - After a creation the backend is asked once more, under the lease. What its answer shows need not be remembered; what it does not show yet is, up to
//     the settle time, or who comes next would be told that it is free.
//   - An expression that fails because what it reads does not exist is answered as absent, and any other failure is unverifiable: no failure
//     reads as false, and no failure reads as true.
//   - CEL is cel.dev/cel-go, which is github.com/google/cel-go under its new name.
//   - The caller of a request may be told from another's by any of its fields: a proxy in front, or an application, has names of its own for who is calling.
//     So a request is known again only where all of them are the same, but for those that are other ones each time and say nothing of what it is (tracing, the
//     way). The client's address and certificate count, too. Two that send the same words by the same credentials from one place are one all the same; an
//     Idempotency-Key tells them apart, also where keys are not looked at. To know too few again costs a 409 that a re-read cures; to know one too many gives somebody else's answer away.
//   - The Host counts, too, though keys leave it out: a backend may tell its tenants by it.
//   - An Idempotency-Key is looked up before anything else is judged: the answer that was lost comes before the state that the request has left, which
//     would refuse it as stale, as a duplicate or as a step that is not allowed. Its record is claimed together with the resource's, so of all that come at once one is sent.
//   - A key names one request for all callers. Were it scoped by caller, there would have to be one field that says who that is. The fingerprint under it sees to
//     it that nobody else gets the answer.
//   - Before the answer to a creation is given again the backend is asked, and before any but that of a DELETE where there are other writers (verify: always): a lock
//     may have been let go of by the backend itself.
//   - What the backend has refused without doing anything is not kept, with or without a key: it may be right the next time.
//   - A write in doubt is never answered as done because it was sent, nor sent again because nobody knows: the backend is asked, now that nothing can be under way
//     any more. Where its answer cannot tell (a POST, a list of operations), or others have written since, the client is told so (in_doubt). A PUT without precondition
//     has been applied only if exactly it is shown: more may be what was there before.
//   - What a client was shown is kept under the tag that it was handed out with, which is what the client sends back; one that the backend's tags mean
//     by themselves may be another version's. What a query shows that probes do not send is not kept: a write is not compared with it.
//   - The versions of one resource are one value of bounded size: no list of keys has to be kept, nothing outlives the bound, and one trip fetches what a
//     refusal needs. It may be lost at any time, for nothing that is decided rests on it: without it a write is refused as it would be anyway.
//   - A write that is merged is planned anew. It is another request now, about other values and perhaps other resources, and rules that the first one met may not hold
//     of it. It is claimed from the version that it was brought on top of, so a further write in between makes it stale again; after three times its client is told. A write that is under way is waited for.
//     It is known again as it was sent, not as it was forwarded.
//   - The method that is judged is the effective one, and where a request could be two things it is the more dangerous.
package proxy
