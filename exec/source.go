package exec

import (
	"context"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// scanRelation calls fn with everything that a relation shows at an epoch, which
// is pinned: a stream's rows in order of offset, partition by partition; the rows
// of a table or view in no order. need tells the columns by ordinal.
func (e *Engine) scanRelation(ctx context.Context, r *relation, epoch log.Epoch, need []bool,
	fn func(*rows) error,
) error {
	if r.isStream() {
		for p := range r.late {
			if err := e.scanLog(ctx, r, p, epoch, need, fn); err != nil {
				return err
			}
		}
		return nil
	}
	for p := range r.arrs {
		if err := r.scanPart(ctx, p, epoch, need, fn); err != nil {
			return err
		}
	}
	return nil
}

// scanLog reads one partition of a stream up to an epoch.
func (e *Engine) scanLog(ctx context.Context, r *relation, p int, epoch log.Epoch, need []bool,
	fn func(*rows) error,
) error {
	begin, end, err := e.log.Bounds(r.partition(p), epoch)
	if err != nil || begin >= end {
		return err
	}
	return e.scanRange(ctx, r, p, begin, end, need, fn)
}

// scanRange reads the rows [from, to) of a partition.
func (e *Engine) scanRange(ctx context.Context, r *relation, p int, from, to log.Offset,
	need []bool, fn func(*rows) error,
) error {
	late := r.rejected(p).offsets
	return e.readRange(ctx, r, p, from, to, need, func(rs *rows) error {
		return fn(late.hide(rs))
	})
}

// readRange is scanRange with the rows that were late.
func (e *Engine) readRange(ctx context.Context, r *relation, p int, from, to log.Offset,
	need []bool, fn func(*rows) error,
) error {
	// What is being read must not fall to retention meanwhile.
	defer e.log.Pin(r.partition(p), from, "read of "+r.cat.Name)()
	return e.log.Read(ctx, r.partition(p), from, to, sections(need), func(b *log.Block) error {
		return r.decodeBlock(b, need, func(rs *rows) error {
			return r.pieces(rs.clip(from, to), fn)
		})
	})
}

// sections lists the sections of the needed columns, the header first.
func sections(need []bool) []int {
	out := []int{0}
	for i, n := range need {
		if n {
			out = append(out, i+1)
		}
	}
	return out
}

// clip takes rows outside [from, to) out.
func (r *rows) clip(from, to log.Offset) *rows {
	lo, hi := max(0, int(from-r.base)), min(r.b.N, int(to-r.base))
	if r.offsets != nil {
		lo, _ = slices.BinarySearch(r.offsets, from)
		hi, _ = slices.BinarySearch(r.offsets, to)
	}
	if lo == 0 && hi == r.b.N {
		return r
	}
	out := *r
	b := *r.b
	b.Sel = allRows[lo:max(lo, hi)]
	out.b = &b
	return &out
}

// scanPart reads one partition of a table or view.
func (r *relation) scanPart(ctx context.Context, p int, epoch log.Epoch, need []bool,
	fn func(*rows) error,
) error {
	var columns []int // of the row layout
	for i, o := range r.layout {
		if need[o] {
			columns = append(columns, i)
		}
	}
	kept := len(columns)
	if r.timed {
		columns = append(columns, len(r.layout))
	}
	return r.arrs[p].Scan(uint64(epoch), columns, func(b *batch.Batch) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		out := &rows{part: int32(p), base: -1, epoch: epoch, noTime: !r.timed, b: &batch.Batch{
			N: b.N, W: b.W, Cols: make([]*batch.Vector, len(r.types)),
		}}
		if r.timed {
			out.time = b.Cols[kept].I64
		}
		for k, i := range columns[:kept] {
			out.b.Cols[r.layout[i]] = b.Cols[k]
		}
		return r.pieces(out, fn)
	})
}

// pieces hands rows over in batches of Config.BatchRows.
func (r *relation) pieces(rs *rows, fn func(*rows) error) error {
	all := rowsOf(rs.b)
	if len(all) <= r.cut {
		return fn(rs)
	}
	for len(all) > 0 {
		n := min(r.cut, len(all))
		part, b := *rs, *rs.b
		b.Sel = all[:n]
		part.b, all = &b, all[n:]
		if err := fn(&part); err != nil {
			return err
		}
	}
	return nil
}

// countRows gives the number of rows that a relation shows, about.
func (e *Engine) countRows(r *relation, epoch log.Epoch) (int64, error) {
	n := int64(0)
	if !r.isStream() {
		for _, a := range r.arrs {
			n += a.Len()
		}
		return n, nil
	}
	for p := range r.late {
		begin, end, err := e.log.Bounds(r.partition(p), epoch)
		if err != nil {
			return 0, err
		}
		n += int64(end - begin)
	}
	return n, nil
}

// lookupRow finds a table's row by its key; nil when there is none.
func (e *Engine) lookupRow(rd *Read, c *catalog.Relation, key []types.Datum) (
	[]types.Datum, error,
) {
	r, changed, err := e.sourceOf(rd, c)
	switch {
	case err != nil:
		return nil, err
	case changed != nil:
		return e.lookupShadow(rd, changed, key)
	}
	out := batch.New(r.storedTypes(), 1)
	if err := r.lookup(rd.Point.Epoch, key, out); err != nil {
		return nil, translate(err)
	}
	if out.N == 0 {
		return nil, nil
	}
	lay, _ := r.unstored(out)
	return datums(lay, 0), nil
}

// lookup appends the rows with a key to out, which has the columns of the
// arrangement.
func (r *relation) lookup(epoch log.Epoch, key []types.Datum, out *batch.Batch) error {
	if len(r.arrs) == 1 {
		return r.arrs[0].Lookup(uint64(epoch), key, out)
	}
	cols := make([]*batch.Vector, len(key))
	for i, k := range r.cat.Key {
		cols[i] = batch.NewVector(r.types[k], 1)
		cols[i].AppendDatum(key[i])
	}
	h, _ := hashRows(cols, allRows[:1], nil, nil)
	return r.arrs[h[0]%uint64(len(r.arrs))].Lookup(uint64(epoch), key, out)
}

func gone(c *catalog.Relation) error {
	return sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", c.Name)
}
