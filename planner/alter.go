package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// altered finds the relation of ALTER; nil with IF EXISTS when there is none.
func (b *builder) altered(kind sql.ObjectKind, name sql.Name, ifExists bool, pos int) (
	*catalog.Relation, error) {
	rel := b.find(name)
	if rel == nil && ifExists {
		b.notice("relation \"%s\" does not exist, skipping", name.Last())
		return nil, nil
	}
	if rel == nil {
		_, err := b.relationOf(name, pos, wordOf(kind))
		return nil, err
	}
	if rel.Kind == catalog.KindSystem {
		return nil, sqlerr.New(sqlerr.InsufficientPrivilege,
			"permission denied: \"%s\" is a system catalog", rel.Name)
	}
	if want, ok := dropKinds[kind]; ok && want != rel.Kind && kind != sql.ObjTable {
		return nil, rel.WrongKind(want, "ALTER")
	}
	return rel, b.mustOwnRelation(rel)
}

func wordOf(kind sql.ObjectKind) string {
	if kind == sql.ObjStream {
		return "stream"
	}
	return "relation"
}

// alter plans ALTER by a list of actions on one definition.
func (b *builder) alter(s *sql.Alter) (*plan.Plan, error) {
	tag := "ALTER " + s.Kind.String()
	switch s.Kind {
	case sql.ObjSchema, sql.ObjType, sql.ObjDomain, sql.ObjFunction, sql.ObjProcedure:
		return b.alterOther(s, tag)
	}
	rel, err := b.altered(s.Kind, s.Name, s.IfExists, s.Pos())
	if err != nil || rel == nil {
		return &plan.Plan{Tag: tag}, err
	}
	if err := b.mayMove(s.Actions); err != nil {
		return nil, err
	}
	if err := sourceStays(rel, s); err != nil {
		return nil, err
	}
	d := &definition{b: b, rel: *rel, keyPos: -1, computed: rel.Query != 0}
	d.rel.Columns = slices.Clone(rel.Columns)
	d.rel.Options, d.rel.Checks = slices.Clone(rel.Options), slices.Clone(rel.Checks)
	c := &catalog.AlterRelation{From: rel.SchemaVersion}
	batch := &catalog.Batch{}
	for _, a := range s.Actions {
		if move, ok := a.(*sql.SetSchema); ok {
			batch.Commands = append(batch.Commands,
				&catalog.RenameRelation{OID: rel.OID, Schema: move.Schema})
			continue
		}
		if err := d.action(c, a); err != nil {
			return nil, err
		}
	}
	if len(batch.Commands) < len(s.Actions)-len(d.drops) {
		c.Relation = d.rel
		batch.Commands = append([]catalog.Command{c}, batch.Commands...)
	}
	batch.Commands = append(d.drops, batch.Commands...)
	update := d.fill(s.Actions)
	c.Relation = d.rel
	for _, x := range d.companions {
		x.Table = rel.OID
		if x.Sequence != nil {
			x.Table, x.Sequence.OwnedBy = 0, rel.OID
		}
		create := &catalog.CreateRelation{Relation: x}
		if x.Sequence != nil || slices.ContainsFunc(x.IndexColumns, func(o int) bool {
			return o >= len(rel.Columns)
		}) { // of a column that is there only then
			batch.Commands = append(batch.Commands, create)
			continue
		}
		batch.Commands = append([]catalog.Command{create}, batch.Commands...)
	}
	batch.Commands = append(batch.Commands, d.after...)
	return filled(b.batch(tag, batch), update), nil
}

// action applies one action to the definition.
//
//tidy:long one case per kind of action
func (d *definition) action(c *catalog.AlterRelation, a sql.AlterAction) error {
	switch a := a.(type) {
	case *sql.AddColumn:
		return d.addColumn(a)
	case *sql.DropColumn:
		c.Cascade = c.Cascade || a.Cascade
		return d.dropColumn(a)
	case *sql.AlterColumnType:
		return d.columnType(a)
	case *sql.SetColumnDefault:
		col, err := d.mustColumn(a.Name, a.Pos())
		if err != nil {
			return err
		}
		if col.Default = ""; a.X != nil {
			col.Default, err = d.b.defaultText(a.X, col.Type, col.Name)
		}
		return err
	case *sql.SetColumnNotNull:
		col, err := d.mustColumn(a.Name, a.Pos())
		if err != nil {
			return err
		}
		if a.NotNull && !col.NotNull {
			if err := d.b.notFed(&d.rel, a.Pos()); err != nil {
				return err
			}
		}
		if a.NotNull && d.rel.Kind == catalog.KindTable && !col.NotNull {
			d.b.verifyNotNull(&d.rel, col.Name)
		} else if a.NotNull && d.rel.Kind.Stored() && !col.NotNull {
			d.b.notice("column \"%s\" is NOT NULL for rows written from now on; "+
				"rows that exist are not checked", col.Name)
		}
		if !a.NotNull && slices.Contains(d.rel.Key, d.rel.ColumnIndex(a.Name)) &&
			d.rel.Kind == catalog.KindTable {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"column \"%s\" is in a primary key", a.Name).At(a.Pos())
		}
		col.NotNull = a.NotNull
		return nil
	case *sql.RestartIdentity:
		return d.restartIdentity(a)
	case *sql.DropIdentity:
		return d.dropIdentity(a)
	case *sql.AddIdentity:
		return d.addIdentity(a)
	case *sql.SetIdentity:
		return d.setIdentity(a)
	case *sql.DropExpression:
		return d.dropExpression(a)
	case *sql.AlterConstraint:
		return d.alterConstraint(a)
	case *sql.ValidateConstraint:
		return d.validate(a)
	case *sql.AlterNothing:
		d.b.notice("%s has no effect", a.Words)
		return nil
	case *sql.AddConstraint:
		return d.addConstraint(a.Constraint)
	case *sql.DropConstraint:
		return d.dropConstraint(a)
	case *sql.AddWatermark:
		return d.watermark(a.Watermark)
	case *sql.SetOptions:
		return d.setOptions(a.Options)
	case *sql.ResetOptions:
		for _, n := range a.Names {
			if err := d.resetOption(lower(n)); err != nil {
				return err
			}
		}
		return nil
	case *sql.SetOwner:
		d.rel.Owner = a.Role
		if a.Role == "current_user" || a.Role == "session_user" {
			d.rel.Owner = d.b.env.User
		}
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "this form of ALTER is not supported").
		WithHint("Create the object anew under another name.")
}

func (d *definition) mustColumn(name string, pos int) (*catalog.Column, error) {
	i := d.rel.ColumnIndex(name)
	if i < 0 || d.rel.Columns[i].Hidden {
		err := sqlerr.New(sqlerr.UndefinedColumn,
			"column \"%s\" of relation \"%s\" does not exist", name, d.rel.Name).At(pos)
		return nil, columnNear(err, &d.rel, name)
	}
	return &d.rel.Columns[i], nil
}

// byDefinition refuses changes to the columns of a result.
func (d *definition) byDefinition(what string, pos int) error {
	if d.rel.Query == 0 && d.rel.Kind != catalog.KindView &&
		d.rel.Kind != catalog.KindMaterializedView {
		return nil
	}
	return sqlerr.New(sqlerr.WrongObjectType, "cannot %s of %s \"%s\", which is the result of "+
		"a query", what, kindWord(d.rel.Kind), d.rel.Name).At(pos).
		WithHint("Use CREATE OR REPLACE with another query.")
}

func (d *definition) addColumn(a *sql.AddColumn) error {
	c := a.Column
	if err := d.byDefinition("add a column", c.Pos()); err != nil {
		return err
	}
	if d.rel.ColumnIndex(c.Name) >= 0 {
		if a.IfNotExists {
			d.b.notice("column \"%s\" of relation \"%s\" already exists, skipping", c.Name,
				d.rel.Name)
			return nil
		}
		return sqlerr.New(sqlerr.DuplicateColumn, "column \"%s\" of relation \"%s\" already exists",
			c.Name, d.rel.Name).At(c.Pos())
	}
	if c.Key || c.PrimaryKey && (d.rel.Kind != catalog.KindTable || isKeyed(&d.rel)) {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"cannot add a key column to %s \"%s\"", kindWord(d.rel.Kind), d.rel.Name).At(c.Pos()).
			WithHint("Create it anew with the key.")
	}
	def := &sql.Definition{Columns: []*sql.ColumnDef{c}}
	if err := d.column(c); err != nil {
		return err
	}
	if err := d.expressions(def); err != nil {
		return err
	}
	if col := &d.rel.Columns[len(d.rel.Columns)-1]; col.NotNull && col.Default == "" {
		err := nullsIn(&d.rel, c.Name)
		d.b.verifyRows(&d.rel, "1", "", err.WithHint("Give the column a DEFAULT."))
	}
	d.fillMissing(c)
	if c.PrimaryKey {
		return d.addPrimaryKey(&sql.Constraint{Loc: c.Loc, Name: c.KeyName, Columns: []string{c.Name}})
	}
	if c.Unique {
		if err := d.unique([]string{c.Name}, uniqueOf(c)); err != nil {
			return err
		}
	}
	if c.References == nil {
		return nil
	}
	return d.addForeignKey(referenceOf(c), []string{c.Name})
}

// addForeignKey adds a foreign key to a table that may have rows.
func (d *definition) addForeignKey(k *sql.Constraint, columns []string) error {
	if err := d.foreignKey(k, columns); err != nil {
		return err
	}
	if !k.NotValid {
		d.b.verifyForeignKey(&d.rel, &d.rel.ForeignKeys[len(d.rel.ForeignKeys)-1])
	}
	return nil
}

func (d *definition) dropColumn(a *sql.DropColumn) error {
	if err := d.byDefinition("drop a column", a.Pos()); err != nil {
		return err
	}
	if a.IfExists && d.rel.ColumnIndex(a.Name) < 0 {
		d.b.notice("column \"%s\" of relation \"%s\" does not exist, skipping", a.Name, d.rel.Name)
		return nil
	}
	col, err := d.mustColumn(a.Name, a.Pos())
	if err != nil {
		return err
	}
	if d.rel.ColumnIndex(a.Name) == d.rel.TimeColumn {
		return sqlerr.New(sqlerr.DependentObjectsStillExist,
			"cannot drop column \"%s\" because it gives the event time", a.Name).At(a.Pos())
	}
	if err := d.dropUses(a); err != nil {
		return err
	}
	col.Dropped, col.NotNull, col.Default, col.Generated = true, false, "", false
	return nil
}

// dropUses drops the CHECK constraints and foreign keys over a column that goes, and
// with CASCADE the columns that are generated from it.
func (d *definition) dropUses(a *sql.DropColumn) error {
	at := d.rel.ColumnIndex(a.Name)
	d.rel.ForeignKeys = slices.DeleteFunc(slices.Clone(d.rel.ForeignKeys),
		func(k catalog.ForeignKey) bool {
			return slices.Contains(k.Columns, at) ||
				a.Cascade && k.Table == d.rel.OID && slices.Contains(k.RefColumns, at)
		})
	d.rel.Checks = slices.DeleteFunc(d.rel.Checks, func(c catalog.Check) bool {
		return mentions(c.Expr, a.Name)
	})
	for i := range d.rel.Columns {
		c := &d.rel.Columns[i]
		if !c.Generated || c.Dropped || c.Name == a.Name || !mentions(c.Default, a.Name) {
			continue
		}
		if !a.Cascade {
			return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop column \"%s\" of table "+
				"\"%s\" because other objects depend on it", a.Name, d.rel.Name).At(a.Pos()).
				WithDetail("Column \"%s\" is generated from it.", c.Name).
				WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
		}
		c.Dropped, c.NotNull, c.Default, c.Generated = true, false, "", false
	}
	return nil
}

// mentions tells whether an expression's text has a column's name.
func mentions(text, column string) bool {
	x, err := parseExpr(text)
	if err != nil {
		return false
	}
	found := false
	sql.Walk(x, func(n sql.Node) bool {
		if c, ok := n.(*sql.ColRef); ok && !c.Star && c.Name.Last() == column {
			found = true
		}
		return !found
	})
	return found
}

// widens tells whether values of one type are values of another one as they are
// stored.
func widens(from, to types.Type) bool {
	if from.Same(to) {
		return to.Mod == 0 || from.Mod == to.Mod ||
			isTextKind(from.Kind) && from.Mod != 0 && to.Mod >= from.Mod
	}
	if isInt(from) && isInt(to) {
		return rank(from.Kind) <= rank(to.Kind)
	}
	return sameText(from, to) && to.Mod == 0
}

func rank(k types.Kind) int {
	return map[types.Kind]int{types.Int2: 1, types.Int4: 2, types.Int8: 3}[k]
}

func (d *definition) addConstraint(k *sql.Constraint) error {
	if err := d.b.notFed(&d.rel, k.Pos()); err != nil {
		return err
	}
	switch k.Kind {
	case sql.CheckConstraint:
		if err := d.check(k); err != nil {
			return err
		}
		if k.NotValid || d.rel.Kind != catalog.KindTable {
			d.b.notice("constraint is checked for rows written from now on; rows that exist " +
				"are not checked")
			return nil
		}
		c := d.rel.Checks[len(d.rel.Checks)-1]
		d.b.verifyCheck(&d.rel, c)
		return nil
	case sql.UniqueConstraint:
		if d.hasConstraint(k.Name) {
			return sqlerr.New(sqlerr.DuplicateTable, "relation \"%s\" already exists", k.Name).
				At(k.Pos())
		}
		if err := d.unique(k.Columns, k); err != nil {
			return err
		}
		d.b.verifyUnique(&d.rel, &d.companions[len(d.companions)-1])
		return nil
	case sql.ForeignKeyConstraint:
		return d.addForeignKey(k, k.Columns)
	}
	return d.addPrimaryKey(k)
}

// setOptions changes WITH options; the number of partitions is for ever.
func (d *definition) setOptions(opts []sql.Option) error {
	for _, o := range opts {
		name := lower(o.Name)
		if name == "partitions" || name == "timestamp" {
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"option \"%s\" cannot be changed", name).At(o.Pos()).
				WithHint("Create the relation anew.")
		}
		if err := d.option(name, o); err != nil {
			return err
		}
		text, err := optionText(o)
		if err != nil {
			return err
		}
		d.rel.Options = slices.DeleteFunc(d.rel.Options, func(x catalog.Option) bool {
			return x.Name == name
		})
		d.rel.Options = append(d.rel.Options, catalog.Option{Name: name, Value: text})
	}
	return nil
}

func (d *definition) resetOption(name string) error {
	switch name {
	case "retention", "retention_ms":
		d.rel.RetentionMicros = 0
	case "retention_bytes":
		d.rel.RetentionBytes = 0
	case "ttl":
		d.rel.TTLMicros = 0
	case "on_conflict":
		d.rel.OnConflict = "upsert"
	case "partitions", "timestamp":
		return sqlerr.New(sqlerr.FeatureNotSupported, "option \"%s\" cannot be changed", name).
			WithHint("Create the relation anew.")
	}
	d.rel.Options = slices.DeleteFunc(d.rel.Options, func(x catalog.Option) bool {
		return x.Name == name
	})
	return nil
}

// alterOther is ALTER of what is no relation: only owners and schemas of it.
func (b *builder) alterOther(s *sql.Alter, tag string) (*plan.Plan, error) {
	if len(s.Actions) == 0 {
		return &plan.Plan{Tag: tag}, nil
	}
	switch a := s.Actions[0].(type) {
	case *sql.SetOwner:
		return b.alterOwner(s, a, tag)
	case *sql.AddColumn, *sql.DropColumn, *sql.AlterColumnType:
		if s.Kind == sql.ObjType {
			return b.alterComposite(s, tag)
		}
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported,
		"this form of %s is not supported", tag).At(s.Pos()).
		WithHint("Drop the object and create it anew.")
}

// rename plans ALTER ... RENAME.
func (b *builder) rename(s *sql.Rename) (*plan.Plan, error) {
	tag := "ALTER " + s.Kind.String()
	switch s.Kind {
	case sql.ObjSchema:
		if info := b.env.Snapshot.Schema(s.Name.Last()); info != nil {
			if err := b.mustOwn("schema", info.Name, info.Owner); err != nil {
				return nil, err
			}
		}
		return command(tag, &catalog.RenameSchema{Name: s.Name.Last(), NewName: s.New}), nil
	case sql.ObjRole:
		return b.renameRole(s, tag)
	case sql.ObjType, sql.ObjDomain, sql.ObjFunction, sql.ObjProcedure:
		if s.Kind == sql.ObjType && s.Part == sql.ObjColumn {
			return b.renameAttribute(s, tag)
		}
		return nil, sqlerr.Unsupported(tag+" ... RENAME", "Create it anew under the new name.")
	}
	rel, err := b.altered(s.Kind, s.Name, s.IfExists, s.Pos())
	if err != nil || rel == nil {
		return &plan.Plan{Tag: tag}, err
	}
	switch s.Part {
	case sql.ObjColumn:
		return b.renameColumn(rel, s, tag)
	case sql.ObjConstraint:
		return b.renameConstraint(rel, s, tag)
	}
	return command(tag, &catalog.RenameRelation{OID: rel.OID, NewName: s.New,
		Rewrites: b.rewrites(rel, s.New)}), nil
}

func (b *builder) renameRole(s *sql.Rename, tag string) (*plan.Plan, error) {
	old := b.env.Snapshot.Role(s.Name.Last())
	if old == nil {
		return nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", s.Name.Last())
	}
	return nil, sqlerr.Unsupported("ALTER ROLE ... RENAME", "Create a role with the new name.")
}

func (b *builder) renameColumn(rel *catalog.Relation, s *sql.Rename, tag string) (
	*plan.Plan, error) {
	d := &definition{b: b, rel: *rel, keyPos: -1, computed: rel.Query != 0}
	d.rel.Columns = slices.Clone(rel.Columns)
	col, err := d.mustColumn(s.Old, s.Pos())
	if err != nil {
		return nil, err
	}
	if d.rel.ColumnIndex(s.New) >= 0 {
		return nil, sqlerr.New(sqlerr.DuplicateColumn,
			"column \"%s\" of relation \"%s\" already exists", s.New, rel.Name)
	}
	col.Name = s.New
	if err := d.renameInExpressions(s.Old, s.New); err != nil {
		return nil, err
	}
	out := &catalog.Batch{Commands: []catalog.Command{
		&catalog.AlterRelation{Relation: d.rel, From: rel.SchemaVersion,
			Rewrites: b.columnRewrites(rel, rel.ColumnIndex(s.Old), s.New)}}}
	if err := b.renameInIndexes(out, rel, s); err != nil {
		return nil, err
	}
	return b.batch(tag, out), nil
}

// renameInIndexes rewrites the texts of indexes for a renamed column.
func (b *builder) renameInIndexes(out *catalog.Batch, rel *catalog.Relation, s *sql.Rename) error {
	at := rel.ColumnIndex(s.Old)
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if !slices.Contains(x.IndexReads, at) {
			continue
		}
		r := *x
		r.IndexExprs = slices.Clone(x.IndexExprs)
		var err error
		for i, text := range r.IndexExprs {
			if text == "" {
				continue
			}
			if r.IndexExprs[i], err = renameColumnIn(text, s.Old, s.New); err != nil {
				return err
			}
		}
		if r.Predicate != "" {
			if r.Predicate, err = renameColumnIn(r.Predicate, s.Old, s.New); err != nil {
				return err
			}
		}
		out.Commands = append(out.Commands, &catalog.AlterRelation{Relation: r,
			From: x.SchemaVersion})
	}
	return nil
}

// renameInExpressions rewrites the texts of checks, generated columns and the
// watermark for a renamed column.
func (d *definition) renameInExpressions(old, name string) error {
	rewrite := func(text string) (string, error) { return renameColumnIn(text, old, name) }
	d.rel.Checks = slices.Clone(d.rel.Checks)
	var err error
	for i := range d.rel.Checks {
		if d.rel.Checks[i].Expr, err = rewrite(d.rel.Checks[i].Expr); err != nil {
			return err
		}
	}
	for i := range d.rel.Columns {
		if c := &d.rel.Columns[i]; c.Generated {
			if c.Default, err = rewrite(c.Default); err != nil {
				return err
			}
		}
	}
	if d.rel.Watermark != "" {
		d.rel.Watermark, err = rewrite(d.rel.Watermark)
	}
	return err
}

func (b *builder) renameConstraint(rel *catalog.Relation, s *sql.Rename, tag string) (
	*plan.Plan, error) {
	r := *rel
	r.Checks = slices.Clone(rel.Checks)
	change := command(tag, &catalog.AlterRelation{Relation: r, From: rel.SchemaVersion})
	d := &definition{b: b, rel: *rel, keyPos: -1, computed: rel.Query != 0}
	if d.hasConstraint(s.New) {
		return nil, d.constraintExists(s.New)
	}
	for i := range r.Checks {
		if r.Checks[i].Name == s.Old {
			r.Checks[i].Name = s.New
			return change, nil
		}
	}
	r.ForeignKeys = slices.Clone(rel.ForeignKeys)
	for i := range r.ForeignKeys {
		if r.ForeignKeys[i].Name == s.Old {
			r.ForeignKeys[i].Name = s.New
			return command(tag, &catalog.AlterRelation{Relation: r, From: rel.SchemaVersion}), nil
		}
	}
	if isKeyed(rel) && rel.PrimaryKey() == s.Old {
		r.KeyName = s.New
		return command(tag, &catalog.AlterRelation{Relation: r, From: rel.SchemaVersion}), nil
	}
	for _, x := range b.env.Snapshot.Indexes(rel.OID) {
		if x.Unique && !x.Bare && x.Name == s.Old {
			return command(tag, &catalog.RenameRelation{OID: x.OID, NewName: s.New}), nil
		}
	}
	return nil, sqlerr.New(sqlerr.UndefinedObject,
		"constraint \"%s\" for table \"%s\" does not exist", s.Old, rel.Name)
}

// rewrites gives the definitions that read rel the text that says the same after a
// rename: FROM old becomes FROM new AS old.
func (b *builder) rewrites(rel *catalog.Relation, name string) []catalog.Rewrite {
	var out []catalog.Rewrite
	add := func(oid catalog.OID, text string, path []string) {
		q, err := parseQuery(text)
		if err != nil {
			return
		}
		own := *b
		own.path = path
		r := relationRename{b: &own, rel: rel, name: name}
		sql.Walk(q, r.visit)
		if r.changed {
			out = append(out, catalog.Rewrite{OID: oid, Definition: sql.Print(q)})
		}
	}
	for _, r := range b.env.Snapshot.Relations() {
		if slices.Contains(r.DependsOn, rel.OID) && r.Definition != "" {
			add(r.OID, r.Definition, r.SearchPath)
		}
	}
	for _, q := range b.env.Snapshot.Queries() {
		if !q.Owns && slices.Contains(q.Sources, rel.OID) {
			add(q.OID, q.SQL, q.SearchPath)
		}
	}
	return out
}

// renameColumnIn rewrites an expression's text for a renamed column.
func renameColumnIn(text, old, name string) (string, error) {
	x, err := parseExpr(text)
	if err != nil {
		return "", err
	}
	sql.Walk(x, func(n sql.Node) bool {
		if c, ok := n.(*sql.ColRef); ok && !c.Star && c.Name.Last() == old {
			c.Name[len(c.Name)-1] = name
		}
		return true
	})
	return sql.Print(x), nil
}

var _ expr.Scope = (*scope)(nil)
