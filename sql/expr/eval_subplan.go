package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// subplanNode runs a subquery: once per evaluation, or once per row when it
// refers to the row.
type subplanNode struct {
	e    *Subplan
	x    []node
	vecs []*batch.Vector
	left []result
	ops  []*callNode
	cols []*vecNode
	test node        // of Test
	wide batch.Batch // the row that Test sees
	result
}

func (c *compiler) compileSubplan(e *Subplan) (node, error) {
	x, err := c.compileAll(e.X)
	if err != nil {
		return nil, err
	}
	n := &subplanNode{e: e, x: x, vecs: make([]*batch.Vector, len(x)),
		left: make([]result, len(x))}
	if e.Test != nil {
		n.test, err = c.compile(e.Test)
		return n, err
	}
	for i, op := range e.Op {
		col := &vecNode{}
		n.cols = append(n.cols, col)
		n.ops = append(n.ops,
			newCallNode(op, []node{&vecNode{&n.left[i].vec}, col}, boolType))
	}
	return n, nil
}

func (s *subplanNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	constant := !s.e.Correlated
	for i, n := range s.x {
		v, err := n.eval(x, rows)
		if err != nil {
			return nil, err
		}
		s.vecs[i] = v
		constant = constant && v.Const
	}
	var shared []*batch.Batch
	if !s.e.Correlated {
		var err error
		if shared, err = x.env.RunSubplan(s.e.ID); err != nil {
			return nil, err
		}
	}
	n := x.n
	if constant {
		n, rows = 1, identity[:1]
	}
	out := s.prepare(s.e.T, n)
	for _, r := range rows {
		got := shared
		if s.e.Correlated {
			var err error
			if got, err = s.runFor(x, int(r)); err != nil {
				return nil, err
			}
		}
		d, err := s.value(x, int(r), got)
		if err != nil {
			return nil, err
		}
		if err := putDatum(out, int(r), d); err != nil {
			return nil, err
		}
	}
	s.finish(n)
	out.Const = constant
	return out, nil
}

// runFor runs the subquery with row as the nearest enclosing row.
func (s *subplanNode) runFor(x *run, row int) ([]*batch.Batch, error) {
	env := x.env
	env.Outer = append(env.Outer, OuterRow{Batch: x.b, Row: row})
	got, err := env.RunSubplan(s.e.ID)
	env.Outer = env.Outer[:len(env.Outer)-1]
	return got, err
}

func (s *subplanNode) value(x *run, row int, bs []*batch.Batch) (types.Datum, error) {
	switch s.e.Kind {
	case SubplanExists:
		return types.BoolDatum(countRows(bs) > 0), nil
	case SubplanScalar:
		return scalarOf(bs)
	case SubplanArray:
		return s.arrayOf(bs)
	case SubplanRow:
		switch n := countRows(bs); {
		case n > 1:
			return types.NullDatum, errManyRows()
		case n == 0:
			return types.NullDatum, nil
		}
	}
	return s.quantified(x, row, bs)
}

// countRows counts rows as often as their weights say: equal rows may come as one.
func countRows(bs []*batch.Batch) int64 {
	n := int64(0)
	for _, b := range bs {
		for k := range b.Rows() {
			n += int64(b.Weight(b.Index(k)))
		}
	}
	return n
}

func errManyRows() error {
	return sqlerr.New(sqlerr.CardinalityViolation,
		"more than one row returned by a subquery used as an expression")
}

func scalarOf(bs []*batch.Batch) (types.Datum, error) {
	if countRows(bs) > 1 {
		return types.NullDatum, errManyRows()
	}
	for _, b := range bs {
		if b.Rows() == 1 {
			return b.Cols[0].Datum(b.Index(0)), nil
		}
	}
	return types.NullDatum, nil
}

func (s *subplanNode) arrayOf(bs []*batch.Batch) (types.Datum, error) {
	var elems []types.Datum
	for _, b := range bs {
		for k := range b.Rows() {
			i := b.Index(k)
			for range b.Weight(i) {
				elems = append(elems, b.Cols[0].Datum(i))
			}
		}
	}
	return makeArrayDatum(elems, s.e.T)
}

// quantified is X op ANY/ALL (subquery) over all columns of X at once: a row
// matches when every comparison of its columns holds, or Test.
func (s *subplanNode) quantified(x *run, row int, bs []*batch.Batch) (types.Datum, error) {
	all := s.e.Kind == SubplanAll
	for i, v := range s.vecs {
		if _, err := s.left[i].setConst(v.Type, aliasDatum(v, row)); err != nil {
			return types.NullDatum, err
		}
	}
	null := false
	for _, b := range bs {
		if b.Rows() == 0 {
			continue
		}
		hits, unknown, err := s.match(x, b)
		if err != nil {
			return types.NullDatum, err
		}
		if !all && hits > 0 || all && hits+unknown < b.Rows() {
			return types.BoolDatum(!all), nil
		}
		null = null || unknown > 0
	}
	if null {
		return types.NullDatum, nil
	}
	return types.BoolDatum(all), nil
}

// match counts the rows of b that match, and those that may for a NULL.
func (s *subplanNode) match(x *run, b *batch.Batch) (hits, unknown int, err error) {
	sub := run{env: x.env, b: b, n: b.N}
	rows := rowsOf(b)
	if s.test != nil {
		return s.matchTest(&sub, rows)
	}
	vs := make([]*batch.Vector, len(s.ops))
	for i, op := range s.ops {
		s.cols[i].vec = b.Cols[i]
		if vs[i], err = op.eval(&sub, rows); err != nil {
			return 0, 0, err
		}
	}
	for _, r := range rows {
		null, miss := false, false
		for _, v := range vs {
			switch {
			case v.IsNull(int(r)):
				null = true
			case !v.Bool[v.Row(int(r))]:
				miss = true
			}
		}
		switch {
		case miss:
		case null:
			unknown++
		default:
			hits++
		}
	}
	return hits, unknown, nil
}

// matchTest is match by Test.
func (s *subplanNode) matchTest(sub *run, rows []uint16) (hits, unknown int, err error) {
	s.wide = *sub.b
	s.wide.Cols = append(make([]*batch.Vector, 0, 2*len(s.left)), sub.b.Cols[:len(s.left)]...)
	for i := range s.left {
		s.wide.Cols = append(s.wide.Cols, &s.left[i].vec)
	}
	sub.b = &s.wide
	v, err := s.test.eval(sub, rows)
	if err != nil {
		return 0, 0, err
	}
	for _, r := range rows {
		switch {
		case v.IsNull(int(r)):
			unknown++
		case v.Bool[v.Row(int(r))]:
			hits++
		}
	}
	return hits, unknown, nil
}
