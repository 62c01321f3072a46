package expr

import (
	"slices"

	"github.com/millracedb/millrace/sql/types"
)

// aggRow is one input row of an aggregate: arguments and sort keys.
type aggRow struct {
	args, keys []types.Datum
}

func aggInput(c *AggCall, env *Env, row []types.Datum) (aggRow, bool, error) {
	var r aggRow
	if c.Filter != nil {
		d, err := EvalRow(c.Filter, env, row)
		if err != nil || !d.Bool() {
			return r, false, err
		}
	}
	for _, a := range c.Args {
		d, err := EvalRow(a, env, row)
		if err != nil {
			return r, false, err
		}
		r.args = append(r.args, d)
	}
	for _, o := range c.OrderBy {
		d, err := EvalRow(o.X, env, row)
		if err != nil {
			return r, false, err
		}
		r.keys = append(r.keys, d)
	}
	return r, true, nil
}

func sortAggRows(c *AggCall, in []aggRow) [][]types.Datum {
	if c.Distinct && len(c.OrderBy) == 0 { // the way to find equal rows
		slices.SortStableFunc(in, func(a, b aggRow) int {
			for i, x := range c.Args {
				if cmp := types.Compare(x.Type(), a.args[i], b.args[i]); cmp != 0 {
					return cmp
				}
			}
			return 0
		})
	}
	slices.SortStableFunc(in, func(a, b aggRow) int {
		for i, o := range c.OrderBy {
			x, y := a.keys[i], b.keys[i]
			cmp := 0
			switch {
			case x.Null != y.Null:
				cmp = 1
				if x.Null == o.NullsFirst {
					cmp = -1
				}
			default:
				cmp = types.Compare(o.X.Type(), x, y)
				if o.Desc {
					cmp = -cmp
				}
			}
			if cmp != 0 {
				return cmp
			}
		}
		return 0
	})
	var out [][]types.Datum
	seen := map[string]bool{}
	for _, r := range in {
		if c.Distinct {
			var key []byte
			for i, a := range c.Args {
				key = types.AppendKey(key, a.Type(), r.args[i])
			}
			if seen[string(key)] {
				continue
			}
			seen[string(key)] = true
		}
		out = append(out, r.args)
	}
	return out
}
