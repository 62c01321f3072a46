package expr

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// String writes an expression for EXPLAIN, in the style of PostgreSQL's: operators
// fully bracketed, casts with ::, literals with their type.
func String(e Expr) string {
	var w stringer
	w.expr(e)
	return w.String()
}

type stringer struct{ strings.Builder }

func (w *stringer) list(es []Expr, sep string) {
	for i, e := range es {
		if i > 0 {
			w.WriteString(sep)
		}
		w.expr(e)
	}
}

func (w *stringer) expr(e Expr) {
	switch e := e.(type) {
	case nil:
		w.WriteString("NULL")
	case *Col:
		w.column(e.Name, e.Index)
	case *Outer:
		w.column(e.Name, e.Index)
	case *Const:
		w.constant(e)
	case *Param:
		w.WriteString("$" + strconv.Itoa(e.N))
	case *Call:
		w.call(e)
	case *Cast:
		w.cast(e)
	case *And:
		w.bracketed(e.Args, " AND ")
	case *Or:
		w.bracketed(e.Args, " OR ")
	case *Not:
		w.WriteString("(NOT ")
		w.expr(e.X)
		w.WriteString(")")
	case *IsNull:
		w.WriteString("(")
		w.expr(e.X)
		if e.Not {
			w.WriteString(" IS NOT NULL)")
		} else {
			w.WriteString(" IS NULL)")
		}
	default:
		w.rare(e)
	}
}

func (w *stringer) rare(e Expr) {
	switch e := e.(type) {
	case *Case:
		w.caseExpr(e)
	case *Coalesce:
		w.WriteString("COALESCE(")
		w.list(e.Args, ", ")
		w.WriteString(")")
	case *In:
		w.in(e)
	case *Quant:
		w.quant(e)
	case *Lambda:
		w.WriteString("(")
		for i := range e.Params {
			if i > 0 {
				w.WriteString(", ")
			}
			w.WriteString("$" + strconv.Itoa(e.Base+i-lambdaBase))
		}
		w.WriteString(") => ")
		w.expr(e.Body)
	case *Subplan:
		w.WriteString("(SubPlan " + strconv.Itoa(e.ID) + ")")
	case *Agg:
		w.WriteString(AggString(e.Call))
	case *Window:
		w.WriteString(e.Call.Name + "(")
		w.list(e.Call.Args, ", ")
		w.WriteString(") OVER (?)")
	}
}

func (w *stringer) column(name string, index int) {
	switch {
	case index >= lambdaBase:
		w.WriteString("$" + strconv.Itoa(index-lambdaBase))
	case name == "":
		w.WriteString("#" + strconv.Itoa(index))
	default:
		w.WriteString(name)
	}
}

func (w *stringer) constant(e *Const) {
	if e.D.Null {
		w.WriteString("NULL")
		if e.T.Kind != types.Unknown {
			w.WriteString("::" + e.T.String())
		}
		return
	}
	switch k := e.T.Kind; {
	case k == types.Bool:
		w.WriteString(strconv.FormatBool(e.D.Bool()))
	case k == types.Int4:
		w.WriteString(strconv.FormatInt(e.D.I, 10))
	case k == types.Numeric && e.D.Decimal().IsFinite() && e.D.Decimal().Sign() >= 0:
		w.WriteString(e.D.Decimal().String())
	case k == types.Unknown:
		w.WriteString(QuoteLiteral(e.D.S))
	default:
		w.WriteString(QuoteLiteral(types.TextOf(nil, e.T, e.D)) + "::" + e.T.String())
	}
}

func (w *stringer) bracketed(es []Expr, sep string) {
	w.WriteString("(")
	w.list(es, sep)
	w.WriteString(")")
}

func (w *stringer) call(e *Call) {
	switch {
	case e.Fn.Operator && len(e.Args) == 2:
		w.bracketed(e.Args, " "+e.Fn.Name+" ")
	case e.Fn.Operator:
		w.WriteString("(" + e.Fn.Name + " ")
		w.expr(e.Args[0])
		w.WriteString(")")
	case e.Fn.Name == "array":
		w.WriteString("ARRAY[")
		w.list(e.Args, ", ")
		w.WriteString("]")
	case e.Fn.Name == "array_get" || e.Fn.Name == "map_get":
		w.WriteString("(")
		w.expr(e.Args[0])
		w.WriteString(")")
		for _, i := range e.Args[1:] {
			w.WriteString("[")
			w.expr(i)
			w.WriteString("]")
		}
	case e.Fn.Name == "row":
		w.WriteString("ROW(")
		w.list(e.Args, ", ")
		w.WriteString(")")
	default:
		w.WriteString(e.Fn.Name + "(")
		w.list(e.Args, ", ")
		w.WriteString(")")
	}
}

func (w *stringer) cast(e *Cast) {
	w.WriteString("(")
	w.expr(e.X)
	w.WriteString(")::" + e.T.String())
}

func (w *stringer) caseExpr(e *Case) {
	w.WriteString("CASE")
	for _, x := range e.Whens {
		w.WriteString(" WHEN ")
		w.expr(x.Cond)
		w.WriteString(" THEN ")
		w.expr(x.Then)
	}
	if e.Else != nil {
		w.WriteString(" ELSE ")
		w.expr(e.Else)
	}
	w.WriteString(" END")
}

func (w *stringer) in(e *In) {
	w.WriteString("(")
	w.expr(e.X)
	if e.Not {
		w.WriteString(" <> ALL (")
	} else {
		w.WriteString(" = ANY (")
	}
	w.list(e.List, ", ")
	w.WriteString("))")
}

func (w *stringer) quant(e *Quant) {
	w.WriteString("(")
	w.expr(e.X)
	w.WriteString(" " + e.Op.Name)
	if e.All {
		w.WriteString(" ALL (")
	} else {
		w.WriteString(" ANY (")
	}
	w.expr(e.Arr)
	w.WriteString("))")
}

// AggString writes an aggregate call for EXPLAIN.
func AggString(c *AggCall) string {
	var w stringer
	w.WriteString(c.Name + "(")
	if c.Distinct {
		w.WriteString("DISTINCT ")
	}
	if len(c.Args) == 0 && c.Name == "count" {
		w.WriteString("*")
	}
	w.list(c.Args, ", ")
	for i, o := range c.OrderBy {
		if i == 0 {
			w.WriteString(" ORDER BY ")
		} else {
			w.WriteString(", ")
		}
		w.expr(o.X)
		if o.Desc {
			w.WriteString(" DESC")
		}
	}
	w.WriteString(")")
	if c.Filter != nil {
		w.WriteString(" FILTER (WHERE ")
		w.expr(c.Filter)
		w.WriteString(")")
	}
	return w.String()
}
