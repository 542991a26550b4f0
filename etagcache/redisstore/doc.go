// Package redisstore keeps an [etagcache.Store] in Redis 7.0 or later (or Valkey), for a fleet of replicas. It is the
// only importer of go-redis.
//
// # The epoch
//
// Beside the records lies an epoch, which is bound to one process of redis-server (run_id) and to one history of its
// data (master_replid). A server that was restarted, with its data or without, a replica that was promoted, and a
// database that was flushed may all have forgotten a lease, so each of them begins a new epoch.
//
// To compare an epoch with the server costs no trip of its own, nor could one be trusted: between the question and the
// command the server can change. Instead the comparison is part of the command, in three layers:
//
//   - The text of each script begins with the run_id and the master_replid of the server that it was loaded on, and it
//     is loaded on the connection on which these were read. It is called by its digest only. Since Redis 7.0 scripts are
//     neither persisted nor replicated, so another process does not know the digest and answers NOSCRIPT. That is also
//     why older servers are refused: they would carry the script to where it must not run.
//   - A process that was demoted and promoted again still has its scripts, though it may have taken over the data of a
//     master that knew less. So each script asks for INFO replication, from within, where it costs 2 µs, and answers
//     FENCED if the history is another, or READONLY if it is not a master.
//   - The scripts act only if the epoch record is there and bound to this very server.
//
// Any of these makes the store identify the server anew, once for all who wait, and open the epoch, which begins a new
// one if what is there is bound to another server. SCRIPT FLUSH alone begins none.
//
// # The clock
//
// Leases, marks and grace are judged by the server's wall clock (TIME, which comes with every reply). If it is set
// forward, every lease has run out while its write is at the backend: a lost update. If it is set back, the lease of a
// replica that died lasts for as long: a resource that is stuck. So a jump of the server's clock begins a new epoch: its
// grace keeps guarded writes out until whatever was under way is over, and the records of the epoch before count as absent.
//
// How it is noticed (see clockWatch): a reply's time was taken between the moments at which its command was sent and the
// reply was read, by this process's own elapsed time. So each reply bounds how far the server's clock is ahead, and a later
// one that contradicts an earlier one by more than 100 ms, and a thousandth of the time between them, shows that the clock
// jumped. (The thousandth is twice what NTP slews a clock by. A reply that was slow has wide bounds, and contradicts nothing.)
// Between any two replies that one process believes, within one epoch, the server's clock has thus kept step with elapsed
// time, to that much and the time that the two replies took.
//
// That our own clock stood still looks the same, and has the same consequence: a new epoch that was not needed. On Linux
// it is CLOCK_BOOTTIME, which goes on while the machine is suspended; it does not while a hypervisor has paused the guest.
//
// A reply that shows a jump is not returned. In these stories the clock jumps at J; A and B are replicas that had contact before.
//
//   - A holds a lease; J; B asks. B's first reply after J shows the jump, whatever it was asked for. B begins the
//     epoch and reads again: absent, and grace. A's write ends before the grace does, and its conclusion finds that its epoch is over.
//   - A and B notice at the same time. Each says which epoch its reply came from, and the script that begins one does so only
//     if that is still the epoch: the second finds the first one's, and reads under it.
//   - B notices later than A. Its reply then comes from an epoch that it has not seen before, and which is not older than B's latest
//     contact before: that epoch was begun after J, and B takes it over. Were it older, or had B seen it, J would be after
//     its beginning, and B would begin another.
//   - J; A's swap is made, and its reply shows the jump: A was the first to notice. The lease in it was measured by the old
//     clock and has, for others, run out or not begun. It is in the old epoch, which A now ends; so the answer is what is stored
//     then, and that the swap was not made. The new epoch cannot be begun? Then nobody knows whether it was.
//   - A's reply was on its way across J, and another call of A has noticed J since. It contradicts what A knows by now, but it
//     was asked for before that; the epoch that it names is over, so none is begun, and A reads again.
//   - The clock is set back, and the replica that held a lease is dead. The first reply that any other gets, to a Ping
//     at the latest, begins an epoch; its start is by the new clock, and its grace ends like any other.
//   - The reply to the script that began the epoch is lost. That call fails, and the next one takes the epoch over.
//   - The server changes, or its data: the epoch does so anyway. The server that comes instead has a clock of its own, about
//     which nothing is known; the one that was only flushed or promoted again has the one that it had.
//
// What is not closed:
//
//   - A replica that has its very first contact with this server between J and the moment at which another notices
//     cannot know of J. Every process that calls [Store.Ping] once a second notices within a second, so the gap is
//     as short as that, unless no process is left that was there before J: then the leases of those that died are judged by
//     the new clock.
//   - A jump below the tolerance goes unnoticed. It shortens or prolongs what is measured across it by as much: the lease's
//     own margin (100 ms and a fiftieth of the longest time that a write may take) is there for that, and after it the settle time.
//   - A process that had no contact for long tolerates a jump of a thousandth of that time more: 3.6 s after an hour.
//   - With a grace period of 0 a new epoch protects nothing.
//
// # Never twice
//
// A swap that is sent twice could succeed twice. So nothing here repeats a swap: go-redis's retries are off; and since
// its cluster client repeats a command after a network error even then, in a cluster the node is picked by the client
// and the script is run on the node's own client, which follows no redirection either.
//
// An error says [etagcache.ErrNotSent] only if the command's arguments were never written to a connection (they notice,
// which covers dialing, the handshake, the pool and whatever comes before), or if Redis answered with an error of
// which it is known that nothing was executed. A time-out, a reset, an error reply that is not known, or too few
// replicas for [Options.WaitReplicas]: nobody knows.
//
// # Together
//
// Commands that come while others are under way are sent as one pipeline (see batcher), which under load saves most of the
// system calls, here and at the server. Each has its own answer and its own time; one that expires before its pipeline is sent was
// never sent. With [Options.WaitReplicas] each swap has a connection to itself, for WAIT is about the writes of its own
// connection.
//
// # Layout
//
//	prefix:{bucket}:digest   one record
//	prefix:{bucket}:epoch    the epoch: id, start in ms, run_id, master_replid
//
// The braces put a record and its epoch into one slot. In a cluster there are 64 buckets, by the key's first byte, each
// with an epoch of its own; else there is one, "0".
//
// # Commands
//
// For an ACL: INFO, SCRIPT LOAD, EVALSHA, and from within the scripts GET, SET, TIME and again INFO; WAIT with
// [Options.WaitReplicas]; CLUSTER SLOTS in a cluster; HELLO, AUTH and SELECT to connect. For example
//
//	ACL SETUSER proxy409 on >secret ~proxy409:* +info +script|load +evalsha +get +set +time +wait +cluster|slots
//
// Sentinels are asked SENTINEL GET-MASTER-ADDR-BY-NAME and SENTINEL SENTINELS, and their messages are subscribed to.
//
// # What go-redis logs
//
// go-redis writes to one logger for the whole process, by default to stderr. [New] leaves that alone, since it may not
// be ours; a program that is of one piece calls [LogDriver].
package redisstore
