package planner

import (
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func command(tag string, c catalog.Command) *plan.Plan { return &plan.Plan{Tag: tag, Command: c} }

// dropKinds maps the words of DROP to kinds of relations.
var dropKinds = map[sql.ObjectKind]catalog.RelationKind{
	sql.ObjStream: catalog.KindStream, sql.ObjTable: catalog.KindTable,
	sql.ObjView: catalog.KindView, sql.ObjMaterializedView: catalog.KindMaterializedView,
	sql.ObjIndex: catalog.KindIndex, sql.ObjSequence: catalog.KindSequence,
}

// drop plans DROP of any kind.
func (b *builder) drop(s *sql.Drop) (*plan.Plan, error) {
	tag := "DROP " + s.Kind.String()
	if kind, ok := dropKinds[s.Kind]; ok {
		names, err := b.dropNames(s, func(schema, name string) bool {
			return b.env.Snapshot.Lookup(schema, name) != nil
		})
		if err == nil {
			err = b.mayDrop(s.Kind, names)
		}
		if err == nil {
			err = b.keepsTopic(s)
		}
		return command(tag, &catalog.DropObjects{Kind: kind, Names: names, IfExists: s.IfExists,
			Cascade: s.Cascade}), err
	}
	switch s.Kind {
	case sql.ObjSchema:
		if err := b.mayDropSchemas(lasts(s.Names)); err != nil {
			return nil, err
		}
		return command(tag, &catalog.DropSchema{Names: lasts(s.Names), IfExists: s.IfExists,
			Cascade: s.Cascade}), nil
	case sql.ObjRole:
		if err := b.mustBeSuper("drop role"); err != nil {
			return nil, err
		}
		return command(tag, &catalog.DropRole{Names: lasts(s.Names), IfExists: s.IfExists}), nil
	case sql.ObjType, sql.ObjDomain:
		names, err := b.dropNames(s, func(schema, name string) bool {
			return b.env.Snapshot.UserType(schema, name) != nil
		})
		if err == nil {
			err = b.mayDrop(s.Kind, names)
		}
		return command(tag, &catalog.DropType{Names: names, IfExists: s.IfExists,
			Cascade: s.Cascade}), err
	case sql.ObjFunction, sql.ObjProcedure:
		return b.dropFunction(s, tag)
	case sql.ObjExtension:
		if s.IfExists {
			return &plan.Plan{Tag: tag}, nil
		}
		return nil, sqlerr.New(sqlerr.UndefinedObject, "extension \"%s\" does not exist",
			s.Names[0].Last())
	}
	if s.IfExists {
		b.notice("%s \"%s\" does not exist, skipping", objectWord(s.Kind), s.Names[0].Last())
		return &plan.Plan{Tag: tag}, nil
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "%s is not supported", tag).
		WithHint("Objects of this kind do not exist here.")
}

// dropNames resolves names along the search path; one that is not found is looked
// for in the schema where it would be created.
func (b *builder) dropNames(s *sql.Drop, exists func(schema, name string) bool) (
	[]catalog.QualifiedName, error) {
	var out []catalog.QualifiedName
	for _, n := range s.Names {
		q := catalog.QualifiedName{Schema: n.Schema(), Name: n.Last()}
		if q.Schema == "" {
			q.Schema = b.creationSchema()
			for _, schema := range b.path {
				if exists(schema, q.Name) {
					q.Schema = schema
					break
				}
			}
		}
		out = append(out, q)
	}
	return out, nil
}

func (b *builder) dropFunction(s *sql.Drop, tag string) (*plan.Plan, error) {
	names, err := b.dropNames(s, func(schema, name string) bool {
		return len(b.env.Snapshot.Functions(schema, name)) > 0
	})
	if err == nil {
		err = b.mayDrop(s.Kind, names)
	}
	if err != nil {
		return nil, err
	}
	c := &catalog.DropFunction{Names: names, IfExists: s.IfExists, Cascade: s.Cascade}
	for _, list := range s.Args {
		if list == nil {
			c.Args = append(c.Args, nil)
			continue
		}
		ts := []types.Type{}
		for _, t := range list {
			typ, err := expr.ResolveTypeName(t, &scope{b: b})
			if err != nil {
				return nil, err
			}
			ts = append(ts, typ)
		}
		c.Args = append(c.Args, ts)
	}
	return command(tag, c), nil
}

func lasts(names []sql.Name) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n.Last()
	}
	return out
}

// createSchema plans CREATE SCHEMA.
func (b *builder) createSchema(s *sql.CreateSchema) (*plan.Plan, error) {
	name := s.Name
	if name == "" {
		name = s.Owner
	}
	owner := s.Owner
	if owner == "" || owner == "current_user" || owner == "session_user" || owner == "current_role" {
		owner = b.env.User
	}
	if strings.HasPrefix(name, "pg_") {
		return nil, sqlerr.New(sqlerr.ReservedName, "unacceptable schema name \"%s\"", name).
			WithDetail("The prefix \"pg_\" is reserved for system schemas.")
	}
	if b.env.Snapshot.Schema(name) == nil && !b.super() && !b.env.Snapshot.HasPrivilege(
		b.env.User, catalog.DatabaseOID, catalog.Superuser, "CREATE") {
		return nil, denied("database", b.env.Database)
	}
	return command("CREATE SCHEMA", &catalog.CreateSchema{Name: name, Owner: owner,
		IfNotExists: s.IfNotExists}), nil
}

// createType plans CREATE TYPE: an alias, an enum, or a composite.
func (b *builder) createType(s *sql.CreateType) (*plan.Plan, error) {
	schema, name, err := b.target(s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	t := catalog.UserType{Schema: schema, Name: name}
	switch s.Kind {
	case sql.EnumType:
		if t.Labels = s.Labels; t.Labels == nil {
			t.Labels = []string{}
		}
		for i, l := range s.Labels {
			if slices.Contains(s.Labels[:i], l) {
				return nil, sqlerr.New(sqlerr.DuplicateObject,
					"enum label \"%s\" used more than once", l)
			}
		}
	case sql.CompositeType:
		t.Base = types.Of(types.Record)
		for _, f := range s.Fields {
			ft, err := expr.ResolveTypeName(f.Type, &scope{b: b})
			if err != nil {
				return nil, err
			}
			t.Base.Fields = append(t.Base.Fields, types.Field{Name: f.Name, Type: ft})
		}
	default:
		t.Alias = true
		if t.Base, err = expr.ResolveTypeName(s.Alias, &scope{b: b}); err != nil {
			return nil, err
		}
	}
	return command("CREATE TYPE", &catalog.CreateType{Type: t, IfNotExists: s.IfNotExists}), nil
}

// createDomain plans CREATE DOMAIN: a type with checks over VALUE.
func (b *builder) createDomain(s *sql.CreateDomain) (*plan.Plan, error) {
	schema, name, err := b.target(s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	base, err := expr.ResolveTypeName(s.Type, &scope{b: b})
	if err != nil {
		return nil, err
	}
	if s.Default != nil {
		return nil, sqlerr.Unsupported("DEFAULT of a domain",
			"Write the default at the columns.").At(s.Default.Pos())
	}
	t := catalog.UserType{Schema: schema, Name: name, Base: base, NotNull: s.NotNull}
	value := &scope{b: b, clause: "domain constraints", entries: []*entry{{}}}
	value.cols = []column{{entry: value.entries[0], name: "value",
		x: &expr.Col{T: base, Name: "value"}}}
	for i, k := range s.Checks {
		if _, err := b.checkBool(k.Check, value, "CHECK"); err != nil {
			return nil, err
		}
		n := k.Name
		if n == "" {
			n = name + "_check"
			if i > 0 {
				n += strconv.Itoa(i)
			}
		}
		t.Checks = append(t.Checks, catalog.Check{Name: n, Expr: sql.Print(k.Check)})
	}
	return command("CREATE DOMAIN", &catalog.CreateType{Type: t}), nil
}

// createSequence plans CREATE SEQUENCE.
func (b *builder) createSequence(s *sql.CreateSequence) (*plan.Plan, error) {
	schema, name, err := b.target(s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	t := types.Of(types.Int8)
	if s.Options.Type != nil {
		if t, err = expr.ResolveTypeName(s.Options.Type, &scope{b: b}); err != nil {
			return nil, err
		}
	}
	seq, err := b.sequence(&s.Options, t)
	if err != nil {
		return nil, err
	}
	if err := noSequenceName(&s.Options, s.Pos()); err != nil {
		return nil, err
	}
	if err := b.ownedBy(seq, schema, s.Options.OwnedBy, s.Pos()); err != nil {
		return nil, err
	}
	return command("CREATE SEQUENCE", &catalog.CreateRelation{IfNotExists: s.IfNotExists,
		Relation: catalog.Relation{Schema: schema, Name: name, Kind: catalog.KindSequence,
			Sequence: seq, TimeColumn: -1, GraceMicros: -1, Owner: b.env.User}}), nil
}

// sequence reads sequence options for values of type t.
func (b *builder) sequence(o *sql.SequenceOptions, t types.Type) (*catalog.Sequence, error) {
	limits := map[types.Kind]int64{types.Int2: 1<<15 - 1, types.Int4: 1<<31 - 1,
		types.Int8: 1<<63 - 1}
	top, ok := limits[t.Kind]
	if !ok {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue,
			"sequence type must be smallint, integer, or bigint")
	}
	s := &catalog.Sequence{Increment: 1, Cycle: o.Cycle}
	var err error
	read := func(x sql.Expr, v *int64) {
		if x != nil && err == nil {
			*v, err = b.constInt(x)
		}
	}
	read(o.Increment, &s.Increment)
	s.Min, s.Max = 1, top
	if s.Increment < 0 {
		s.Min, s.Max = -top-1, -1
	}
	if !o.NoMin {
		read(o.Min, &s.Min)
	}
	if !o.NoMax {
		read(o.Max, &s.Max)
	}
	s.Start = s.Min
	if s.Increment < 0 {
		s.Start = s.Max
	}
	read(o.Start, &s.Start)
	s.Origin = s.Start
	if err == nil {
		err = checkSequence(s, s.Start)
	}
	return s, err
}

// checkSequence checks the options of a sequence that was declared to start with a number.
func checkSequence(s *catalog.Sequence, start int64) error {
	switch {
	case s.Increment == 0:
		return sqlerr.New(sqlerr.InvalidParameterValue, "INCREMENT must not be zero")
	case s.Min >= s.Max:
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"MINVALUE (%d) must be less than MAXVALUE (%d)", s.Min, s.Max)
	case start < s.Min || start > s.Max:
		return outOfSequence("START", start, s)
	}
	return nil
}

func outOfSequence(word string, value int64, s *catalog.Sequence) error {
	if value < s.Min {
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"%s value (%d) cannot be less than MINVALUE (%d)", word, value, s.Min)
	}
	return sqlerr.New(sqlerr.InvalidParameterValue,
		"%s value (%d) cannot be greater than MAXVALUE (%d)", word, value, s.Max)
}

// seqType is the type of the numbers of a sequence, by its bounds.
func seqType(s *catalog.Sequence) types.Type {
	top := max(s.Max, -(s.Min + 1))
	switch {
	case top <= 1<<15-1:
		return types.Of(types.Int2)
	case top <= 1<<31-1:
		return types.Of(types.Int4)
	}
	return types.Of(types.Int8)
}

func (b *builder) constInt(x sql.Expr) (int64, error) {
	e, err := b.checkAs(x, (&scope{b: b}).in("sequence options"), types.Of(types.Int8))
	if err != nil {
		return 0, err
	}
	c, ok := e.(*expr.Const)
	if !ok || c.D.Null {
		return 0, sqlerr.New(sqlerr.SyntaxError, "option must be an integer constant").At(x.Pos())
	}
	return c.D.I, nil
}

// createFunction plans CREATE FUNCTION ... LANGUAGE SQL.
func (b *builder) createFunction(s *sql.CreateFunction) (*plan.Plan, error) {
	if s.Procedure {
		return nil, sqlerr.Unsupported("CREATE PROCEDURE", "Use CREATE FUNCTION.").At(s.Pos())
	}
	if s.Language != "" && lower(s.Language) != "sql" {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"language \"%s\" is not supported", s.Language).At(s.Pos()).
			WithHint("Write the function in SQL: LANGUAGE SQL.")
	}
	schema, name, err := b.target(s.Name, s.Pos())
	if err != nil {
		return nil, err
	}
	f := catalog.UserFunc{Schema: schema, Name: name, Strict: s.Strict,
		Volatile: [...]byte{'v', 'i', 's', 'v'}[s.Volatility]}
	if err := b.declareArgs(&f, s); err != nil {
		return nil, err
	}
	if err := b.mayReplace(&f, s.Replace); err != nil {
		return nil, err
	}
	if err := b.declareResult(&f, s); err != nil {
		return nil, err
	}
	if isTable(&f) {
		err := b.declareRows(&f, s)
		return command("CREATE FUNCTION", &catalog.CreateFunction{Func: f, OrReplace: s.Replace}), err
	}
	body := s.Return
	if body == nil {
		if !s.HasBody {
			return nil, sqlerr.New(sqlerr.InvalidTableDefinition, "no function body specified")
		}
		if body, err = functionBody(s.Body); err != nil {
			return nil, err
		}
	}
	f.Body = sql.Print(body)
	if err := b.declareBody(&f, s); err != nil {
		return nil, err
	}
	return command("CREATE FUNCTION", &catalog.CreateFunction{Func: f, OrReplace: s.Replace}), nil
}

// declareBody checks the body of a function of one value. That of a composite type may
// be given by its columns too.
func (b *builder) declareBody(f *catalog.UserFunc, s *sql.CreateFunction) error {
	if b.takesAnyBody() {
		return nil
	}
	args := make([]expr.Expr, len(f.Args))
	for i, t := range f.Args {
		args[i] = &expr.Param{N: i + 1, T: t}
	}
	_, err := (&scope{b: b}).called(f, args, s.Pos())
	if err == nil || f.Ret.Row == nil || !s.HasBody {
		return err
	}
	body, bodyErr := functionBody("SELECT ROW(q.*) FROM (" + s.Body + ") AS q")
	if bodyErr != nil {
		return err
	}
	columns := *f
	columns.Body = sql.Print(body)
	if _, err := (&scope{b: b}).called(&columns, args, s.Pos()); err != nil {
		return err
	}
	*f = columns
	return nil
}

// takesAnyBody tells whether bodies are read but not checked: a dump defines functions before
// the tables that they read.
func (b *builder) takesAnyBody() bool {
	return b.env.setting("check_function_bodies", "on") == "off"
}

// functionBody reads a body: an expression, or SELECT of one.
func functionBody(text string) (sql.Expr, error) {
	if x, err := parse.ParseExpr(text); err == nil {
		return x, nil
	}
	st, err := parse.ParseOne(text)
	if err != nil {
		return nil, err
	}
	sel, ok := st.(*sql.SelectStmt)
	if !ok {
		return nil, sqlerr.Unsupported("a function that changes data",
			"A function body must be a SELECT of one value.")
	}
	q := sel.Query
	if block, ok := q.Body.(*sql.Select); ok && len(block.From) == 0 && len(block.Items) == 1 &&
		block.Where == nil && q.With == nil && q.Limit == nil && block.GroupBy == nil &&
		block.Having == nil {
		return block.Items[0].X, nil
	}
	if q.Limit == nil { // the first row counts
		q.Limit = &sql.Const{Loc: q.Loc, Kind: sql.NumConst, Val: "1"}
	}
	return &sql.Subquery{Loc: q.Loc, Q: q}, nil
}

// createRole plans CREATE ROLE and CREATE USER.
func (b *builder) createRole(s *sql.CreateRole) (*plan.Plan, error) {
	if s.IfNotExists && b.env.Snapshot.Role(s.Name) != nil {
		b.notice("role \"%s\" already exists, skipping", s.Name)
		return &plan.Plan{Tag: "CREATE ROLE"}, nil
	}
	if err := b.mustBeSuper("create role"); err != nil {
		return nil, err
	}
	r := catalog.Role{Name: s.Name, CanLogin: s.User}
	options, members, err := b.roleMembers(s.Options)
	if err != nil {
		return nil, err
	}
	if err := b.roleOptions(&r, options); err != nil {
		return nil, err
	}
	batch := &catalog.Batch{Commands: []catalog.Command{&catalog.CreateRole{Role: r}}}
	for _, m := range members {
		x := *m
		x.MemberOf = append(slices.Clone(m.MemberOf), r.Name)
		batch.Commands = append(batch.Commands, &catalog.CreateRole{Role: x, OrReplace: true})
	}
	return b.batch("CREATE ROLE", batch), nil
}

// roleOptions applies the options of a role. A password is kept as it was given:
// the session replaces it by its verifier, because making that needs randomness.
func (b *builder) roleOptions(r *catalog.Role, opts []sql.Option) error {
	for _, o := range opts {
		name := strings.ReplaceAll(lower(o.Name), "_", " ")
		off := strings.HasPrefix(name, "no") && name != "noinherit"
		switch strings.TrimPrefix(name, "no") {
		case "superuser":
			r.Superuser = !off
		case "login":
			r.CanLogin = !off
		case "connection limit", "valid until":
			b.notice("%s has no effect: roles have no limits here", strings.ToUpper(name))
		case "createdb", "createrole", "inherit", "replication", "bypassrls", "encrypted",
			"unencrypted":
		case "password":
			if c, ok := o.Value.(*sql.Const); ok && c.Kind == sql.NullConst {
				r.Secret = ""
				continue
			}
			text, err := optionText(o)
			if err != nil {
				return err
			}
			r.Secret = text
		case "in role", "in group":
			names, err := optionNames(o)
			if err != nil {
				return err
			}
			r.MemberOf = append(r.MemberOf, names...)
		default:
			return sqlerr.New(sqlerr.SyntaxError,
				"unrecognized role option \"%s\"", name).At(o.Pos()).
				WithHint("The options are [NO]LOGIN, [NO]SUPERUSER, [NO]INHERIT, [NO]CREATEROLE, " +
					"[NO]CREATEDB, PASSWORD, VALID UNTIL, CONNECTION LIMIT and IN ROLE.")
		}
	}
	return nil
}

// alterRole plans ALTER ROLE.
func (b *builder) alterRole(s *sql.AlterRole) (*plan.Plan, error) {
	old := b.env.Snapshot.Role(s.Name)
	if old == nil {
		return nil, sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", s.Name)
	}
	if err := b.mayAlterRole(s); err != nil {
		return nil, err
	}
	r := *old
	r.Settings = slices.Clone(old.Settings)
	if err := b.roleOptions(&r, s.Options); err != nil {
		return nil, err
	}
	set := func(name string) {
		r.Settings = slices.DeleteFunc(r.Settings, func(o catalog.Option) bool {
			return o.Name == name || name == "all"
		})
	}
	if s.Reset != nil {
		set(s.Reset.Name)
	}
	if s.Set != nil {
		set(s.Set.Name)
		if !s.Set.Default {
			var parts []string
			for _, v := range s.Set.Values {
				text, err := optionText(sql.Option{Name: s.Set.Name, Value: v})
				if err != nil {
					return nil, err
				}
				parts = append(parts, text)
			}
			r.Settings = append(r.Settings, catalog.Option{Name: s.Set.Name,
				Value: strings.Join(parts, ", ")})
		}
	}
	return command("ALTER ROLE", &catalog.CreateRole{Role: r, OrReplace: true}), nil
}
