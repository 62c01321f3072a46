package state

import (
	"bytes"
	"math"

	"github.com/millracedb/millrace/sql/types"
)

// SortKey is one column of an order.
type SortKey struct {
	Col        int
	Desc       bool
	NullsFirst bool
}

// Comparer orders encoded rows of a layout by some of their columns.
type Comparer struct {
	Layout *Layout
	Keys   []SortKey
}

// Compare gives the order of two encoded rows by the keys.
func (c *Comparer) Compare(a, b []byte) int {
	for i := range c.Keys {
		if d := c.Layout.compareKey(&c.Keys[i], a, b); d != 0 {
			return d
		}
	}
	return 0
}

func (l *Layout) compareKey(k *SortKey, a, b []byte) int {
	an, bn := l.Null(a, k.Col), l.Null(b, k.Col)
	if an || bn {
		switch {
		case an && bn:
			return 0
		case an == k.NullsFirst:
			return -1
		}
		return 1
	}
	d := l.compareColumn(k.Col, a, b)
	if k.Desc {
		return -d
	}
	return d
}

// compareColumn orders two rows by a column that is NULL in neither.
func (l *Layout) compareColumn(c int, a, b []byte) int {
	switch l.phys[c] {
	case types.PhysInt64, types.PhysBool:
		x, y := int64(l.Slot(a, c)), int64(l.Slot(b, c))
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case types.PhysFloat64:
		return types.CompareFloat(math.Float64frombits(l.Slot(a, c)), math.Float64frombits(l.Slot(b, c)))
	}
	x, y := l.Bytes(a, c), l.Bytes(b, c)
	switch l.Types[c].Kind {
	case types.Text, types.Varchar, types.Name, types.Bytea, types.UUID, types.Char, types.Enum:
		return bytes.Compare(x, y)
	}
	return types.CompareBytes(l.Types[c], x, y)
}

// AllColumns gives ascending keys of all columns of a layout, NULLs last.
func (l *Layout) AllColumns() []SortKey {
	ks := make([]SortKey, len(l.Types))
	for i := range ks {
		ks[i].Col = i
	}
	return ks
}
