package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// OverNone gives the value of a call over no rows: what stands where a group has none.
// Most give NULL, counts 0, hypothetical places the first one, collections an empty one.
func (c *AggCall) OverNone() *Const {
	out := &Const{D: types.NullDatum, T: c.T}
	switch {
	case c.Fn.EmptyZero:
		out.D = types.Datum{}
	case c.Fn.Collect != nil:
		v := batch.NewVector(c.T, 1)
		if err := c.Fn.Collect(&Env{}, noRows{}, v); err == nil && v.Len() == 1 {
			out.D = keep(v.Datum(0))
		}
	}
	return out
}

// noRows are the rows of an empty group.
type noRows struct{}

// Next implements RowIter.
func (noRows) Next() ([]types.Datum, int64, bool) { return nil, 0, false }
