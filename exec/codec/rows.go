package codec

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// RowOp is what a row of a block does to its relation.
type RowOp byte

// The row operations. The numbers are on disk.
const (
	OpInsert RowOp = iota // streams; whole-row views
	OpUpsert              // tables and keyed views: the new value of its key
	OpDelete              // the key (or one copy of the row) goes
)

// Header is section 0 of a block, decoded: what every row has beside its columns.
type Header struct {
	// Time are the rowtimes, microseconds; nil: the block's MinTime for all.
	Time []int64
	// Ops are the rows' operations; nil: all OpInsert.
	Ops []byte
}

const (
	headTimes = 1 << iota
	headOps
)

// AppendHeader encodes section 0: a word of flags, the length of the times
// section, that section, then an op byte per row.
func AppendHeader(dst []byte, h Header, n int) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, 16)...)
	flags := uint32(0)
	if h.Time != nil {
		flags |= headTimes
		v := batch.Vector{Type: types.Of(types.Int8), I64: h.Time}
		dst = AppendSection(dst, &v, n)
		binary.LittleEndian.PutUint64(dst[start+8:], uint64(len(dst)-start-16))
	}
	if h.Ops != nil {
		flags |= headOps
		dst = append(dst, h.Ops[:n]...)
	}
	binary.LittleEndian.PutUint32(dst[start:], flags)
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(n))
	return pad8(dst, start)
}

// DecodeHeader decodes section 0; the result may alias s.
func DecodeHeader(s []byte) (Header, error) {
	var h Header
	if len(s) < 16 {
		return h, errSection
	}
	flags, n := binary.LittleEndian.Uint32(s), int(binary.LittleEndian.Uint32(s[4:]))
	l := binary.LittleEndian.Uint64(s[8:])
	if l > uint64(len(s)-16) {
		return h, errSection
	}
	if flags&headTimes != 0 {
		v := batch.Vector{Type: types.Of(types.Int8)}
		if err := Decode(s[16:16+l], &v); err != nil || v.Len() != n {
			return h, errSection
		}
		h.Time = v.I64
	}
	if flags&headOps != 0 {
		ops := s[16+l:]
		if len(ops) < n {
			return h, errSection
		}
		h.Ops = ops[:n:n]
		for _, o := range h.Ops {
			if o > byte(OpDelete) {
				return h, errSection
			}
		}
	}
	return h, nil
}

// NewBlock encodes n rows for a partition. With h.Time nil the rows take the
// entry's clock. Sections of one block share one allocation.
func NewBlock(p log.PartitionID, schema uint32, h Header, cols []*batch.Vector, n int) *log.Block {
	b := &log.Block{Partition: p, Schema: schema, Rows: n}
	if h.Time == nil {
		b.Flags |= log.ClockTime
	} else {
		b.MinTime, b.MaxTime = math.MaxInt64, math.MinInt64
		for _, t := range h.Time[:n] {
			b.MinTime, b.MaxTime = min(b.MinTime, t), max(b.MaxTime, t)
		}
	}
	ends := make([]int, 0, len(cols)+1)
	buf := AppendHeader(make([]byte, 0, estimate(cols, n)), h, n)
	ends = append(ends, len(buf))
	for _, c := range cols {
		buf = AppendSection(buf, c, n)
		ends = append(ends, len(buf))
	}
	b.Sections = make([][]byte, len(ends))
	at := 0
	for i, e := range ends {
		b.Sections[i] = buf[at:e:e]
		at = e
	}
	return b
}

func estimate(cols []*batch.Vector, n int) int {
	size := 32 + 9*n
	for _, c := range cols {
		size += headerSize + 16 + 8*n
		if k := len(c.Off); k > 0 {
			size += int(c.Off[min(n, k-1)] - c.Off[0])
		}
	}
	return size
}
