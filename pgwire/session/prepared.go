package session

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// prepared is a statement of Parse or PREPARE; they share their names.
type prepared struct {
	name    string
	st      *statement // nil: the text was empty
	text    string
	columns []Column // as first described
	created int64
	bySQL   bool
}

// paramTypes are the types of $1...
func (p *prepared) paramTypes() []types.Type {
	if p.st == nil || p.st.plan == nil {
		return nil
	}
	return p.st.plan.Params
}

// unknownOID is the type of a parameter that the client leaves open.
const unknownOID = 705

// Parse prepares a statement. oids are types of its parameters; 0 or missing ones
// are inferred.
func (s *Session) Parse(name, text string, oids []uint32) error {
	s.begin(text)
	defer s.end()
	err := s.parseNamed(name, text, oids)
	if err != nil {
		err = s.userError(err, text)
		s.fail()
	}
	return err
}

func (s *Session) parseNamed(name, text string, oids []uint32) error {
	if name == "" {
		delete(s.prepared, "")
	} else if s.prepared[name] != nil {
		return errDuplicateStatement(name)
	}
	list, err := s.parse(text)
	if err != nil {
		return err
	}
	p := &prepared{name: name, text: text, created: s.host.clock.NowMicros()}
	switch {
	case len(list) > 1:
		return sqlerr.New(sqlerr.SyntaxError,
			"cannot insert multiple commands into a prepared statement")
	case len(list) == 0:
	case s.failed && !endsBlock(list[0].tree):
		return errFailedBlock()
	default:
		p.st = list[0]
		if len(oids) > 0 {
			own := statement{text: text, tree: p.st.tree, told: p.st.told}
			if own.given, err = s.givenTypes(oids); err != nil {
				return err
			}
			if own.tree, err = withoutVoid(&own); err != nil {
				return err
			}
			p.st = &own
		}
		if err := s.ready(p.st, s.snapshot()); err != nil {
			return err
		}
		p.columns = s.describe(p.st)
	}
	s.prepared[name] = p
	return nil
}

func errDuplicateStatement(name string) error {
	return sqlerr.New(sqlerr.DuplicatePreparedStatement,
		"prepared statement \"%s\" already exists", name)
}

// givenTypes turns OIDs into types.
func (s *Session) givenTypes(oids []uint32) ([]types.Type, error) {
	out := make([]types.Type, len(oids))
	for i, oid := range oids {
		out[i] = types.Of(types.Unknown)
		if oid == 0 || oid == unknownOID {
			continue
		}
		t, ok := s.typeByOID(oid)
		if !ok {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "type with OID %d does not exist", oid)
		}
		out[i] = t
	}
	return out, nil
}

// withoutVoid gives the statement without the arguments that a client declared void:
// the JDBC driver sends the result of {? = call f(?)} as the first argument.
func withoutVoid(st *statement) (sql.Statement, error) {
	isVoid := func(x sql.Expr) bool {
		p, ok := x.(*sql.ParamRef)
		return ok && p.N <= len(st.given) && st.given[p.N-1].Kind == types.Void
	}
	if !slices.ContainsFunc(st.given, func(t types.Type) bool { return t.Kind == types.Void }) {
		return st.tree, nil
	}
	tree, err := parse.ParseOne(st.text) // a tree of its own: the other one is shared
	if err != nil {
		return nil, err
	}
	sql.Walk(tree, func(n sql.Node) bool {
		if c, ok := n.(*sql.Call); ok {
			c.Args = slices.DeleteFunc(c.Args, isVoid)
		}
		return true
	})
	return tree, nil
}

func (s *Session) typeByOID(oid uint32) (types.Type, bool) {
	if t, ok := types.TypeByOID(oid); ok {
		return t, true
	}
	for _, u := range s.snapshot().UserTypes() {
		if uint32(u.OID) == oid {
			return u.Base, true
		}
		if u.Labels != nil && u.Base.ArrayOID() == oid {
			return types.ArrayOf(u.Base), true
		}
	}
	return types.Type{}, false
}

func (s *Session) findPrepared(name string) (*prepared, error) {
	if p := s.prepared[name]; p != nil {
		return p, nil
	}
	if name == "" {
		return nil, sqlerr.New(sqlerr.InvalidSQLStatementName,
			"unnamed prepared statement does not exist")
	}
	return nil, sqlerr.New(sqlerr.InvalidSQLStatementName,
		"prepared statement \"%s\" does not exist", name)
}

// Description is what a prepared statement takes and gives. Columns is nil when
// it gives no rows.
type Description struct {
	Params  []uint32 // OIDs
	Columns []Column
}

// DescribeStatement describes a prepared statement.
func (s *Session) DescribeStatement(name string) (*Description, error) {
	p, err := s.findPrepared(name)
	if err == nil && p.st != nil {
		err = s.refresh(p)
	}
	if err != nil {
		err = s.userError(err, "")
		s.fail()
		return nil, err
	}
	d := &Description{Columns: p.columns}
	if p.st != nil {
		d.Params = paramOIDs(p.st.plan)
	}
	return d, nil
}

// paramOIDs gives the types of a plan's parameters as clients see them.
func paramOIDs(p *plan.Plan) []uint32 {
	if p == nil {
		return nil
	}
	out := make([]uint32, len(p.Params))
	for i, t := range p.Params {
		out[i] = t.OID()
	}
	return out
}

// refresh plans a prepared statement anew if something changed; the client may
// rely on the columns it was told.
func (s *Session) refresh(p *prepared) error {
	if s.failed && !endsBlock(p.st.tree) {
		return errFailedBlock()
	}
	if err := s.ready(p.st, s.snapshot()); err != nil {
		return err
	}
	if planned(p.st.tree) && !sameColumns(p.columns, s.describe(p.st)) {
		return errResultChanged()
	}
	return nil
}

// Bind makes a portal of a prepared statement: values and formats of its
// parameters (no format: text; one: for all), formats of its result.
func (s *Session) Bind(portalName, name string, formats []int16, values [][]byte,
	results []int16,
) error {
	err := s.bind(portalName, name, formats, values, results)
	if err != nil {
		err = s.userError(err, "")
		s.fail()
	}
	return err
}

func (s *Session) bind(portalName, name string, formats []int16, values [][]byte,
	results []int16,
) error {
	p, err := s.findPrepared(name)
	if err != nil {
		return err
	}
	if portalName == "" {
		s.closePortal("")
	} else if s.portals[portalName] != nil {
		return sqlerr.New(sqlerr.DuplicateCursor, "cursor \"%s\" already exists", portalName)
	}
	o := &portal{name: portalName, created: s.host.clock.NowMicros()}
	if p.st != nil {
		if err := s.refresh(p); err != nil {
			return err
		}
		if err := s.constants(p.st); err != nil {
			return err
		}
		o.st, o.columns = p.st, p.columns
	}
	if len(formats) > 1 && len(formats) != len(values) {
		return sqlerr.New(sqlerr.ProtocolViolation,
			"bind message has %d parameter formats but %d parameters", len(formats), len(values))
	}
	if want := len(p.paramTypes()); want != len(values) {
		return sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but "+
			"prepared statement \"%s\" requires %d", len(values), name, want)
	}
	if o.params, err = s.bindValues(p, portalName, formats, values); err != nil {
		return err
	}
	if err := checkResultFormats(results, len(o.columns)); err != nil {
		return err
	}
	o.formats = slices.Clone(results)
	o.columns = formatted(o.columns, o.formats)
	s.portals[portalName] = o
	return nil
}

func checkResultFormats(formats []int16, columns int) error {
	if len(formats) > 1 && len(formats) != columns {
		return sqlerr.New(sqlerr.ProtocolViolation,
			"bind message has %d result formats but query has %d columns", len(formats), columns)
	}
	for _, f := range formats {
		if f != 0 && f != 1 {
			return errFormat(f)
		}
	}
	return nil
}

func errFormat(f int16) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "unsupported format code: %d", f)
}

func (s *Session) bindValues(p *prepared, portalName string, formats []int16, values [][]byte) (
	[]types.Datum, error,
) {
	if len(values) == 0 {
		return nil, nil
	}
	x := s.describing()
	ts := p.paramTypes()
	out := make([]types.Datum, len(values))
	for i, v := range values {
		f := int16(0)
		if len(formats) > 0 {
			f = formats[min(i, len(formats)-1)]
		}
		d, err := readParam(&x.values, ts[i], f, v)
		if err != nil {
			e := *sqlerr.As(err)
			which := "unnamed portal"
			if portalName != "" {
				which = "portal \"" + portalName + "\""
			}
			value := ""
			if f == 0 {
				value = " = '...'" // as PostgreSQL shows values of clients by default
			}
			return nil, e.InContext("%s parameter $%d%s", which, i+1, value)
		}
		out[i] = d
	}
	return out, nil
}

func readParam(env *types.Env, t types.Type, format int16, v []byte) (types.Datum, error) {
	if v == nil {
		return types.NullDatum, nil
	}
	switch format {
	case 0:
		text := string(v)
		if err := types.ValidText(text); err != nil {
			return types.Datum{}, err
		}
		return types.ParseText(env, t, text)
	case 1:
		return types.ParseBinary(env, t, v)
	}
	return types.Datum{}, errFormat(format)
}

// CloseStatement and ClosePortal forget; what does not exist is no error.
func (s *Session) CloseStatement(name string) { delete(s.prepared, name) }

// ClosePortal closes a portal or cursor.
func (s *Session) ClosePortal(name string) { s.closePortal(name) }

// dropUnnamed is what a simple query does first.
func (s *Session) dropUnnamed() {
	if len(s.prepared) > 0 {
		delete(s.prepared, "")
	}
	if len(s.portals) > 0 {
		s.closePortal("")
	}
}
