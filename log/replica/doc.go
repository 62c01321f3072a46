// Package replica is one Raft group: it commits transactions in entries, applies
// the entries in order, and starts again from its last checkpoint.
//
// It does not know what rows or commands mean: blocks go to log/segment, commands
// and finished epochs to a log.Machine.
//
// Its invariant: what a replica holds after an epoch is the same, bit for bit, on
// every replica of the group, whatever crashed on the way; EpochChecksum shows it.
//
// Life of a transaction: Propose puts it into the committer's queue; the committer
// encodes all that wait into one entry while the entry before is being made durable
// (group commit); Raft stores and replicates it; the state machine checks conflicts,
// runs commands, assigns offsets, appends to the tails, hands the epoch to the
// machine; the caller of Propose resumes.
//
// Goroutines: the committer and the completer (committer.go), the watcher of
// leadership (members.go), and Raft's own. Close stops all of them.
package replica
