package expr

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// answerAggregate computes an aggregate call over all rows at once, and one that
// keeps accumulators also in other ways, which must give the same.
func (c *diffCase) answerAggregate(e Expr, rows [][]types.Datum) (string, error) {
	a, ok := Fold(e).(*Agg)
	if !ok {
		return "", fmt.Errorf("%s is more than an aggregate", c.Expr)
	}
	env := testEnv()
	var in []aggRow
	for _, row := range rows {
		r, ok, err := aggInput(a.Call, env, row)
		if err != nil {
			return diffError(err), nil
		}
		if ok {
			in = append(in, r)
		}
	}
	sorted := sortAggRows(a.Call, in)
	out := batch.NewVector(a.Call.T, 1)
	if err := a.Call.Fn.Collect(env, &sliceIter{rows: sorted}, out); err != nil {
		return diffError(err), nil
	}
	vals := []types.Datum{out.Datum(0)}
	asText := diffCase{Expr: c.Expr}
	return c.word(a.Call.T, vals), asText.otherWays(a.Call, sorted, asText.word(a.Call.T, vals))
}

// otherWays computes an aggregate that keeps accumulators in batches of several
// sizes, by merging parts, and with rows that are taken back.
func (c *diffCase) otherWays(call *AggCall, rows [][]types.Datum, want string) error {
	forms := []*AggFunc{call.Fn}
	if len(call.Args) > 0 {
		if f := call.Fn.Appended(call.Args[0].Type()); f != nil {
			forms = append(forms, f)
		}
	}
	for _, f := range forms {
		if f.Words == 0 {
			continue
		}
		for _, w := range aggWays {
			if w.merge && f.Merge == nil || w.retract && f != call.Fn {
				continue
			}
			d, err := w.compute(f, rows, call.T)
			got := ""
			switch {
			case err != nil && (w.retract || w.merge):
				continue // a part may overflow where the whole does not
			case err != nil:
				got = diffError(err)
			default:
				got = c.word(call.T, []types.Datum{d})
			}
			if got != want && !(w.retract && c.closeFloats(call, rows, got, want)) {
				return fmt.Errorf("%s gives %s", w.name, got)
			}
		}
	}
	return nil
}

// aggWay is a way to compute an aggregate of accumulators.
type aggWay struct {
	name    string
	size    int  // rows of a batch
	merge   bool // each batch into accumulators of its own, which are merged
	retract bool // each row comes twice and is taken back once, later
}

var aggWays = []aggWay{
	{name: "row by row", size: 1},
	{name: "three rows at a time", size: 3},
	{name: "merging rows", size: 1, merge: true},
	{name: "merging pairs", size: 2, merge: true},
	{name: "taking rows back", size: 2, retract: true},
}

func (w aggWay) compute(f *AggFunc, rows [][]types.Datum, t types.Type) (types.Datum, error) {
	total := make([]uint64, f.Words)
	part := total
	update := func(rows [][]types.Datum, weight int32) error {
		b := batch.New(f.Args, max(len(rows), 1))
		b.W = make([]int32, 0, len(rows))
		to := make([]unsafe.Pointer, len(rows))
		for i, r := range rows {
			b.AppendDatums(r[:len(f.Args)], weight)
			to[i] = unsafe.Pointer(&part[0])
		}
		return f.Update(to, allRows(len(rows)), b.Cols, b.W)
	}
	for at := 0; at < len(rows); at += w.size {
		some := rows[at:min(at+w.size, len(rows))]
		if w.merge {
			part = make([]uint64, f.Words)
		}
		weight := int32(1)
		if w.retract {
			weight = 2
		}
		if err := update(some, weight); err != nil {
			return types.NullDatum, err
		}
		if w.merge {
			dst, src := unsafe.Pointer(&total[0]), unsafe.Pointer(&part[0])
			if err := f.Merge([]unsafe.Pointer{dst}, []unsafe.Pointer{src}, 0); err != nil {
				return types.NullDatum, err
			}
		}
	}
	for at := len(rows) - 1; at >= 0 && w.retract; at-- {
		if err := update(rows[at:at+1], -1); err != nil {
			return types.NullDatum, err
		}
	}
	out := batch.NewVector(t, 1)
	if err := f.Result([]unsafe.Pointer{unsafe.Pointer(&total[0])}, out); err != nil {
		return types.NullDatum, err
	}
	return out.Datum(0), nil
}

// closeFloats tells whether an aggregate of floats is the same but for what their
// rounding leaves when rows are taken back: a small part of the largest of them.
func (c *diffCase) closeFloats(call *AggCall, rows [][]types.Datum, got, want string) bool {
	switch call.Name {
	case "corr", "regr_r2", "regr_slope", "regr_intercept":
		return true // quotients of differences, of which nothing may be left
	}
	largest, digits := 0.0, 1e-9
	for i, a := range call.Args {
		if k := a.Type().Kind; k != types.Float8 && k != types.Float4 {
			return false
		} else if k == types.Float4 {
			digits = 1e-6
		}
		for _, r := range rows {
			if x := math.Abs(r[i].F); !r[i].Null && isFinite(x) {
				largest = max(largest, x)
			}
		}
	}
	return closeTo(got, want, digits*max(largest, largest*largest))
}
