package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// caseNode is CASE: conditions narrow the rows still open, and each result is
// computed for its own rows only, so that CASE WHEN x <> 0 THEN 1 / x END never
// divides by zero.
type caseNode struct {
	conds   []pred
	thens   []node // one more than conds when there is an ELSE
	t       types.Type
	open    []uint16
	hit     []uint16
	arm     []uint16 // per row: index of the arm taken
	results []*batch.Vector
	result
}

// noArm marks the rows that no arm took.
const noArm = ^uint16(0)

func (c *caseNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	c.open = append(c.open[:0], rows...)
	c.arm = resize(c.arm, x.n)
	open := c.open
	for i, cond := range c.conds {
		if len(open) == 0 {
			break
		}
		c.hit = resize(c.hit, len(open))
		hit, err := cond.narrow(x, open, c.hit)
		if err != nil {
			return nil, err
		}
		if len(hit) == 0 {
			continue
		}
		if err := c.take(x, i, hit); err != nil {
			return nil, err
		}
		open = without(open, hit)
	}
	for _, r := range open {
		c.arm[r] = noArm
	}
	if len(c.thens) > len(c.conds) && len(open) > 0 {
		if err := c.take(x, len(c.conds), open); err != nil {
			return nil, err
		}
	}
	return mergeArms(&c.result, c.t, x.n, rows, c.arm, c.results)
}

// take evaluates arm i for its rows.
func (c *caseNode) take(x *run, i int, rows []uint16) error {
	v, err := c.thens[i].eval(x, rows)
	if err != nil {
		return err
	}
	c.results[i] = v
	for _, r := range rows {
		c.arm[r] = uint16(i)
	}
	return nil
}

// without removes the rows of hit (a subsequence of rows) from rows, in place.
func without(rows, hit []uint16) []uint16 {
	k, h := 0, 0
	for _, r := range rows {
		if h < len(hit) && hit[h] == r {
			h++
			continue
		}
		rows[k] = r
		k++
	}
	return rows[:k]
}

// mergeArms collects each row from the vector of its arm.
func mergeArms(res *result, t types.Type, n int, rows, arm []uint16,
	vs []*batch.Vector) (*batch.Vector, error) {
	out := res.prepare(t, n)
	phys := t.Phys()
	for _, r := range rows {
		row := int(r)
		if arm[r] == noArm {
			setNull(out, row)
			continue
		}
		v := vs[arm[r]]
		i := v.Row(row)
		if v.Valid != nil && !v.Valid.Valid(i) {
			setNull(out, row)
			continue
		}
		switch phys {
		case types.PhysInt64:
			out.I64[row] = v.I64[i]
		case types.PhysFloat64:
			out.F64[row] = v.F64[i]
		case types.PhysBool:
			out.Bool[row] = v.Bool[i]
		case types.PhysBytes:
			putBytes(out, row, v.Buf[v.Off[i]:v.Off[i+1]])
		}
	}
	return res.finish(n), nil
}

// coalesceNode is COALESCE: each argument is evaluated for the rows that the
// ones before it left NULL.
type coalesceNode struct {
	args    []node
	t       types.Type
	open    []uint16
	arm     []uint16
	results []*batch.Vector
	result
}

func (c *coalesceNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	c.open = append(c.open[:0], rows...)
	c.arm = resize(c.arm, x.n)
	open := c.open
	for i, a := range c.args {
		if len(open) == 0 {
			break
		}
		v, err := a.eval(x, open)
		if err != nil {
			return nil, err
		}
		if i == 0 && v.Valid == nil {
			return v, nil
		}
		c.results[i] = v
		k, m := 0, mask(v)
		for _, r := range open {
			if v.Valid == nil || v.Valid.Valid(int(r)&m) {
				c.arm[r] = uint16(i)
				continue
			}
			open[k] = r
			k++
		}
		open = open[:k]
	}
	for _, r := range open {
		c.arm[r] = noArm
	}
	return mergeArms(&c.result, c.t, x.n, rows, c.arm, c.results)
}
