package log

// BlockFlags say what the rows of a block are.
type BlockFlags uint8

// The flags.
const (
	// ClockTime means that rows have no event time of their own: their rowtime is
	// the entry's clock, and MinTime and MaxTime are set to it at apply.
	ClockTime BlockFlags = 1 << iota
	// Derived marks rows that a continuous query made; they are not in the Raft
	// log, each replica computes them.
	Derived
	// Compacted marks a sealed block that compaction by key has been over.
	Compacted
)

// Block is a run of rows of one partition: a header and one opaque section per
// column, encoded by exec/codec. Section 0 is the engine's row header (rowtime,
// op, weight: see exec/codec); section i+1 is column i of the schema version.
//
// Once appended, a block and its sections never change; readers may keep them.
type Block struct {
	Partition PartitionID
	// Schema is the version of the relation's columns that the sections follow.
	Schema uint32
	Flags  BlockFlags
	// Rows is the number of rows, 1 to MaxBlockRows.
	Rows int
	// MinTime and MaxTime bound the rowtimes, microseconds since 1970.
	MinTime, MaxTime int64
	// Sections are the columns. They may alias the entry's buffer.
	Sections [][]byte

	// Base is the offset of the first row, set at apply.
	Base Offset
	// Epoch is the epoch of the rows, set at apply. In a sealed block it is the
	// first row's epoch, LastEpoch the last row's, and Epochs the runs between.
	Epoch, LastEpoch Epoch
	// Epochs lists the runs of rows by epoch; nil when all rows have Epoch.
	Epochs []EpochRun
	// Offsets are those of the rows in a block from which compaction by key took
	// rows away, ascending; nil when the rows follow each other from Base.
	Offsets []Offset
	// Next is the offset after the last row that the block stands for, the rows
	// that compaction took away included; 0 when it is Base + Rows.
	Next Offset
}

// EpochRun is Rows rows in a row that belong to one epoch.
type EpochRun struct {
	Epoch Epoch
	Rows  int
}

// Bytes gives the size of the sections.
func (b *Block) Bytes() int {
	n := 0
	for _, s := range b.Sections {
		n += len(s)
	}
	return n
}

// End gives the offset after the last row.
func (b *Block) End() Offset {
	if b.Next != 0 {
		return b.Next
	}
	return b.Base + Offset(b.Rows)
}

// OffsetOf gives the offset of a row; row b.Rows is the one after the last.
func (b *Block) OffsetOf(row int) Offset {
	switch {
	case row >= b.Rows:
		return b.End()
	case b.Offsets != nil:
		return b.Offsets[row]
	}
	return b.Base + Offset(row)
}
