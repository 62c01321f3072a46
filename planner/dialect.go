package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
)

// ksqlDialect is the value of the option dialect for what is declared as in ksqlDB:
// it is the default with ksqlDB's options (kafka_topic, value_format...), and for
// CREATE ... AS over nothing but such relations. Their key columns come first, the
// columns of their joins are called table_column, INSERT INTO ... SELECT between
// their streams goes on for ever, and CREATE SOURCE is read only but for rows that
// bring their ROWTIME.
const ksqlDialect = "ksqldb"

// dialects are the values of the option.
var dialects = []string{ksqlDialect, "postgresql"}

// ksqlOptions tells whether a statement is written for ksqlDB.
func ksqlOptions(opts []sql.Option) bool {
	ksql := false
	for _, o := range opts {
		name := lower(o.Name)
		if name == "dialect" {
			text, err := optionText(o)
			return err == nil && lower(text) == ksqlDialect
		}
		ksql = ksql || slices.Contains(ksqlMarks, name)
	}
	return ksql
}

// ksqlMarks are the options of ksqlDB that every statement for it has.
var ksqlMarks = []string{"kafka_topic", "format", "value_format", "key_format"}

// isKsql tells whether a relation was declared as in ksqlDB.
func isKsql(rel *catalog.Relation) bool {
	if v := optionOf(rel, "dialect"); v != "" {
		return v == ksqlDialect
	}
	return slices.ContainsFunc(rel.Options, func(o catalog.Option) bool {
		return slices.Contains(ksqlMarks, o.Name)
	})
}

// readsKsql tells whether a query reads nothing but tables that are declared as in
// ksqlDB.
func (b *builder) readsKsql(q *sql.Query) bool {
	sel, ok := q.Body.(*sql.Select)
	if !ok || q.With != nil || len(sel.From) == 0 {
		return false
	}
	for _, t := range sel.From {
		rels := b.joinedTables(t)
		if rels == nil || slices.ContainsFunc(rels, func(r *catalog.Relation) bool {
			return !isKsql(r)
		}) {
			return false
		}
	}
	return true
}

// millisTime makes ROWTIME of a relation the number that it is in ksqlDB.
func (b *builder) millisTime(f *from) error {
	if !b.decided || !b.ksql {
		return nil
	}
	for i := range f.cols {
		c := &f.cols[i]
		if c.name == "rowtime" && c.hidden {
			ms, err := b.millis(c.x)
			if err != nil {
				return err
			}
			c.x = ms
		}
	}
	return nil
}

// Ksql implements expr.DialectScope: names mean what they do in ksqlDB in what is
// kept and declared so. A query that is only read is PostgreSQL's, as a materialized
// view is, which is equal to its SELECT.
func (s *scope) Ksql() bool { return s.b.decided && s.b.ksql }

// decideDialect says what the result is declared as, whatever it reads.
func (b *builder) decideDialect(ksql bool) { b.ksql, b.decided = ksql, true }

// keyColumnsFirst puts the key columns of a declaration in ksqlDB's dialect before
// the others. A relation with the option window_type has windows in its key.
func keyColumnsFirst(def *sql.Definition, with []sql.Option, table bool) *sql.Definition {
	isKey := func(c *sql.ColumnDef) bool { return c.Key || c.PrimaryKey }
	out := *def
	out.Columns = nil
	for _, c := range def.Columns {
		if isKey(c) {
			out.Columns = append(out.Columns, c)
		}
	}
	if declaresWindows(with) && len(out.Columns) > 0 {
		for _, name := range []string{"window_start", "window_end"} {
			out.Columns = append(out.Columns, &sql.ColumnDef{Loc: sql.NoLoc, Name: name,
				Type: &sql.TypeName{Loc: sql.NoLoc, Name: sql.Name{"timestamptz"}},
				Key:  !table, PrimaryKey: table})
		}
	}
	for _, c := range def.Columns {
		if !isKey(c) {
			out.Columns = append(out.Columns, c)
		}
	}
	return &out
}

// declaresWindows tells whether rows are said to be keyed by windows.
func declaresWindows(with []sql.Option) bool {
	return slices.ContainsFunc(with, func(o sql.Option) bool {
		return lower(o.Name) == "window_type"
	})
}

// keyFirst puts the key columns of a result before the others, as ksqlDB has them.
func (b *builder) keyFirst(k *kept) {
	order := slices.Clone(k.key)
	for i := range k.cols {
		if !containsInt(order, i) {
			order = append(order, i)
		}
	}
	if slices.Equal(order, ordinals(len(order))) {
		return
	}
	if k.time >= len(k.cols) {
		order = append(order, k.time)
		k.time = len(order) - 1
	} else if k.time >= 0 {
		k.time = slices.Index(order, k.time)
	}
	if p, ok := k.root.(*plan.Project); ok {
		next := &plan.Project{Input: p.Input}
		for _, i := range order {
			next.Exprs = append(next.Exprs, p.Exprs[i])
			next.Out = append(next.Out, p.Out[i])
		}
		k.root = next
	} else {
		k.root = b.exactly(k.root, order)
	}
	derive(k.root)
	k.key = ordinals(len(k.key))
	k.cols = append([]plan.Column(nil), k.root.Cols()[:len(k.cols)]...)
}

// withoutNullGroups leaves out rows whose group is NULL of what is made in ksqlDB's
// dialect: the group is the key of its result.
func (k *block) withoutNullGroups() {
	if !k.b.ksql || k.q != k.b.emitting {
		return
	}
	var tests []expr.Expr
	for _, g := range k.groups.exprs {
		if _, ok := g.(*expr.Const); !ok {
			tests = append(tests, &expr.IsNull{X: g, Not: true})
		}
	}
	if len(tests) > 0 {
		k.node = newFilter(k.node, and(tests...))
	}
}
