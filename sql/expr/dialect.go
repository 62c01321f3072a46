package expr

import (
	"math"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// DialectScope is a Scope that knows which dialect a statement is written in. In
// ksqlDB's, names and operators that PostgreSQL has with another meaning have
// ksqlDB's (dialect_func.go); everything else is the same in both.
type DialectScope interface {
	// Ksql tells whether the statement is in ksqlDB's dialect.
	Ksql() bool
}

func newChecker(sc Scope) checker {
	c := checker{sc: sc, base: lambdaBase}
	if d, ok := sc.(DialectScope); ok {
		c.ksql = d.Ksql()
	}
	return c
}

// dialectCall gives the call of a function that ksqlDB's dialect has of its own,
// or ok false.
func (c *checker) dialectCall(name string, args []Expr, pos int) (Expr, bool, error) {
	if !c.ksql {
		return nil, false, nil
	}
	fs := builtin().ksql[name]
	if len(fs) == 0 {
		return nil, false, nil
	}
	cand, how := chooseFunction(funcCandidates(fs, len(args), false), typesOf(args))
	if how != found {
		return nil, false, nil
	}
	x, err := c.apply(cand, args, pos)
	return x, true, err
}

// dialectOperator is dialectCall for operators; it gives DECIMAL results their
// declared scale.
func (c *checker) dialectOperator(name string, args []Expr, pos int) (Expr, bool, error) {
	if !c.ksql {
		return nil, false, nil
	}
	if err := comparesNull(name, args, pos); err != nil {
		return nil, true, err
	}
	if hint := quotedHint(name, args); hint != "" {
		return nil, true, errNoOperator(name, typesOf(args), notFound, pos).WithHint("%s", hint)
	}
	if isOrdering(name) && unordered[args[0].Type().Kind] && unordered[args[len(args)-1].Type().Kind] {
		return nil, true, errNoOperator(name, typesOf(args), notFound, pos)
	}
	if x, ok, err := c.compareTimes(name, args, pos); ok || err != nil {
		return x, ok, err
	}
	if both := quotedTexts(args); typesOf(both)[0].Kind != args[0].Type().Kind {
		x, err := c.operator(name, both, pos)
		return x, true, err
	}
	if len(args) == 2 && isFloat(args[0].Type().Kind) != isFloat(args[1].Type().Kind) ||
		len(args) == 2 && isFloat(args[0].Type().Kind) {
		if x, ok, err := c.dialectCall(name, args, pos); ok {
			return x, true, err
		}
	}
	t, ok := decimalResult(name, args)
	if !ok {
		return nil, false, nil
	}
	cand, how := chooseOperator(name, typesOf(args))
	if how != found {
		return nil, false, nil
	}
	x, err := c.apply(cand, args, pos)
	if err != nil || x.Type().Kind != types.Numeric {
		return x, true, err
	}
	x, err = c.coerce(x, t, CoerceExplicit, pos)
	return x, true, err
}

// unordered are the kinds that ksqlDB compares with = and <> only, beside MAP and
// STRUCT.
var unordered = map[types.Kind]bool{types.Array: true, types.Bool: true}

// compareTimes compares a text with a date or time, as which it is read.
func (c *checker) compareTimes(name string, args []Expr, pos int) (Expr, bool, error) {
	if len(args) != 2 || !isComparison(name) {
		return nil, false, nil
	}
	for i, x := range args {
		t := args[1-i].Type()
		if !isTextual(x) || !isTimeKind(t.Kind) && t.Kind != types.Timestamptz ||
			t.Kind == types.Interval {
			continue
		}
		both := []Expr{args[0], args[1]}
		var err error
		if both[i], err = c.dialectCast(x, t, pos); err != nil {
			return nil, false, err
		}
		y, err := c.operator(name, both, pos)
		return y, true, err
	}
	return nil, false, nil
}

// decimalResult gives the DECIMAL(p, s) of an operation over two, where at least
// one is a DECIMAL and both say their precision; integers are DECIMALs of all
// their digits. The rules are ksqlDB's.
func decimalResult(op string, args []Expr) (types.Type, bool) {
	if len(args) == 1 && args[0].Type().Kind == types.Numeric && (op == "-" || op == "+") {
		p, s, ok := decimalShape(args[0])
		if !ok {
			return types.Type{}, false
		}
		return decimalType(p, s)
	}
	if len(args) != 2 || args[0].Type().Kind != types.Numeric && args[1].Type().Kind != types.Numeric {
		return types.Type{}, false
	}
	p1, s1, ok1 := decimalShape(args[0])
	p2, s2, ok2 := decimalShape(args[1])
	if !ok1 || !ok2 {
		return types.Type{}, false
	}
	var p, s int32
	switch op {
	case "+", "-":
		s = max(s1, s2)
		p = s + max(p1-s1, p2-s2) + 1
	case "*":
		p, s = p1+p2+1, s1+s2
	case "/":
		s = max(minDivisionScale, s1+p2+1)
		p = p1 - s1 + s2 + s
	case "%":
		s = max(s1, s2)
		p = min(p1-s1, p2-s2) + s
	default:
		return types.Type{}, false
	}
	return decimalType(p, s)
}

// minDivisionScale is the fewest decimal places of a quotient of DECIMALs.
const minDivisionScale = 6

func decimalType(p, s int32) (types.Type, bool) {
	t, err := types.ByName("numeric", []int32{max(p, 1), s})
	return t, err == nil
}

// decimalShape gives precision and scale of an operand.
func decimalShape(x Expr) (p, s int32, ok bool) {
	switch t := x.Type(); t.Kind {
	case types.Int2, types.Int4:
		return 10, 0, true
	case types.Int8:
		return 19, 0, true
	case types.Numeric:
		if lit, isLit := x.(*Const); isLit && t.Mod == 0 && !lit.D.Null {
			return literalShape(lit.D.Decimal())
		}
		if sum, isSum := x.(*Coalesce); isSum && t.Mod == 0 && len(sum.Args) == 2 {
			if k, isConst := sum.Args[1].(*Const); isConst && !k.D.Null {
				return k.T.PrecisionScale()
			}
		}
		return t.PrecisionScale()
	}
	return 0, 0, false
}

// shapedLiteral gives a DECIMAL literal the precision and scale that it is written
// with.
func shapedLiteral(x Expr) Expr {
	k, ok := x.(*Const)
	if !ok || k.T.Kind != types.Numeric {
		return x
	}
	if p, s, ok := literalShape(k.D.Decimal()); ok {
		if t, ok := decimalType(p, s); ok {
			k.T = t
		}
	}
	return k
}

// literalShape counts the digits of a literal.
func literalShape(d types.Decimal) (p, s int32, ok bool) {
	if !d.IsFinite() {
		return 0, 0, false
	}
	digits, scale := int32(0), int32(d.Scale())
	for _, b := range d.Abs().String() {
		if b >= '0' && b <= '9' {
			digits++
		}
	}
	return digits, scale, true
}

// isTextual tells whether an expression is a text, quoted literals included.
func isTextual(x Expr) bool {
	c, ok := x.(*Const)
	return isString(x.Type().Kind) || ok && c.T.Kind == types.Unknown && !c.D.Null
}

// dialectIndex is a[i] in ksqlDB's dialect: negative subscripts count from the end.
func (c *checker) dialectIndex(e *sql.Index, x, i Expr) (Expr, bool, error) {
	if !c.ksql || x.Type().Kind != types.Array {
		return nil, false, nil
	}
	i, err := c.subscript(i, e.Lo.Pos())
	if err != nil {
		return nil, true, err
	}
	y, ok, err := c.dialectCall("array_at", []Expr{x, i}, e.Pos())
	if call, is := y.(*Call); is && call.T.Kind == types.Numeric {
		call.T = elemOf(x.Type())
	}
	return y, ok, err
}

// dialectAggregate gives sums and averages what ksqlDB has for groups without
// values, and its types.
func (c *checker) dialectAggregate(call *AggCall, x Expr, pos int) (Expr, error) {
	t := x.Type()
	var empty Expr
	switch {
	case !c.ksql:
		return x, nil
	case call.Name == "sum" && len(call.Args) == 1 && call.Args[0].Type().Kind == types.Int8:
		var err error
		t = types.Of(types.Int8)
		if x, err = c.coerce(x, t, CoerceExplicit, pos); err != nil {
			return nil, err
		}
		empty = &Const{D: types.IntDatum(0), T: t}
	case call.Name == "sum" && isInteger(t.Kind):
		empty = &Const{D: types.IntDatum(0), T: t}
	case call.Name == "stddev_samp":
		var err error
		t = types.Of(types.Float8)
		if x, err = c.coerce(x, t, CoerceExplicit, pos); err != nil {
			return nil, err
		}
		empty = &Const{D: types.FloatDatum(0), T: t}
	case (call.Name == "sum" || call.Name == "avg" || call.Name == "stddev_sample") && isFloat(t.Kind):
		empty = &Const{D: types.FloatDatum(0), T: t}
	case call.Name == "correlation":
		empty = &Const{D: types.FloatDatum(math.NaN()), T: t}
	case call.Name == "sum" && t.Kind == types.Numeric:
		zero := types.DecimalFromInt(0)
		if _, s, ok := call.Args[0].Type().PrecisionScale(); ok {
			zero, _ = zero.Round(s)
		}
		k := &Const{D: types.NumericDatum(zero), T: t}
		if _, _, ok := call.Args[0].Type().PrecisionScale(); ok {
			k.T = call.Args[0].Type() // what decimalShape knows of the sum, which may be larger
		}
		empty = k
	default:
		return x, nil
	}
	return &Coalesce{Args: []Expr{x, empty}, T: t}, nil
}

// dialectAverage is AVG of integers and DECIMALs in ksqlDB's dialect: a DOUBLE, made of their
// exact sum and their number, 0 for groups without values.
func (c *checker) dialectAverage(name string, e *sql.Call) (Expr, bool, error) {
	if !c.ksql || name != "avg" || len(e.Args) != 1 || len(e.Within) > 0 {
		return nil, false, nil
	}
	sum, err := c.aggCall("sum", e)
	if err != nil || types.Category(sum.Args[0].Type().Kind) != 'N' ||
		isFloat(sum.Args[0].Type().Kind) {
		return nil, false, nil // AVG knows better, or says what is wrong
	}
	count, err := c.aggCall("count", e)
	if err != nil {
		return nil, false, err
	}
	float := types.Of(types.Float8)
	parts := make([]Expr, 2)
	for i, call := range []*AggCall{sum, count} {
		x, err := c.sc.Aggregate(call, e.Pos())
		if err != nil {
			return nil, false, err
		}
		if parts[i], err = c.coerce(x, float, CoerceExplicit, e.Pos()); err != nil {
			return nil, false, err
		}
	}
	x, _, err := c.dialectCall("/", parts, e.Pos())
	if err != nil {
		return nil, false, err
	}
	zero := &Const{D: types.FloatDatum(0), T: float}
	return &Coalesce{Args: []Expr{x, zero}, T: float}, true, nil
}

// dialectNumber reads a number with an exponent, which is a DOUBLE in ksqlDB.
func dialectNumber(s string, pos int) (Expr, error) {
	v, err := types.ParseFloat(types.Float8, s)
	if err != nil {
		return nil, sqlerr.As(err).At(pos)
	}
	return &Const{D: types.FloatDatum(v), T: types.Of(types.Float8)}, nil
}
