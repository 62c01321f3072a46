package parse

import (
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

func keywordUpper(k keyword) string { return strings.ToUpper(keywordNames[k]) }

// createWords are the words between CREATE and the kind of object.
type createWords struct {
	replace, temp, unlogged, recursive, unique, source bool
}

// create reads CREATE.
func (p *parser) create() sql.Statement {
	at := p.locOf(&p.toks[p.i-1])
	w := p.createWords()
	p.refuseWords(at, "CREATE")
	kindAt := p.i
	kind := p.objectKind()
	if w.source && kind != sql.ObjStream && kind != sql.ObjTable {
		p.i = kindAt - 1
		p.refuseWords(at, "CREATE")
	}
	p.refuseKind(at, "CREATE", kind)
	p.checkCreateWords(w, kind, kindAt)
	switch kind {
	case sql.ObjStream, sql.ObjTable:
		return p.createRelation(kind, w)
	case sql.ObjMaterializedView:
		return p.createMaterializedView(w)
	case sql.ObjView:
		return p.createView(w)
	case sql.ObjIndex:
		return p.createIndex(w)
	case sql.ObjSchema:
		return p.createSchema()
	case sql.ObjType:
		return p.createType()
	case sql.ObjDomain:
		return p.createDomain()
	case sql.ObjSequence:
		return p.createSequence(w)
	case sql.ObjFunction, sql.ObjProcedure:
		return p.createFunction(kind, w)
	case sql.ObjRole:
		return p.createRole(p.toks[p.i-1].kw == kwUser)
	case sql.ObjDatabase:
		s := &sql.CreateDatabase{Name: p.name()}
		p.accept(kwWith)
		s.Options = p.looseOptions()
		return s
	case sql.ObjExtension:
		return p.createExtension()
	}
	p.i = kindAt
	p.unexpected()
	return nil
}

func (p *parser) createWords() (w createWords) {
	w.replace = p.words("or", "replace")
	for {
		switch p.oneOf("temporary", "temp", "local temporary", "local temp",
			"global temporary", "global temp", "unlogged", "recursive", "unique", "source") {
		case 0, 1, 2, 3, 4, 5:
			w.temp = true
		case 6:
			w.unlogged = true
		case 7:
			w.recursive = true
		case 8:
			w.unique = true
		case 9:
			w.source = true
		default:
			return w
		}
	}
}

// checkCreateWords refuses words that do not go with the kind.
func (p *parser) checkCreateWords(w createWords, kind sql.ObjectKind, kindAt int) {
	rel := kind == sql.ObjStream || kind == sql.ObjTable
	view := kind == sql.ObjView
	bad := w.source && !rel || w.unique && kind != sql.ObjIndex || w.recursive && !view ||
		w.unlogged && kind != sql.ObjTable && kind != sql.ObjSequence ||
		w.temp && !view && kind != sql.ObjTable && kind != sql.ObjSequence ||
		w.replace && !rel && !view && kind != sql.ObjMaterializedView &&
			kind != sql.ObjFunction && kind != sql.ObjProcedure
	if bad {
		p.unexpectedAt(&p.toks[kindAt])
	}
}

// relation collects what CREATE STREAM and CREATE TABLE may have in any order.
type relation struct {
	def      sql.Definition
	columns  []string // only names were in the brackets
	with     []sql.Option
	onCommit sql.OnCommit
	query    *sql.Query
	execute  *sql.Execute
	of       sql.Name
	noData   bool
	append   bool // APPEND ONLY
}

func (p *parser) createRelation(kind sql.ObjectKind, w createWords) sql.Statement {
	ifNotExists := p.ifNotExists()
	name := p.qname()
	r := p.relationBody()
	if r.query != nil || r.execute != nil {
		if r.of != nil || r.execute != nil && kind != sql.ObjTable {
			p.unexpected()
		}
		if r.columns == nil && (len(r.def.Columns) > 0 || len(r.def.Constraints) > 0) || w.source {
			p.missing("columns with types cannot be given together with AS SELECT")
		}
		return &sql.CreateAs{Kind: kind, Name: name, Replace: w.replace,
			IfNotExists: ifNotExists, Temp: w.temp, Unlogged: w.unlogged, Columns: r.columns,
			With: r.with, OnCommit: r.onCommit, Query: r.query, Execute: r.execute,
			NoData: r.noData}
	}
	if r.columns != nil && r.of == nil || (r.append || r.of != nil) && kind != sql.ObjTable {
		p.unexpected()
	}
	if kind == sql.ObjStream {
		return &sql.CreateStream{Name: name, Replace: w.replace, IfNotExists: ifNotExists,
			Source: w.source, Definition: r.def, With: r.with}
	}
	return &sql.CreateTable{Name: name, Replace: w.replace, IfNotExists: ifNotExists,
		Source: w.source, Temp: w.temp, Unlogged: w.unlogged, AppendOnly: r.append, Of: r.of,
		Definition: r.def, With: r.with, OnCommit: r.onCommit}
}

func (p *parser) relationBody() (r relation) {
	if p.accept(kwOf) {
		r.of = p.qname()
		if p.isC('(') {
			r.def = p.typedColumns()
		}
	} else if p.isC('(') {
		if t := p.peek(2); p.peek(1).isName() && (t.isPunct(',') || t.isPunct(')')) {
			r.columns = p.names()
		} else {
			r.def = p.definition()
		}
	}
	for {
		switch {
		case p.is(kwWith) && p.peek(1).isPunct('('):
			p.i++
			r.with = append(r.with, p.options()...)
		case p.words("on", "commit"):
			switch p.oneOf("drop", "delete rows", "preserve rows") {
			case 0:
				r.onCommit = sql.OnCommitDrop
			case 1:
				r.onCommit = sql.OnCommitDeleteRows
			case 2:
				r.onCommit = sql.OnCommitPreserveRows
			default:
				p.unexpected()
			}
		case p.wordAt(0, "partition"):
			p.unsupported(p.loc(), "PARTITION BY of a table",
				"Every table has partitions by key: WITH (partitions = n).")
		case p.wordAt(0, "inherits"):
			p.unsupported(p.loc(), "table inheritance", "Use LIKE to copy the columns.")
		case p.storage():
		case p.words("append", "only"):
			r.append = true
		case p.accept(kwAs):
			if p.is(kwExecute) {
				r.execute = p.executeAs()
			} else {
				r.query = p.query()
			}
			r.noData = p.withData()
			return r
		default:
			return r
		}
	}
}

// executeAs reads EXECUTE in the place of a query.
func (p *parser) executeAs() *sql.Execute {
	start := p.tok().start
	p.i++
	x := p.execute().(*sql.Execute)
	x.Extent = sql.Extent{Start: start, End: p.toks[p.i-1].end}
	return x
}

// typedColumns reads the brackets of a table OF a type.
func (p *parser) typedColumns() (d sql.Definition) {
	p.expectC('(')
	for {
		if p.constraintAhead() {
			d.Constraints = append(d.Constraints, p.tableConstraint())
		} else {
			c := &sql.ColumnDef{Loc: p.loc(), Name: p.name()}
			p.words("with", "options")
			for p.columnAttribute(c) {
			}
			d.Columns = append(d.Columns, c)
		}
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	return d
}

// storage reads where and how PostgreSQL would keep the data, which has no meaning here.
func (p *parser) storage() bool {
	switch p.oneOf("using index tablespace", "tablespace", "without oids", "using") {
	case 0, 1, 3:
		p.name()
	case 2:
	default:
		return false
	}
	return true
}

// withData reads [WITH [NO] DATA] and reports NO DATA.
func (p *parser) withData() bool {
	return p.oneOf("with no data", "with data") == 0
}

// definition reads the bracketed columns and constraints of a stream or table.
func (p *parser) definition() (d sql.Definition) {
	p.expectC('(')
	for !p.isC(')') {
		at := p.loc()
		switch {
		case p.wordAt(0, "watermark") && p.peek(1).kw == kwFor:
			if d.Watermark != nil {
				p.missing("multiple WATERMARK clauses not allowed")
			}
			d.Watermark = p.watermark()
		case p.constraintAhead():
			d.Constraints = append(d.Constraints, p.tableConstraint())
		case p.accept(kwLike):
			like := p.tableLike(at)
			like.At = len(d.Columns)
			d.Likes = append(d.Likes, like)
		default:
			d.Columns = append(d.Columns, p.columnDef())
		}
		if !p.acceptC(',') {
			break
		}
		if p.isC(')') {
			p.unexpected()
		}
	}
	p.expectC(')')
	return d
}

func (p *parser) watermark() *sql.Watermark {
	w := &sql.Watermark{Loc: p.loc()}
	p.i += 2
	w.Column = p.name()
	p.expect(kwAs)
	w.X = p.expr()
	return w
}

func (p *parser) tableLike(at sql.Loc) sql.TableLike {
	l := sql.TableLike{Loc: at, Table: p.qname()}
	for {
		switch p.oneOf("including", "excluding") {
		case 0:
			l.Including = append(l.Including, strings.ToUpper(p.label()))
		case 1:
			l.Excluding = append(l.Excluding, strings.ToUpper(p.label()))
		default:
			return l
		}
	}
}

// constraintAhead reports whether a table constraint is at the cursor, and not a column that
// has one of its words as a name.
func (p *parser) constraintAhead() bool {
	t := p.tok()
	if t.kind != kindIdent {
		return false
	}
	switch {
	case t.kw == kwConstraint:
		return true
	case t.kw == kwPrimary:
		return p.peek(1).kw == kwKey && (p.peek(2).isPunct('(') || p.peek(2).kw == kwUsing)
	case t.kw == kwUnique:
		return p.peek(1).isPunct('(') || p.peek(1).kw == kwNulls || p.peek(1).kw == kwUsing
	case equalFold(p.text(t), "check"):
		return p.peek(1).isPunct('(')
	case equalFold(p.text(t), "foreign"):
		return p.peek(1).kw == kwKey
	case equalFold(p.text(t), "exclude"):
		return p.peek(1).kw == kwUsing
	}
	return false
}

func (p *parser) tableConstraint() *sql.Constraint {
	c := &sql.Constraint{Loc: p.loc()}
	if p.accept(kwConstraint) {
		c.Name = p.name()
	}
	switch p.oneOf("primary key", "unique", "check", "foreign key", "exclude") {
	case 0:
		p.keyColumns(c)
	case 1:
		c.Kind = sql.UniqueConstraint
		c.NullsSame = p.oneOf("nulls not distinct", "nulls distinct") == 0
		p.keyColumns(c)
	case 2:
		c.Kind = sql.CheckConstraint
		p.expectC('(')
		c.Check = p.expr()
		p.expectC(')')
	case 3:
		c.Kind = sql.ForeignKeyConstraint
		c.Columns = p.names()
		p.need("references")
		c.Ref = p.reference()
	case 4:
		p.unsupported(c.Loc, "EXCLUDE", "Use UNIQUE.")
	default:
		p.unexpected()
	}
	c.NotValid = p.constraintTail(&c.Deferred)
	return c
}

// keyColumns reads the columns of PRIMARY KEY or UNIQUE and what may follow them.
func (p *parser) keyColumns(c *sql.Constraint) {
	if p.is(kwUsing) {
		p.unsupported(p.loc(), "a constraint USING INDEX", "Name the columns: UNIQUE (...).")
	}
	c.Columns = p.names()
	if p.words("include") {
		c.Include = p.names()
	}
	p.optionalWith()
	p.storage()
}

// constraintTail reads what may follow any constraint, and tells whether NOT VALID did.
func (p *parser) constraintTail(d *sql.Deferral) (notValid bool) {
	for {
		switch p.oneOf("not enforced", "not valid", "no inherit", "not deferrable",
			"initially immediate", "deferrable", "initially deferred") {
		case 1:
			notValid = true
		case 5:
			*d = max(*d, sql.Deferrable)
		case 6:
			*d = sql.InitiallyDeferred
		case -1:
			return notValid
		}
	}
}

// reference reads what follows REFERENCES.
func (p *parser) reference() *sql.Reference {
	r := &sql.Reference{Table: p.qname()}
	if p.isC('(') {
		r.Columns = p.names()
	}
	for {
		switch p.oneOf("on delete", "on update", "match full", "match partial", "match simple") {
		case 0:
			r.OnDelete = p.referenceAction()
			if strings.HasPrefix(r.OnDelete, "SET ") && p.isC('(') {
				r.SetColumns = p.names()
			}
		case 1:
			if r.OnUpdate = p.referenceAction(); p.isC('(') {
				p.unsupported(p.loc(), "a column list of ON UPDATE", "Leave the list out.")
			}
		case 2:
			r.Match = "FULL"
		case 3:
			r.Match = "PARTIAL"
		case -1:
			return r
		}
	}
}

func (p *parser) referenceAction() string {
	actions := []string{"cascade", "restrict", "no action", "set null", "set default"}
	i := p.oneOf(actions...)
	if i < 0 {
		p.stuck(actions...)
	}
	return strings.ToUpper(actions[i])
}

// columnDef reads one column with its constraints.
func (p *parser) columnDef() *sql.ColumnDef {
	c := &sql.ColumnDef{Loc: p.loc()}
	// USER is no word of ksqlDB's, whose scripts have columns of that name.
	if t := p.tok(); t.kind == kindIdent && !t.isName() && t.kw != kwUser &&
		p.peek(1).kind == kindIdent {
		bailAt(sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", p.text(t)).
			WithHint("%s is a reserved word; as a name it needs quotes: \"%s\", or back-ticks.",
				strings.ToUpper(p.text(t)), foldName(p.text(t))), int(p.locOf(t)))
	}
	if p.tok().kw == kwUser {
		c.Name = p.label()
	} else {
		c.Name = p.name()
	}
	if p.accept(kwAs) { // p AS expr
		c.Generated = &sql.Generated{Kind: sql.ComputedColumn, X: p.expr()}
	} else {
		c.Type = p.typeName()
	}
	for p.columnAttribute(c) {
	}
	return c
}

var columnAttributes = []string{"primary key", "key", "unique", "not null", "null", "headers",
	"header", "default", "generated", "check", "references", "collate", "compression", "storage"}

// columnAttribute reads one constraint or property of a column; false: none follows.
func (p *parser) columnAttribute(c *sql.ColumnDef) bool {
	name := ""
	at := p.loc()
	if p.accept(kwConstraint) {
		name = p.name()
	}
	switch p.oneOf(columnAttributes...) {
	case 0:
		c.PrimaryKey, c.KeyName = true, name
		p.keyTail()
	case 1:
		c.Key = true
	case 2:
		c.Unique, c.UniqueName = true, name
		c.NullsSame = p.oneOf("nulls not distinct", "nulls distinct") == 0
		p.keyTail()
	case 3:
		c.NotNull = true
		p.words("no", "inherit")
	case 4:
		c.Null = true
	case 5:
		c.Headers = true
	case 6:
		p.expectC('(')
		c.Header = p.stringName()
		p.expectC(')')
	case 7:
		c.Default = p.restrictedExpr()
	case 8:
		c.Generated = p.generated()
	case 9:
		k := &sql.Constraint{Loc: at, Name: name, Kind: sql.CheckConstraint}
		p.expectC('(')
		k.Check = p.expr()
		p.expectC(')')
		c.Checks = append(c.Checks, k)
		p.constraintTail(&k.Deferred)
	case 10:
		c.References = p.reference()
		c.References.Name = name
		p.constraintTail(&c.References.Deferred)
	case 11:
		c.Collate = p.dotted(sql.Name{p.label()})
	case 12, 13:
		p.label()
	default:
		if name != "" || p.is(kwNot) || p.is(kwPrimary) {
			p.stuck(columnAttributes...)
		}
		return false
	}
	return true
}

// keyTail reads what may follow PRIMARY KEY or UNIQUE of a column.
func (p *parser) keyTail() {
	p.optionalWith()
	p.storage()
	p.constraintTail(new(sql.Deferral))
}

// generated reads what follows GENERATED.
func (p *parser) generated() *sql.Generated {
	g := &sql.Generated{Kind: sql.IdentityAlways}
	switch p.oneOf("always", "by default") {
	case 0:
	case 1:
		g.Kind = sql.IdentityByDefault
	default:
		p.stuck("by default")
	}
	p.expect(kwAs)
	if p.words("identity") {
		if p.acceptC('(') {
			g.Options = p.sequenceOptions()
			p.expectC(')')
		}
		return g
	}
	if g.Kind == sql.IdentityByDefault {
		p.unexpected()
	}
	g.Kind = sql.GeneratedStored
	p.expectC('(')
	g.X = p.expr()
	p.expectC(')')
	p.need("stored")
	return g
}

func (p *parser) createMaterializedView(w createWords) sql.Statement {
	s := &sql.CreateMaterializedView{Replace: w.replace, IfNotExists: p.ifNotExists()}
	s.Name = p.qname()
	if p.isC('(') {
		s.Columns = p.names()
	}
	p.storage()
	s.With = p.optionalWith()
	p.storage()
	p.expect(kwAs)
	s.Query = p.query()
	s.NoData = p.withData()
	return s
}

func (p *parser) createView(w createWords) sql.Statement {
	s := &sql.CreateView{Replace: w.replace, Temp: w.temp, Recursive: w.recursive}
	s.IfNotExists = p.ifNotExists()
	s.Name = p.qname()
	if p.isC('(') {
		s.Columns = p.names()
	}
	s.With = p.optionalWith()
	p.expect(kwAs)
	s.Query = p.query()
	switch p.oneOf("with check option", "with cascaded check option", "with local check option") {
	case 0, 1:
		s.Check = sql.CheckCascaded
	case 2:
		s.Check = sql.CheckLocal
	}
	return s
}

func (p *parser) createIndex(w createWords) sql.Statement {
	s := &sql.CreateIndex{Unique: w.unique, Concurrently: p.words("concurrently")}
	s.IfNotExists = p.ifNotExists()
	if !p.is(kwOn) {
		s.Name = p.qname()
	}
	p.expect(kwOn)
	s.Only = p.accept(kwOnly)
	s.Table = p.qname()
	if p.accept(kwUsing) {
		s.Method = p.label()
	}
	s.Keys = p.indexKeys()
	if p.words("include") {
		s.Include = p.names()
	}
	switch p.oneOf("nulls not distinct", "nulls distinct") {
	case 0:
		s.NullsSame = true
	}
	s.With = p.optionalWith()
	p.storage()
	if p.accept(kwWhere) {
		s.Where = p.expr()
	}
	return s
}

// indexKeys reads the bracketed keys of an index or of ON CONFLICT.
func (p *parser) indexKeys() (ks []sql.IndexKey) {
	p.expectC('(')
	for {
		var k sql.IndexKey
		k.X = p.binary(bpCollate + 1)
		if p.accept(kwCollate) {
			k.Collate = p.dotted(sql.Name{p.label()})
		}
		if t := p.tok(); t.isName() && t.kw != kwNulls {
			k.OpClass = p.qname()
			if p.isC('(') {
				p.unsupported(p.loc(), "parameters of an operator class", "Leave them out.")
			}
		}
		p.direction(&k.SortKey)
		ks = append(ks, k)
		if !p.acceptC(',') {
			break
		}
	}
	p.expectC(')')
	return ks
}
