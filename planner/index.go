package planner

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// indexMethods are PostgreSQL's; there is one kind of index whatever is named.
var indexMethods = []string{"btree", "hash", "gin", "gist", "spgist", "brin"}

// createIndex plans CREATE INDEX.
func (b *builder) createIndex(s *sql.CreateIndex) (*plan.Plan, error) {
	rel, err := b.relation(s.Table, s.Pos())
	if err != nil {
		return nil, err
	}
	if err := b.mayIndex(rel, s); err != nil {
		return nil, err
	}
	r := catalog.Relation{Schema: rel.Schema, Name: s.Name.Last(), Kind: catalog.KindIndex,
		Table: rel.OID, Unique: s.Unique, Bare: s.Unique, NullsSame: s.NullsSame, TimeColumn: -1,
		GraceMicros: -1, Owner: b.env.User}
	names, err := b.indexKeys(&r, rel, s.Keys)
	if err != nil {
		return nil, err
	}
	if s.Where != nil {
		if err := b.indexPredicate(&r, rel, s.Where); err != nil {
			return nil, err
		}
	}
	for _, name := range s.Include {
		if rel.ColumnIndex(name) < 0 {
			return nil, noIndexColumn(rel, name, s.Pos())
		}
		names = append(names, name)
	}
	if r.Name == "" {
		r.Name = b.env.Snapshot.IndexName(rel, names, "idx")
	}
	if s.Unique {
		if err := b.notFed(rel, s.Pos()); err != nil {
			return nil, err
		}
		b.verifyUnique(rel, &r)
	}
	return command("CREATE INDEX", &catalog.CreateRelation{Relation: r,
		IfNotExists: s.IfNotExists}), nil
}

// mayIndex refuses indexes that cannot be.
func (b *builder) mayIndex(rel *catalog.Relation, s *sql.CreateIndex) error {
	switch rel.Kind {
	case catalog.KindTable, catalog.KindMaterializedView, catalog.KindStream:
	default:
		return sqlerr.New(sqlerr.WrongObjectType,
			"cannot create index on relation \"%s\"", rel.Name).At(s.Pos()).
			WithDetail("This operation is not supported for %ss.", kindWord(rel.Kind))
	}
	if err := b.mustOwnRelation(rel); err != nil {
		return err
	}
	if s.Method != "" && !contains(indexMethods, lower(s.Method)) {
		return sqlerr.New(sqlerr.UndefinedObject,
			"access method \"%s\" does not exist", s.Method).At(s.Pos()).
			WithHint("Leave USING out; %s are accepted.", strings.Join(indexMethods, ", "))
	}
	if s.Unique && (rel.Kind != catalog.KindTable || rel.Query != 0) {
		return sqlerr.New(sqlerr.WrongObjectType, "cannot create a unique index on %s \"%s\"",
			kindWord(rel.Kind), rel.Name).At(s.Pos()).WithHint("Leave UNIQUE out.")
	}
	return nil
}

func noIndexColumn(rel *catalog.Relation, name string, pos int) error {
	return columnNear(sqlerr.New(sqlerr.UndefinedColumn,
		"column \"%s\" does not exist", name).At(pos), rel, name)
}

// indexKeys reads the columns and expressions of an index, and gives what its name is
// made of.
func (b *builder) indexKeys(r, rel *catalog.Relation, keys []sql.IndexKey) ([]string, error) {
	var names, texts []string
	var cols []catalog.Column
	some := false
	for _, k := range keys {
		if c, ok := k.X.(*sql.ColRef); ok && len(c.Name) == 1 && !c.Star {
			i := rel.ColumnIndex(c.Name[0])
			if i < 0 {
				return nil, noIndexColumn(rel, c.Name[0], k.X.Pos())
			}
			r.IndexColumns = append(r.IndexColumns, i)
			names, texts = append(names, c.Name[0]), append(texts, "")
			cols = append(cols, catalog.Column{Name: c.Name[0], Type: rel.Columns[i].Type})
			continue
		}
		x, err := b.indexExpr(k.X, rel, "index expressions", "index expression")
		if err != nil {
			return nil, err
		}
		r.IndexColumns = append(r.IndexColumns, -1)
		r.IndexReads = readsOf(rel, k.X, r.IndexReads)
		name, _ := figureName(k.X)
		if name == "" {
			name = "expr"
		}
		names, texts, some = append(names, name), append(texts, sql.Print(k.X)), true
		cols = append(cols, catalog.Column{Name: name, Type: x.Type()})
	}
	if some {
		r.IndexExprs, r.Columns = texts, cols
		for i := range cols {
			cols[i].Name = catalog.FreeColumn(names[:i], names[i])
		}
	}
	return names, nil
}

// indexExpr checks an expression over a row that must always give the same value.
func (b *builder) indexExpr(x sql.Expr, rel *catalog.Relation, clause, what string) (
	expr.Expr, error) {
	s := b.relScope(rel, clause)
	e, err := b.check(x, s)
	if err != nil {
		return nil, err
	}
	if e, err = expr.Settle(e, s, x.Pos()); err != nil {
		return nil, err
	}
	switch {
	case hasSubplan(e):
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in %s", what).
			At(x.Pos()).WithHint("Index a materialized view of the rows.")
	case hasSet(e):
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"set-returning functions are not allowed in %s", clause).At(x.Pos()).
			WithHint("Index a materialized view of the rows.")
	case isVolatile(e) || b.isStable(e):
		return nil, sqlerr.New(sqlerr.InvalidObjectDefinition,
			"functions in %s must be marked IMMUTABLE", what).At(x.Pos())
	}
	return expr.Fold(e), nil
}

// readsOf adds the ordinals of the columns that an expression names.
func readsOf(rel *catalog.Relation, x sql.Expr, out []int) []int {
	sql.Walk(x, func(n sql.Node) bool {
		if c, ok := n.(*sql.ColRef); ok && !c.Star {
			if i := rel.ColumnIndex(c.Name.Last()); i >= 0 && !slices.Contains(out, i) {
				out = append(out, i)
			}
		}
		return true
	})
	slices.Sort(out)
	return out
}

func (b *builder) indexPredicate(r, rel *catalog.Relation, x sql.Expr) error {
	e, err := b.checkBool(x, b.relScope(rel, "index predicates"), "WHERE")
	if err != nil {
		return err
	}
	if hasSubplan(e) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in index predicate").
			At(x.Pos()).WithHint("Index a materialized view of the rows.")
	}
	if isVolatile(e) || b.isStable(e) {
		return sqlerr.New(sqlerr.InvalidObjectDefinition,
			"functions in index predicate must be marked IMMUTABLE").At(x.Pos())
	}
	r.Predicate, r.IndexReads = sql.Print(x), readsOf(rel, x, r.IndexReads)
	return nil
}

// Index gives what an index holds of the rows of its table.
func Index(x *catalog.Relation, env *Env) (*plan.Index, error) {
	rel := env.Snapshot.Relation(x.Table)
	if rel == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "the table of index \"%s\" does not exist", x.Name)
	}
	return newBuilder(env).index(x, rel)
}

func (b *builder) index(x, rel *catalog.Relation) (*plan.Index, error) {
	out := &plan.Index{Name: x.Name, OID: x.OID, Unique: x.Unique, NullsSame: x.NullsSame}
	layout := rowLayout(rel)
	for i, o := range x.IndexColumns {
		if o < 0 {
			if err := b.indexValue(out, x.IndexExprs[i], rel); err != nil {
				return nil, err
			}
			continue
		}
		c := &rel.Columns[o]
		out.Columns = append(out.Columns, slices.Index(layout, o))
		out.Types = append(out.Types, c.Type)
		out.Labels = append(out.Labels, sql.QuoteIdent(c.Name))
	}
	if x.IndexExprs != nil {
		for i, at := range out.Columns {
			if at >= 0 {
				out.Exprs = slices.Insert(out.Exprs, i, expr.Expr(&expr.Col{Index: at,
					T: out.Types[i], Name: rel.Columns[layout[at]].Name}))
			}
		}
	}
	if x.Predicate == "" {
		return out, nil
	}
	ast, err := parse.ParseExpr(x.Predicate)
	if err != nil {
		return nil, err
	}
	out.Where, err = b.checkBool(ast, b.relScope(rel, "index predicates"), "WHERE")
	return out, err
}

// indexValue adds an expression to the values of an index.
func (b *builder) indexValue(out *plan.Index, text string, rel *catalog.Relation) error {
	ast, err := parse.ParseExpr(text)
	if err != nil {
		return err
	}
	e, err := b.indexExpr(ast, rel, "index expressions", "index expression")
	if err != nil {
		return err
	}
	if _, call := ast.(*sql.Call); !call {
		text = "(" + text + ")"
	}
	out.Columns, out.Exprs = append(out.Columns, -1), append(out.Exprs, e)
	out.Types, out.Labels = append(out.Types, e.Type()), append(out.Labels, text)
	return nil
}

// uniques are the unique indexes of a table beside its primary key.
func (b *builder) uniques(rel *catalog.Relation) ([]plan.Index, error) {
	if rel.Kind != catalog.KindTable {
		return nil, nil
	}
	var out []plan.Index
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if !x.Unique {
			continue
		}
		u, err := b.index(x, rel)
		if err != nil {
			return nil, err
		}
		out = append(out, *u)
	}
	return out, nil
}

// evaluated tells whether writing a row must compute values of an index, which may
// fail as any expression may.
func (b *builder) evaluated(rel *catalog.Relation) ([]plan.Index, error) {
	var out []plan.Index
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if x.Unique || x.IndexExprs == nil && x.Predicate == "" || rel.Kind != catalog.KindTable {
			continue
		}
		u, err := b.index(x, rel)
		if err != nil {
			return nil, err
		}
		out = append(out, *u)
	}
	return out, nil
}

// unique plans UNIQUE of a definition.
func (d *definition) unique(names []string, k *sql.Constraint) error {
	cols, err := d.named(names, k.Pos())
	if err != nil {
		return err
	}
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column \"%s\" appears twice in unique constraint", n).At(k.Pos())
		}
	}
	name := k.Name
	if name == "" {
		name = d.freeIndexName(names, "key")
	}
	d.deferredUnique(k, name)
	d.companions = append(d.companions, catalog.Relation{Schema: d.rel.Schema, Name: name,
		Kind: catalog.KindIndex, IndexColumns: cols, Unique: true, NullsSame: k.NullsSame,
		TimeColumn: -1, GraceMicros: -1, Owner: d.rel.Owner})
	return nil
}

// freeIndexName is IndexName that minds the companions of the same statement.
func (d *definition) freeIndexName(names []string, suffix string) string {
	base := catalog.JoinedNames(names)
	for n := 0; ; n++ {
		label := suffix
		if n > 0 {
			label = sprintf("%s%d", suffix, n)
		}
		name := catalog.ObjectName(d.rel.Name, base, label)
		taken := d.b.env.Snapshot.Lookup(d.rel.Schema, name) != nil ||
			slices.ContainsFunc(d.companions, func(r catalog.Relation) bool { return r.Name == name })
		if !taken {
			return name
		}
	}
}

// deferredUnique says how a deferrable constraint is kept.
func (d *definition) deferredUnique(k *sql.Constraint, name string) {
	if k.Deferred != sql.NotDeferrable {
		d.b.notice("unique constraint \"%s\" is checked at the end of each statement", name)
	}
}

// primaryColumns gives the columns of a table's primary key and the index that keeps
// it, where that is one; nil: there is none.
func (b *builder) primaryColumns(rel *catalog.Relation) ([]int, *catalog.Relation) {
	if isKeyed(rel) {
		return rel.Key, nil
	}
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if x.Primary {
			return x.IndexColumns, x
		}
	}
	return nil, nil
}

// indexPoint finds an index of which the filter of a scan gives all values.
func (b *builder) indexPoint(n *plan.Scan) {
	if n.Point != nil || n.AsOf != nil || b.continuous || n.Rel.Kind != catalog.KindTable {
		return
	}
	conds := appendConjuncts(nil, n.Filter)
	for _, x := range b.env.Snapshot.Indexes(n.Rel.OID) {
		if x.IndexExprs != nil || x.Predicate != "" || n.Rel.Query != 0 {
			continue
		}
		values := valuesOf(n, conds, x.IndexColumns)
		if values == nil {
			continue
		}
		n.Index, n.Values = x.OID, values
		if x.Unique {
			return // one row
		}
	}
}

// valuesOf finds a value for every one of some columns in conditions of a scan; nil
// where one lacks.
func valuesOf(n *plan.Scan, conds []expr.Expr, columns []int) []expr.Expr {
	var out []expr.Expr
	for _, ord := range columns {
		var value expr.Expr
		for _, p := range conds {
			i, v, ok := columnIs(p)
			if ok && i < len(n.Columns) && n.Columns[i] == ord {
				value = v
				break
			}
		}
		if value == nil {
			return nil
		}
		out = append(out, value)
	}
	return out
}
