package codec

import (
	"fmt"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/zeebo/xxh3"
)

var _ log.Compactor = Merger{}

// Fingerprints implements log.Compactor: the hash is of the same encoding as Keys'.
func (m Merger) Fingerprints(b *log.Block) ([][2]uint64, []bool, error) {
	h, err := DecodeHeader(b.Sections[0])
	if err != nil {
		return nil, nil, err
	}
	deletes := make([]bool, b.Rows)
	for i, o := range h.Ops {
		deletes[i] = o == byte(OpDelete)
	}
	ordinals, ts := m.Key(b.Partition.Stream, b.Schema)
	if len(ordinals) == 0 {
		return nil, deletes, nil
	}
	cols := make([]*batch.Vector, len(ordinals))
	for k, o := range ordinals {
		cols[k] = &batch.Vector{Type: ts[k]}
		if err := Decode(b.Sections[o+1], cols[k]); err != nil {
			return nil, nil, err
		}
	}
	keys := make([][2]uint64, b.Rows)
	var buf []byte
	for i := range keys {
		buf = buf[:0]
		for _, c := range cols {
			buf = AppendKey(buf, c, i)
		}
		sum := xxh3.Hash128(buf)
		keys[i] = [2]uint64{sum.Hi, sum.Lo}
	}
	return keys, deletes, nil
}

// Filter implements log.Compactor.
func (m Merger) Filter(b *log.Block, keep []bool) ([][]byte, []log.SectionStats, error) {
	if len(keep) != b.Rows {
		return nil, nil, fmt.Errorf("codec: %d marks for %d rows", len(keep), b.Rows)
	}
	sections := make([][]byte, len(b.Sections))
	stats := make([]log.SectionStats, len(b.Sections))
	h, err := DecodeHeader(b.Sections[0])
	if err != nil {
		return nil, nil, err
	}
	var head Header
	n := 0
	for i, k := range keep {
		if !k {
			continue
		}
		n++
		if h.Time != nil {
			head.Time = append(head.Time, h.Time[i])
		} else {
			head.Time = append(head.Time, b.MinTime)
		}
		if h.Ops != nil {
			head.Ops = append(head.Ops, h.Ops[i])
		}
	}
	sections[0] = AppendHeader(nil, head, n)
	for c := 1; c < len(b.Sections); c++ {
		v, err := mergeColumn([]*log.Block{b}, c)
		if err != nil {
			return nil, nil, fmt.Errorf("codec: filter column %d: %w", c-1, err)
		}
		out := &batch.Vector{Type: v.Type}
		out.Reset()
		for i, k := range keep {
			if k {
				out.AppendRow(v, i)
			}
		}
		sections[c] = appendCompact(nil, out, n)
		stats[c] = statsOf(out, n)
	}
	return sections, stats, nil
}
