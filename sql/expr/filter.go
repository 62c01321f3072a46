package expr

import (
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// pred is a compiled condition. narrow writes the rows for which it is true into
// out, which has room for all rows and may be rows itself.
type pred interface {
	narrow(x *run, rows, out []uint16) ([]uint16, error)
}

// compilePred compiles a boolean expression as a condition.
func (c *compiler) compilePred(e Expr) (pred, error) {
	switch e := e.(type) {
	case *And:
		p := &andPred{}
		for _, a := range e.Args {
			q, err := c.compilePred(a)
			if err != nil {
				return nil, err
			}
			p.args = append(p.args, q)
		}
		return p, nil
	case *Or:
		p := &orPred{}
		for _, a := range e.Args {
			q, err := c.compilePred(a)
			if err != nil {
				return nil, err
			}
			p.args = append(p.args, q)
		}
		return p, nil
	case *IsNull:
		x, err := c.compile(e.X)
		if err != nil {
			return nil, err
		}
		return &nullPred{x: x, not: e.Not}, nil
	case *Call:
		if op, ok := cmpOpOf(e.Fn.Name); ok && e.Fn.Operator && len(e.Args) == 2 {
			return c.compileCmpPred(e, op)
		}
	}
	n, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	return &vecPred{n}, nil
}

func (c *compiler) compileCmpPred(e *Call, op cmpOp) (pred, error) {
	a, b := e.Args[0].Type().Kind, e.Args[1].Type().Kind
	n, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	call, ok := n.(*callNode)
	if !ok || !sameOrder(a, b) {
		return &vecPred{n}, nil
	}
	return &cmpPred{op: op, call: call, phys: a.Phys(), vec: vecPred{n}}, nil
}

// vecPred evaluates to booleans and picks the true ones.
type vecPred struct{ x node }

func (p *vecPred) narrow(x *run, rows, out []uint16) ([]uint16, error) {
	v, err := p.x.eval(x, rows)
	if err != nil {
		return nil, err
	}
	return pickTrue(v, rows, out), nil
}

// pickTrue keeps the rows where v is true. NULL rows hold false.
func pickTrue(v *batch.Vector, rows, out []uint16) []uint16 {
	if v.Const {
		if !v.Bool[0] || v.IsNull(0) {
			return out[:0]
		}
		return out[:copy(out[:len(rows)], rows)]
	}
	k := 0
	out = out[:len(rows)]
	vals := v.Bool
	for _, r := range rows {
		out[k] = r
		if vals[r] {
			k++
		}
	}
	return dropNull(v.Valid, out[:k])
}

// dropNull removes the rows that valid says are NULL, in place.
func dropNull(valid batch.Bitmap, rows []uint16) []uint16 {
	if valid == nil {
		return rows
	}
	k := 0
	for _, r := range rows {
		rows[k] = r
		if valid.Valid(int(r)) {
			k++
		}
	}
	return rows[:k]
}

// cmpPred compares straight into the selection when one side is a constant.
type cmpPred struct {
	op   cmpOp
	call *callNode
	phys types.Phys
	vec  vecPred
}

func (p *cmpPred) narrow(x *run, rows, out []uint16) ([]uint16, error) {
	if p.phys == types.PhysBool {
		return p.vec.narrow(x, rows, out)
	}
	a, err := p.call.args[0].eval(x, rows)
	if err != nil {
		return nil, err
	}
	b, err := p.call.args[1].eval(x, rows)
	if err != nil {
		return nil, err
	}
	op := p.op
	if a.Const {
		a, b, op = b, a, op.flip()
	}
	if b.Const && b.IsNull(0) || a.Const && a.IsNull(0) {
		return out[:0], nil
	}
	switch {
	case a.Const:
		return p.constant(op, a, b, rows, out), nil
	case !b.Const:
		out = p.vectors(op, a, b, rows, out)
		return dropNull(b.Valid, dropNull(a.Valid, out)), nil
	case p.phys == types.PhysInt64:
		out = selectCmp(op, a.I64, b.I64[0], rows, out)
	case p.phys == types.PhysFloat64:
		out = selectFloat(op, a.F64, b.F64[0], rows, out)
	default:
		out = selectBytes(op, a, b, rows, out)
	}
	return dropNull(a.Valid, out), nil
}

func (p *cmpPred) constant(op cmpOp, a, b *batch.Vector, rows, out []uint16) []uint16 {
	var one [1]uint16
	if len(p.vectors(op, a, b, identity[:1], one[:])) == 0 {
		return out[:0]
	}
	return out[:copy(out[:len(rows)], rows)]
}

func (p *cmpPred) vectors(op cmpOp, a, b *batch.Vector, rows, out []uint16) []uint16 {
	switch p.phys {
	case types.PhysInt64:
		return selectVec(op, a.I64, b.I64, rows, out)
	case types.PhysFloat64:
		return selectVec(op, a.F64, b.F64, rows, out)
	}
	return selectBytes(op, a, b, rows, out)
}

func selectFloat(op cmpOp, a []float64, c float64, rows, out []uint16) []uint16 {
	if c == c {
		return selectCmp(op, a, c, rows, out)
	}
	k := 0
	out = out[:len(rows)]
	for _, r := range rows {
		out[k] = r
		if op.holds(compareNum(a[r], c)) {
			k++
		}
	}
	return out[:k]
}

// compareNum orders two numbers, NaN last.
func compareNum[T number](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	case x == x:
		return -1
	case y == y:
		return 1
	}
	return 0
}

func selectVec[T number](op cmpOp, a, b []T, rows, out []uint16) []uint16 {
	if op == opGt || op == opGe {
		a, b, op = b, a, op.flip()
	}
	k := 0
	out = out[:len(rows)]
	for _, r := range rows {
		x, y := a[r], b[r]
		out[k] = r
		var ok bool
		switch op {
		case opEq:
			ok = x == y || (x != x && y != y)
		case opNe:
			ok = x != y && (x == x || y == y)
		case opLt:
			ok = x < y || (y != y && x == x)
		default:
			ok = x <= y || y != y
		}
		if ok {
			k++
		}
	}
	return out[:k]
}

func selectBytes(op cmpOp, a, b *batch.Vector, rows, out []uint16) []uint16 {
	k := 0
	out = out[:len(rows)]
	for _, r := range rows {
		out[k] = r
		x, y := a.Bytes(int(r)), b.Bytes(int(r))
		var ok bool
		switch op {
		case opEq:
			ok = string(x) == string(y)
		case opNe:
			ok = string(x) != string(y)
		default:
			ok = op.holds(compareBytes(x, y))
		}
		if ok {
			k++
		}
	}
	return out[:k]
}

// compareBytes orders two strings byte by byte.
func compareBytes(x, y []byte) int {
	switch a, b := aliasString(x), aliasString(y); {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// andPred narrows by each condition in turn.
type andPred struct{ args []pred }

func (p *andPred) narrow(x *run, rows, out []uint16) ([]uint16, error) {
	for _, a := range p.args {
		if len(rows) == 0 {
			return out[:0], nil
		}
		var err error
		if rows, err = a.narrow(x, rows, out); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// orPred tries each condition on the rows that none before it took.
type orPred struct {
	args []pred
	open []uint16
	hit  []uint16
	took []bool
}

func (p *orPred) narrow(x *run, rows, out []uint16) ([]uint16, error) {
	p.open = append(p.open[:0], rows...)
	p.took = resize(p.took, x.n)
	for _, r := range rows {
		p.took[r] = false
	}
	open := p.open
	for _, a := range p.args {
		if len(open) == 0 {
			break
		}
		p.hit = resize(p.hit, len(open))
		hit, err := a.narrow(x, open, p.hit)
		if err != nil {
			return nil, err
		}
		for _, r := range hit {
			p.took[r] = true
		}
		open = without(open, hit)
	}
	k := 0
	out = out[:len(rows)]
	for _, r := range rows {
		out[k] = r
		if p.took[r] {
			k++
		}
	}
	return out[:k], nil
}

// nullPred is IS [NOT] NULL.
type nullPred struct {
	x   node
	not bool
}

func (p *nullPred) narrow(x *run, rows, out []uint16) ([]uint16, error) {
	v, err := p.x.eval(x, rows)
	if err != nil {
		return nil, err
	}
	if v.Valid == nil {
		if !p.not {
			return out[:0], nil
		}
		return out[:copy(out[:len(rows)], rows)], nil
	}
	k, m := 0, mask(v)
	out = out[:len(rows)]
	for _, r := range rows {
		out[k] = r
		if v.Valid.Valid(int(r)&m) == p.not {
			k++
		}
	}
	return out[:k], nil
}
