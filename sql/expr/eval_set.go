package expr

import (
	"slices"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// inNode is X [NOT] IN (constants), looked up in a set. Values are equal when
// their keys are (types.AppendKey); NULL in the list makes a miss NULL.
type inNode struct {
	x       node
	ints    map[int64]struct{} // PhysInt64
	keys    map[string]struct{}
	small   []int64 // a short list of integers is scanned instead
	t       types.Type
	hasNull bool
	not     bool
	buf     []byte
	result
}

// smallIn is the longest list that is scanned: below it a scan beats a map probe.
const smallIn = 8

func (c *compiler) compileIn(e *In) (node, error) {
	constant := true
	for _, x := range e.List {
		if _, ok := x.(*Const); !ok {
			constant = false
		}
	}
	switch {
	case constant:
	case slices.ContainsFunc(e.List, dependsOnRow):
		return c.compile(inAsOr(e))
	default: // all items are computed before the first is compared
		arr := makeArray(e.List, types.ArrayOf(e.X.Type()), -1)
		return c.compile(negateIf(e.Not, &Quant{Op: e.Eq, X: e.X, Arr: arr}))
	}
	x, err := c.compile(e.X)
	if err != nil {
		return nil, err
	}
	n := &inNode{x: x, t: e.X.Type(), not: e.Not}
	n.fill(e.List)
	return n, nil
}

// inAsOr rewrites an In whose list is not constant to comparisons.
func inAsOr(e *In) Expr {
	parts := make([]Expr, len(e.List))
	for i, y := range e.List {
		parts[i] = &Call{Fn: e.Eq, Args: []Expr{e.X, y}, T: boolType, Pos: -1}
	}
	return negateIf(e.Not, anyOf(parts))
}

func (n *inNode) fill(list []Expr) {
	n.ints, n.keys = map[int64]struct{}{}, map[string]struct{}{}
	for _, x := range list {
		d := x.(*Const).D
		switch {
		case d.Null:
			n.hasNull = true
		case n.t.Phys() == types.PhysInt64:
			n.ints[d.I] = struct{}{}
			n.small = append(n.small, d.I)
		case plainBytes(n.t.Kind):
			n.keys[d.S] = struct{}{}
		default:
			n.keys[string(types.AppendKey(nil, n.t, d))] = struct{}{}
		}
	}
	if len(n.small) > smallIn {
		n.small = nil
	}
}

func (n *inNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	v, err := n.x.eval(x, rows)
	if err != nil {
		return nil, err
	}
	count := x.n
	if v.Const {
		count, rows = 1, identity[:1]
	}
	out := n.prepare(boolType, count)
	switch {
	case n.t.Phys() != types.PhysInt64:
		n.probeKeys(v, rows, out)
	case n.small != nil:
		n.scan(v.I64, rows, out.Bool)
	default:
		for _, r := range rows {
			_, ok := n.ints[v.I64[r]]
			out.Bool[r] = ok != n.not
		}
	}
	n.nulls(v, rows, out, count)
	n.finish(count)
	out.Const = v.Const
	return out, nil
}

func (n *inNode) scan(vals []int64, rows []uint16, out []bool) {
	for _, r := range rows {
		hit := false
		for _, s := range n.small {
			hit = hit || s == vals[r]
		}
		out[r] = hit != n.not
	}
}

func (n *inNode) probeKeys(v *batch.Vector, rows []uint16, out *batch.Vector) {
	plain := plainBytes(n.t.Kind)
	for _, r := range rows {
		if plain {
			_, ok := n.keys[string(v.Bytes(int(r)))]
			out.Bool[r] = ok != n.not
			continue
		}
		n.buf = types.AppendKey(n.buf[:0], n.t, aliasDatum(v, int(r)))
		_, ok := n.keys[string(n.buf)]
		out.Bool[r] = ok != n.not
	}
}

func (n *inNode) nulls(v *batch.Vector, rows []uint16, out *batch.Vector, count int) {
	if v.Valid != nil {
		andBits(out.Valid, v.Valid, count)
	}
	if v.Valid == nil && !n.hasNull {
		return
	}
	for _, r := range rows {
		if n.hasNull && out.Bool[r] == n.not {
			out.Valid.Clear(int(r))
		}
		if !out.Valid.Valid(int(r)) {
			out.Bool[r] = false
		}
	}
}

// quantNode is X op ANY/ALL (array): the operator runs over the elements of each
// row's array at once.
type quantNode struct {
	e      *Quant
	x, arr node
	all    bool
	elem   types.Type
	left   result
	elems  *batch.Vector
	call   *callNode
	result
}

func (c *compiler) compileQuant(e *Quant) (node, error) {
	if in := quantAsIn(e); in != nil {
		return c.compileIn(in)
	}
	x, err := c.compile(e.X)
	if err != nil {
		return nil, err
	}
	arr, err := c.compile(e.Arr)
	if err != nil {
		return nil, err
	}
	elem := elemOf(e.Arr.Type())
	n := &quantNode{e: e, x: x, arr: arr, all: e.All, elem: elem, elems: batch.NewVector(elem, 16)}
	n.call = newCallNode(e.Op, []node{&vecNode{&n.left.vec}, &vecNode{n.elems}}, boolType)
	return n, nil
}

// quantAsIn rewrites X = ANY (constant array) and X <> ALL (constant array), which drivers
// send, to the lookup in a set; nil where that is not the same.
func quantAsIn(e *Quant) *In {
	arr, ok := e.Arr.(*Const)
	if !ok || arr.D.Null || len(e.Op.Args) != 2 {
		return nil
	}
	if e.All && e.Op.Name != "<>" || !e.All && e.Op.Name != "=" {
		return nil
	}
	t, elem := e.X.Type(), elemOf(arr.T)
	same := t.Kind == elem.Kind && (t.Phys() == types.PhysInt64 || t.Kind == types.Numeric)
	if !same && !(plainBytes(t.Kind) && plainBytes(elem.Kind)) {
		return nil
	}
	in := &In{X: e.X, Not: e.All}
	for _, d := range arr.D.Array(elem).Elems {
		in.List = append(in.List, &Const{D: d, T: elem})
	}
	if len(in.List) == 0 { // of no elements NULL is not unknown
		return nil
	}
	return in
}

// vecNode is a vector that another node fills.
type vecNode struct{ vec *batch.Vector }

func (v *vecNode) eval(*run, []uint16) (*batch.Vector, error) { return v.vec, nil }

func (q *quantNode) eval(x *run, rows []uint16) (*batch.Vector, error) {
	l, err := q.x.eval(x, rows)
	if err != nil {
		return nil, err
	}
	a, err := q.arr.eval(x, rows)
	if err != nil {
		return nil, err
	}
	n := x.n
	if l.Const && a.Const {
		n, rows = 1, identity[:1]
	}
	if in := q.asSet(l, a, rows); in != nil {
		return in.eval(x, rows)
	}
	out := q.prepare(boolType, n)
	for _, r := range rows {
		if err := q.one(x, l, a, int(r), out); err != nil {
			return nil, err
		}
	}
	q.finish(n)
	out.Const = l.Const && a.Const
	return out, nil
}

// minSetRows is the least number of rows for which a set is made of an array: to make it
// costs as much as some ten comparisons with each element.
const minSetRows = 16

// asSet looks many values up in a set of the array's elements, where the array is the same
// for all rows, as that of the parameters of a statement is; nil where that does not pay.
func (q *quantNode) asSet(l, a *batch.Vector, rows []uint16) *inNode {
	if len(rows) < minSetRows || l.Const || !a.Const || a.IsNull(0) {
		return nil
	}
	arr := &Const{D: aliasDatum(a, 0), T: q.e.Arr.Type()}
	in := quantAsIn(&Quant{Op: q.e.Op, X: q.e.X, Arr: arr, All: q.all})
	if in == nil || len(in.List) <= smallIn {
		return nil
	}
	n := &inNode{x: &vecNode{l}, t: q.e.X.Type(), not: in.Not}
	n.fill(in.List)
	return n
}

func (q *quantNode) one(x *run, l, a *batch.Vector, row int, out *batch.Vector) error {
	out.Bool[row] = q.all
	if a.IsNull(row) {
		setNull(out, row)
		return nil
	}
	if _, err := q.left.setConst(l.Type, aliasDatum(l, row)); err != nil {
		return err
	}
	elems := types.OpenArrayDatum(q.elem, aliasDatum(a, row))
	null := false
	for from := 0; from < elems.Len(); {
		k := min(elems.Len()-from, batch.MaxRows)
		q.elems.Reset()
		for i := range k {
			q.elems.AppendDatum(elems.Datum(from + i))
		}
		from += k
		sub := run{env: x.env, b: x.b, n: k}
		v, err := q.call.eval(&sub, allRows(k))
		if err != nil {
			return err
		}
		for i := range k {
			switch {
			case v.IsNull(i):
				null = true
			case v.Bool[v.Row(i)] != q.all:
				out.Bool[row] = !q.all
				return nil
			}
		}
	}
	if null {
		setNull(out, row)
	}
	return nil
}
