package log

import "context"

// Txn is one atomic write: rows for any partitions, or a catalog command, or
// both. It is committed whole or not at all, within one epoch. Several
// transactions may share an entry and thereby an epoch (group commit); a session
// sends its next one after the last was acknowledged, so its own are ordered.
type Txn struct {
	// ReadEpoch is the snapshot on which the transaction decided. 0 means that it
	// depends on nothing it read (a blind append or upsert), and is never refused.
	ReadEpoch Epoch
	// Reads are keys that must not have been written after ReadEpoch.
	Reads []Key
	// Writes are keys that the transaction writes, for the checks of others. A
	// transaction with ReadEpoch != 0 is also checked for them (first committer
	// wins).
	Writes []Key
	// Command is an encoded catalog command, or nil. A refused command refuses the
	// transaction with its rows; an accepted one comes before them.
	Command []byte
	// Blocks are the rows; Base and Epoch are set at apply. Beside a Command they may be
	// for streams that it creates; that it leaves the others be is for the proposer and
	// the command to see to.
	Blocks []*Block
	// Clock asks for a time entry: an epoch without rows, so that windows close.
	Clock bool
	// Trims move the readable begin of partitions: retention goes through the log,
	// so that every replica forgets the same rows at the same epoch.
	Trims []Trim
}

// Trim moves the readable begin of a partition up to Begin; a lower one is void.
type Trim struct {
	Partition PartitionID
	Begin     Offset
}

// Shared is the bit of a Key's Stream that makes it one which many may write at once:
// a write of it conflicts with those who read it, not with other writes. A row that
// refers to another one writes such a key, and who deletes the other row reads it.
const Shared StreamID = 1 << 31

// Key is a table's key by hash: Hash is xxh3 of the encoded key. Two keys with
// equal hashes conflict falsely, which costs a retry and nothing else. Hash 0
// stands for the whole table.
type Key struct {
	Stream StreamID
	Hash   uint64
}

// Result is what became of a committed transaction.
type Result struct {
	Epoch Epoch
	// Clock is the entry's clock, microseconds since 1970.
	Clock int64
	// Output is what the catalog answered to Command.
	Output []byte
}

// Proposer commits transactions. Implemented by replica; on a follower it
// forwards to the leader.
type Proposer interface {
	// Propose commits t and returns when a majority has it on disk and this node
	// has applied it. Errors: ErrConflict (first committer won), ErrNotLeader,
	// ErrTooLarge, ErrDiskFull, ErrStopped, ctx.Err() (the outcome is unknown), or
	// the catalog's refusal of Command.
	Propose(ctx context.Context, t *Txn) (Result, error)
}

// EpochInput is one applied epoch as the engine sees it.
type EpochInput struct {
	Epoch Epoch
	// Clock is the leader's clock at the entry, microseconds since 1970, monotone:
	// the only time that queries may see.
	Clock int64
	// Blocks are the appended rows, in the order of the entry; offsets are set.
	Blocks []*Block
	// Commands are the catalog commands that were accepted, in order.
	Commands []Command
	// RaftIndex is the index of the entry that closed the epoch.
	RaftIndex uint64
}

// Command is an accepted catalog command.
type Command struct {
	Bytes  []byte
	Output []byte
	// Before is how many of the epoch's blocks come before it.
	Before int
}

// Machine is the deterministic part behind the log. The replica calls it from
// one goroutine, in epoch order. Implemented by exec over catalog.
type Machine interface {
	// ApplyCommand changes the catalog; a refusal (error) aborts its transaction
	// alone and must be the same on every replica. No I/O.
	ApplyCommand(epoch Epoch, clock int64, cmd []byte) (output []byte, effects Effects, err error)
	// ApplyEpoch takes over a finished epoch. It must not block on I/O; it may
	// block to bound the epochs in flight. The input is the machine's to keep.
	ApplyEpoch(in *EpochInput)
	// Snapshot gives the machine's own small state (the catalog), as of the last
	// applied epoch, for the manifest.
	Snapshot() []byte
	// Restore starts from a manifest's state; epochs after at follow.
	Restore(state []byte, at Epoch, clock int64) error
}

// Effects are what a catalog command asks of the partitions.
type Effects struct {
	Create []StreamSpec
	Drop   []StreamID
	// Truncate empties streams: their readable begin moves to the end.
	Truncate []StreamID
	Alter    []StreamSpec
}

// StreamSpec is what the log must know of a stream.
type StreamSpec struct {
	Stream     StreamID
	Partitions uint32
	// RetentionMicros and RetentionBytes drop old sealed segments; 0 is for ever.
	RetentionMicros int64
	RetentionBytes  int64
	// Keyed streams (tables, views) compact by key instead of losing rows by age.
	Keyed bool
	// Fed streams have rows of clients and of continuous queries; once so, always so.
	Fed bool `json:",omitempty"`
}
