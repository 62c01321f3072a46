package parse

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// call reads the arguments and clauses of a function call.
func (p *parser) call(at sql.Loc, n sql.Name) *sql.Call {
	c := &sql.Call{Loc: at, Name: n}
	p.expectC('(')
	if p.acceptOp("*") {
		c.Star = true
	} else if !p.isC(')') {
		p.arguments(c)
	}
	p.expectC(')')
	if p.is(kwWithin) && !p.peek(1).isPunct('(') && p.peek(1).kind != kindNum {
		p.i++ // WITHIN 1 HOUR and WITHIN (...) are of a join
		p.expect(kwGroup)
		p.expectC('(')
		p.expect(kwOrder)
		p.expect(kwBy)
		p.withinGroup(c)
		c.Within = p.sortKeys()
		p.expectC(')')
	}
	if p.is(kwFilter) && p.peek(1).isPunct('(') {
		p.i += 2
		p.expect(kwWhere)
		c.Filter = p.expr()
		p.expectC(')')
	}
	if p.peek(1).kw == kwNulls && (p.is(kwIgnore) || p.is(kwRespect)) {
		c.Nulls = sql.RespectNulls
		if p.is(kwIgnore) {
			c.Nulls = sql.IgnoreNulls
		}
		p.i += 2
	}
	if p.accept(kwOver) {
		if p.isC('(') {
			c.Over = p.windowSpec()
		} else {
			w := &sql.WindowDef{Loc: p.loc()}
			w.Name = p.name()
			c.Over = w
		}
	}
	return c
}

// withinGroup refuses what cannot stand in a call with WITHIN GROUP.
func (p *parser) withinGroup(c *sql.Call) {
	switch {
	case c.OrderBy != nil:
		p.fail(c.Loc, sqlerr.SyntaxError, "cannot use multiple ORDER BY clauses with WITHIN GROUP")
	case c.Distinct:
		p.fail(c.Loc, sqlerr.SyntaxError, "cannot use DISTINCT with WITHIN GROUP")
	case c.Variadic:
		p.fail(c.Loc, sqlerr.SyntaxError, "cannot use VARIADIC with WITHIN GROUP")
	}
}

func (p *parser) arguments(c *sql.Call) {
	if !p.accept(kwAll) {
		c.Distinct = p.accept(kwDistinct)
	}
	for {
		c.Variadic = p.accept(kwVariadic)
		c.Args = append(c.Args, p.argument())
		if c.Variadic || !p.acceptC(',') {
			break
		}
	}
	if p.accept(kwOrder) {
		p.expect(kwBy)
		c.OrderBy = p.sortKeys()
	}
}

// argument reads one argument: a lambda, a named value, TABLE t or a value.
func (p *parser) argument() sql.Expr {
	t := p.tok()
	at := p.loc()
	switch {
	case t.isName() && p.opAt(1, "=>"):
		n := p.name()
		p.i++
		return &sql.Lambda{Loc: at, Params: []string{n}, Body: p.argumentValue()}
	case t.isName() && p.opAt(1, ":="):
		n := p.name()
		p.i++
		return &sql.NamedArg{Loc: at, Name: n, X: p.argumentValue()}
	case t.isPunct('(') && p.lambdaAhead():
		ns := p.names()
		p.i++
		return &sql.Lambda{Loc: at, Params: ns, Body: p.argumentValue()}
	}
	return p.argumentValue()
}

func (p *parser) argumentValue() sql.Expr {
	if !p.is(kwTable) || !p.peek(1).isName() {
		return p.expr()
	}
	a := &sql.TableArg{Loc: p.loc()}
	p.i++
	a.Name = p.qname()
	if p.seq(kwPartition, kwBy) {
		a.By = []sql.Expr{p.binary(bpOp)}
		if p.tok().isPunct('(') {
			p.unexpected()
		}
	}
	return a
}

// lambdaAhead reports whether "(a, b) =>" is at the cursor.
func (p *parser) lambdaAhead() bool {
	m := int(p.tok().match)
	if m == 0 || m+1 >= len(p.toks) {
		return false
	}
	arrow := &p.toks[m+1]
	if arrow.kind != kindOp || p.text(arrow) != "=>" {
		return false
	}
	for n := 1; p.peek(n).isName(); n += 2 {
		if p.peek(n + 1).isPunct(')') {
			return true
		}
		if !p.peek(n + 1).isPunct(',') {
			return false
		}
	}
	return false
}

func (p *parser) sortKeys() (ks []sql.SortKey) {
	for {
		ks = append(ks, p.sortKey())
		if !p.acceptC(',') {
			return ks
		}
	}
}

func (p *parser) sortKey() sql.SortKey {
	k := sql.SortKey{X: p.expr()}
	p.direction(&k)
	return k
}

func (p *parser) direction(k *sql.SortKey) {
	switch {
	case p.accept(kwDesc):
		k.Desc = true
	case p.accept(kwAsc):
	case p.accept(kwUsing):
		at := p.loc()
		if t := p.tok(); t.kw == kwOperator {
			_, k.Using = p.operatorName()
		} else if t.kind == kindOp {
			k.Using = p.text(t)
			p.i++
		} else {
			p.unexpected()
		}
		if k.Using != "<" && k.Using != ">" {
			bailAt(sqlerr.New(sqlerr.WrongObjectType, "operator %s is not a valid ordering operator",
				k.Using).WithHint("Ordering operators must be \"<\" or \">\" members of btree "+
				"operator families."), at.Pos())
		}
		k.Desc = k.Using == ">"
	}
	switch {
	case p.seq(kwNulls, kwFirst):
		k.Nulls = sql.NullsFirst
	case p.seq(kwNulls, kwLast):
		k.Nulls = sql.NullsLast
	}
}

// windowSpec reads (name PARTITION BY ... ORDER BY ... frame).
func (p *parser) windowSpec() *sql.WindowDef {
	w := &sql.WindowDef{Loc: p.loc()}
	p.expectC('(')
	if t := p.tok(); t.isName() {
		switch t.kw {
		case kwPartition, kwRows, kwRange, kwGroups:
		default:
			w.Ref = p.name()
		}
	}
	if p.accept(kwPartition) {
		p.expect(kwBy)
		w.By = p.exprs()
	}
	if p.accept(kwOrder) {
		p.expect(kwBy)
		w.Order = p.sortKeys()
	}
	switch {
	case p.accept(kwRows):
		w.Frame = p.frame(sql.FrameRows)
	case p.accept(kwRange):
		w.Frame = p.frame(sql.FrameRange)
	case p.accept(kwGroups):
		w.Frame = p.frame(sql.FrameGroups)
	}
	p.expectC(')')
	return w
}

func (p *parser) frame(unit sql.FrameUnit) *sql.Frame {
	f := &sql.Frame{Unit: unit}
	if p.accept(kwBetween) {
		f.Between = true
		f.Lo = p.bound()
		p.expect(kwAnd)
		f.Hi = p.bound()
	} else {
		f.Lo = p.bound()
	}
	if !p.accept(kwExclude) {
		return f
	}
	switch {
	case p.seq(kwCurrent, kwRow):
		f.Exclude = sql.ExcludeCurrentRow
	case p.accept(kwGroup):
		f.Exclude = sql.ExcludeGroup
	case p.accept(kwTies):
		f.Exclude = sql.ExcludeTies
	case p.seq(kwNo, kwOthers):
	default:
		p.unexpected()
	}
	return f
}

func (p *parser) bound() (b sql.Bound) {
	b.Loc = p.loc()
	if p.seq(kwCurrent, kwRow) {
		return b
	}
	if !p.accept(kwUnbounded) {
		b.X = p.expr()
	}
	switch {
	case p.accept(kwPreceding):
		b.Kind = sql.Preceding
	case p.accept(kwFollowing):
		b.Kind = sql.Following
	default:
		p.unexpected()
	}
	return b
}
