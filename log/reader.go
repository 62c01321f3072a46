package log

import "context"

// Partitions reads and extends the partitions of a group. Implemented by
// segment. Safe for concurrent use; readers never block writers.
type Partitions interface {
	// Bounds gives the readable range [begin, end) of a partition as of epoch at.
	Bounds(p PartitionID, at Epoch) (begin, end Offset, err error)
	// Read calls fn for the blocks of p that hold rows in [from, to), in order; the
	// first and last block may reach beyond. columns lists the sections needed
	// (nil: all); the others may be nil in the blocks. Errors: ErrOffsetOutOfRange,
	// *CorruptionError, ctx.Err(), and fn's.
	Read(ctx context.Context, p PartitionID, from, to Offset, columns []int,
		fn func(*Block) error) error
	// OffsetAtTime gives the first offset whose block may hold rowtime t or later.
	OffsetAtTime(p PartitionID, t int64) (Offset, error)
	// OffsetAtEpoch gives the first offset of an epoch > e.
	OffsetAtEpoch(p PartitionID, e Epoch) (Offset, error)
	// AppendDerived adds rows that a continuous query made in an epoch and sets
	// Base. Appending the same (partition, epoch) again after recovery is ignored
	// when already present.
	AppendDerived(b *Block) error
	// EndEpoch tells that all derived rows of e are in.
	EndEpoch(e Epoch)
	// Stats gives the numbers of a partition for system views.
	Stats(p PartitionID) (PartitionStats, error)
	// Pin keeps what a reader at epoch e needs from retention until released.
	Pin(p PartitionID, from Offset, who string) (release func())
}

// PartitionStats are the numbers of a partition.
type PartitionStats struct {
	Begin, End  Offset
	TailRows    int64
	TailBytes   int64
	SealedRows  int64
	SealedBytes int64
	Segments    int
	MinTime     int64
	MaxTime     int64
	LastEpoch   Epoch
	Pins        []string
}

// Merger joins blocks of one partition and schema into one, column by column; the
// encoding must be deterministic. Implemented by exec/codec.
type Merger interface {
	// Merge gives the sections of the joined rows, and per section the min and max
	// values as order-preserving keys (nil where there are none).
	Merge(blocks []*Block) (sections [][]byte, stats []SectionStats, err error)
	// Keys gives the key hash of each row, for blooms and compaction by key, and
	// whether the row is a delete.
	Keys(b *Block) (hashes []uint64, deletes []bool, err error)
}

// Compactor is a Merger that can take rows out of blocks: what compaction by key
// needs.
type Compactor interface {
	Merger
	// Fingerprints gives a 128-bit hash of each row's key, wide enough to tell any
	// two keys apart, and whether the row is a delete.
	Fingerprints(b *Block) (keys [][2]uint64, deletes []bool, err error)
	// Filter gives the sections of the rows that keep names, rowtimes written out
	// as Merge does.
	Filter(b *Block, keep []bool) (sections [][]byte, stats []SectionStats, err error)
}

// SectionStats bound the values of one section.
type SectionStats struct {
	Min, Max []byte
	Nulls    int
}
