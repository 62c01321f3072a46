package planner

import (
	"slices"
	"strings"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// What a column that is added has in the rows that are there already: a constant default
// is remembered in the catalog; what each row has to compute for itself is written by an
// UPDATE in the transaction of the change, so that all replicas get the same values.

// fillMissing gives the rows that are there already the value of the column that was
// added last.
func (d *definition) fillMissing(c *sql.ColumnDef) {
	o := len(d.rel.Columns) - 1
	col := &d.rel.Columns[o]
	d.added = append(d.added, col.Name)
	if col.Default == "" {
		return
	}
	x, err := d.b.defaultOf(&d.rel, o)
	own := col.Generated || col.Identity != 0 || err != nil || hasVolatile(x)
	if own || c.Unique || c.PrimaryKey || c.References != nil || len(c.Checks) > 0 {
		if d.mayFill(col) {
			d.fills = append(d.fills, col.Name)
			return
		}
		if own {
			return
		}
	}
	env := &expr.Env{Zone: time.UTC}
	if v := d.b.env.Values; v != nil {
		env.Now = v.Now
	}
	if v, err := expr.EvalConst(x, env); err == nil && !v.Null {
		col.Missing = &v
	}
}

// mayFill tells whether the rows of the relation can be written. Where they cannot, there
// must not be any, unless the column may be NULL in them.
func (d *definition) mayFill(col *catalog.Column) bool {
	if d.rel.Kind == catalog.KindTable && d.rel.Query == 0 && !d.rel.AppendOnly {
		return true
	}
	if col.Generated || col.Identity != 0 || col.NotNull {
		d.b.verifyRows(&d.rel, "1", "", sqlerr.Unsupported("a column with a value of its own for "+
			"each row, added to rows that cannot be updated,", "Add a column that may be NULL."))
	}
	return false
}

// fill gives the UPDATE that comes after the change, "" for none. Constraints that come in
// the same statement are kept by it too.
func (d *definition) fill(actions []sql.AlterAction) string {
	names := d.fills
	if slices.ContainsFunc(actions, func(a sql.AlterAction) bool {
		_, ok := a.(*sql.AddConstraint)
		return ok
	}) {
		for _, n := range d.added {
			col := &d.rel.Columns[d.rel.ColumnIndex(n)]
			if col.Default != "" && !slices.Contains(names, n) && d.mayFill(col) {
				col.Missing = nil
				names = append(names, n)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	set := make([]string, len(names))
	for i, n := range names {
		set[i] = sql.QuoteIdent(n) + " = DEFAULT"
	}
	return "UPDATE " + sql.Name{d.rel.Schema, d.rel.Name}.String() + " SET " + strings.Join(set, ", ")
}

// filled is the plan of a change with an UPDATE behind it.
func filled(p *plan.Plan, update string) *plan.Plan {
	if p.Command != nil {
		p.Fill = update
	}
	return p
}

// hasVolatile tells whether an expression differs from row to row.
func hasVolatile(x expr.Expr) bool {
	found := false
	expr.Walk(x, func(e expr.Expr) bool {
		if c, ok := e.(*expr.Call); ok && c.Fn.Volatility == expr.Volatile {
			found = true
		}
		return true
	})
	return found
}

// refersToGenerated refuses a generated column over another one: the order in which they
// are computed would count.
func (d *definition) refersToGenerated(def *sql.Definition, c *sql.ColumnDef) (err error) {
	generated := func(name string) bool {
		if i := d.rel.ColumnIndex(name); i >= 0 && d.rel.Columns[i].Generated {
			return true
		}
		return slices.ContainsFunc(def.Columns, func(x *sql.ColumnDef) bool {
			return x.Name == name && x.Generated != nil &&
				(x.Generated.Kind == sql.GeneratedStored || x.Generated.Kind == sql.ComputedColumn)
		})
	}
	sql.Walk(c.Generated.X, func(n sql.Node) bool {
		ref, ok := n.(*sql.ColRef)
		if ok && err == nil && !ref.Star && ref.Name.Last() != c.Name && generated(ref.Name.Last()) {
			err = sqlerr.New(sqlerr.InvalidObjectDefinition, "cannot use generated column \"%s\" in "+
				"column generation expression", ref.Name.Last()).At(ref.Pos()).
				WithDetail("A generated column cannot reference another generated column.")
		}
		return err == nil
	})
	return err
}
