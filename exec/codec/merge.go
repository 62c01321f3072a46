package codec

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
	"github.com/zeebo/xxh3"
)

// Merger implements log.Merger: it joins the small blocks of a tail into the big
// ones of a sealed segment.
type Merger struct {
	// Key gives the types and ordinals of the key columns of a stream's schema
	// version; no columns: rows have no key. Safe for concurrent use.
	Key func(s log.StreamID, schema uint32) (ordinals []int, ts []types.Type)
}

// Merge implements log.Merger.
func (m Merger) Merge(blocks []*log.Block) ([][]byte, []log.SectionStats, error) {
	if len(blocks) == 0 {
		return nil, nil, fmt.Errorf("codec: merge of no blocks")
	}
	cols := len(blocks[0].Sections)
	sections := make([][]byte, cols)
	stats := make([]log.SectionStats, cols)
	head, n, err := mergeHeaders(blocks)
	if err != nil {
		return nil, nil, err
	}
	sections[0] = head
	for c := 1; c < cols; c++ {
		v, err := mergeColumn(blocks, c)
		if err != nil {
			return nil, nil, fmt.Errorf("codec: merge column %d: %w", c-1, err)
		}
		if v.Len() != n {
			return nil, nil, errSection
		}
		sections[c] = appendCompact(nil, v, n)
		stats[c] = statsOf(v, n)
	}
	return sections, stats, nil
}

func mergeHeaders(blocks []*log.Block) ([]byte, int, error) {
	var all Header
	n := 0
	for _, b := range blocks {
		h, err := DecodeHeader(b.Sections[0])
		if err != nil {
			return nil, 0, err
		}
		// The times are always written out: the joined block has no single clock.
		for i := range b.Rows {
			if h.Time != nil {
				all.Time = append(all.Time, h.Time[i])
			} else {
				all.Time = append(all.Time, b.MinTime)
			}
		}
		if h.Ops != nil || all.Ops != nil {
			for len(all.Ops) < n {
				all.Ops = append(all.Ops, byte(OpInsert))
			}
			if h.Ops != nil {
				all.Ops = append(all.Ops, h.Ops...)
			} else {
				all.Ops = append(all.Ops, make([]byte, b.Rows)...)
			}
		}
		n += b.Rows
	}
	return AppendHeader(nil, all, n), n, nil
}

func mergeColumn(blocks []*log.Block, c int) (*batch.Vector, error) {
	phys, err := columnPhys(blocks, c)
	if err != nil {
		return nil, err
	}
	out := &batch.Vector{Type: typeOfPhys(phys)}
	out.Reset()
	for _, b := range blocks {
		v := batch.Vector{Type: out.Type}
		if err := Decode(b.Sections[c], &v); err != nil {
			return nil, err
		}
		appendAll(out, &v, b.Rows)
	}
	return out, nil
}

// columnPhys finds the physical form of a column: that of the first block whose
// section is not all NULL.
func columnPhys(blocks []*log.Block, c int) (types.Phys, error) {
	var phys types.Phys
	for _, b := range blocks {
		p, err := PhysOf(b.Sections[c])
		if err != nil {
			return 0, err
		}
		phys = p
		if b.Sections[c][0] != encNull {
			break
		}
	}
	return phys, nil
}

func typeOfPhys(p types.Phys) types.Type {
	switch p {
	case types.PhysInt64:
		return types.Of(types.Int8)
	case types.PhysFloat64:
		return types.Of(types.Float8)
	case types.PhysBool:
		return types.Of(types.Bool)
	}
	return types.Of(types.Bytea)
}

// appendAll adds n rows of v to out, in bulk when there are no NULLs.
func appendAll(out, v *batch.Vector, n int) {
	if v.Valid != nil || out.Valid != nil {
		for i := range n {
			out.AppendRow(v, i)
		}
		return
	}
	switch out.Type.Phys() {
	case types.PhysInt64:
		out.I64 = append(out.I64, v.I64[:n]...)
	case types.PhysFloat64:
		out.F64 = append(out.F64, v.F64[:n]...)
	case types.PhysBool:
		out.Bool = append(out.Bool, v.Bool[:n]...)
	case types.PhysBytes:
		shift := int32(len(out.Buf)) - v.Off[0]
		out.Buf = append(out.Buf, v.Buf[v.Off[0]:v.Off[n]]...)
		for _, o := range v.Off[1 : n+1] {
			out.Off = append(out.Off, o+shift)
		}
	}
}

// Dictionary limits: at least minDictRows rows, and no more than one distinct
// value per dictRatio rows; below, codes cost more than they save.
const (
	minDictRows = 1024
	dictRatio   = 8
)

// appendCompact is AppendSection with a dictionary where it pays.
func appendCompact(dst []byte, v *batch.Vector, n int) []byte {
	if v.Type.Phys() != types.PhysBytes || n < minDictRows || v.Valid.CountNull(n) == n {
		return AppendSection(dst, v, n)
	}
	index := make(map[string]int64)
	values := batch.NewVector(types.Of(types.Bytea), 0)
	codes := batch.NewVector(types.Of(types.Int8), n)
	for i := range n {
		b := v.Bytes(i)
		c, ok := index[string(b)]
		if !ok {
			if len(index) >= n/dictRatio {
				return AppendSection(dst, v, n)
			}
			c = int64(len(index))
			index[string(b)] = c
			values.AppendBytes(b)
		}
		codes.AppendInt(c)
	}
	start := len(dst)
	dst = append(dst, make([]byte, headerSize)...)
	dst[start] = encDict
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(n))
	if v.Valid.CountNull(n) > 0 {
		dst[start+1] = flagNulls
		dst = appendBitmap(dst, v.Valid, n)
	}
	at := len(dst)
	dst = append(dst, make([]byte, 8)...)
	dst = AppendSection(dst, values, values.Len())
	binary.LittleEndian.PutUint64(dst[at:], uint64(len(dst)-at-8))
	return AppendSection(dst, codes, n)
}

// maxStatBytes is the longest value that min/max are kept for; longer ones would
// bloat the index and hardly ever skip a block.
const maxStatBytes = 64

func statsOf(v *batch.Vector, n int) log.SectionStats {
	s := log.SectionStats{Nulls: v.Valid.CountNull(n)}
	for i := range n {
		if v.Valid != nil && !v.Valid.Valid(i) {
			continue
		}
		k := OrderedKey(v, i)
		if k == nil {
			return log.SectionStats{Nulls: s.Nulls}
		}
		if s.Min == nil || string(k) < string(s.Min) {
			s.Min = k
		}
		if s.Max == nil || string(k) > string(s.Max) {
			s.Max = k
		}
	}
	return s
}

// OrderedKey gives row i as bytes that compare as the physical values do; nil when
// there is no such form (NaN, long values).
func OrderedKey(v *batch.Vector, i int) []byte {
	switch v.Type.Phys() {
	case types.PhysInt64:
		return binary.BigEndian.AppendUint64(nil, uint64(v.I64[i])^1<<63)
	case types.PhysFloat64:
		f := v.F64[i]
		if math.IsNaN(f) {
			return nil
		}
		u := math.Float64bits(f + 0) // -0 becomes 0
		if u>>63 != 0 {
			u = ^u
		} else {
			u |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(nil, u)
	case types.PhysBool:
		if v.Bool[i] {
			return []byte{1}
		}
		return []byte{0}
	}
	if b := v.Bytes(i); len(b) <= maxStatBytes {
		return append([]byte{}, b...)
	}
	return nil
}

// Keys implements log.Merger: the hash is HashKey's of the key columns.
func (m Merger) Keys(b *log.Block) ([]uint64, []bool, error) {
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
	hashes := make([]uint64, b.Rows)
	var buf []byte
	for i := range hashes {
		hashes[i], buf = HashKey(cols, i, buf)
	}
	return hashes, deletes, nil
}

// HashKey gives xxh3 of the canonical encoding of a key: equal keys (by SQL's =,
// NULLs equal to each other) have equal hashes. It is never 0. buf is scratch.
func HashKey(cols []*batch.Vector, row int, buf []byte) (uint64, []byte) {
	buf = buf[:0]
	for _, c := range cols {
		buf = AppendKey(buf, c, row)
	}
	h := xxh3.Hash(buf)
	if h == 0 {
		h = 1
	}
	return h, buf
}

// AppendKey appends the canonical encoding of one value.
func AppendKey(buf []byte, c *batch.Vector, row int) []byte {
	if c.IsNull(row) {
		return append(buf, 0)
	}
	buf = append(buf, 1)
	switch c.Type.Phys() {
	case types.PhysInt64:
		return binary.LittleEndian.AppendUint64(buf, uint64(c.I64[c.Row(row)]))
	case types.PhysBool:
		if c.Bool[c.Row(row)] {
			return append(buf, 1)
		}
		return append(buf, 0)
	}
	switch c.Type.Kind {
	case types.Text, types.Varchar, types.Name, types.Bytea, types.UUID, types.Enum:
		b := c.Bytes(row)
		buf = binary.AppendUvarint(buf, uint64(len(b)))
		return append(buf, b...)
	}
	at := len(buf)
	buf = append(buf, 0, 0, 0, 0)
	buf = types.AppendKey(buf, c.Type, c.Datum(row))
	binary.LittleEndian.PutUint32(buf[at:], uint32(len(buf)-at-4))
	return buf
}
