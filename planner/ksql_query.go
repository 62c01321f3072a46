package planner

import (
	"strconv"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// collectLimits are the settings of ksqlDB that bound the arrays of an aggregate.
var collectLimits = map[string]string{
	"collect_list": "ksql.functions.collect_list.limit",
	"collect_set":  "ksql.functions.collect_set.limit",
}

// collectLimits gives the bounds that the session's settings have for the arrays of
// COLLECT_LIST and COLLECT_SET in a query that is to be kept in ksqlDB's dialect.
func (b *builder) collectLimits() map[string]string {
	limits := map[string]string{}
	for name, setting := range collectLimits {
		text := b.env.setting(setting, "")
		n, err := strconv.ParseInt(text, 10, 32)
		if err == nil && n >= 0 && b.decided && b.ksql {
			limits[name] = text
		}
	}
	return limits
}

// limitCollected writes the bounds into a query, which keeps them whatever the settings
// are later.
func limitCollected(q *sql.Query, limits map[string]string) {
	sql.Walk(q, func(n sql.Node) bool {
		call, ok := n.(*sql.Call)
		if !ok || len(call.Args) != 1 {
			return true
		}
		if text := limits[lower(call.Name.Last())]; text != "" {
			call.Args = append(call.Args, &sql.Const{Loc: sql.NoLoc, Kind: sql.NumConst, Val: text})
		}
		return true
	})
}

// ksqlQuery refuses what a table's query in CREATE ... AS cannot have.
func ksqlQuery(q *sql.Query, keep keepKind) error {
	sel, ok := q.Body.(*sql.Select)
	if keep != keepTable || !ok || len(sel.Part) == 0 {
		return nil
	}
	return sqlerr.New(sqlerr.SyntaxError, "PARTITION BY is for streams, not for tables").
		At(sel.Part[0].Pos()).WithHint("The key of a table is what its rows are grouped or " +
		"joined by: GROUP BY the expression, with LATEST_BY_OFFSET of the other columns.")
}

// keyLeftOut tells that the result of a query has no key, as no item of its select list
// is the key of its rows.
func (b *builder) keyLeftOut(part []expr.Expr) {
	if !b.ksql || !b.prefixStars || len(part) == 0 {
		return
	}
	name := "what it is joined on"
	if c, ok := part[0].(*expr.Col); ok {
		name = "column \"" + c.Name + "\""
	}
	b.notice("the stream has no key: %s is not in the select list", name)
}

// checkRetention checks RETENTION of a window clause: windows are kept whatever it says,
// but one that would drop windows that are still open is a mistake.
func (b *builder) checkRetention(w *sql.StreamWindow) error {
	if w.Retention == nil {
		return nil
	}
	keep, err := spanMicros(w.Retention)
	if err != nil {
		return err
	}
	open, err := spanMicros(w.Size)
	if err != nil {
		return err
	}
	if w.Grace != nil {
		grace, err := graceMicros(w.Grace)
		if err != nil {
			return err
		}
		open += grace
	}
	if keep < open {
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"RETENTION must not be shorter than SIZE and GRACE PERIOD together").
			At(w.Retention.Pos())
	}
	return nil
}
