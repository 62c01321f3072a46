package op

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// Limit passes Count rows after Offset rows on, as they come. For bounded inputs
// without retractions; others need a TopN.
type Limit struct {
	stateless
	out         *builder
	count, skip int64
}

// NewLimit makes a Limit.
func NewLimit(ctx *Context, ts []types.Type, count, offset expr.Expr, out Sink) (*Limit, error) {
	n, skip, err := limits(ctx.Env, count, offset)
	return &Limit{out: newBuilder(ts, out), count: n, skip: skip}, err
}

// Done tells whether no further row can pass, so that the input may be stopped.
func (l *Limit) Done() bool { return l.count == 0 }

// Push implements Op.
func (l *Limit) Push(_ int, b *batch.Batch) error {
	for _, r := range rowsOf(b) {
		if l.count == 0 {
			break
		}
		n := int64(b.Weight(int(r)))
		d := min(n, l.skip)
		l.skip -= d
		n = min(n-d, l.count)
		l.count -= n
		if n > 0 {
			if err := l.out.row(b.Cols, int(r), int32(n)); err != nil {
				return err
			}
		}
	}
	return l.out.flush()
}

// EndEpoch implements Op.
func (l *Limit) EndEpoch(Epoch) error { return nil }
