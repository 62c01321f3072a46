// Package log is the contract of the replicated, partitioned log: what an entry,
// a transaction, a block, an epoch, an offset and a partition are, and the errors
// that all its parts share.
//
// The log knows no SQL: a block is a header and opaque column sections. Its parts
// are wal (Raft's store), transport (node to node), segment (partitions: tail and
// sealed files) and replica (one Raft group: committer and state machine).
//
// Invariant: everything readable is a function of the sequence of entries; entry
// order is epoch order.
package log

import "fmt"

// GroupID names a Raft group. Version 1 has group 0 only; nothing outside this
// tree may assume so.
type GroupID uint32

// Epoch is the number of an applied entry in the order of processing: the unit of
// commit, of processing and of visibility. Strictly increasing, never reused,
// from 1; 0 means "none". Entries that carry nothing for the engine (Raft's own,
// parts of a chain) make no epoch.
type Epoch uint64

// Offset numbers the rows of a partition from 0 without gaps.
type Offset int64

// StreamID names a stream, table or view's rows in the log; it is the relation's
// OID in the catalog.
type StreamID uint32

// PartitionID names one partition of one stream.
type PartitionID struct {
	Stream StreamID
	Part   uint32
}

// String implements fmt.Stringer: "stream/part".
func (p PartitionID) String() string { return fmt.Sprintf("%d/%d", p.Stream, p.Part) }

// Time limits of the committer's entries, from measurements in docs/internals.
const (
	// TargetEntryBytes closes an entry that is being filled: 256 KiB keeps p99
	// low, and bigger entries bring no more throughput.
	TargetEntryBytes = 256 << 10
	// MaxEntryBytes is the most that one Raft entry may have. A bigger
	// transaction becomes a chain of part entries.
	MaxEntryBytes = 512 << 10
	// MaxBlockRows is the most rows of one block, so that a row number fits the
	// engine's batches after cutting, and sealed blocks stay decodable at once.
	MaxBlockRows = 1 << 16
)
