package session

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// scope is what one execution may look at: a read point, and the session as
// expressions see it. It is made in one piece because every statement needs one.
type scope struct {
	session *Session
	point   *exec.ReadPoint
	txn     *exec.Txn
	own     bool // point is released with the scope
	drafted bool // the block has DDL

	env       expr.Env
	values    types.Env
	system    system.Context
	describer system.Describer
}

// scope pins what a statement reads. The caller closes it.
func (s *Session) scope() *scope {
	x := &scope{session: s}
	if s.block != noBlock {
		x.txn = s.open()
		x.point, x.drafted = x.txn.Point(), x.txn.Drafted()
	} else {
		x.point, x.own = s.host.engine.Pin(), true
	}
	x.bind(s.txnStart)
	return x
}

// describing is a scope for reading parameters and describing results, without a
// read point.
func (s *Session) describing() *scope {
	x := &scope{session: s}
	x.bindTo(s.snapshot(), s.host.clock.NowMicros())
	return x
}

func (x *scope) bind(now int64) { x.bindTo(x.point.Catalog, now) }

func (x *scope) bindTo(snap *catalog.Snapshot, now int64) {
	s := x.session
	user := s.currentUser()
	x.system = system.Context{Snapshot: snap, User: user, Database: DatabaseName,
		Settings: s.systemSettings, SearchPath: snap.NamedPath(s.settings.path, user), Now: now,
		Stats: s.host.sizeOf, SequenceLast: s.lastNumber, ViewText: s.viewText}
	x.describer = system.Describer{Registry: s.host.system, Context: &x.system}
	x.values = s.settings.format
	x.values.Now, x.values.Names = now, &x.describer
	x.env = expr.Env{Now: now, Zone: x.values.Zone, Values: &x.values, Session: x,
		Clock: s.host.clock.NowMicros, Random: s.host.random}
}

func (x *scope) close() {
	if x.own {
		x.own = false
		x.point.Release()
	}
}

// read makes the execution of a plan.
func (x *scope) read(p *plan.Plan, params []types.Datum) *exec.Read {
	x.env.Params = params
	x.session.reading.Store(&x.system)
	return &exec.Read{Plan: p, Point: x.point, Env: &x.env, System: &x.system, Txn: x.txn,
		CommitOnly: x.session.settings.values[idxWaitFor] == "commit"}
}

// currentUser is the role in force: SET ROLE's, or the session's user.
func (s *Session) currentUser() string {
	if r := s.settings.get("role"); r != "none" {
		return r
	}
	return s.settings.get("session_authorization")
}

// Setting implements expr.Session.
func (x *scope) Setting(name string) (string, bool) { return x.session.Setting(lower(name)) }

// Set implements expr.Session.
func (x *scope) Set(name, value string, local bool) error {
	if local && x.session.block == noBlock {
		return nil // ends with the statement
	}
	return x.session.set(lower(name), value, local)
}

// User implements expr.Session.
func (x *scope) User() string { return x.system.User }

// Database implements expr.Session. The alias is shown as the client asked for
// it, because clients compare.
func (x *scope) Database() string { return x.session.database }

// SearchPath implements expr.Session.
func (x *scope) SearchPath() []string { return x.system.SearchPath }

// BackendPID implements expr.Session.
func (x *scope) BackendPID() int32 { return x.session.pid }

// Describe implements expr.Session: functions about sessions here, about the
// catalog by the describer.
func (x *scope) Describe(fn string, args []types.Datum) (types.Datum, bool, error) {
	if f, ok := sessionFuncs[fn]; ok {
		d, err := f(x, args)
		return d, err == nil && !d.Null, err
	}
	if i := strings.LastIndexByte(fn, '.'); i >= 0 {
		fn = fn[i+1:]
	}
	return x.describer.Describe(fn, args)
}

// columnsOf describes a plan's result.
func columnsOf(p *plan.Plan) []Column {
	if p.Columns == nil {
		return nil
	}
	out := make([]Column, len(p.Columns))
	for i, c := range p.Columns {
		t := c.Type
		if t.Kind == types.Unknown {
			t = types.Of(types.Text)
		}
		out[i] = Column{Name: c.Name, Type: t, OID: t.OID(), Table: uint32(c.Table),
			Attnum: c.Attnum}
		if c.Attnum < 0 {
			out[i].Table, out[i].Attnum = 0, 0
		}
	}
	return out
}

// formatted gives columns with the result formats of Bind: none (text), one for
// all, or one for each.
func formatted(cols []Column, formats []int16) []Column {
	if len(formats) == 0 {
		return cols
	}
	out := slices.Clone(cols)
	for i := range out {
		out[i].Format = formats[min(i, len(formats)-1)]
	}
	return out
}

func (s *Session) result(cols []Column, values *types.Env) *Result {
	return &Result{Columns: cols, Values: values, FloatDigits: s.settings.floatDigits}
}
