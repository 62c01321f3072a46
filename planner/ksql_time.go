package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// timeTexts writes out the times in a condition that compares ROWTIME, WINDOWSTART or
// WINDOWEND with text: ksqlDB takes as much of an ISO time as there is, such as '2018'
// or '2020-02-23T23:45'. PostgreSQL refuses such texts, so that nothing else can be
// meant. A ROWTIME without a zone is in the session's; in ksqlDB's dialect, where it is
// a number, it is in UTC like the bounds of windows.
func timeTexts(x sql.Expr, ksql bool) sql.Expr {
	switch x := x.(type) {
	case *sql.Binary:
		out := *x
		switch {
		case x.Op == "AND" || x.Op == "OR":
			out.L, out.R = timeTexts(x.L, ksql), timeTexts(x.R, ksql)
		case timeName(x.L) != "":
			out.R = timeText(timeName(x.L), x.R, ksql)
		case timeName(x.R) != "":
			out.L = timeText(timeName(x.R), x.L, ksql)
		}
		return &out
	case *sql.Unary:
		if x.Op == "NOT" {
			out := *x
			out.X = timeTexts(x.X, ksql)
			return &out
		}
	case *sql.Between:
		if name := timeName(x.X); name != "" {
			out := *x
			out.Lo, out.Hi = timeText(name, x.Lo, ksql), timeText(name, x.Hi, ksql)
			return &out
		}
	}
	return x
}

// timeName gives the name of a reference to one of ksqlDB's pseudo columns of time.
func timeName(x sql.Expr) string {
	ref, ok := x.(*sql.ColRef)
	if !ok || ref.Star || len(ref.Name) == 0 {
		return ""
	}
	switch name := ref.Name.Last(); name {
	case "rowtime", "windowstart", "windowend":
		return name
	}
	return ""
}

// timeText completes a literal that begins like an ISO time; for what is in
// milliseconds it becomes their number.
func timeText(column string, x sql.Expr, ksql bool) sql.Expr {
	c, ok := x.(*sql.Const)
	if !ok || c.Kind != sql.StrConst {
		return x
	}
	if column == "rowtime" && !ksql {
		if full, ok := expr.CompleteTime(c.Val, ""); ok && !isTime(c.Val) && isTime(full) {
			return &sql.Const{Loc: c.Loc, Kind: sql.StrConst, Val: full}
		}
		return x
	}
	full, ok := expr.CompleteTime(c.Val, "+00")
	if !ok {
		return x
	}
	d, err := types.ParseText(nil, types.Of(types.Timestamptz), full)
	if err != nil {
		return x
	}
	return &sql.Const{Loc: c.Loc, Kind: sql.NumConst, Val: sprintf("%d", d.I/1000)}
}

// isTime tells whether PostgreSQL reads a text as a time.
func isTime(s string) bool {
	_, err := types.ParseText(nil, types.Of(types.Timestamptz), s)
	return err == nil
}

// timesOnly leaves out rows whose event time, a column of their own, is no time that
// ksqlDB's logs can hold: NULL, as what could not be read, or before 1970.
func (b *builder) timesOnly(c *plan.Continuous) error {
	tc := c.Target.TimeColumn
	if !isKsql(c.Target) || tc < 0 || c.Time < 0 {
		return nil
	}
	zero := &expr.Const{D: types.IntDatum(0), T: types.Of(types.Timestamptz)}
	test, err := b.operator(">=", colOf(c.Root, c.Time), zero, -1)
	if err != nil {
		return err
	}
	c.Root = newFilter(c.Root, test)
	return nil
}
