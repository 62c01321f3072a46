package op

import (
	"math"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// TopNConfig describes a TopN.
type TopNConfig struct {
	Types     []types.Type // of the input
	Partition []expr.Expr
	Keys      []expr.Order
	// Count and Offset are constants or parameters; nil or NULL: all, none.
	Count, Offset expr.Expr
	WithTies      bool
	// RowNumber adds the number of the row in its partition as a last column.
	RowNumber bool
	// AppendOnly says that no row is retracted: only the best are kept.
	AppendOnly bool
}

// TopN keeps Count rows after Offset rows of each partition by the order of
// Keys, incrementally.
type TopN struct {
	cfg           TopNConfig
	p             *partitions
	count, offset int64
	last          []byte
}

// NewTopN makes a TopN.
func NewTopN(ctx *Context, cfg TopNConfig, out Sink) (*TopN, error) {
	t := &TopN{cfg: cfg}
	var err error
	if t.count, t.offset, err = limits(ctx.Env, cfg.Count, cfg.Offset); err != nil {
		return nil, err
	}
	ts := cfg.Types
	if cfg.RowNumber {
		ts = append(append([]types.Type(nil), ts...), int8Type)
	}
	if t.p, err = newPartitions(ctx, cfg.Types, cfg.Partition, cfg.Keys, ts, out); err != nil {
		return nil, err
	}
	t.p.give = t.give
	if (cfg.AppendOnly || ctx.Bounded) && t.count < math.MaxInt64-t.offset {
		t.p.trim = t.trim
	}
	return t, nil
}

// NewDistinctOn makes a TopN that keeps the first row of each group.
func NewDistinctOn(ctx *Context, ts []types.Type, on []expr.Expr, keys []expr.Order,
	appendOnly bool, out Sink) (*TopN, error) {
	one := &expr.Const{D: types.IntDatum(1), T: int8Type}
	return NewTopN(ctx, TopNConfig{Types: ts, Partition: on, Keys: keys, Count: one,
		AppendOnly: appendOnly}, out)
}

// limits evaluates LIMIT and OFFSET.
func limits(env *expr.Env, count, offset expr.Expr) (n, skip int64, err error) {
	n = math.MaxInt64
	if count != nil {
		d, err := expr.EvalConst(count, env)
		if err != nil {
			return 0, 0, err
		}
		if !d.Null {
			n = d.I
		}
		if n < 0 {
			return 0, 0, sqlerr.New(sqlerr.InvalidRowCountInLimit,
				"LIMIT must not be negative")
		}
	}
	if offset != nil {
		d, err := expr.EvalConst(offset, env)
		if err != nil {
			return 0, 0, err
		}
		if !d.Null {
			skip = d.I
		}
		if skip < 0 {
			return 0, 0, sqlerr.New(sqlerr.InvalidRowCountInOffset,
				"OFFSET must not be negative")
		}
	}
	return n, skip, nil
}

// give pushes the rows of a partition that are in the result.
func (t *TopN) give(root state.Ref, w int32) error {
	if t.count == 0 {
		return nil
	}
	at, end := int64(0), addSat(t.offset, t.count)
	t.last = nil
	var err error
	t.p.sorted.Walk(root, func(r state.Ref) bool {
		n := t.p.sorted.Weight(r)
		lo, hi := max(at, t.offset), min(at+n, end)
		row := t.p.sorted.Row(r)
		if at >= end {
			if !t.cfg.WithTies || t.p.rows.cmp.Compare(row, t.last) != 0 {
				return false
			}
			lo, hi = at, at+n
		} else if t.cfg.WithTies && at+n > end {
			hi = at + n
		}
		if lo < hi {
			t.last = row
			err = t.giveRow(row, lo, hi, w)
		}
		at += n
		return err == nil
	})
	return err
}

// giveRow pushes the copies lo to hi-1 (from 0) of a row.
func (t *TopN) giveRow(row []byte, lo, hi int64, w int32) error {
	n := len(t.cfg.Types)
	if !t.cfg.RowNumber {
		t.p.rows.layout.Decode(row, t.p.sink.cols()[:n])
		return t.p.sink.endWide((hi - lo) * int64(w))
	}
	for ; lo < hi; lo++ {
		cols := t.p.sink.cols()
		t.p.rows.layout.Decode(row, cols[:n])
		cols[n].AppendInt(lo + 1)
		if err := t.p.sink.end(w); err != nil {
			return err
		}
	}
	return nil
}

// trim drops the last rows of a partition that has more than can be in the
// result.
func (t *TopN) trim(root state.Ref) state.Ref {
	o := t.p.sorted
	for keep := t.offset + t.count; o.Sum(root) > keep; {
		last := o.Last(root)
		if o.Sum(root)-o.Weight(last) < keep {
			return root
		}
		if t.cfg.WithTies && t.tied(root, last, keep) {
			return root
		}
		root = o.RemoveNode(root, last)
	}
	return root
}

// tied tells whether the last row is equal by the keys to the last of the first
// keep rows.
func (t *TopN) tied(root, last state.Ref, keep int64) bool {
	at := t.p.sorted.At(root, keep-1)
	return at == 0 || t.p.rows.cmp.Compare(t.p.sorted.Row(at), t.p.sorted.Row(last)) == 0
}

// Push implements Op.
func (t *TopN) Push(_ int, b *batch.Batch) error { return t.p.push(b) }

// EndEpoch implements Op.
func (t *TopN) EndEpoch(e Epoch) error { return t.p.endEpoch("limit", e) }

// Save implements Op.
func (t *TopN) Save(w *state.Writer) error { return t.p.save(w) }

// Load implements Op.
func (t *TopN) Load(r *state.Reader) error { return t.p.load(r) }

// Memory implements Op.
func (t *TopN) Memory() Usage { return t.p.usage() }

// Close implements Op.
func (t *TopN) Close() { t.p.close() }
