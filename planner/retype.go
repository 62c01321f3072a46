package planner

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// ALTER ... TYPE does not rewrite rows. A change that leaves stored values as they are
// only changes the definition; any other one is remembered as a conversion, which rows
// of older versions of the schema go through when they are read. Before it, every row
// that exists is converted once, so that a bad value is an error of the statement.

// columnType changes the type of a column.
func (d *definition) columnType(a *sql.AlterColumnType) error {
	if err := d.byDefinition("change the type of a column", a.Pos()); err != nil {
		return err
	}
	col, err := d.mustColumn(a.Name, a.Pos())
	if err != nil {
		return err
	}
	t, user, err := d.b.resolveType(a.Type)
	if err != nil {
		return err
	}
	if a.Using == nil && widens(col.Type, t) {
		col.Type, col.UserType = t, user
		return nil
	}
	if err := d.mayRetype(a, col, t); err != nil {
		return err
	}
	return d.retype(a, d.rel.ColumnIndex(a.Name), t, user)
}

// mayRetype refuses conversions of columns on which more than rows depends.
func (d *definition) mayRetype(a *sql.AlterColumnType, col *catalog.Column, t types.Type) error {
	o := d.rel.ColumnIndex(a.Name)
	if slices.Contains(d.rel.Key, o) || o == d.rel.TimeColumn {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot change the type of column \"%s\" "+
			"from %s to %s, because rows are stored by it", a.Name, col.Type, t).At(a.Pos()).
			WithHint("Create the relation anew, and fill it by INSERT ... SELECT.")
	}
	if col.Generated {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot change the type of generated column "+
			"\"%s\"", a.Name).At(a.Pos()).WithHint("Drop the column and add it anew.")
	}
	for i := range d.rel.Columns {
		g := &d.rel.Columns[i]
		if g.Generated && !g.Dropped && mentions(g.Default, a.Name) {
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"cannot alter type of a column used by a generated column").At(a.Pos()).
				WithDetail("Column \"%s\" is used by generated column \"%s\".", a.Name, g.Name)
		}
	}
	return nil
}

// retype makes column o one of type t.
func (d *definition) retype(a *sql.AlterColumnType, o int, t types.Type, user catalog.OID) error {
	col := &d.rel.Columns[o]
	from := *col
	if err := d.using(a, o, t); err != nil {
		return err
	}
	former := catalog.FormerType{Until: d.rel.SchemaVersion + 1, Type: from.Type}
	if a.Using != nil {
		former.Using = byOrdinal(&d.rel, a.Using)
	}
	if v := d.b.env.Values; v != nil {
		former.Now, former.Zone = v.Now, zoneName(v.Zone)
	}
	col.Former = append(slices.Clip(from.Former), former)
	col.Type, col.UserType = t, user
	if col.Default != "" {
		if _, err := d.b.defaultOf(&d.rel, o); err != nil {
			return sqlerr.New(sqlerr.DatatypeMismatch, "default for column \"%s\" cannot be cast "+
				"automatically to type %s", a.Name, t).
				WithHint("Drop the default, change the type, and set a default of the new type.")
		}
	}
	if err := d.indexesStand(o); err != nil {
		return err
	}
	d.verifyRetype(a, o)
	return nil
}

// indexesStand refuses a type that the expressions of an index cannot take.
func (d *definition) indexesStand(o int) error {
	for _, x := range d.b.env.Snapshot.Indexes(d.rel.OID) {
		if !slices.Contains(x.IndexReads, o) {
			continue
		}
		texts := slices.Clone(x.IndexExprs)
		if x.Predicate != "" {
			texts = append(texts, x.Predicate)
		}
		for _, text := range texts {
			if text == "" {
				continue
			}
			ast, err := parseExpr(text)
			if err == nil {
				_, err = d.b.check(ast, d.rowScope("index expressions"))
			}
			if err != nil {
				return inStored(err, -1).InContext("index \"%s\"", x.Name)
			}
		}
	}
	return nil
}

func zoneName(z *time.Location) string {
	if z == nil {
		return ""
	}
	return z.String()
}

// using checks the conversion: it may use the row as it is, and nothing else.
func (d *definition) using(a *sql.AlterColumnType, o int, t types.Type) error {
	col := &d.rel.Columns[o]
	if a.Using == nil {
		if expr.CanCoerce(col.Type, t, expr.CoerceAssignment) {
			return nil
		}
		return sqlerr.New(sqlerr.DatatypeMismatch, "column \"%s\" cannot be cast "+
			"automatically to type %s", a.Name, t).
			WithHint("You might need to specify \"USING %s::%s\".", sql.QuoteIdent(a.Name), t)
	}
	const way = "Add a column, fill it by UPDATE, drop the old one and rename the new one."
	functions := len(d.b.direct)
	x, err := d.b.check(a.Using, d.rowScope("transform expressions"))
	switch {
	case err != nil:
		return err
	case hasSubplan(x):
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot use subquery in transform expression").At(a.Using.Pos()).WithHint(way)
	case isVolatile(x) || len(d.b.direct) > functions:
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"transform expression must be of built-in functions that are not volatile").
			At(a.Using.Pos()).WithHint(way)
	case !expr.CanCoerce(x.Type(), t, expr.CoerceAssignment) && x.Type().Kind != types.Unknown:
		return sqlerr.New(sqlerr.DatatypeMismatch, "result of USING clause for column \"%s\" "+
			"cannot be cast automatically to type %s", a.Name, t).
			WithHint("You might need to add an explicit cast.")
	}
	_, err = expr.CoerceTo(x, t, expr.CoerceAssignment, &scope{b: d.b}, a.Using.Pos())
	return err
}

// byOrdinal prints an expression over a row with the columns' ordinals in place of
// their names, which may change.
func byOrdinal(rel *catalog.Relation, x sql.Expr) string {
	again, err := parse.ParseExpr(sql.Print(x))
	if err != nil {
		return "" // what was printed is what was parsed
	}
	sql.Walk(again, func(n sql.Node) bool {
		if c, ok := n.(*sql.ColRef); ok && !c.Star {
			if o := rel.ColumnIndex(c.Name.Last()); o >= 0 {
				c.Name = sql.Name{ordinalName(o)}
			}
		}
		return true
	})
	return sql.Print(again)
}

func ordinalName(o int) string { return "c" + strconv.Itoa(o) }

// Conversion gives the value that column o gets from rows which hold it as its former
// type i, as an expression over all columns, by ordinal.
func Conversion(rel *catalog.Relation, o, i int, env *Env) (expr.Expr, error) {
	col := &rel.Columns[o]
	f, to := col.Former[i], col.Type
	if i+1 < len(col.Former) {
		to = col.Former[i+1].Type
	}
	x := expr.Expr(&expr.Col{Index: o, T: f.Type, Name: col.Name})
	if f.Using == "" {
		return expr.CoerceTo(x, to, expr.CoerceAssignment, nil, -1)
	}
	ast, err := parse.ParseExpr(f.Using)
	if err != nil {
		return nil, err
	}
	b := newBuilder(env)
	e := &entry{}
	s := &scope{b: b, entries: []*entry{e}, clause: "transform expressions"}
	for k := range rel.Columns {
		s.cols = append(s.cols, column{entry: e, name: ordinalName(k),
			x: &expr.Col{Index: k, T: TypeAt(&rel.Columns[k], f.Until-1), Name: ordinalName(k)}})
	}
	if x, err = b.check(ast, s); err != nil {
		return nil, err
	}
	return expr.CoerceTo(x, to, expr.CoerceAssignment, s, -1)
}

// TypeAt gives the type that a column's values have in rows of a schema version.
func TypeAt(c *catalog.Column, version uint32) types.Type {
	for _, f := range c.Former {
		if version < f.Until {
			return f.Type
		}
	}
	return c.Type
}

// verifyRetype converts all rows that exist: the column's new values must keep the
// constraints over it.
func (d *definition) verifyRetype(a *sql.AlterColumnType, o int) {
	rel := &d.rel
	layout := rowLayout(rel)
	var list []string
	for _, k := range layout {
		n := sql.QuoteIdent(rel.Columns[k].Name)
		if k == o {
			list = append(list, convertText(a)+" AS "+n)
		} else if !rel.Columns[k].Hidden {
			list = append(list, n)
		}
	}
	from := "(SELECT " + strings.Join(list, ", ") + " FROM " +
		sql.Name{rel.Schema, rel.Name}.String() + ") AS " + sql.QuoteIdent(rel.Name)
	name := sql.QuoteIdent(a.Name)
	d.verifyConverted("SELECT count("+name+") FROM "+from+" HAVING count("+name+") < 0", nil)
	if n := rel.Columns[o].Type; isTextKind(n.Kind) && n.Mod != 0 {
		d.verifyLength(a, n)
	}
	if rel.Columns[o].NotNull {
		err := sqlerr.New(sqlerr.NotNullViolation, "column \"%s\" of relation \"%s\" contains null "+
			"values", a.Name, rel.Name)
		err.Column = a.Name
		d.verifyConverted("SELECT 1 FROM "+from+" WHERE "+name+" IS NULL LIMIT 1", err)
	}
	for _, x := range d.b.env.Snapshot.Indexes(rel.OID) {
		if x.Unique && (slices.Contains(x.IndexColumns, o) || slices.Contains(x.IndexReads, o)) {
			d.b.verifyUniqueIn(from, rel, x)
		}
	}
	for _, c := range rel.Checks {
		if mentions(c.Expr, a.Name) {
			err := sqlerr.New(sqlerr.CheckViolation, "check constraint \"%s\" of relation \"%s\" is "+
				"violated by some row", c.Name, rel.Name)
			err.Constraint = c.Name
			d.verifyConverted("SELECT 1 FROM "+from+" WHERE NOT ("+c.Expr+") LIMIT 1", err)
		}
	}
}

// convertText is the conversion as SQL.
func convertText(a *sql.AlterColumnType) string {
	x := a.Using
	if x == nil {
		x = &sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{a.Name}}
	}
	return sql.Print(&sql.Cast{Loc: sql.NoLoc, X: x, Type: a.Type})
}

// verifyLength finds values that are too long: the cast, which is an explicit one, cuts
// them.
func (d *definition) verifyLength(a *sql.AlterColumnType, t types.Type) {
	x := a.Using
	if x == nil {
		x = &sql.ColRef{Loc: sql.NoLoc, Name: sql.Name{a.Name}}
	}
	text := "(" + sql.Print(x) + ")::text"
	rest := "rtrim(substr(" + text + ", " + strconv.Itoa(int(t.MaxLength())+1) + "), ' ')"
	table := sql.Name{d.rel.Schema, d.rel.Name}.String()
	d.verifyConverted("SELECT 1 FROM "+table+" WHERE "+rest+" <> '' LIMIT 1",
		sqlerr.New(sqlerr.StringDataRightTruncation, "value too long for type %s", t))
}

func (d *definition) verifyConverted(query string, err *sqlerr.Error) {
	if err == nil {
		err = sqlerr.New(sqlerr.InternalError, "rows without a value")
	}
	err.Schema, err.Table = d.rel.Schema, d.rel.Name
	d.b.verify = append(d.b.verify, plan.Verify{Error: err, Query: query})
}
