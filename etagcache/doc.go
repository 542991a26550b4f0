// Package etagcache holds what the fleet knows of the versions of its resources: entity tags, one record per resource, and
// the protocol by which records change.
//
// The protocol is [Step], a pure function from a [Record], an [Event] and a [Moment] to the next record and a
// [Verdict]. Everything that is shared between replicas goes through one loop over one compare-and-swap, in [Cache]; a
// [Store] keeps opaque values and knows nothing of their meaning.
//
// # Why it is so
//
// The rule that carries all others: whatever was begun under a version counts only while the record still has it.
// Versions are minted by everything that may have changed the resource, and no version and no stored value ever
// returns. So a late answer, a late copy of a swap, or a replica that was asleep cannot bring the past back.
//
// Some decisions that the rule leaves open, and why they were made as they are:
//
//   - A record counts its swaps ([Record.Seq]). A version may become unknown (a 404 was shown) and be confirmed again
//     with the same validator; without the count the same bytes would be stored twice, and a late copy of a claim could
//     succeed.
//   - An unknown record may carry validators: those that were handed out under its version without being confirmed (the
//     ETag on the answer to a write), and those of a version that a 404 put in doubt. They admit nothing. They are there
//     so that they retire when the record moves; a bare tag that was handed out and not noted could come back as another
//     version's.
//   - A claim carries what the backend showed its writer. Learning and claiming are then one swap, and a refused claim
//     still leaves what was learned.
//   - When a version has more representations than a record has room for, those that came first stay. To evict one would be to
//     retire it, or a tag would be out that nobody remembers, and its holders would be refused. What does not fit leaves
//     qualified with the record's version ([Crowded]): such a tag need not be remembered to be refused when the record has
//     moved, and admits once a probe has shown it too. If that happens with a tag that came bare, from elsewhere, it is
//     retired with the claim.
//   - Marks are a bounded set. When there are too many, the two that end first become one that only time closes.
//   - A record that remembers nothing but its version is kept for minutes, not for the configured time: reading made-up
//     paths must not fill the store. When it is forgotten, an answer that is under way teaches nothing, and no more.
//   - Where a backend's reads lag behind its writes, an answer that began within the lag after the last move teaches nothing but what
//     was noted since, and is no evidence: the writer is told to come back. That its tag is not retired says little: of the version
//     before nobody may have read this representation. Such a tag leaves qualified with the record's version, so that it admits
//     once a probe after the lag has shown it too. A record therefore notes when it was moved ([Record.Moved]), on the store's
//     clock, a little late rather than early; a lease or a mark that ran out moved it then.
//   - Tags of which equal ones mean equal content ([QualifyNever]) may come back: a retired one is then refused only where the
//     record knows another, and while a write is under way its outcome is waited for.
//   - A record is planted within seconds of the moment at which none was seen, or not at all ([Change.By]). A copy of the swap that
//     comes later, when the record has been forgotten, would bring its version back, and with it whatever was begun under it.
//   - Replicas that make other keys of the same requests would keep two records for one resource. So the replicas of one store
//     keep a roster there (roster.go): all on it have the same key settings, and who has others stays out until they have gone.
//     Then it begins a new generation: older records do not count, not even its own from before, for what was written
//     meanwhile is not on them, and the grace period lets run out what is under way. A new epoch of the store would do
//     the same, but a store of several parts has several.
//   - A write may hold keys that it does not change ([Wish.Kept]): of resources that must not change under it, and of what must not be
//     created twice (an e-mail address, say, which is no resource and never read). They are claimed as all others are, but the record beneath the lease
//     stays as it is (beneath): it is read and learned from meanwhile, and stands again when the write is over, in doubt or not, or everybody who has
//     read a customer would be refused because somebody ordered. That
//     such a key's write created something is on record until the next one asks ([Record.Created]): lists are often behind.
//   - The latest write is told by a fingerprint in the record itself ([Record.Last]): it goes with the version that the write made, in the same swap, and whatever moves
//     the record takes it away. Kept beside the record it could outlive that, and a client be told that its write stands when others have written over it.
//     The lease has it from the claim on, so that it survives the replica: what a lease that ran out leaves behind is a write in doubt.
//   - A name that a client gives to one request is a key like that of a resource, which is held and not changed ([Wish.Keyed]). So those that come at once exclude each other by
//     the lease, over all replicas, and no second protocol is needed. It is remembered for a time of its own and not until the next move, for there is none.
//   - Memos ([Cache.Memorize]) lie beside the records and are no part of the protocol. They begin with a byte that no record begins with.
//   - What was written while the store did not answer is owed to it ([Cache.Owe]): the replica that let the write through moves
//     the record as soon as it can, and before it shows it to anybody. Other replicas may still see the old record until
//     then. The alternative, an own epoch for such times, would close all resources for the sake of one.
package etagcache
