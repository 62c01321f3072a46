package planner

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// foreignKey adds a FOREIGN KEY to the definition; columns are its columns.
func (d *definition) foreignKey(k *sql.Constraint, columns []string) error {
	if d.rel.Kind != catalog.KindTable || d.rel.Query != 0 {
		return sqlerr.New(sqlerr.WrongObjectType, "%s \"%s\" cannot have a foreign key",
			kindWord(d.rel.Kind), d.rel.Name).WithHint("Use CREATE TABLE.")
	}
	if k.Ref.Match == "PARTIAL" {
		return sqlerr.New(sqlerr.FeatureNotSupported, "MATCH PARTIAL not yet implemented").
			WithHint("Use MATCH FULL, or leave MATCH out.")
	}
	parent, err := d.referenced(k)
	if err != nil {
		return err
	}
	f := catalog.ForeignKey{Name: k.Name, Full: k.Ref.Match == "FULL", Fresh: k.NotValid,
		OnDelete: actionLetter(k.Ref.OnDelete), OnUpdate: actionLetter(k.Ref.OnUpdate),
		Deferrable: k.Deferred != sql.NotDeferrable, Deferred: k.Deferred == sql.InitiallyDeferred}
	if parent != &d.rel {
		f.Table = parent.OID
		if err := d.b.notFed(parent, k.Pos()); err != nil {
			return err
		}
	}
	if f.Columns, err = keyColumns(&d.rel, columns); err != nil {
		return err
	}
	if err := d.referencedKey(&f, parent, k); err != nil {
		return err
	}
	for _, name := range k.Ref.SetColumns {
		i := d.rel.ColumnIndex(name)
		if !slices.Contains(f.Columns, i) {
			return sqlerr.New(sqlerr.InvalidColumnReference, "column \"%s\" referenced in ON DELETE "+
				"SET action must be part of foreign key", name)
		}
		f.SetColumns = append(f.SetColumns, i)
	}
	if f.Name == "" {
		f.Name = d.constraintName(columns, "fkey")
	} else if d.hasConstraint(f.Name) {
		return d.constraintExists(f.Name)
	}
	d.rel.ForeignKeys = append(slices.Clone(d.rel.ForeignKeys), f)
	return nil
}

// actionLetter gives pg_constraint's letter of ON DELETE or ON UPDATE.
func actionLetter(action string) byte {
	switch action {
	case "RESTRICT":
		return 'r'
	case "CASCADE":
		return 'c'
	case "SET NULL":
		return 'n'
	case "SET DEFAULT":
		return 'd'
	}
	return 'a'
}

// referenced finds the table that a foreign key refers to: the one being created too.
func (d *definition) referenced(k *sql.Constraint) (*catalog.Relation, error) {
	name := k.Ref.Table
	if name.Last() == d.rel.Name && (name.Schema() == "" || name.Schema() == d.rel.Schema) {
		if found := d.b.find(name); found == nil || found.OID == d.rel.OID {
			return &d.rel, nil
		}
	}
	parent, err := d.b.relation(name, sql.NoLoc.Pos())
	if err != nil {
		return nil, err
	}
	if parent.Kind != catalog.KindTable {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "referenced relation \"%s\" is not a table",
			parent.Name)
	}
	if parent.Query != 0 {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot refer to table \"%s\" because a "+
			"continuous query fills it", parent.Name).
			WithHint("Refer to the tables that the query reads.")
	}
	d.b.wants(parent, "REFERENCES")
	return parent, nil
}

// keyColumns finds the columns of a foreign key by name.
func keyColumns(rel *catalog.Relation, names []string) ([]int, error) {
	var out []int
	for _, n := range names {
		i := rel.ColumnIndex(n)
		if i < 0 || rel.Columns[i].Hidden {
			return nil, sqlerr.New(sqlerr.UndefinedColumn,
				"column \"%s\" referenced in foreign key constraint does not exist", n)
		}
		out = append(out, i)
	}
	return out, nil
}

// referencedKey finds the key of the parent that a foreign key refers to.
func (d *definition) referencedKey(f *catalog.ForeignKey, parent *catalog.Relation,
	k *sql.Constraint) error {
	primary, index := d.primaryOf(parent)
	if k.Ref.Columns == nil {
		if primary == nil {
			return sqlerr.New(sqlerr.UndefinedObject,
				"there is no primary key for referenced table \"%s\"", parent.Name)
		}
		f.RefColumns, f.Index = primary, index
	} else {
		var err error
		if f.RefColumns, err = keyColumns(parent, k.Ref.Columns); err != nil {
			return err
		}
	}
	if len(f.RefColumns) != len(f.Columns) {
		return sqlerr.New(sqlerr.InvalidForeignKey,
			"number of referencing and referenced columns for foreign key disagree")
	}
	if k.Ref.Columns != nil && !d.findKey(f, parent) {
		return sqlerr.New(sqlerr.InvalidForeignKey, "there is no unique constraint matching given "+
			"keys for referenced table \"%s\"", parent.Name)
	}
	for i, c := range f.Columns {
		a, b := &d.rel.Columns[c], &parent.Columns[f.RefColumns[i]]
		if !sameForm(a.Type, b.Type) {
			name := k.Name
			if name == "" {
				name = d.constraintName(d.columnNames(f.Columns), "fkey")
			}
			return sqlerr.New(sqlerr.DatatypeMismatch,
				"foreign key constraint \"%s\" cannot be implemented", name).
				WithDetail("Key columns \"%s\" and \"%s\" are of incompatible types: %s and %s.",
					a.Name, b.Name, a.Type, b.Type)
		}
	}
	return nil
}

// sameForm tells whether equal values of two types are stored as the same bytes.
func sameForm(a, b types.Type) bool {
	return a.Same(b) || isInt(a) && isInt(b) || sameText(a, b)
}

// primaryOf is primaryColumns that knows the definition's own table; index is 0 where
// rows are kept by the key.
func (d *definition) primaryOf(parent *catalog.Relation) (cols []int, index catalog.OID) {
	if parent == &d.rel && d.rel.OID == 0 {
		if isKeyed(parent) {
			return parent.Key, 0
		}
		return nil, 0
	}
	cols, x := d.b.primaryColumns(parent)
	if x != nil {
		index = x.OID
	}
	return cols, index
}

// findKey finds the primary key or unique index over the columns that a foreign key
// names, in any order.
func (d *definition) findKey(f *catalog.ForeignKey, parent *catalog.Relation) bool {
	same := func(cols []int) bool {
		return len(cols) == len(f.RefColumns) && subset(cols, f.RefColumns) &&
			subset(f.RefColumns, cols)
	}
	if primary, index := d.primaryOf(parent); primary != nil && same(primary) {
		f.Index = index
		return true
	}
	if parent == &d.rel {
		for _, x := range d.companions {
			if x.Kind == catalog.KindIndex && x.Unique && same(x.IndexColumns) {
				return true
			}
		}
	}
	if parent.OID == 0 {
		return false
	}
	for _, x := range d.b.env.Snapshot.Indexes(parent.OID) {
		if x.Unique && x.IndexExprs == nil && x.Predicate == "" && same(x.IndexColumns) {
			f.Index = x.OID
			return true
		}
	}
	return false
}

func (d *definition) columnNames(ordinals []int) []string {
	out := make([]string, len(ordinals))
	for i, o := range ordinals {
		out[i] = d.rel.Columns[o].Name
	}
	return out
}

// constraintName makes the name that PostgreSQL gives to a constraint without one:
// table_columns_suffix, with a number if that is taken.
func (d *definition) constraintName(columns []string, suffix string) string {
	for n := 0; ; n++ {
		label := suffix
		if n > 0 {
			label = sprintf("%s%d", suffix, n)
		}
		name := catalog.ObjectName(d.rel.Name, catalog.JoinedNames(columns), label)
		if !d.hasConstraint(name) {
			return name
		}
	}
}

// hasConstraint tells whether the table has a constraint of a name.
func (d *definition) hasConstraint(name string) bool {
	if d.hasCheck(name) || isKeyed(&d.rel) && d.rel.PrimaryKey() == name ||
		slices.ContainsFunc(d.rel.ForeignKeys, func(k catalog.ForeignKey) bool {
			return k.Name == name
		}) {
		return true
	}
	own := func(x *catalog.Relation) bool {
		return x.Kind == catalog.KindIndex && x.Unique && !x.Bare && x.Name == name
	}
	for i := range d.companions {
		if own(&d.companions[i]) {
			return true
		}
	}
	return d.rel.OID != 0 && slices.ContainsFunc(d.b.env.Snapshot.Indexes(d.rel.OID), own)
}

func (d *definition) constraintExists(name string) error {
	return sqlerr.New(sqlerr.DuplicateObject, "constraint \"%s\" for relation \"%s\" already exists",
		name, d.rel.Name)
}

// verifyForeignKey asks whether a row refers to nothing.
func (b *builder) verifyForeignKey(rel *catalog.Relation, f *catalog.ForeignKey) {
	parent := rel
	if f.Table != 0 && f.Table != rel.OID {
		parent = b.env.Snapshot.Relation(f.Table)
	}
	if parent == nil {
		return
	}
	var names, given, equal, values []string
	for i, o := range f.Columns {
		n := sql.QuoteIdent(rel.Columns[o].Name)
		names, given = append(names, rel.Columns[o].Name), append(given, "c."+n+" IS NOT NULL")
		values = append(values, "coalesce(c."+n+"::text, 'null')")
		equal = append(equal, "p."+sql.QuoteIdent(parent.Columns[f.RefColumns[i]].Name)+" = c."+n)
	}
	err := sqlerr.New(sqlerr.ForeignKeyViolation,
		"insert or update on table \"%s\" violates foreign key constraint \"%s\"", rel.Name, f.Name)
	err.Constraint = f.Name
	list := sql.QuoteString("Key ("+strings.Join(names, ", ")+")=(") + " || " +
		strings.Join(values, " || ', ' || ") + " || " +
		sql.QuoteString(") is not present in table \""+parent.Name+"\".")
	b.verifyRows(rel, list, " c WHERE "+strings.Join(given, " AND ")+
		" AND NOT EXISTS (SELECT 1 FROM "+sql.Name{parent.Schema, parent.Name}.String()+" p WHERE "+
		strings.Join(equal, " AND ")+")", err)
	if n := len(b.verify); n > 0 && b.verify[n-1].Error == err {
		b.verify[n-1].Detail = true
	}
}

// rules adds to a write what must hold of the rows of its table: unique indexes,
// foreign keys, those of other tables. Tables that change with it come with it, each
// once.
func (b *builder) rules(w *plan.Write) error { return b.rulesOf(w, map[catalog.OID]*plan.Write{}) }

func (b *builder) rulesOf(w *plan.Write, seen map[catalog.OID]*plan.Write) (err error) {
	rel := w.Rel
	if rel.Kind != catalog.KindTable {
		return nil
	}
	if w.Uniques, err = b.uniques(rel); err != nil {
		return err
	}
	if w.Evaluated, err = b.evaluated(rel); err != nil {
		return err
	}
	for i := range rel.ForeignKeys {
		if f := b.refer(rel, &rel.ForeignKeys[i]); f != nil {
			w.Refs = append(w.Refs, f)
		}
	}
	for _, child := range b.env.Snapshot.Referring(rel.OID) {
		for i := range child.ForeignKeys {
			k := &child.ForeignKeys[i]
			if k.Table != rel.OID {
				continue
			}
			r, err := b.referring(child, k, seen)
			if err != nil {
				return err
			}
			w.Referring = append(w.Referring, r)
		}
	}
	return nil
}

// refer gives a foreign key with the places of its columns.
func (b *builder) refer(child *catalog.Relation, k *catalog.ForeignKey) *plan.ForeignKey {
	parent := b.env.Snapshot.Relation(k.Table)
	if parent == nil {
		return nil
	}
	f := &plan.ForeignKey{Def: k, Child: child, Parent: parent}
	from, to := rowLayout(child), rowLayout(parent)
	for i, o := range k.Columns {
		f.Columns = append(f.Columns, slices.Index(from, o))
		f.RefColumns = append(f.RefColumns, slices.Index(to, k.RefColumns[i]))
	}
	f.ChildIndex = b.indexOver(child, k.Columns)
	f.ParentIndex = b.indexOver(parent, k.RefColumns)
	return f
}

// indexOver finds an index over just some columns, in any order; the order that its
// values have is that of Index.
func (b *builder) indexOver(rel *catalog.Relation, cols []int) *plan.IndexOver {
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if x.IndexExprs != nil || x.Predicate != "" || len(x.IndexColumns) != len(cols) ||
			!subset(x.IndexColumns, cols) || !subset(cols, x.IndexColumns) {
			continue
		}
		out := &plan.IndexOver{OID: x.OID}
		for _, o := range x.IndexColumns {
			out.From = append(out.From, slices.Index(cols, o))
		}
		return out
	}
	return nil
}

// referring gives a foreign key of another table with what happens to its rows.
func (b *builder) referring(child *catalog.Relation, k *catalog.ForeignKey,
	seen map[catalog.OID]*plan.Write) (plan.Referring, error) {
	r := plan.Referring{Key: b.refer(child, k)}
	acts := func(a byte) bool { return a != 'a' && a != 'r' }
	if !acts(k.OnDelete) && !acts(k.OnUpdate) {
		return r, nil
	}
	w := seen[child.OID]
	if w == nil {
		w = &plan.Write{Kind: plan.Update, Rel: child, Time: -1}
		seen[child.OID] = w
		var err error
		if w.Checks, err = b.rowChecks(child); err != nil {
			return r, err
		}
		if err := b.rulesOf(w, seen); err != nil {
			return r, err
		}
	}
	r.Write = w
	set := k.SetColumns
	if set == nil {
		set = k.Columns
	}
	var err error
	if acts(k.OnDelete) && k.OnDelete != 'c' {
		if r.OnDelete, err = b.referredValues(r.Key, k.OnDelete, set); err != nil {
			return r, err
		}
	}
	if acts(k.OnUpdate) {
		r.OnUpdate, err = b.referredValues(r.Key, k.OnUpdate, k.Columns)
	}
	return r, err
}

// referredValues gives the new row of a table whose foreign key is acted on, over its
// old row and the new key of the other table.
func (b *builder) referredValues(f *plan.ForeignKey, action byte, set []int) ([]expr.Expr, error) {
	layout := rowLayout(f.Child)
	out := make([]expr.Expr, len(layout))
	for i, o := range layout {
		c := &f.Child.Columns[o]
		out[i] = &expr.Col{Index: i, T: c.Type, Name: c.Name}
		if !slices.Contains(set, o) {
			continue
		}
		k := slices.Index(f.Def.Columns, o)
		switch action {
		case 'n':
			out[i] = &expr.Const{D: types.NullDatum, T: c.Type}
		case 'd':
			x, err := b.defaultOf(f.Child, o)
			if err != nil {
				return nil, err
			}
			out[i] = x
		case 'c':
			from := &f.Parent.Columns[f.Def.RefColumns[k]]
			x, err := b.coerce(&expr.Col{Index: len(layout) + k, T: from.Type, Name: from.Name},
				c.Type, c.Name, -1)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
	}
	return out, b.fillGenerated(f.Child, layout, out)
}
