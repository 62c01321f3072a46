package sql

// Levels of precedence, as the parser has them: an operand of a lower level than its place
// asks for needs brackets.
const (
	lowest = iota
	levelOr
	levelAnd
	levelNot
	levelIs
	levelCmp
	levelIn
	levelOp
	levelAdd
	levelMul
	levelPow
	levelAt
	levelCollate
	levelUnary
	levelPostfix
	levelPrimary
)

func levelOf(x Expr) int {
	switch x := x.(type) {
	case *Binary:
		return x.level()
	case *Unary:
		return x.level()
	case *Test:
		return levelIs
	case *Like, *Between, *In:
		return levelIn
	case *AtTZ:
		return levelAt
	case *Collate:
		return levelCollate
	case *Const:
		if x.Kind == NumConst && x.Val[0] == '-' {
			return levelUnary
		}
	case *Cast, *Index, *Field:
		return levelPostfix
	case *Lambda, *NamedArg, *TableArg, *GroupingSets:
		return lowest
	}
	return levelPrimary
}

func (x *Unary) level() int {
	switch {
	case x.Op == "NOT":
		return levelNot
	case x.Schema == "" && (x.Op == "-" || x.Op == "+"):
		return levelUnary
	}
	return levelOp
}

func (x *Binary) level() int {
	if x.Schema != "" {
		return levelOp
	}
	switch x.Op {
	case "OR":
		return levelOr
	case "AND":
		return levelAnd
	case "IS DISTINCT FROM", "IS NOT DISTINCT FROM":
		return levelIs
	case "=", "<", ">", "<=", ">=", "<>":
		return levelCmp
	case "+", "-":
		return levelAdd
	case "*", "/", "%":
		return levelMul
	case "^":
		return levelPow
	}
	return levelOp
}

// operand writes x, in brackets if it binds less tightly than level.
func (p *printer) operand(x Expr, level int) {
	if levelOf(x) >= level && !(p.restricted && needsFullExpr(x)) {
		p.node(x)
		return
	}
	p.s("(")
	p.expr(x)
	p.s(")")
}

// restrictedOperand writes x where the grammar has only a b_expr, as after BETWEEN.
func (p *printer) restrictedOperand(x Expr) {
	restricted := p.restricted
	p.restricted = true
	p.operand(x, levelIs)
	p.restricted = restricted
}

// needsFullExpr reports whether x is an operator that a b_expr cannot have.
func needsFullExpr(x Expr) bool {
	switch x := x.(type) {
	case *Test, *Like, *Between, *In, *Collate, *AtTZ:
		return true
	case *Unary:
		return x.Op == "NOT"
	case *Binary:
		return x.Quant != NoQuant
	}
	return false
}

// expr writes a whole expression.
func (p *printer) expr(x Expr) {
	restricted := p.restricted
	p.restricted = false
	p.node(x)
	p.restricted = restricted
}

func (p *printer) exprs(xs []Expr) {
	for i, x := range xs {
		p.comma(i)
		p.expr(x)
	}
}

// node writes an expression; its operands stay restricted if it is.
//
//tidy:long one case per kind of expression
func (p *printer) node(x Expr) {
	switch x := x.(type) {
	case *ColRef:
		p.name(x.Name)
		p.when(x.Star && len(x.Name) > 0, ".")
		p.when(x.Star, "*")
	case *Const:
		p.constant(x)
	case *ParamRef:
		p.s("$")
		p.num(int64(x.N))
	case *TypedLit:
		p.typedLit(x)
	case *Cast:
		p.operand(x.X, levelPostfix)
		p.s("::")
		p.typeName(x.Type)
	case *Unary:
		p.unary(x)
	case *Binary:
		p.binary(x)
	case *Test:
		p.operand(x.X, levelIs+1)
		p.s(" IS ")
		p.when(x.Not, "NOT ")
		p.s(x.What.String())
	case *Like:
		p.like(x)
	case *Between:
		p.operand(x.X, levelIn+1)
		p.when(x.Not, " NOT")
		p.s(" BETWEEN ")
		p.when(x.Sym, "SYMMETRIC ")
		p.restrictedOperand(x.Lo)
		p.s(" AND ")
		p.operand(x.Hi, levelOp)
	case *In:
		p.operand(x.X, levelIn+1)
		p.when(x.Not, " NOT")
		p.s(" IN (")
		if x.Q != nil {
			p.query(x.Q)
		} else {
			p.exprs(x.List)
		}
		p.s(")")
	case *Subquery:
		p.s([...]string{"(", "EXISTS (", "ARRAY("}[x.Kind])
		p.query(x.Q)
		p.s(")")
	case *Call:
		p.call(x)
	case *Lambda:
		p.lambda(x)
	case *NamedArg:
		p.id(x.Name)
		p.s(" := ")
		p.expr(x.X)
	case *MapLit:
		p.s("MAP(")
		for i := range x.Keys {
			p.comma(i)
			p.expr(x.Keys[i])
			p.s(" := ")
			p.expr(x.Vals[i])
		}
		p.s(")")
	case *StructLit:
		p.s("STRUCT(")
		for i := range x.Names {
			p.comma(i)
			p.id(x.Names[i])
			p.s(" := ")
			p.expr(x.Vals[i])
		}
		p.s(")")
	case *Case:
		p.caseExpr(x)
	case *ArrayLit:
		p.s("ARRAY")
		p.array(x)
	case *Row:
		p.when(len(x.Elems) < 2, "ROW")
		p.s("(")
		p.exprs(x.Elems)
		p.s(")")
	case *Index:
		p.index(x)
	case *Field:
		p.field(x)
	case *Collate:
		p.operand(x.X, levelCollate)
		p.s(" COLLATE ")
		p.name(x.Name)
	case *AtTZ:
		p.operand(x.X, levelAt)
		p.s(" AT TIME ZONE ")
		p.operand(x.Zone, levelAt+1)
	case *Default:
		p.s("DEFAULT")
	case *GroupingSets:
		p.s("GROUPING SETS (")
		p.groupItems(x.Sets)
		p.s(")")
	case *TableArg:
		p.s("TABLE ")
		p.name(x.Name)
		if x.By != nil {
			p.s(" PARTITION BY ")
			p.operand(x.By[0], levelOp)
		}
	}
}

func (p *printer) constant(c *Const) {
	switch c.Kind {
	case NullConst:
		p.s("NULL")
	case StrConst:
		p.str(c.Val)
	default:
		p.s(c.Val)
	}
}

func (p *printer) unary(x *Unary) {
	p.operator(x.Schema, x.Op)
	level := x.level()
	if level == levelOp {
		level++
	}
	if _, ok := x.X.(*ColRef); !ok || x.Op == "NOT" || x.Schema != "" {
		p.s(" ")
	}
	p.operand(x.X, level)
}

func (p *printer) binary(x *Binary) {
	level := x.level()
	left := level
	if level == levelCmp || level == levelIs {
		left++
	}
	p.operand(x.L, left)
	p.s(" ")
	p.operator(x.Schema, x.Op)
	p.s(" ")
	if x.Quant != NoQuant {
		p.quantified(x.Quant, x.R)
		return
	}
	p.operand(x.R, level+1)
}

// operator writes op, or OPERATOR(schema.op).
func (p *printer) operator(schema, op string) {
	if schema == "" {
		p.s(op)
		return
	}
	p.s("OPERATOR(")
	p.id(schema)
	p.s(".", op, ")")
}

// quantified writes ANY (x) or ALL (x).
func (p *printer) quantified(q Quantifier, x Expr) {
	p.s([...]string{"", "ANY ", "ALL "}[q])
	if s, ok := x.(*Subquery); ok && s.Kind == ScalarSubquery {
		p.expr(x)
		return
	}
	p.s("(")
	p.expr(x)
	p.s(")")
}

func (p *printer) like(x *Like) {
	p.operand(x.X, levelIn+1)
	p.when(x.Not, " NOT")
	p.s(" ", x.Op.String(), " ")
	if x.Quant != NoQuant {
		p.quantified(x.Quant, x.P)
		return
	}
	p.operand(x.P, levelOp)
	if x.Esc != nil {
		p.s(" ESCAPE ")
		p.operand(x.Esc, levelOp)
	}
}

func (p *printer) lambda(x *Lambda) {
	if len(x.Params) == 1 {
		p.id(x.Params[0])
	} else {
		p.s("(")
		p.ids(x.Params)
		p.s(")")
	}
	p.s(" => ")
	p.expr(x.Body)
}

func (p *printer) caseExpr(x *Case) {
	p.s("CASE")
	if x.X != nil {
		p.s(" ")
		p.expr(x.X)
	}
	for _, w := range x.Whens {
		p.s(" WHEN ")
		p.expr(w.Cond)
		p.s(" THEN ")
		p.expr(w.Then)
	}
	if x.Else != nil {
		p.s(" ELSE ")
		p.expr(x.Else)
	}
	p.s(" END")
}

func (p *printer) array(a *ArrayLit) {
	nested := true // only then may the word ARRAY be left out
	for _, e := range a.Elems {
		_, ok := e.(*ArrayLit)
		nested = nested && ok
	}
	p.s("[")
	for i, e := range a.Elems {
		p.comma(i)
		if n, ok := e.(*ArrayLit); ok && nested {
			p.array(n)
		} else {
			p.expr(e)
		}
	}
	p.s("]")
}

// base writes what a subscript or field applies to.
func (p *printer) base(x Expr, plain, arrow bool) {
	switch x := x.(type) {
	case *Index, *Field:
		p.expr(x)
		return
	case *ColRef:
		plain = plain && !x.Star
	case *ParamRef:
	case *Call: // PostgreSQL wants brackets around a call
		plain = plain && arrow && !x.Bare && x.Over == nil && x.Filter == nil
	default:
		plain = false
	}
	if plain {
		p.expr(x)
		return
	}
	p.s("(")
	p.expr(x)
	p.s(")")
}

func (p *printer) index(x *Index) {
	switch {
	case x.Alone:
		p.s("(")
		p.expr(x.X)
		p.s(")")
	case x.X != nil:
		p.base(x.X, true, false)
	}
	p.s("[")
	if x.Lo != nil {
		p.expr(x.Lo)
	}
	if x.Slice {
		p.s(":")
		if x.Hi != nil {
			p.expr(x.Hi)
		}
	}
	p.s("]")
}

func (p *printer) field(x *Field) {
	if x.X != nil {
		p.base(x.X, x.Arrow, x.Arrow)
	}
	if x.Arrow {
		p.s("->")
	} else {
		p.s(".")
	}
	if x.Star {
		p.s("*")
	} else {
		p.id(x.Name)
	}
}

// plainCalls are functions whose names are keywords but need no quotes in a plain call.
var plainCalls = map[string]bool{"coalesce": true, "greatest": true, "least": true,
	"nullif": true, "grouping": true, "substring": true, "overlay": true, "left": true,
	"right": true, "current_time": true, "current_timestamp": true, "current_schema": true,
	"localtime": true, "localtimestamp": true}

func (x *Call) isPlain() bool {
	if x.Star || x.Distinct || x.Variadic || x.OrderBy != nil || x.Within != nil ||
		x.Filter != nil || x.Over != nil || x.Nulls != NullsDefault {
		return false
	}
	for _, a := range x.Args {
		switch a.(type) {
		case *Lambda, *NamedArg, *TableArg:
			return false
		}
	}
	return true
}

func (p *printer) call(x *Call) {
	n := x.Name[0]
	single := len(x.Name) == 1
	switch {
	case x.Bare:
		p.s(n)
		return
	case single && n == "extract" && x.isPlain() && len(x.Args) == 2 && p.extract(x):
		return
	case single && n == "position" && x.isPlain() && len(x.Args) == 2:
		p.s("position(")
		p.restrictedOperand(x.Args[1])
		p.s(" IN ")
		p.restrictedOperand(x.Args[0])
		p.s(")")
		return
	case single && plainCalls[n] && x.isPlain():
		p.s(n)
	default:
		p.name(x.Name)
	}
	p.s("(")
	p.arguments(x)
	p.s(")")
	p.callClauses(x)
}

// arguments writes what stands between the brackets of a call.
func (p *printer) arguments(x *Call) {
	p.when(x.Star, "*")
	p.when(x.Distinct, "DISTINCT ")
	for i, a := range x.Args {
		p.comma(i)
		p.when(x.Variadic && i == len(x.Args)-1, "VARIADIC ")
		p.expr(a)
	}
	if x.OrderBy != nil {
		p.s(" ORDER BY ")
		p.keys(x.OrderBy)
	}
}

// extract writes EXTRACT(field FROM x).
func (p *printer) extract(x *Call) bool {
	c, ok := x.Args[0].(*Const)
	if !ok || c.Kind != StrConst {
		return false
	}
	p.s("extract(")
	p.str(c.Val)
	p.s(" FROM ")
	p.expr(x.Args[1])
	p.s(")")
	return true
}

func (p *printer) callClauses(x *Call) {
	if x.Within != nil {
		p.s(" WITHIN GROUP (ORDER BY ")
		p.keys(x.Within)
		p.s(")")
	}
	if x.Filter != nil {
		p.s(" FILTER (WHERE ")
		p.expr(x.Filter)
		p.s(")")
	}
	p.s([...]string{"", " IGNORE NULLS", " RESPECT NULLS"}[x.Nulls])
	if x.Over == nil {
		return
	}
	p.s(" OVER ")
	if x.Over.Name != "" {
		p.id(x.Over.Name)
	} else {
		p.window(x.Over)
	}
}

func (p *printer) keys(ks []SortKey) {
	for i, k := range ks {
		p.comma(i)
		p.expr(k.X)
		p.direction(k)
	}
}

func (p *printer) direction(k SortKey) {
	switch {
	case k.Using != "":
		p.s(" USING ", k.Using)
	case k.Desc:
		p.s(" DESC")
	}
	p.s([...]string{"", " NULLS FIRST", " NULLS LAST"}[k.Nulls])
}

// window writes (ref PARTITION BY ... ORDER BY ... frame).
func (p *printer) window(d *WindowDef) {
	p.s("(")
	sep := ""
	if d.Ref != "" {
		p.id(d.Ref)
		sep = " "
	}
	if d.By != nil {
		p.s(sep, "PARTITION BY ")
		p.exprs(d.By)
		sep = " "
	}
	if d.Order != nil {
		p.s(sep, "ORDER BY ")
		p.keys(d.Order)
		sep = " "
	}
	if f := d.Frame; f != nil {
		p.s(sep, f.Unit.String(), " ")
		if f.Between {
			p.s("BETWEEN ")
			p.bound(f.Lo)
			p.s(" AND ")
			p.bound(f.Hi)
		} else {
			p.bound(f.Lo)
		}
		if f.Exclude != ExcludeNone {
			p.s(" EXCLUDE ", f.Exclude.String())
		}
	}
	p.s(")")
}

func (p *printer) bound(b Bound) {
	if b.Kind == CurrentRow {
		p.s("CURRENT ROW")
		return
	}
	if b.X == nil {
		p.s("UNBOUNDED")
	} else {
		p.expr(b.X)
	}
	p.s([...]string{"", " PRECEDING", " FOLLOWING"}[b.Kind])
}
