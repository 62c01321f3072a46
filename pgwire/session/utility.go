package session

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// utility runs the statements that need no plan.
//
//tidy:long one case per statement
func (s *Session) utility(ctx context.Context, st *statement, params []types.Datum,
	formats []int16, sink Sink,
) error {
	tag := ""
	var err error
	switch x := st.tree.(type) {
	case *sql.SetVar:
		tag, err = "SET", s.setVar(x, sink)
	case *sql.ResetVar:
		tag, err = "RESET", s.resetVar(x.Name)
	case *sql.Unset:
		tag, err = "UNSET", s.resetVar(x.Name)
	case *sql.ShowVar:
		return s.showVar(x, formats, sink)
	case *sql.ShowObjects:
		return s.showOwn(x, formats, sink)
	case *sql.Discard:
		tag, err = "DISCARD "+x.What.String(), s.discard(x)
	case *sql.Prepare:
		tag, err = "PREPARE", s.prepareSQL(st, x)
	case *sql.Execute:
		return s.executeSQL(ctx, x, params, formats, sink)
	case *sql.Deallocate:
		tag, err = s.deallocate(x)
	case *sql.Fetch:
		return s.fetch(ctx, x, sink)
	case *sql.Move:
		return s.move(ctx, x, sink)
	case *sql.CloseCursor:
		return s.closeCursor(x, sink)
	case *sql.Define:
		tag, err = "DEFINE", s.define(x)
	case *sql.Undefine:
		delete(s.variables, x.Name)
		tag = "UNDEFINE"
	case *sql.Listen:
		err = errNotify("LISTEN")
	case *sql.Notify:
		err = errNotify("NOTIFY")
	case *sql.Unlisten:
		tag = "UNLISTEN"
	case *sql.AlterRole:
		tag, err = "ALTER ROLE", s.alterRoleSetting(ctx, x)
	case *sql.AlterSystem:
		err = sqlerr.Unsupported("ALTER SYSTEM",
			"Use SET for the session, ALTER ROLE ... SET for a role, or flags of millrace start.")
	case *sql.Vacuum:
		if tag = "VACUUM"; s.block == explicitBlock {
			err = errInBlock("VACUUM")
		} else {
			err = s.maintain(tag, &x.Maintained)
		}
	case *sql.Do:
		tag, err = "DO", s.do(ctx, st, x, sink)
	case *sql.Analyze:
		tag, err = "ANALYZE", s.maintain("ANALYZE", &x.Maintained)
	case *sql.Checkpoint:
		tag = "CHECKPOINT"
	case *sql.Flush:
		tag = "FLUSH"
	case *sql.Lock:
		tag, err = "LOCK TABLE", s.lock(x)
	case *sql.CreateAs:
		return s.createFromPrepared(ctx, x, params, formats, sink)
	case *sql.SetConstraints:
		tag, err = "SET CONSTRAINTS", s.setConstraints(ctx, x, sink)
	default:
		err = sqlerr.Unsupported("RUN SCRIPT", "Read the script on the client: "+
			"psql -f FILE, or millrace sql -f FILE.")
	}
	if err != nil {
		return err
	}
	return gone(sink.Complete(tag))
}

func errNotify(what string) error {
	return sqlerr.Unsupported(what,
		"Read changes as they come: SELECT ... EMIT CHANGES over a stream or table.")
}

func errInBlock(what string) error {
	return sqlerr.New(sqlerr.ActiveSQLTransaction,
		"%s cannot run inside a transaction block", what)
}

func (s *Session) setVar(x *sql.SetVar, sink Sink) error {
	name := lower(x.Name)
	if x.Local && s.block == noBlock {
		return s.notice(sink, warning(sqlerr.NoActiveSQLTransaction,
			"SET LOCAL can only be used in transaction blocks"))
	}
	if x.Default || len(x.Values) == 0 {
		return s.resetOne(name, x.Local)
	}
	value, err := settingValue(name, x.Values)
	if err != nil {
		return err
	}
	if (name == "role" || name == "session_authorization") && lower(value) == "none" {
		value = "none"
	}
	if err := s.set(name, value, x.Local); err != nil {
		return sqlerr.As(err)
	}
	if name == "application_name" {
		s.showName()
	}
	if n := withoutEffect(name); n != nil {
		return s.notice(sink, n)
	}
	return nil
}

func (s *Session) resetVar(name string) error {
	name = lower(name)
	if name == "all" {
		s.resetAll()
		return nil
	}
	return s.resetOne(name, false)
}

var textColumn = types.Of(types.Text)

func textColumns(names ...string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{Name: n, Type: textColumn, OID: textColumn.OID()}
	}
	return out
}

// textRows gives a result of text columns.
func (s *Session) textRows(sink Sink, cols []Column, formats []int16, tag string,
	rows ...[]string,
) error {
	ts := make([]types.Type, len(cols))
	for i := range cols {
		ts[i] = textColumn
	}
	if err := gone(sink.Columns(s.result(formatted(cols, formats), &s.settings.format))); err != nil {
		return err
	}
	b := batch.New(ts, len(rows))
	for _, r := range rows {
		for i, v := range r {
			b.Cols[i].AppendString(v)
		}
		b.N++
	}
	if b.N > 0 {
		if err := gone(sink.Rows(b)); err != nil {
			return err
		}
	}
	return gone(sink.Complete(tag))
}

func showColumns(name string) []Column {
	if name = lower(name); name == "all" {
		return textColumns("name", "setting", "description")
	}
	if i, ok := settingIndex[name]; ok {
		return textColumns(settingDefs[i].name)
	}
	return textColumns(name)
}

func (s *Session) showVar(x *sql.ShowVar, formats []int16, sink Sink) error {
	name := lower(x.Name)
	cols := showColumns(name)
	if name != "all" {
		v, ok := s.Setting(name)
		if !ok {
			return s.undefinedShow(name)
		}
		return s.textRows(sink, cols, formats, "SHOW", []string{v})
	}
	var rows [][]string
	for i, d := range settingDefs {
		rows = append(rows, []string{d.name, d.show(s.settings.values[i]), d.desc})
	}
	return s.textRows(sink, cols, formats, "SHOW", rows...)
}

// ownShow gives the columns of the lists that only the session has.
func ownShow(k sql.ShowKind) []Column {
	if k == sql.ShowVariables {
		return textColumns("name", "value")
	}
	return textColumns("name", "value", "default_value", "description")
}

// showOwn runs SHOW VARIABLES, and SHOW PROPERTIES (ksqlDB's SHOW ALL).
func (s *Session) showOwn(x *sql.ShowObjects, formats []int16, sink Sink) error {
	var rows [][]string
	if x.Kind == sql.ShowVariables {
		for name, v := range s.variables {
			rows = append(rows, []string{name, v})
		}
		sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
	} else {
		for i, d := range settingDefs {
			rows = append(rows,
				[]string{d.name, d.show(s.settings.values[i]), d.show(d.boot), d.desc})
		}
	}
	rows, err := rowsLike(rows, x.Like)
	if err != nil {
		return err
	}
	return s.textRows(sink, ownShow(x.Kind), formats, "SHOW", rows...)
}

// rowsLike keeps the rows whose first column is LIKE a pattern; "" is none.
func rowsLike(rows [][]string, pattern string) ([][]string, error) {
	if pattern == "" {
		return rows, nil
	}
	var out [][]string
	for _, r := range rows {
		ok, err := expr.MatchesLike(r[0], pattern)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// define sets a variable. Its name stands in ${} as it is, without quotes, so that it must
// be a word.
func (s *Session) define(x *sql.Define) error {
	if n := x.Name; n == "" || n[0] >= '0' && n[0] <= '9' {
		return sqlerr.New(sqlerr.InvalidName, "invalid name of a variable: \"%s\"", x.Name).
			At(x.Pos()).WithHint("Begin it with a letter or _.")
	}
	s.variables[x.Name] = x.Value
	return nil
}

func (s *Session) discard(x *sql.Discard) error {
	if x.What != sql.DiscardAll {
		if x.What == sql.DiscardTemp {
			s.dropTemp()
		}
		return nil
	}
	if s.block == explicitBlock {
		return errInBlock("DISCARD ALL")
	}
	s.closePortals(true)
	clear(s.prepared)
	clear(s.variables)
	s.resetAll()
	for _, n := range []string{"role", "session_authorization"} {
		if err := s.resetOne(n, false); err != nil {
			return err
		}
	}
	s.host.locks.releaseAll(s.pid, nil)
	s.lastSeq = lastSequence{}
	s.dropTemp()
	return nil
}

// prepareSQL runs PREPARE.
func (s *Session) prepareSQL(st *statement, x *sql.Prepare) error {
	if s.prepared[x.Name] != nil {
		return errDuplicateStatement(x.Name)
	}
	p := &prepared{name: x.Name, text: st.source(), created: s.host.clock.NowMicros(), bySQL: true,
		st: &statement{text: st.text, tree: x.Stmt}}
	var err error
	if p.st.given, err = s.typesOfNames(x.Types); err != nil {
		return err
	}
	if err := s.ready(p.st, s.snapshot()); err != nil {
		return err
	}
	p.columns = s.describe(p.st)
	s.prepared[x.Name] = p
	return nil
}

// typesOfNames resolves type names: as the types of casts of NULL.
func (s *Session) typesOfNames(names []*sql.TypeName) ([]types.Type, error) {
	if len(names) == 0 {
		return nil, nil
	}
	exprs := make([]sql.Expr, len(names))
	for i, n := range names {
		null := &sql.Const{Loc: sql.NoLoc, Kind: sql.NullConst}
		exprs[i] = &sql.Cast{Loc: sql.NoLoc, X: null, Type: n}
	}
	p, err := s.planSelect(exprs)
	if err != nil {
		return nil, err
	}
	var out []types.Type
	for _, c := range p.Columns {
		c.Type.Mod = 0 // parameters have none
		out = append(out, c.Type)
	}
	return out, nil
}

// planSelect plans SELECT of expressions.
func (s *Session) planSelect(exprs []sql.Expr) (*plan.Plan, error) {
	sel := &sql.Select{Loc: sql.NoLoc}
	for _, x := range exprs {
		sel.Items = append(sel.Items, sql.Item{X: x})
	}
	tree := &sql.SelectStmt{Query: &sql.Query{Loc: sql.NoLoc, Body: sel}}
	st := &statement{tree: tree}
	return planner.Build(tree, s.planEnv(st, s.snapshot()))
}

func (s *Session) deallocate(x *sql.Deallocate) (string, error) {
	if x.All {
		clear(s.prepared)
		return "DEALLOCATE ALL", nil
	}
	if _, err := s.findPrepared(x.Name); err != nil {
		return "", err
	}
	delete(s.prepared, x.Name)
	return "DEALLOCATE", nil
}

// describe gives the columns of a statement's result; nil: it gives no rows.
func (s *Session) describe(st *statement) []Column {
	switch x := st.tree.(type) {
	case *sql.ShowVar:
		return showColumns(x.Name)
	case *sql.ShowObjects:
		if !planned(x) {
			return ownShow(x.Kind)
		}
	case *sql.Execute:
		if p := s.prepared[x.Name]; p != nil {
			return p.columns
		}
		return nil
	case *sql.Fetch:
		if p := s.portals[x.Cursor]; p != nil {
			return p.columns
		}
		return nil
	}
	if !planned(st.tree) {
		return nil
	}
	return st.columns
}

// alterRoleSetting runs ALTER ROLE ... SET and RESET.
func (s *Session) alterRoleSetting(ctx context.Context, x *sql.AlterRole) error {
	old := s.snapshot().Role(x.Name)
	if old == nil {
		return sqlerr.New(sqlerr.UndefinedObject, "role \"%s\" does not exist", x.Name)
	}
	r := *old
	r.Settings = slices.Clone(old.Settings)
	name := ""
	if x.Set != nil {
		name = lower(x.Set.Name)
	} else {
		name = lower(x.Reset.Name)
	}
	r.Settings = slices.DeleteFunc(r.Settings, func(o catalog.Option) bool {
		return o.Name == name || name == "all"
	})
	if x.Set != nil && !x.Set.Default {
		v, err := settingValue(name, x.Set.Values)
		if err != nil {
			return err
		}
		i, ok := settingIndex[name]
		switch {
		case ok && settingDefs[i].fixed:
			return sqlerr.New(sqlerr.CantChangeRuntimeParam,
				"parameter \"%s\" cannot be changed", name)
		case ok:
			if v, err = settingDefs[i].canonical(s, v); err != nil {
				return err
			}
		case !strings.Contains(name, "."):
			return s.undefinedSetting(name)
		}
		r.Settings = append(r.Settings, catalog.Option{Name: name, Value: v})
	}
	_, err := s.apply(ctx, &catalog.CreateRole{Role: r, OrReplace: true})
	return err
}
