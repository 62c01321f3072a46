package catalog

import (
	"encoding/json"
	"hash/fnv"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// Block is the DDL of one transaction block: commands in the order of its statements,
// applied all or none. They were decided on the catalog that the block began with, and
// on what the commands before them make of it; applied to a catalog where that does not
// hold any more, the block is refused (40001).
type Block struct {
	Steps []Step
	// Uses are what the block relies on of relations that were there before it.
	Uses []Use
}

// Step is one command of a Block, and the OIDs that it gave: from From up to To, which
// the block had reserved. Rows of the same transaction name relations by them.
type Step struct {
	Command  Command
	From, To OID
	// Keep are sequences that the command changes, but not where they go on: others take
	// numbers while a block is open.
	Keep []OID
}

// Use says what must still be true of a relation.
type Use struct {
	OID OID
	// SchemaVersion is that of the rows which the block writes to it.
	SchemaVersion uint32
	// Sum is of the whole definition, which the block replaces; 0: it does not.
	Sum uint64 `json:",omitempty"`
}

// ReserveOIDs takes OIDs out of the number space, for the objects of a transaction
// block; the first of them is the command's answer. What is not used is lost.
type ReserveOIDs struct{ Count uint32 }

// maxReserved bounds ReserveOIDs: a block of a million objects is a mistake.
const maxReserved = 1 << 20

func (*Block) command()       {}
func (*ReserveOIDs) command() {}

func (e *edit) reserve(c *ReserveOIDs) error {
	if c.Count == 0 || c.Count > maxReserved {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "cannot reserve %d OIDs", c.Count)
	}
	e.change.OID = e.next.nextOID
	e.next.nextOID += OID(c.Count)
	return nil
}

// block applies the commands of a transaction block. Their notices were given when the
// statements ran.
func (e *edit) block(b *Block) error {
	for _, u := range b.Uses {
		if err := e.checkUse(u); err != nil {
			return err
		}
	}
	next := e.next.nextOID
	for _, s := range b.Steps {
		if s.From > s.To || s.To > next {
			return sqlerr.New(sqlerr.InternalError, "OIDs %d to %d are not reserved", s.From, s.To)
		}
		e.next.nextOID = s.From
		before := e.numbers(s.Keep)
		if err := e.apply(s.Command); err != nil {
			return concurrentChange("%s.", sqlerr.As(err).Message)
		}
		e.setNumbers(s.Keep, before)
		if e.next.nextOID != s.To {
			return concurrentChange("An object that the transaction creates is there already.")
		}
	}
	e.next.nextOID, e.change.OID, e.change.Notices = next, 0, nil
	return nil
}

// numbers gives where sequences go on.
func (e *edit) numbers(oids []OID) []int64 {
	out := make([]int64, len(oids))
	for i, oid := range oids {
		if r := e.next.relations[oid]; r != nil && r.Sequence != nil {
			out[i] = r.Sequence.Start
		}
	}
	return out
}

func (e *edit) setNumbers(oids []OID, starts []int64) {
	for i, oid := range oids {
		r := e.next.relations[oid]
		if r == nil || r.Sequence == nil || r.Sequence.Start == starts[i] {
			continue
		}
		x, seq := *r, *r.Sequence
		seq.Start, x.Sequence = starts[i], &seq
		e.putRelation(&x)
	}
}

func (e *edit) checkUse(u Use) error {
	r := e.next.relations[u.OID]
	switch {
	case r == nil:
		return concurrentChange("A relation that the transaction changes was dropped.")
	case r.SchemaVersion != u.SchemaVersion, u.Sum != 0 && u.Sum != sumOf(r):
		return concurrentChange("%s was changed.", r.Title())
	}
	return nil
}

func concurrentChange(detail string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.SerializationFailure,
		"could not serialize access due to concurrent change of the catalog").
		WithDetail(detail, args...).WithHint("Retry the transaction.")
}

// sumOf is the checksum of a definition. What a sequence has given out is no part of it.
func sumOf(r *Relation) uint64 {
	if r.Sequence != nil {
		x, seq := *r, *r.Sequence
		seq.Start, x.Sequence = 0, &seq
		r = &x
	}
	b, err := encodeJSON(nil, r)
	if err != nil {
		return 1 // plain data always encodes
	}
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64() | 1
}

// blockFile is the stored form of a Block.
type blockFile struct {
	Steps []stepFile
	Uses  []Use `json:",omitempty"`
}

type stepFile struct {
	Command  []byte
	From, To OID
	Keep     []OID `json:",omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (b *Block) MarshalJSON() ([]byte, error) {
	f := blockFile{Uses: b.Uses}
	for _, s := range b.Steps {
		enc, err := EncodeCommand(s.Command)
		if err != nil {
			return nil, err
		}
		f.Steps = append(f.Steps, stepFile{enc, s.From, s.To, s.Keep})
	}
	return json.Marshal(f)
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Block) UnmarshalJSON(text []byte) error {
	var f blockFile
	if err := decodeJSON(text, &f); err != nil {
		return err
	}
	*b = Block{Uses: f.Uses}
	for _, s := range f.Steps {
		c, err := DecodeCommand(s.Command)
		if err != nil {
			return err
		}
		b.Steps = append(b.Steps, Step{c, s.From, s.To, s.Keep})
	}
	return nil
}
