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
