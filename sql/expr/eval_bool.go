package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

var boolType = types.Of(types.Bool)

// logicNode is AND (stop = false) or OR (stop = true) in three-valued logic.
// An argument is evaluated only for the rows that the ones before it left open:
// those whose value is not stop.
type logicNode struct {
	args []node
	stop bool
	open []uint16
	result
}

func (l *logicNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	out := l.prepare(boolType, x.n)
	vals := out.Bool
	for _, r := range rows {
		vals[r] = !l.stop
	}
	l.open = append(l.open[:0], rows...)
	open := l.open
	for _, a := range l.args {
		if len(open) == 0 {
			break
		}
		v, err := a.eval(x, open)
		if err != nil {
			return nil, err
		}
		open = l.merge(out, v, open)
	}
	for _, r := range open {
		if !out.Valid.Valid(int(r)) {
			vals[r] = false
		}
	}
	return l.finish(x.n), nil
}

// merge takes the next argument into out and gives the rows still open.
func (l *logicNode) merge(out, v *batch.Vector, open []uint16) []uint16 {
	k, m := 0, mask(v)
	for _, r := range open {
		i := int(r) & m
		switch {
		case v.Valid != nil && !v.Valid.Valid(i):
			out.Valid.Clear(int(r))
		case v.Bool[i] == l.stop:
			out.Bool[r] = l.stop
			out.Valid.Set(int(r))
			continue
		}
		open[k] = r
		k++
	}
	return open[:k]
}

// notNode is NOT.
type notNode struct {
	x node
	result
}

func (c *notNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	v, err := c.x.eval(x, rows)
	if err != nil {
		return nil, err
	}
	n := x.n
	if v.Const {
		n, rows = 1, identity[:1]
	}
	out := c.prepare(boolType, n)
	for _, r := range rows {
		out.Bool[r] = !v.Bool[r]
	}
	if v.Valid != nil {
		andBits(out.Valid, v.Valid, n)
		for _, r := range rows {
			if !out.Valid.Valid(int(r)) {
				out.Bool[r] = false
			}
		}
	}
	c.finish(n)
	out.Const = v.Const
	return out, nil
}

// isNullNode is IS [NOT] NULL.
type isNullNode struct {
	x   node
	not bool
	result
}

func (c *isNullNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	v, err := c.x.eval(x, rows)
	if err != nil {
		return nil, err
	}
	n := x.n
	if v.Const {
		n, rows = 1, identity[:1]
	}
	out := c.prepare(boolType, n)
	for _, r := range rows {
		out.Bool[r] = (v.Valid != nil && !v.Valid.Valid(int(r))) != c.not
	}
	c.finish(n)
	out.Const = v.Const
	return out, nil
}
