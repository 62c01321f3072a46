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

// definition collects a relation and what comes with it while its column list is
// read.
type definition struct {
	b          *builder
	rel        catalog.Relation
	companions []catalog.Relation
	keyPos     int
	ksql       bool              // written in ksqlDB's style: several columns may be PRIMARY KEY
	headed     []*sql.ColumnDef  // columns of headers
	drops      []catalog.Command // what goes with the change
	after      []catalog.Command // what comes behind it
	added      []string          // columns of ALTER ... ADD
	fills      []string          // those of them that rows compute for themselves
	likeKey    []string          // the primary key that LIKE ... INCLUDING INDEXES copies
	pos        int               // of the name of the relation
	computed   bool              // the rows are those of a query
}

func (b *builder) newDefinition(kind catalog.RelationKind, name sql.Name, pos int) (
	*definition, error) {
	schema, last, err := b.target(name, pos)
	if err != nil {
		return nil, err
	}
	return &definition{b: b, keyPos: -1, pos: pos, rel: catalog.Relation{Schema: schema, Name: last,
		Kind: kind, TimeColumn: -1, GraceMicros: -1, Owner: b.env.User,
		SearchPath: slices.Clone(b.path), AppendOnly: kind == catalog.KindStream}}, nil
}

func (d *definition) plan(tag string, ifNotExists, replace bool, q *catalog.Query) *plan.Plan {
	old := d.b.env.Snapshot.Lookup(d.rel.Schema, d.rel.Name)
	if replace && old != nil && old.Kind == d.rel.Kind && optionOf(&d.rel, "partitions") == "" {
		d.rel.Partitions = old.Partitions // which cannot change
	}
	return &plan.Plan{Tag: tag, Command: &catalog.CreateRelation{Relation: d.rel, Query: q,
		IfNotExists: ifNotExists, OrReplace: replace, Companions: d.companions}}
}

// createStream plans CREATE STREAM with a column list.
func (b *builder) createStream(s *sql.CreateStream) (*plan.Plan, error) {
	d, err := b.newDefinition(catalog.KindStream, s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	if len(s.Columns) == 0 && len(s.Likes) == 0 {
		return nil, sqlerr.New(sqlerr.InvalidTableDefinition,
			"stream \"%s\" has no columns", d.rel.Name).At(s.Pos()).
			WithHint("Columns are never inferred from a schema registry; declare them: "+
				"CREATE STREAM %s (name type, ...).", d.rel.Name)
	}
	def := d.dialect(&s.Definition, s.With)
	if err := d.columns(def); err != nil {
		return nil, err
	}
	if err := d.streamKeys(def); err != nil {
		return nil, err
	}
	if err := d.finish(def, s.With); err != nil {
		return nil, err
	}
	if err := d.source(s.Source, s.Replace, s.Pos()); err != nil {
		return nil, err
	}
	return d.plan("CREATE STREAM", s.IfNotExists, s.Replace, nil), nil
}

// createTable plans CREATE TABLE with a column list. A temporary table is an
// ordinary one that the session drops at its end.
func (b *builder) createTable(s *sql.CreateTable) (*plan.Plan, error) {
	if s.OnCommit != sql.OnCommitNone && !s.Temp {
		return nil, sqlerr.New(sqlerr.InvalidTableDefinition,
			"ON COMMIT can only be used on temporary tables")
	}
	d, err := b.newDefinition(catalog.KindTable, s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	list := &s.Definition
	if s.Of != nil {
		if list, err = b.ofType(s); err != nil {
			return nil, err
		}
	}
	def := d.dialect(list, s.With)
	if err := d.columns(def); err != nil {
		return nil, err
	}
	if err := d.tableKeys(def); err != nil {
		return nil, err
	}
	if err := d.foreignKeys(def); err != nil {
		return nil, err
	}
	if err := d.finish(def, s.With); err != nil {
		return nil, err
	}
	if err := d.source(s.Source, s.Replace, s.Pos()); err != nil {
		return nil, err
	}
	if s.AppendOnly {
		d.rel.AppendOnly, d.rel.OnConflict = true, "error"
	}
	return d.plan("CREATE TABLE", s.IfNotExists, s.Replace, nil), nil
}

// dialect tells in which dialect a definition is written, and gives it so that the
// columns can be read in their order.
func (d *definition) dialect(def *sql.Definition, with []sql.Option) *sql.Definition {
	if d.ksql = ksqlOptions(with); d.ksql {
		out := keyColumnsFirst(def, with, d.rel.Kind == catalog.KindTable)
		d.rel.Windowed = len(out.Columns) > len(def.Columns)
		return out
	}
	return def
}

// source marks what CREATE SOURCE made: it is read only, and nothing replaces it.
func (d *definition) source(on, replace bool, pos int) error {
	old := d.b.env.Snapshot.Lookup(d.rel.Schema, d.rel.Name)
	if replace && (on || old != nil && isSource(old)) {
		return sqlerr.New(sqlerr.WrongObjectType, "cannot replace source %s \"%s\"",
			kindWord(d.rel.Kind), d.rel.Name).At(pos).
			WithHint("Drop it and create it anew.")
	}
	if on {
		d.rel.Options = append(d.rel.Options, catalog.Option{Name: "source", Value: "true"})
	}
	return nil
}

// columns reads the column list and LIKE clauses.
func (d *definition) columns(def *sql.Definition) error {
	likes := def.Likes
	for i, c := range def.Columns {
		for ; len(likes) > 0 && likes[0].At <= i; likes = likes[1:] {
			if err := d.like(likes[0]); err != nil {
				return err
			}
		}
		if d.rel.ColumnIndex(c.Name) >= 0 {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column \"%s\" specified more than once", c.Name).At(c.Pos())
		}
		if err := d.column(c); err != nil {
			return err
		}
	}
	for _, l := range likes {
		if err := d.like(l); err != nil {
			return err
		}
	}
	return d.expressions(def)
}

// column adds a column with its type; expressions come when all columns are known.
func (d *definition) column(c *sql.ColumnDef) error {
	if systemColumn(c.Name) {
		return sqlerr.New(sqlerr.DuplicateColumn,
			"column name \"%s\" conflicts with a system column name", c.Name).At(c.Pos())
	}
	if reservedColumn(c.Name) && d.rel.Kind == catalog.KindStream {
		return sqlerr.New(sqlerr.DuplicateColumn,
			"column name \"%s\" conflicts with a pseudo column", c.Name).At(c.Pos()).
			WithHint("Every row has ROWTIME, ROWPARTITION and ROWOFFSET; choose another name.")
	}
	col := catalog.Column{Name: c.Name, NotNull: c.NotNull || c.PrimaryKey}
	if c.Type != nil {
		t, user, err := d.b.resolveType(c.Type)
		if err != nil {
			return err
		}
		if k := t.Kind; k == types.Unknown || k == types.Any || k == types.Void ||
			k == types.Record && len(t.Fields) == 0 {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"column \"%s\" has pseudo-type %s", c.Name, t).At(c.Pos())
		}
		if t.Innermost().Row != nil && d.b.userTypeNamed(c.Type.Name) == nil {
			return sqlerr.Unsupported("a column of the row type of a relation",
				"Make a type of these columns: CREATE TYPE ... AS (...).").At(c.Pos())
		}
		if d.ksql || isKsql(&d.rel) {
			t = expr.WithoutLengths(t)
		}
		col.Type, col.UserType = t, user
		if err := collated(c, &col); err != nil {
			return err
		}
	}
	if c.Headers || c.Header != "" {
		if err := d.headers(c, &col); err != nil {
			return err
		}
	}
	if c.Null && col.NotNull {
		return sqlerr.New(sqlerr.SyntaxError, "conflicting NULL/NOT NULL declarations "+
			"for column \"%s\" of table \"%s\"", c.Name, d.rel.Name).At(c.Pos())
	}
	d.rel.Columns = append(d.rel.Columns, col)
	return d.serial(c, len(d.rel.Columns)-1)
}

// systemColumn tells whether every relation has a column of this name, hidden.
func systemColumn(name string) bool {
	switch name {
	case "tableoid", "xmin", "xmax", "cmin", "cmax", "ctid":
		return true
	}
	return false
}

func reservedColumn(name string) bool {
	return name == "rowtime" || name == "rowpartition" || name == "rowoffset"
}

// resolveType gives the type of a column, and the user type that it was written
// as.
func (b *builder) resolveType(t *sql.TypeName) (types.Type, catalog.OID, error) {
	typ, err := expr.ResolveTypeName(t, &scope{b: b})
	if err != nil {
		if sqlerr.Is(err, sqlerr.UndefinedObject) {
			return typ, 0, b.typeHint(err, t)
		}
		return typ, 0, err
	}
	if u := b.userTypeNamed(t.Name); u != nil && len(t.Dims) == 0 && !u.Alias {
		if _, err := types.ByName(t.Name.Last(), nil); err != nil || t.Name.Schema() != "" {
			return typ, u.OID, nil
		}
	}
	return typ, 0, nil
}

func (b *builder) userTypeNamed(n sql.Name) *catalog.UserType {
	if len(n) == 0 {
		return nil
	}
	if s := n.Schema(); s != "" {
		return b.env.Snapshot.UserType(s, n.Last())
	}
	return b.env.Snapshot.ResolveType(b.path, n.Last())
}

// typeHint proposes a type with a similar name.
func (b *builder) typeHint(err error, t *sql.TypeName) error {
	var names []string
	for _, u := range b.env.Snapshot.UserTypes() {
		names = append(names, u.Name)
	}
	names = append(names, "bigint", "integer", "smallint", "boolean", "text", "varchar",
		"numeric", "double precision", "real", "timestamp", "timestamptz", "date", "time",
		"interval", "uuid", "jsonb", "json", "bytea", "string", "decimal")
	if near := catalog.Nearest(t.Name.Last(), names); near != "" {
		return sqlerr.As(err).WithHint("Did you mean \"%s\"?", near)
	}
	return err
}

// serial gives serial and identity columns their sequence.
func (d *definition) serial(c *sql.ColumnDef, at int) error {
	var opts sql.SequenceOptions
	col := &d.rel.Columns[at]
	name := ""
	if c.Type != nil && !c.Type.Quoted && len(c.Type.Name) == 1 {
		name = c.Type.Name[0]
	}
	switch {
	case strings.Contains(name, "serial"):
	case c.Generated != nil && c.Generated.Kind == sql.IdentityAlways:
		col.Identity, opts = 'a', c.Generated.Options
	case c.Generated != nil && c.Generated.Kind == sql.IdentityByDefault:
		col.Identity, opts = 'd', c.Generated.Options
	default:
		return nil
	}
	switch col.Type.Kind {
	case types.Int2, types.Int4, types.Int8:
	default:
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"identity column type must be smallint, integer, or bigint").At(c.Pos())
	}
	if c.Default != nil {
		return sqlerr.New(sqlerr.SyntaxError, "both default and identity specified for column "+
			"\"%s\" of table \"%s\"", c.Name, d.rel.Name).At(c.Pos())
	}
	seq, err := d.b.sequence(&opts, col.Type)
	if err != nil {
		return err
	}
	if opts.Name == nil {
		d.ownSequence(seq, at)
		return nil
	}
	schema, name, err := d.b.target(opts.Name, c.Pos())
	if err != nil {
		return err
	}
	if schema != d.rel.Schema {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"sequence must be in same schema as table it is linked to")
	}
	d.nameSequence(seq, at, name)
	return nil
}

// ownSequence gives a column a sequence of its own.
func (d *definition) ownSequence(seq *catalog.Sequence, at int) {
	d.nameSequence(seq, at, d.b.env.Snapshot.FreeName(d.rel.Schema,
		d.rel.Name+"_"+d.rel.Columns[at].Name+"_seq"))
}

func (d *definition) nameSequence(seq *catalog.Sequence, at int, seqName string) {
	col := &d.rel.Columns[at]
	seq.OwnedColumn = at
	d.companions = append(d.companions, catalog.Relation{Schema: d.rel.Schema, Name: seqName,
		Kind: catalog.KindSequence, Sequence: seq, TimeColumn: -1, GraceMicros: -1,
		Owner: d.rel.Owner})
	col.NotNull = true
	text := catalog.QuoteIdent(seqName)
	if !contains(d.b.path, d.rel.Schema) || d.rel.Schema != d.b.creationSchema() {
		text = catalog.QuoteIdent(d.rel.Schema) + "." + text
	}
	col.Default = "nextval(" + sql.QuoteString(text) + "::regclass)"
}

// expressions checks defaults, generated columns and CHECK constraints.
func (d *definition) expressions(def *sql.Definition) error {
	for _, c := range def.Columns {
		col := &d.rel.Columns[d.rel.ColumnIndex(c.Name)]
		if c.Generated != nil && (c.Generated.Kind == sql.GeneratedStored ||
			c.Generated.Kind == sql.ComputedColumn) {
			if err := d.refersToGenerated(def, c); err != nil {
				return err
			}
			if err := d.generated(c, col); err != nil {
				return err
			}
		}
		if c.Default != nil {
			text, err := d.b.defaultText(c.Default, col.Type, c.Name)
			if err != nil {
				return err
			}
			col.Default = text
		}
		for _, k := range c.Checks {
			if err := d.check(k); err != nil {
				return err
			}
		}
	}
	for _, k := range def.Constraints {
		if k.Kind == sql.CheckConstraint {
			if err := d.check(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowScope is the scope of expressions over a row of the relation being defined.
func (d *definition) rowScope(clause string) *scope { return d.b.relScope(&d.rel, clause) }

// relScope is the scope of expressions over a row layout of rel.
func (b *builder) relScope(rel *catalog.Relation, clause string) *scope {
	e := &entry{alias: rel.Name}
	s := &scope{b: b, entries: []*entry{e}, clause: clause}
	for i, ord := range rowLayout(rel) {
		c := &rel.Columns[ord]
		s.cols = append(s.cols, column{entry: e, name: c.Name, hidden: c.Hidden,
			x: &expr.Col{Index: i, T: c.Type, Name: c.Name}})
	}
	return s
}

func (d *definition) generated(c *sql.ColumnDef, col *catalog.Column) error {
	if err := refersToItself(c); err != nil {
		return err
	}
	x, err := d.b.check(c.Generated.X, d.rowScope("column generation expressions"))
	if err != nil {
		return err
	}
	if isVolatile(x) || d.b.isStable(x) {
		return sqlerr.New(sqlerr.InvalidObjectDefinition,
			"generation expression is not immutable").At(c.Generated.X.Pos())
	}
	if c.Default != nil {
		return sqlerr.New(sqlerr.SyntaxError, "both default and generation expression specified "+
			"for column \"%s\" of table \"%s\"", c.Name, d.rel.Name).At(c.Pos())
	}
	if c.Type == nil {
		if x, err = expr.Settle(x, d.rowScope(""), c.Pos()); err != nil {
			return err
		}
		col.Type = x.Type()
	} else if _, err = d.b.coerce(x, col.Type, c.Name, c.Generated.X.Pos()); err != nil {
		return err
	}
	col.Generated, col.Default = true, sql.Print(c.Generated.X)
	return nil
}

// isStable tells whether an expression depends on the session or the clock.
func (b *builder) isStable(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Call); ok && c.Fn.Volatility != expr.Immutable {
			found = true
		}
		return !found
	})
	return found
}

// defaultText checks a DEFAULT expression and gives its canonical text.
func (b *builder) defaultText(x sql.Expr, t types.Type, column string) (string, error) {
	var ref sql.Node
	sql.Walk(x, func(n sql.Node) bool {
		switch n.(type) {
		case *sql.ColRef, *sql.Subquery:
			ref = n
		}
		return ref == nil
	})
	switch ref.(type) {
	case *sql.ColRef:
		return "", sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot use column reference in DEFAULT expression").At(ref.Pos()).
			WithHint("Use a generated column: GENERATED ALWAYS AS (...) STORED.")
	case *sql.Subquery:
		return "", sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot use subquery in DEFAULT expression").At(ref.Pos()).
			WithHint("Compute the value when rows are inserted: INSERT ... SELECT.")
	}
	e, err := b.check(x, (&scope{b: b}).in("DEFAULT expressions"))
	if err != nil {
		return "", err
	}
	if _, err = b.coerce(e, t, column, x.Pos()); err != nil {
		return "", err
	}
	return sql.Print(x), nil
}

// check adds a CHECK constraint.
func (d *definition) check(k *sql.Constraint) error {
	x, err := d.b.checkBool(k.Check, d.rowScope("check constraints"), "CHECK")
	if err != nil {
		return err
	}
	if hasSubplan(x) {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"cannot use subquery in check constraint").At(k.Check.Pos()).
			WithHint("Check the rule with a query over both tables.")
	}
	name := k.Name
	if name == "" {
		var columns []string // the one that the condition is about
		if reads := readsOf(&d.rel, k.Check, nil); len(reads) == 1 {
			columns = d.columnNames(reads)
		}
		name = d.constraintName(columns, "check")
	} else if d.hasCheck(name) {
		return sqlerr.New(sqlerr.DuplicateObject,
			"check constraint \"%s\" already exists", name).At(k.Pos())
	} else if d.hasConstraint(name) {
		return d.constraintExists(name)
	}
	d.rel.Checks = append(d.rel.Checks, catalog.Check{Name: name, Expr: sql.Print(k.Check),
		Fresh: k.NotValid && d.rel.OID != 0})
	return nil
}

func (d *definition) hasCheck(name string) bool {
	return slices.ContainsFunc(d.rel.Checks, func(c catalog.Check) bool { return c.Name == name })
}

// streamKeys collects the KEY columns of a stream.
func (d *definition) streamKeys(def *sql.Definition) error {
	for _, c := range def.Columns {
		if c.PrimaryKey {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"stream \"%s\" cannot have a primary key", d.rel.Name).At(c.Pos()).
				WithHint("Write KEY to partition the stream by the column, or CREATE TABLE for " +
					"one row per key.")
		}
		if c.Unique {
			return d.noUnique(c.Pos())
		}
		if c.Key {
			d.rel.Key = append(d.rel.Key, d.rel.ColumnIndex(c.Name))
		}
	}
	for _, k := range def.Constraints {
		switch k.Kind {
		case sql.PrimaryKeyConstraint:
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"stream \"%s\" cannot have a primary key", d.rel.Name).At(k.Pos()).
				WithHint("Write KEY behind a column to partition the stream by it, or CREATE " +
					"TABLE for one row per key.")
		case sql.UniqueConstraint:
			return d.noUnique(k.Pos())
		}
	}
	return nil
}

func (d *definition) noUnique(pos int) error {
	return sqlerr.New(sqlerr.InvalidTableDefinition,
		"stream \"%s\" cannot have a unique constraint", d.rel.Name).At(pos).
		WithHint("Use CREATE TABLE with a PRIMARY KEY.")
}

// tableKeys collects the primary key, or adds the hidden row id of a bag table.
func (d *definition) tableKeys(def *sql.Definition) error {
	if len(d.likeKey) > 0 {
		if err := d.primaryKey(d.likeKey, sql.NoLoc.Pos()); err != nil {
			return err
		}
		d.keyPos = def.Likes[0].Pos()
	}
	for _, c := range def.Columns {
		if c.PrimaryKey {
			if err := d.primaryKey([]string{c.Name}, c.Pos()); err != nil {
				return err
			}
			d.nameKey(c.KeyName)
		}
		if c.Key {
			return sqlerr.New(sqlerr.InvalidTableDefinition,
				"column \"%s\" of a table cannot be KEY", c.Name).At(c.Pos()).
				WithHint("Write PRIMARY KEY.")
		}
		if c.Unique {
			if err := d.unique([]string{c.Name}, uniqueOf(c)); err != nil {
				return err
			}
		}
	}
	for _, k := range def.Constraints {
		var err error
		switch k.Kind {
		case sql.PrimaryKeyConstraint:
			err = d.primaryKey(k.Columns, k.Pos())
			d.nameKey(k.Name)
		case sql.UniqueConstraint:
			err = d.unique(k.Columns, k)
		}
		if err != nil {
			return err
		}
	}
	if d.ksql && len(d.rel.Key) > 1 && !d.rel.Windowed {
		// A part of a ksqlDB table's key may be NULL, which is a key like any other.
		for _, k := range d.rel.Key {
			d.rel.Columns[k].NotNull = false
		}
	}
	if len(d.rel.Key) == 0 {
		d.rel.Key = []int{len(d.rel.Columns)}
		name := "_row_id"
		for n := 1; d.rel.ColumnIndex(name) >= 0; n++ {
			name = sprintf("_row_id_%d", n)
		}
		d.rel.Columns = append(d.rel.Columns, catalog.Column{Name: name,
			Type: types.Of(types.Int8), NotNull: true, Hidden: true})
	}
	return nil
}

func (d *definition) primaryKey(names []string, pos int) error {
	if d.keyPos >= 0 && !d.ksql {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"multiple primary keys for table \"%s\" are not allowed", d.rel.Name).At(pos)
	}
	d.keyPos = pos
	cols, err := d.named(names, pos)
	if err != nil {
		return err
	}
	for _, i := range cols {
		if slices.Contains(d.rel.Key, i) {
			return sqlerr.New(sqlerr.DuplicateColumn, "column \"%s\" appears twice in "+
				"primary key constraint", d.rel.Columns[i].Name).At(pos)
		}
		d.rel.Columns[i].NotNull = true
		d.rel.Key = append(d.rel.Key, i)
	}
	return nil
}

func (d *definition) named(names []string, pos int) ([]int, error) {
	var out []int
	for _, n := range names {
		i := d.rel.ColumnIndex(n)
		if i < 0 {
			return nil, sqlerr.New(sqlerr.UndefinedColumn,
				"column \"%s\" named in key does not exist", n).At(pos)
		}
		out = append(out, i)
	}
	return out, nil
}

// nameKey gives the primary key the name that was written.
func (d *definition) nameKey(name string) {
	if name != "" {
		d.rel.KeyName = name
	}
}

// uniqueOf gives UNIQUE of a column as a constraint.
func uniqueOf(c *sql.ColumnDef) *sql.Constraint {
	return &sql.Constraint{Loc: c.Loc, Kind: sql.UniqueConstraint, Name: c.UniqueName,
		NullsSame: c.NullsSame}
}

// referenceOf gives REFERENCES of a column as a constraint.
func referenceOf(c *sql.ColumnDef) *sql.Constraint {
	return &sql.Constraint{Loc: c.Loc, Kind: sql.ForeignKeyConstraint, Name: c.References.Name,
		Ref: c.References, Deferred: c.References.Deferred}
}

// foreignKeys collects the foreign keys of the columns and of the table.
func (d *definition) foreignKeys(def *sql.Definition) error {
	for _, c := range def.Columns {
		if c.References == nil {
			continue
		}
		if err := d.foreignKey(referenceOf(c), []string{c.Name}); err != nil {
			return err
		}
	}
	for _, k := range def.Constraints {
		if k.Kind != sql.ForeignKeyConstraint {
			continue
		}
		if err := d.foreignKey(k, k.Columns); err != nil {
			return err
		}
	}
	for i := range d.rel.ForeignKeys {
		d.rel.ForeignKeys[i].Fresh = false // there are no rows
	}
	return nil
}

// finish applies the watermark and the WITH options.
func (d *definition) finish(def *sql.Definition, with []sql.Option) error {
	if err := d.options(with); err != nil {
		return err
	}
	if err := d.ksqlRules(with); err != nil {
		return err
	}
	if def.Watermark != nil {
		return d.watermark(def.Watermark)
	}
	return nil
}

// watermark is WATERMARK FOR c AS c - INTERVAL '...'.
func (d *definition) watermark(w *sql.Watermark) error {
	i := d.rel.ColumnIndex(w.Column)
	if i < 0 {
		return sqlerr.New(sqlerr.UndefinedColumn,
			"column \"%s\" does not exist", w.Column).At(w.Pos())
	}
	if !timeKind(d.rel.Columns[i].Type) {
		return sqlerr.New(sqlerr.DatatypeMismatch, "watermark column \"%s\" must be of type "+
			"timestamp or timestamptz, not %s", w.Column, d.rel.Columns[i].Type).At(w.Pos()).
			WithHint("Add a generated column of type timestamptz, and put the watermark on it.")
	}
	if d.rel.TimeColumn >= 0 && d.rel.TimeColumn != i {
		return sqlerr.New(sqlerr.InvalidTableDefinition,
			"the watermark and the option timestamp name different columns").At(w.Pos())
	}
	grace, err := d.delay(w, i)
	if err != nil {
		return err
	}
	d.rel.TimeColumn, d.rel.GraceMicros = i, grace
	d.rel.Watermark = sql.Print(w.X)
	return nil
}

func timeKind(t types.Type) bool {
	return t.Kind == types.Timestamp || t.Kind == types.Timestamptz
}

// delay reads c or c - constant interval.
func (d *definition) delay(w *sql.Watermark, col int) (int64, error) {
	refused := sqlerr.New(sqlerr.FeatureNotSupported,
		"a watermark must be the column, or the column minus a constant interval").At(w.Pos()).
		WithHint("Write WATERMARK FOR %s AS %s - INTERVAL '5 seconds'.", w.Column, w.Column)
	isCol := func(x sql.Expr) bool {
		c, ok := x.(*sql.ColRef)
		return ok && len(c.Name) == 1 && c.Name[0] == w.Column
	}
	if isCol(w.X) {
		return 0, nil
	}
	bin, ok := w.X.(*sql.Binary)
	if !ok || bin.Op != "-" || !isCol(bin.L) {
		return 0, refused
	}
	v, err := d.b.intervalArg(bin.R, true)
	if err != nil {
		return 0, err
	}
	if v < 0 {
		return 0, refused
	}
	return v, nil
}
