package planner

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// formatExpr writes an expression for EXPLAIN.
func formatExpr(e expr.Expr) string {
	var f formatter
	f.expr(e, 0)
	return f.b.String()
}

type formatter struct{ b strings.Builder }

func (f *formatter) s(parts ...string) {
	for _, p := range parts {
		f.b.WriteString(p)
	}
}

func (f *formatter) list(xs []expr.Expr, sep string, prec int) {
	for i, x := range xs {
		if i > 0 {
			f.s(sep)
		}
		f.expr(x, prec)
	}
}

// Precedences, loosest first: an expression is bracketed inside a tighter one.
const (
	precOr = iota + 1
	precAnd
	precNot
	precCompare
	precTight
)

func (f *formatter) paren(outer, own int, body func()) {
	if own < outer {
		f.s("(")
		body()
		f.s(")")
		return
	}
	body()
}

// expr writes e inside an operator of precedence outer.
//
//tidy:long one case per kind of expression
func (f *formatter) expr(e expr.Expr, outer int) {
	switch e := e.(type) {
	case *expr.Col:
		f.s(orElse(e.Name, "$col"+strconv.Itoa(e.Index)))
	case *expr.Outer:
		f.s("outer.", orElse(e.Name, strconv.Itoa(e.Index)))
	case *expr.Const:
		f.s(formatConst(e))
	case *expr.Param:
		f.s("$", strconv.Itoa(e.N))
	case *expr.Call:
		f.call(e, outer)
	case *expr.Cast:
		f.expr(e.X, precTight+1)
		f.s("::", e.T.String())
	case *expr.And:
		f.paren(outer, precAnd, func() { f.list(e.Args, " AND ", precAnd+1) })
	case *expr.Or:
		f.paren(outer, precOr, func() { f.list(e.Args, " OR ", precOr+1) })
	case *expr.Not:
		f.paren(outer, precNot, func() { f.s("NOT "); f.expr(e.X, precNot+1) })
	case *expr.IsNull:
		f.paren(outer, precCompare, func() {
			f.expr(e.X, precTight)
			f.s(" IS ", not(e.Not), "NULL")
		})
	case *expr.Case:
		f.s("CASE")
		for _, w := range e.Whens {
			f.s(" WHEN ")
			f.expr(w.Cond, 0)
			f.s(" THEN ")
			f.expr(w.Then, 0)
		}
		if e.Else != nil {
			f.s(" ELSE ")
			f.expr(e.Else, 0)
		}
		f.s(" END")
	case *expr.Coalesce:
		f.s("COALESCE(")
		f.list(e.Args, ", ", 0)
		f.s(")")
	case *expr.In:
		f.paren(outer, precCompare, func() {
			f.expr(e.X, precTight)
			f.s(" ", not(e.Not), "IN (")
			f.list(e.List, ", ", 0)
			f.s(")")
		})
	case *expr.Quant:
		f.paren(outer, precCompare, func() {
			f.expr(e.X, precTight)
			f.s(" ", e.Op.Name, " ", anyAll(e.All), " (")
			f.expr(e.Arr, 0)
			f.s(")")
		})
	case *expr.Lambda:
		f.s("lambda ")
		f.expr(e.Body, precTight)
	case *expr.Subplan:
		f.subplan(e)
	case *expr.Agg:
		f.s(formatAgg(e.Call))
	case *expr.Window:
		f.s(formatWindowCall(e.Call))
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func not(n bool) string {
	if n {
		return "NOT "
	}
	return ""
}

func anyAll(all bool) string {
	if all {
		return "ALL"
	}
	return "ANY"
}

func (f *formatter) call(e *expr.Call, outer int) {
	if !e.Fn.Operator {
		f.s(e.Fn.Name, "(")
		f.list(e.Args, ", ", 0)
		f.s(")")
		return
	}
	own := precTight
	switch e.Fn.Name {
	case "=", "<>", "<", "<=", ">", ">=":
		own = precCompare
	}
	f.paren(outer, own, func() {
		if len(e.Args) == 1 {
			f.s(e.Fn.Name)
			f.expr(e.Args[0], precTight+1)
			return
		}
		f.expr(e.Args[0], own+1)
		f.s(" ", e.Fn.Name, " ")
		f.expr(e.Args[1], own+1)
	})
}

func (f *formatter) subplan(e *expr.Subplan) {
	id := strconv.Itoa(e.ID + 1)
	switch e.Kind {
	case expr.SubplanExists:
		f.s("EXISTS (SubPlan ", id, ")")
	case expr.SubplanAny, expr.SubplanAll:
		f.s("(")
		f.list(e.X, ", ", 0)
		f.s(" ", e.Op[0].Name, " ", anyAll(e.Kind == expr.SubplanAll), " (SubPlan ", id, "))")
	case expr.SubplanArray:
		f.s("ARRAY (SubPlan ", id, ")")
	default:
		f.s("(SubPlan ", id, ")")
	}
}

// formatConst writes a literal with its type where that is not plain.
func formatConst(c *expr.Const) string {
	if c.D.Null {
		return "NULL"
	}
	text := string(types.AppendText(nil, nil, c.T, c.D))
	switch c.T.Kind {
	case types.Bool:
		if c.D.I != 0 {
			return "true"
		}
		return "false"
	case types.Int2, types.Int4, types.Int8, types.Float4, types.Float8, types.Numeric, types.OID:
		return text
	case types.Text, types.Unknown, types.Varchar, types.Name:
		return sql.QuoteString(text)
	}
	t := c.T
	t.Mod = 0
	return sql.QuoteString(text) + "::" + t.String()
}

func formatOrders(os []expr.Order) string {
	parts := make([]string, len(os))
	for i, o := range os {
		parts[i] = formatExpr(o.X)
		if o.Desc {
			parts[i] += " DESC"
		}
		if o.NullsFirst != o.Desc {
			parts[i] += map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[o.NullsFirst]
		}
	}
	return strings.Join(parts, ", ")
}

func formatList(xs []expr.Expr) string {
	parts := make([]string, len(xs))
	for i, x := range xs {
		parts[i] = formatExpr(x)
	}
	return strings.Join(parts, ", ")
}

func formatAgg(c *expr.AggCall) string {
	args := formatList(c.Args)
	if len(c.Args) == 0 && c.Fn.Name == "count" {
		args = "*"
	}
	if c.Distinct {
		args = "DISTINCT " + args
	}
	if len(c.OrderBy) > 0 {
		args += " ORDER BY " + formatOrders(c.OrderBy)
	}
	s := c.Fn.Name + "(" + args + ")"
	if c.Filter != nil {
		s += " FILTER (WHERE " + formatExpr(c.Filter) + ")"
	}
	return s
}

func formatWindowCall(c *expr.WindowCall) string {
	args := formatList(c.Args)
	if len(c.Args) == 0 && c.Name == "count" {
		args = "*"
	}
	s := c.Name + "(" + args + ")"
	if c.Filter != nil {
		s += " FILTER (WHERE " + formatExpr(c.Filter) + ")"
	}
	return s
}
