package parse

import (
	"strings"

	"github.com/millracedb/millrace/sql"
)

// showKinds are what SHOW can list, longest phrase first.
var showKinds = []struct {
	phrase string
	kind   sql.ShowKind
}{
	{"materialized views", sql.ShowMaterializedViews},
	{"connector plugins", sql.ShowConnectorPlugins},
	{"source connectors", sql.ShowConnectors}, {"sink connectors", sql.ShowConnectors},
	{"streams", sql.ShowStreams}, {"tables", sql.ShowTables}, {"views", sql.ShowViews},
	{"queries", sql.ShowQueries}, {"topics", sql.ShowTopics},
	{"functions", sql.ShowFunctions}, {"types", sql.ShowTypes},
	{"variables", sql.ShowVariables}, {"properties", sql.ShowProperties},
	{"connectors", sql.ShowConnectors}, {"schemas", sql.ShowSchemas},
	{"databases", sql.ShowDatabases}, {"columns", sql.ShowColumns},
	{"indexes", sql.ShowIndexes}, {"roles", sql.ShowRoles}, {"users", sql.ShowRoles},
	{"sequences", sql.ShowSequences}, {"sessions", sql.ShowSessions},
	{"nodes", sql.ShowNodes}, {"partitions", sql.ShowPartitions}, {"cursors", sql.ShowCursors},
}

// show reads SHOW or LIST: of objects, else of a setting.
func (p *parser) show() sql.Statement {
	list := p.toks[p.i-1].kw == kwList
	if s := p.showObjects(); s != nil {
		return s
	}
	if list {
		p.unexpected()
	}
	if p.words("create") {
		s := &sql.ShowCreate{Kind: p.objectKind()}
		s.Name = p.qname()
		return s
	}
	return &sql.ShowVar{Name: p.showName()}
}

// showObjects reads a list of objects; nil: it is something else.
func (p *parser) showObjects() sql.Statement {
	start := p.i
	s := &sql.ShowObjects{All: p.accept(kwAll)}
	for _, k := range showKinds {
		if p.oneOf(k.phrase) != 0 {
			continue
		}
		s.Kind = k.kind
		s.Extended = p.words("extended")
		if p.accept(kwFrom) || p.accept(kwIn) {
			s.In = p.qname()
		}
		if p.accept(kwLike) {
			s.Like = p.str()
		}
		return s
	}
	p.i = start
	return nil
}

// describe reads DESCRIBE.
func (p *parser) describe() sql.Statement {
	if t := p.peek(1); t.kind == kindEOF || t.isPunct(';') || equalFold(p.text(t), "extended") {
		if p.oneOf("streams extended", "streams") >= 0 {
			return &sql.ShowObjects{Kind: sql.ShowStreams, Extended: p.extendedBefore()}
		}
		if p.oneOf("tables extended", "tables") >= 0 {
			return &sql.ShowObjects{Kind: sql.ShowTables, Extended: p.extendedBefore()}
		}
	}
	s := &sql.Describe{}
	if p.wordAt(0, "extended") && p.peek(1).isName() {
		s.Extended = true
		p.i++
	}
	t := p.peek(1)
	if (t.kind == kindIdent || t.kind == kindQIdent) && !equalFold(p.text(t), "extended") {
		s.Kind = p.objectKind()
	}
	s.NamePos = p.loc()
	s.Name = p.qname()
	s.Extended = p.words("extended") || s.Extended
	return s
}

func (p *parser) extendedBefore() bool { return equalFold(p.text(&p.toks[p.i-1]), "extended") }

// printStream reads PRINT.
func (p *parser) printStream() sql.Statement {
	s := &sql.PrintStream{NamePos: p.loc(), Limit: -1}
	s.Name = p.topicName()
	s.FromBeginning = p.words("from", "beginning")
	if p.oneOf("interval", "sample") >= 0 {
		s.Interval = p.integer()
	}
	if p.accept(kwLimit) {
		s.Limit = p.integer()
	}
	return s
}

// topicName reads a name that may also be written as a string.
func (p *parser) topicName() sql.Name {
	if p.tok().kind != kindStr {
		return p.qname()
	}
	return sql.Name{p.stringName()}
}

// target reads the query that TERMINATE, PAUSE and RESUME work on.
func (p *parser) target() (t sql.Target) {
	t.NamePos = p.loc()
	if p.accept(kwAll) {
		t.All = true
	} else {
		t.Name = p.qname()
	}
	return t
}

func (p *parser) terminate() sql.Statement { return &sql.Terminate{Target: p.target()} }
func (p *parser) pause() sql.Statement     { return &sql.Pause{Target: p.target()} }
func (p *parser) resume() sql.Statement    { return &sql.Resume{Target: p.target()} }
func (p *parser) flush() sql.Statement     { return &sql.Flush{} }

// explain reads EXPLAIN of a statement or of a running query.
func (p *parser) explain() sql.Statement {
	s := &sql.Explain{}
	if p.isC('(') && !p.queryBracket(p.i) {
		for _, o := range p.options() {
			p.explainOption(s, o)
		}
	} else {
		s.Analyze = p.accept(kwAnalyze) || p.accept(kwAnalyse)
		s.Verbose = p.words("verbose")
	}
	t := p.tok()
	starts := t.isPunct('(') || verbs[t.kw] != nil || p.startsQuery(p.i)
	if n := p.peek(1); starts && (n.kind == kindEOF || n.isPunct(';')) && t.isName() {
		starts = false // EXPLAIN list: a query with the name of a statement
	}
	if starts {
		s.Stmt = p.statement()
	} else {
		s.Query = p.qname()
	}
	return s
}

// explainOption sets what has a field and keeps the rest.
func (p *parser) explainOption(s *sql.Explain, o sql.Option) {
	switch o.Name {
	case "analyze":
		s.Analyze = p.boolOption(o)
	case "verbose":
		s.Verbose = p.boolOption(o)
	case "format":
		c, ok := o.Value.(*sql.Const)
		if !ok || c.Kind != sql.StrConst {
			p.fail(o.Loc, "42601", "format of EXPLAIN must be a name")
		}
		s.Format = foldName(c.Val)
	default:
		s.Options = append(s.Options, o)
	}
}

// boolOption returns the value of an on/off option.
func (p *parser) boolOption(o sql.Option) bool {
	if o.Value == nil {
		return true
	}
	if c, ok := o.Value.(*sql.Const); ok {
		switch foldName(c.Val) {
		case "true", "on", "1":
			return true
		case "false", "off", "0":
			return false
		}
	}
	p.fail(o.Loc, "42601", "%s requires a Boolean value", o.Name)
	return false
}

// comment reads COMMENT ON.
func (p *parser) comment() sql.Statement {
	at := p.loc()
	p.expect(kwOn)
	p.refuseWords(at, "COMMENT ON")
	if p.is(kwCast) || p.is(kwOperator) {
		p.unsupported(at, "COMMENT ON "+keywordUpper(p.tok().kw), "Write a SQL function.")
	}
	s := &sql.Comment{Kind: p.objectKind()}
	if s.Kind == sql.NoObject {
		p.unexpected()
	}
	s.Name = p.qname()
	switch s.Kind {
	case sql.ObjFunction, sql.ObjProcedure, sql.ObjAggregate:
		s.Args = p.argTypes()
	case sql.ObjConstraint, sql.ObjTrigger:
		p.expect(kwOn)
		if p.wordAt(0, "domain") && p.peek(1).isName() {
			p.unsupported(p.loc(), "a comment on a constraint of a domain", "Comment on the domain.")
		}
		s.On = p.qname()
	}
	p.expect(kwIs)
	if !p.accept(kwNull) {
		text := p.str()
		s.Text = &text
	}
	return s
}

// grant reads GRANT.
func (p *parser) grant() sql.Statement {
	s := &sql.Grant{Grantable: p.grantable()}
	p.expect(kwTo)
	s.To = p.grantees()
	s.WithOption = p.oneOf("with grant option", "with admin option") >= 0
	s.By = p.grantedBy()
	return s
}

// revoke reads REVOKE.
func (p *parser) revoke() sql.Statement {
	s := &sql.Revoke{OptionFor: p.oneOf("grant option for", "admin option for") >= 0}
	s.Grantable = p.grantable()
	p.expect(kwFrom)
	s.To = p.grantees()
	s.By = p.grantedBy()
	s.Cascade = p.cascade()
	return s
}

func (p *parser) grantedBy() string {
	if p.words("granted", "by") {
		return p.roleName()
	}
	return ""
}

func (p *parser) grantees() (list []string) {
	for {
		p.words("group")
		list = append(list, p.roleName())
		if !p.acceptC(',') {
			return list
		}
	}
}

// grantable reads privileges ON objects, or the roles to grant.
func (p *parser) grantable() (g sql.Grantable) {
	if p.accept(kwAll) {
		g.All = true
		p.words("privileges")
		if p.isC('(') { // ALL (a, b)
			g.Privileges = []sql.Privilege{{Name: "ALL", Columns: p.names()}}
			g.All = false
		}
	} else {
		for {
			g.Privileges = append(g.Privileges, p.privilege())
			if !p.acceptC(',') {
				break
			}
		}
	}
	if !p.accept(kwOn) {
		if g.All {
			p.unexpected()
		}
		for _, r := range g.Privileges {
			g.Roles = append(g.Roles, r.Name)
		}
		g.Privileges = nil
		return g
	}
	for i := range g.Privileges {
		g.Privileges[i].Name = strings.ToUpper(g.Privileges[i].Name)
	}
	p.grantObjects(&g)
	return g
}

// privilege reads one privilege or role name; its case is decided when ON shows which it is.
func (p *parser) privilege() (r sql.Privilege) {
	if at := p.loc(); p.words("alter", "system") {
		p.unsupported(at, "the privilege ALTER SYSTEM", "Only superusers have it.")
	}
	r.Name = p.label()
	if p.isC('(') {
		r.Columns = p.names()
	}
	return r
}

// grantObjects reads what follows ON.
func (p *parser) grantObjects(g *sql.Grantable) {
	g.Kind = sql.ObjTable
	p.refuseGrant(p.loc())
	switch p.oneOf("all tables in schema", "all sequences in schema", "all functions in schema",
		"all routines in schema", "all procedures in schema") {
	case 0:
		g.AllIn = true
	case 1:
		g.AllIn, g.Kind = true, sql.ObjSequence
	case 2, 3, 4:
		g.AllIn, g.Kind = true, sql.ObjFunction
	default:
		if t := p.peek(1); t.kind == kindIdent && t.kw != kwTo && t.kw != kwFrom ||
			t.kind == kindQIdent {
			if k := p.objectKind(); k != sql.NoObject {
				g.Kind = k
			}
		}
	}
	for {
		g.Names = append(g.Names, p.qname())
		if g.Kind == sql.ObjFunction && !g.AllIn {
			g.Args = append(g.Args, p.argTypes())
		}
		if !p.acceptC(',') {
			return
		}
	}
}

// analyze reads ANALYZE.
func (p *parser) analyze() sql.Statement {
	return &sql.Analyze{Maintained: p.maintained("verbose")}
}

// vacuum reads VACUUM.
func (p *parser) vacuum() sql.Statement {
	return &sql.Vacuum{Maintained: p.maintained("full", "freeze", "verbose", "analyze")}
}

// maintained reads the options and tables of VACUUM and ANALYZE.
func (p *parser) maintained(words ...string) (m sql.Maintained) {
	if p.isC('(') {
		m.Options = p.options()
	} else {
		for at := p.loc(); ; at = p.loc() {
			i := p.oneOf(words...)
			if i < 0 {
				break
			}
			m.Options = append(m.Options, sql.Option{Loc: at, Name: words[i]})
		}
	}
	for p.tok().isName() {
		t := sql.MaintainedTable{Name: p.qname()}
		if p.isC('(') {
			t.Columns = p.names()
		}
		m.Targets = append(m.Targets, t)
		if !p.acceptC(',') {
			break
		}
		if !p.tok().isName() {
			p.unexpected()
		}
	}
	return m
}

func (p *parser) reindex() sql.Statement {
	s := &sql.Reindex{}
	if p.isC('(') {
		s.Options = p.options()
	}
	if s.Kind = p.objectKind(); s.Kind == sql.NoObject {
		if !p.words("system") {
			p.unexpected()
		}
		s.Kind, s.System = sql.ObjDatabase, true
	}
	s.Concurrently = p.words("concurrently")
	s.Name = p.qname()
	return s
}

func (p *parser) checkpoint() sql.Statement { return &sql.Checkpoint{} }

func (p *parser) refresh() sql.Statement {
	p.need("materialized", "view")
	s := &sql.RefreshView{Concurrently: p.words("concurrently")}
	s.Name = p.qname()
	s.NoData = p.withData()
	return s
}

// do reads DO [LANGUAGE x] 'code' [LANGUAGE x].
func (p *parser) do() sql.Statement {
	s := &sql.Do{}
	if p.words("language") {
		s.Language = p.label()
	}
	s.Body = p.str()
	if s.Language == "" && p.words("language") {
		s.Language = p.label()
	}
	return s
}

func (p *parser) callProcedure() sql.Statement {
	at := p.loc()
	return &sql.CallProc{Call: p.call(at, p.qname())}
}

func (p *parser) runScript() sql.Statement {
	p.need("script")
	return &sql.RunScript{File: p.str()}
}

// assert reads ksqlDB's ASSERT statements.
func (p *parser) assert() sql.Statement {
	if p.words("null", "values") {
		return p.assertValues(true)
	}
	if p.accept(kwValues) {
		return p.assertValues(false)
	}
	not := p.words("not", "exists")
	switch p.oneOf("topic", "schema", "stream", "table") {
	case 0:
		s := &sql.AssertTopic{Not: not}
		s.Name = p.topicName()
		s.Options = p.optionalWith()
		s.Timeout = p.timeout()
		return s
	case 1:
		s := &sql.AssertSchema{Not: not, ID: -1}
		if p.words("subject") {
			if p.tok().kind == kindStr {
				s.Subject = p.stringName()
			} else {
				s.Subject = p.label()
			}
		}
		if p.words("id") {
			s.ID = p.integer()
		}
		s.Timeout = p.timeout()
		return s
	case 2:
		return p.assertRelation(sql.ObjStream)
	case 3:
		return p.assertRelation(sql.ObjTable)
	}
	p.unexpected()
	return nil
}

func (p *parser) timeout() *sql.Span {
	if p.words("timeout") {
		return p.span()
	}
	return nil
}

func (p *parser) assertRelation(kind sql.ObjectKind) sql.Statement {
	s := &sql.AssertRelation{Kind: kind, Name: p.qname()}
	if p.isC('(') {
		s.Definition = p.definition()
	}
	s.With = p.optionalWith()
	return s
}

func (p *parser) assertValues(null bool) sql.Statement {
	s := &sql.AssertValues{Null: null, Table: p.qname()}
	if p.isC('(') {
		s.Columns, _ = p.insertColumns()
	}
	if null && p.accept(kwKey) {
		at := p.loc()
		p.expectC('(')
		row := p.exprs()
		p.expectC(')')
		s.Query = &sql.Query{Loc: at, Body: &sql.Values{Loc: at, Rows: [][]sql.Expr{row}}}
		return s
	}
	s.Query = p.query()
	return s
}
