package expr

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func (c *checker) unary(e *sql.Unary) (Expr, error) {
	if e.Op == "NOT" {
		x, err := c.checkBool(e.X, "NOT")
		if err != nil {
			return nil, err
		}
		return &Not{x}, nil
	}
	if v, ok := negated(e); ok {
		return numberLiteral(v, e.Pos())
	}
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	return c.qualified(e.Schema, e.Op, []Expr{x}, e.Pos())
}

// negated gives the number that minus signs before a literal make: they are a part of
// it, as in PostgreSQL.
func negated(e *sql.Unary) (string, bool) {
	if e.Op != "-" {
		return "", false
	}
	v := ""
	switch x := e.X.(type) {
	case *sql.Const:
		if x.Kind != sql.NumConst || !strings.HasPrefix(x.Val, "-") {
			return "", false
		}
		v = x.Val
	case *sql.Unary:
		var ok bool
		if v, ok = negated(x); !ok {
			return "", false
		}
	default:
		return "", false
	}
	if v[0] == '-' {
		return v[1:], true
	}
	return "-" + v, true
}

func (c *checker) binary(e *sql.Binary) (Expr, error) {
	switch e.Op {
	case "AND", "OR":
		return c.logic(e)
	case "IS DISTINCT FROM", "IS NOT DISTINCT FROM":
		return c.distinct(e)
	}
	if e.Quant != sql.NoQuant {
		return c.quantified(e)
	}
	if l, r, ok := rowPair(e.L, e.R); ok {
		return c.rowCompare(e, l, r)
	}
	if q, ok := e.R.(*sql.Subquery); ok && q.Kind == sql.ScalarSubquery {
		if l, ok := e.L.(*sql.Row); ok {
			xs, err := c.checkAll(l.Elems)
			if err != nil {
				return nil, err
			}
			return c.sc.Query(e, xs)
		}
	}
	l, err := c.check(e.L)
	if err != nil {
		return nil, err
	}
	r, err := c.check(e.R)
	if err != nil {
		return nil, err
	}
	return c.qualified(e.Schema, e.Op, []Expr{l, r}, e.Pos())
}

// qualified resolves OPERATOR(schema.op), and op without a schema.
func (c *checker) qualified(schema, op string, xs []Expr, pos int) (Expr, error) {
	if schema == "" {
		return c.operator(op, xs, pos)
	}
	absent := errNoOperator(schema+"."+op, typesOf(xs), notFound, pos)
	if schema != "pg_catalog" { // where all operators are
		if _, _, err := c.sc.UserFunc([]string{schema, op}, xs, pos); err != nil {
			return nil, err // there is no such schema
		}
		return nil, absent
	}
	x, err := c.operator(op, xs, pos)
	if err != nil && sqlerr.As(err).Message == errNoOperator(op, typesOf(xs), notFound, pos).Message {
		return nil, absent
	}
	return x, err
}

// logic flattens chains of AND and of OR without recursion down the left side.
func (c *checker) logic(e *sql.Binary) (Expr, error) {
	var parts []sql.Expr
	var x sql.Expr = e
	for {
		b, ok := x.(*sql.Binary)
		if !ok || b.Op != e.Op {
			parts = append(parts, x)
			break
		}
		parts = append(parts, b.R)
		x = b.L
	}
	args := make([]Expr, 0, len(parts))
	for i := len(parts) - 1; i >= 0; i-- {
		a, err := c.checkBool(parts[i], e.Op)
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	if e.Op == "AND" {
		return &And{args}, nil
	}
	return &Or{args}, nil
}

// operator resolves and applies an operator.
func (c *checker) operator(name string, args []Expr, pos int) (Expr, error) {
	if x, ok, err := c.dialectOperator(name, args, pos); ok || err != nil {
		return x, err
	}
	ts := typesOf(args)
	if name == "@@" && len(ts) == 2 && ts[0].Kind == types.Unknown && ts[1].Kind == types.Unknown {
		text := types.Of(types.Text) // which PostgreSQL searches: there is no text search
		return nil, errNoOperator(name, []types.Type{text, text}, notFound, pos)
	}
	cand, how := chooseOperator(name, ts)
	if how != found {
		return nil, errNoOperator(name, ts, how, pos)
	}
	args, ok := c.sameNested(name, args, pos)
	if !ok {
		return nil, errNoOperator(name, ts, notFound, pos)
	}
	return c.apply(cand, args, pos)
}

// sameNested gives MAPs and STRUCTs that are compared one type; false where they have
// none.
func (c *checker) sameNested(name string, args []Expr, pos int) ([]Expr, bool) {
	if len(args) != 2 || !isComparison(name) {
		return args, true
	}
	a, b := args[0].Type(), args[1].Type()
	if a.Kind != b.Kind || a.Kind != types.Map && a.Kind != types.Struct || a.Same(b) {
		return args, true
	}
	t, ok := unionOfStructs(args)
	if a.Kind == types.Map {
		key, ok1 := commonType([]types.Type{*a.Key, *b.Key})
		elem, ok2 := commonType([]types.Type{*a.Elem, *b.Elem})
		t, ok = types.MapOf(key, elem), ok1 && ok2
	}
	if !ok {
		return nil, false
	}
	out := make([]Expr, len(args))
	for i, x := range args {
		y, err := c.coerce(x, t, CoerceExplicit, pos)
		if err != nil {
			return nil, false
		}
		out[i] = y
	}
	return out, true
}

// FindOperator gives the operator name over two types, or ok false.
func FindOperator(name string, left, right types.Type) (*Func, bool) {
	cand, how := chooseOperator(name, []types.Type{left, right})
	if how != found {
		return nil, false
	}
	b, ok := bindPoly(cand.params, []types.Type{left, right})
	if !ok {
		return nil, false
	}
	ts := []types.Type{left, right}
	f, _ := bound(cand.fn, []types.Type{nestedParam(b.apply(cand.params[0], left), 0, ts),
		nestedParam(b.apply(cand.params[1], right), 1, ts)}, b.apply(cand.fn.Ret, types.Of(types.Unknown)))
	return f, true
}

// ApplyOperator builds a call of an operator over checked expressions.
func ApplyOperator(name string, args []Expr, sc Scope, pos int) (Expr, error) {
	c := newChecker(sc)
	return c.operator(name, args, pos)
}

func typesOf(es []Expr) []types.Type {
	ts := make([]types.Type, len(es))
	for i, e := range es {
		ts[i] = e.Type()
	}
	return ts
}

// distinct lowers IS [NOT] DISTINCT FROM: equality in which NULL equals NULL.
func (c *checker) distinct(e *sql.Binary) (Expr, error) {
	var x Expr
	var err error
	if l, r, ok := rowPair(e.L, e.R); ok && len(l.Elems) == len(r.Elems) {
		x, err = c.distinctRows(l, r, e.Pos())
	} else {
		l, lerr := c.check(e.L)
		if lerr != nil {
			return nil, lerr
		}
		r, rerr := c.check(e.R)
		if rerr != nil {
			return nil, rerr
		}
		switch {
		case isNullLiteral(e.R):
			x = &IsNull{X: l}
		case isNullLiteral(e.L):
			x = &IsNull{X: r}
		default:
			x, err = c.notDistinct(l, r, e.Pos())
		}
	}
	if err != nil || e.Op == "IS NOT DISTINCT FROM" {
		return x, err
	}
	return &Not{x}, nil
}

func isNullLiteral(e sql.Expr) bool {
	k, ok := e.(*sql.Const)
	return ok && k.Kind == sql.NullConst
}

func (c *checker) distinctRows(l, r *sql.Row, pos int) (Expr, error) {
	xs, err := c.checkAll(l.Elems)
	if err != nil {
		return nil, err
	}
	ys, err := c.checkAll(r.Elems)
	if err != nil {
		return nil, err
	}
	parts := make([]Expr, len(xs))
	for i := range xs {
		if parts[i], err = c.notDistinct(xs[i], ys[i], pos); err != nil {
			return nil, err
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return &And{parts}, nil
}

// notDistinct: both NULL, or both not and equal. Never NULL itself.
func (c *checker) notDistinct(l, r Expr, pos int) (Expr, error) {
	eq, err := c.operator("=", []Expr{l, r}, pos)
	if err != nil {
		return nil, err
	}
	call, ok := eq.(*Call)
	if !ok {
		return eq, nil
	}
	l, r = call.Args[0], call.Args[1]
	null, notNull := &IsNull{X: l}, &IsNull{X: r, Not: true}
	return &Case{
		Whens: []When{
			{Cond: null, Then: &IsNull{X: r}},
			{Cond: notNull, Then: eq},
		},
		Else: &Const{D: types.BoolDatum(false), T: boolType},
		T:    boolType,
	}, nil
}

func (c *checker) test(e *sql.Test) (Expr, error) {
	if e.What == sql.TestNull {
		return c.testNull(e)
	}
	x, err := c.checkBool(e.X, "IS "+e.What.String())
	if err != nil {
		return nil, err
	}
	if e.What == sql.TestUnknown {
		return &IsNull{X: x, Not: e.Not}, nil
	}
	// x IS TRUE is COALESCE(x, false); x IS FALSE is NOT COALESCE(x, true).
	whenNull := e.What != sql.TestTrue
	out := Expr(&Coalesce{Args: []Expr{x, &Const{D: types.BoolDatum(whenNull), T: boolType}},
		T: boolType})
	if whenNull != e.Not {
		out = &Not{out}
	}
	return out, nil
}

func (c *checker) testNull(e *sql.Test) (Expr, error) {
	row, ok := e.X.(*sql.Row)
	if !ok {
		x, err := c.check(e.X)
		if err != nil {
			return nil, err
		}
		if x, err = Settle(x, c.sc, e.X.Pos()); err != nil {
			return nil, err
		}
		if call, ok := x.(*Call); ok && call.Fn.Name == "row" && len(call.Args) > 0 {
			return nullRow(call.Args, e.Not), nil
		}
		if t := x.Type(); t.Kind == types.Record && len(t.Fields) > 0 {
			return nullRow(fieldsOf(x), e.Not), nil
		}
		return &IsNull{X: x, Not: e.Not}, nil
	}
	// A row is [not] null when all of its fields are.
	parts := make([]Expr, len(row.Elems))
	for i, f := range row.Elems { // t.* is a row within the row, as in PostgreSQL
		x, err := c.check(f)
		if err != nil {
			return nil, err
		}
		if x, err = Settle(x, c.sc, f.Pos()); err != nil {
			return nil, err
		}
		parts[i] = x
	}
	return nullRow(parts, e.Not), nil
}

// fieldsOf gives all fields of a value of a row type.
func fieldsOf(x Expr) []Expr {
	out := make([]Expr, len(x.Type().Fields))
	for i := range out {
		out[i] = FieldOf(x, i)
	}
	return out
}

// nullRow tells whether all fields of a row are [not] null.
func nullRow(fields []Expr, not bool) Expr {
	parts := make([]Expr, len(fields))
	for i, x := range fields {
		parts[i] = &IsNull{X: x, Not: not}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &And{parts}
}

// between checks the lower bound with its comparison before the upper one, as
// PostgreSQL does: of several errors the first counts.
func (c *checker) between(e *sql.Between) (Expr, error) {
	xs, err := c.checkAll([]sql.Expr{e.X, e.Lo})
	if err != nil {
		return nil, err
	}
	below, above := ">=", "<="
	if e.Not {
		below, above = "<", ">"
	}
	if _, err := c.operator(below, xs, e.Pos()); err != nil {
		return nil, err
	}
	hi, err := c.check(e.Hi)
	if err != nil {
		return nil, err
	}
	if _, err := c.operator(above, []Expr{xs[0], hi}, e.Pos()); err != nil {
		return nil, err
	}
	word := "AND"
	if e.Not && !e.Sym {
		word = "OR"
	}
	for _, x := range append(xs, hi) {
		if err := c.noSet(x, word, e); err != nil {
			return nil, err
		}
	}
	x, err := c.inRange(xs[0], xs[1], hi, e.Pos())
	if err != nil {
		return nil, err
	}
	if e.Sym {
		y, err := c.inRange(xs[0], hi, xs[1], e.Pos())
		if err != nil {
			return nil, err
		}
		x = &Or{[]Expr{x, y}}
	}
	if e.Not {
		return &Not{x}, nil
	}
	return x, nil
}

func (c *checker) inRange(x, lo, hi Expr, pos int) (Expr, error) {
	a, err := c.operator(">=", []Expr{x, lo}, pos)
	if err != nil {
		return nil, err
	}
	b, err := c.operator("<=", []Expr{x, hi}, pos)
	if err != nil {
		return nil, err
	}
	return &And{[]Expr{a, b}}, nil
}

var likeOps = map[sql.LikeKind]string{sql.LikeOp: "~~", sql.ILikeOp: "~~*", sql.SimilarOp: "~"}

func (c *checker) like(e *sql.Like) (Expr, error) {
	op := likeOps[e.Op]
	if e.Quant != sql.NoQuant {
		if e.Not {
			op = "!" + op
		}
		return c.quantified(&sql.Binary{Loc: e.Loc, Op: op, L: e.X, R: e.P, Quant: e.Quant})
	}
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	p, err := c.check(e.P)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Op == sql.SimilarOp:
		args := []Expr{p}
		if e.Esc != nil {
			esc, err := c.check(e.Esc)
			if err != nil {
				return nil, err
			}
			args = append(args, esc)
		}
		p, err = c.callNamed("similar_to_escape", args, e.Pos())
	case e.Esc != nil:
		if err := c.escapeLiteral(e); err != nil {
			return nil, err
		}
		esc, err := c.check(e.Esc)
		if err != nil {
			return nil, err
		}
		p, err = c.callNamed("like_escape", []Expr{p, esc}, e.Pos())
		if err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if e.Not {
		op = "!" + op
	}
	return c.operator(op, []Expr{x, p}, e.Pos())
}

func (c *checker) quantified(e *sql.Binary) (Expr, error) {
	if _, ok := e.R.(*sql.Subquery); ok {
		return c.queryWithLeft(e, e.L)
	}
	x, err := c.check(e.L)
	if err != nil {
		return nil, err
	}
	arr, err := c.check(e.R)
	if err != nil {
		return nil, err
	}
	return c.quant(e.Op, x, arr, e.Quant == sql.AllQuant, e.Pos())
}

// queryWithLeft hands a subquery expression with a left side to the scope.
func (c *checker) queryWithLeft(node any, left sql.Expr) (Expr, error) {
	elems := []sql.Expr{left}
	if row, ok := left.(*sql.Row); ok {
		elems = row.Elems
	}
	xs, err := c.checkAll(elems)
	if err != nil {
		return nil, err
	}
	return c.sc.Query(node, xs)
}

func (c *checker) quant(op string, x, arr Expr, all bool, pos int) (Expr, error) {
	elem := arr.Type() // an untyped array has what the operator takes
	switch elem.Kind {
	case types.Unknown:
	case types.Array, types.Int2vector, types.Oidvector:
		elem = elemOf(elem)
	default:
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"op ANY/ALL (array) requires array on right side").At(pos)
	}
	ts := []types.Type{x.Type(), elem}
	cand, how := chooseOperator(op, ts)
	if how != found {
		return nil, errNoOperator(op, ts, how, pos)
	}
	b, _ := bindPoly(cand.params, ts)
	lt, rt := nestedParam(b.apply(cand.params[0], ts[0]), 0, ts),
		nestedParam(b.apply(cand.params[1], ts[1]), 1, ts)
	fn, ret := bound(cand.fn, []types.Type{lt, rt}, b.apply(cand.fn.Ret, ts[0]))
	if ret.Kind != types.Bool {
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"op ANY/ALL (array) requires operator to yield boolean").At(pos)
	}
	x, err := c.coerce(x, lt, CoerceImplicit, pos)
	if err != nil {
		return nil, err
	}
	if arr, err = c.coerce(arr, types.ArrayOf(rt), CoerceImplicit, pos); err != nil {
		return nil, err
	}
	return &Quant{Op: fn, X: x, Arr: arr, All: all}, nil
}

// in lowers X IN (list): items convert to one type with X where there is one, as
// PostgreSQL does; else the items are compared one by one.
func (c *checker) in(e *sql.In) (Expr, error) {
	if e.Q != nil {
		return c.queryWithLeft(e, e.X)
	}
	if row, ok := e.X.(*sql.Row); ok {
		return c.inRows(e, row)
	}
	x, err := c.check(e.X)
	if err != nil {
		return nil, err
	}
	items, err := c.checkListed(e.List)
	if err != nil {
		return nil, err
	}
	if in, err := c.inList(x, items, e); in != nil || err != nil {
		return in, err
	}
	var same, alone []Expr // columns are compared each for itself, but not in ksqlDB
	for _, it := range items {
		if !c.ksql && dependsOnRow(it) {
			alone = append(alone, it)
		} else {
			same = append(same, it)
		}
	}
	if !c.ksql && len(same) == 1 {
		same = nil
	}
	var parts []Expr
	switch in, err := c.inSame(x, same, e); {
	case len(same) == 0 || in == nil && err == nil:
		alone = items
	case err != nil || len(alone) == 0:
		return in, err
	default:
		parts = append(parts, in)
	}
	op := "="
	if e.Not {
		op = "<>"
	}
	for _, it := range alone {
		y, err := c.operator(op, []Expr{x, it}, e.Pos())
		if err == nil {
			err = c.noSet(y, "IN", e)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, y)
	}
	switch {
	case len(parts) == 1:
		return parts[0], nil
	case e.Not:
		return &And{parts}, nil
	}
	return &Or{parts}, nil
}

// dependsOnRow tells whether an expression has columns of the query.
func dependsOnRow(e Expr) bool {
	found := false
	Walk(e, func(x Expr) bool {
		if _, ok := x.(*Col); ok {
			found = true
		}
		return !found
	})
	return found
}

func anyOf(parts []Expr) Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return &Or{parts}
}

func negateIf(not bool, x Expr) Expr {
	if not {
		return &Not{x}
	}
	return x
}

// inSame makes an In node when all sides have a common type; nil if they do not.
func (c *checker) inSame(x Expr, items []Expr, e *sql.In) (Expr, error) {
	in, err := c.inType(x, items, e)
	if err != nil && c.ksql {
		if wide, changed := numberLiterals(append([]Expr{x}, items...)); changed {
			if in, err := c.inType(wide[0], wide[1:], e); in != nil && err == nil {
				return in, nil
			}
		}
	}
	return in, err
}

// inType is inSame for the types as they are.
func (c *checker) inType(x Expr, items []Expr, e *sql.In) (Expr, error) {
	t, ok := commonType(typesOf(append([]Expr{x}, items...)))
	if !ok {
		return nil, nil
	}
	if !c.ksql && (t.Kind == types.Array || !allCoerce(items, t) || !allCoerce([]Expr{x}, t)) {
		return nil, nil
	}
	t.Mod = 0
	wide := t
	if from := x.Type().Kind; t.Kind == types.Float4 && from != t.Kind && from != types.Unknown && !c.ksql {
		wide = types.Of(types.Float8) // as which PostgreSQL compares a number and a real
	}
	cand, how := chooseOperator("=", []types.Type{wide, wide})
	if how != found {
		return nil, c.noEquality(x, items, t, e)
	}
	b, _ := bindPoly(cand.params, []types.Type{wide, wide})
	if u := nestedParam(b.apply(cand.params[0], wide), 0, []types.Type{wide, wide}); wide.Same(t) {
		t, wide = u, u
	}
	eq, _ := bound(cand.fn, []types.Type{wide, wide}, boolType)
	list := make([]Expr, len(items))
	for i, it := range items {
		var err error
		if list[i], err = c.coerce(it, t, CoerceImplicit, e.List[i].Pos()); err != nil {
			return nil, err
		}
		if wide.Kind != t.Kind {
			if list[i], err = c.coerce(list[i], wide, CoerceImplicit, e.List[i].Pos()); err != nil {
				return nil, err
			}
		}
	}
	t = wide
	if x.Type().Kind == types.Date && t.Kind != types.Date {
		return c.inTimes(x, list, e) // which a date may be too far away to be made one of
	}
	x, err := c.coerce(x, t, CoerceImplicit, e.X.Pos())
	if err != nil {
		return nil, err
	}
	return &In{X: x, List: list, Not: e.Not, Eq: eq}, nil
}

// noEquality is the error of x IN (items) where their type t has no operator =. Items that
// are no t fail first, as in PostgreSQL.
func (c *checker) noEquality(x Expr, items []Expr, t types.Type, e *sql.In) error {
	if c.ksql {
		return nil
	}
	for i, it := range items {
		if _, err := c.coerce(it, t, CoerceImplicit, e.List[i].Pos()); err != nil {
			return err
		}
	}
	name := "="
	if e.Not {
		name = "<>"
	}
	_, err := c.operator(name, []Expr{x, &Const{D: types.NullDatum, T: t}}, e.Pos())
	return err
}

// inTimes compares a date with the items one by one, after all that may fail.
func (c *checker) inTimes(x Expr, list []Expr, e *sql.In) (Expr, error) {
	if slices.ContainsFunc(list, mayFail) && !slices.ContainsFunc(list, dependsOnRow) {
		t := list[0].Type()
		cand, how := chooseOperator("=", []types.Type{x.Type(), t})
		if how == found {
			eq, _ := bound(cand.fn, []types.Type{x.Type(), t}, boolType)
			arr := makeArray(list, types.ArrayOf(t), e.Pos())
			return negateIf(e.Not, &Quant{Op: eq, X: x, Arr: arr}), nil
		}
	}
	parts := make([]Expr, len(list))
	for i, it := range list {
		var err error
		if parts[i], err = c.operator("=", []Expr{x, it}, e.Pos()); err != nil {
			return nil, err
		}
	}
	return negateIf(e.Not, anyOf(parts)), nil
}

// allCoerce tells whether expressions convert to a type implicitly.
func allCoerce(xs []Expr, t types.Type) bool {
	for _, x := range xs {
		if !CanCoerce(x.Type(), t, CoerceImplicit) {
			return false
		}
	}
	return true
}

func (c *checker) inRows(e *sql.In, row *sql.Row) (Expr, error) {
	xs, err := c.checkAll(row.Elems)
	if err != nil {
		return nil, err
	}
	rows := make([][]Expr, len(e.List))
	for i, it := range e.List {
		r, ok := it.(*sql.Row)
		if !ok || len(r.Elems) != len(xs) {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"unequal number of entries in row expressions").At(e.Pos())
		}
		if rows[i], err = c.checkAll(r.Elems); err != nil {
			return nil, err
		}
	}
	parts := make([]Expr, len(e.List))
	for i, ys := range rows {
		if parts[i], err = c.compareRows("=", xs, ys, e.Pos()); err != nil {
			return nil, err
		}
	}
	return negateIf(e.Not, anyOf(parts)), nil
}
