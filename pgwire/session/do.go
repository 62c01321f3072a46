package session

import (
	"context"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// maxBlocks bounds how deep DO within DO goes, and with it the stack.
const maxBlocks = 50

// block is one DO while it runs: the values of its variables, and what its statements have
// left behind. SQL in it goes the session's own way, so that privileges, plans and
// transactions are those of a statement that the client sends.
//
// Invariant: the session is in a transaction while a block runs, and in none of the block's
// savepoints afterwards.
type doBlock struct {
	s    *Session
	ctx  context.Context
	sink Sink
	prog *plpgsql.Program
	// base is the offset of the block in the statement's text; -1: unknown.
	base int
	// commits: COMMIT and ROLLBACK are allowed.
	commits bool

	types    []doType  // of variables, by number
	vals     []doValue // their values
	prepared map[*plpgsql.Fragment]*doStatement
	rowCount int64
	caught   *sqlerr.Error // by the handler that is running
	open     []*doRows     // the loops over rows that are running
	mark     int           // savepoints made so far
	guards   int           // blocks with handlers that are running

	// line and what say where the block is, for the context of errors.
	line int
	what string
}

// do runs DO.
func (s *Session) do(ctx context.Context, st *statement, x *sql.Do, sink Sink) error {
	switch l := lower(x.Language); l {
	case "", "plpgsql":
	case "sql", "c", "internal":
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"language \"%s\" does not support inline code execution", l)
	default:
		return sqlerr.New(sqlerr.UndefinedObject, "language \"%s\" does not exist", x.Language)
	}
	if s.doing >= maxBlocks {
		return sqlerr.New(sqlerr.StatementTooComplex,
			"DO is nested more than %d levels deep", maxBlocks)
	}
	d := &doBlock{s: s, ctx: ctx, sink: sink, base: bodyOffset(st, x),
		prepared: map[*plpgsql.Fragment]*doStatement{}}
	var err error
	if d.prog, err = plpgsql.Parse(x.Body); err != nil {
		return d.place(err)
	}
	own := s.block == noBlock
	d.commits = own && s.doing == 0
	if own {
		s.block = implicitBlock
	}
	s.doing++
	kept := s.savepoints
	err = d.run()
	d.closeLoops(0)
	s.doing--
	if s.doing == 0 && len(s.savepoints) > len(kept) {
		s.savepoints = s.savepoints[:len(kept)]
	}
	if err != nil {
		return err
	}
	if own {
		return s.commit(ctx)
	}
	return nil
}

// bodyOffset is the offset of a block in the statement's text; -1 where the text has it in
// another form, with quotes doubled.
func bodyOffset(st *statement, x *sql.Do) int {
	from, to := x.Range()
	if from < 0 || to > len(st.text) || from > to {
		return -1
	}
	toks, err := parse.Tokens(st.text[from:to])
	if err != nil {
		return -1
	}
	for _, t := range toks {
		switch {
		case t.Kind != parse.TokenString:
		case t.Text[0] == '$':
			return from + t.Start + strings.IndexByte(t.Text[1:], '$') + 2
		case t.Text == "'"+x.Body+"'":
			return from + t.Start + 1
		}
	}
	return -1
}

// run declares the variables and runs the outermost block.
func (d *doBlock) run() error {
	n := len(d.prog.Vars)
	d.types, d.vals = make([]doType, n), make([]doValue, n)
	for _, v := range d.prog.Vars {
		t, err := d.typeOf(v)
		if err != nil {
			e := d.place(err)
			if e.Offset == 0 {
				e.Where = "compilation of PL/pgSQL function \"inline_code_block\" near line " +
					itoa(v.Line)
			}
			return e
		}
		d.types[v.Num] = t
		d.reset(v)
	}
	d.vals[d.prog.Found.Num].d = types.BoolDatum(false)
	_, err := d.block(d.prog.Body)
	return err
}

// flow is how a statement ended.
type flow struct {
	kind  flowKind
	label string
}

type flowKind uint8

const (
	goesOn flowKind = iota
	exits
	continues
	returns
)

// statements runs statements one after the other.
func (d *doBlock) statements(list []plpgsql.Stmt) (flow, error) {
	for _, st := range list {
		if err := d.ctx.Err(); err != nil {
			return flow{}, d.at(st, context.Cause(d.ctx))
		}
		d.line, d.what = st.Line(), st.What()
		f, err := d.statement(st)
		if err != nil {
			return f, d.at(st, err)
		}
		if f.kind != goesOn {
			return f, nil
		}
	}
	return flow{}, nil
}

// statement runs one statement.
//
//tidy:long one case per statement
func (d *doBlock) statement(st plpgsql.Stmt) (flow, error) {
	switch st := st.(type) {
	case *plpgsql.Block:
		return d.block(st)
	case *plpgsql.Assign:
		return flow{}, d.assignTo(st)
	case *plpgsql.If:
		return d.ifStatement(st)
	case *plpgsql.Case:
		return d.caseStatement(st)
	case *plpgsql.Endless, *plpgsql.While, *plpgsql.Count, *plpgsql.Rows, *plpgsql.CursorRows,
		*plpgsql.Foreach:
		return d.loop(st)
	case *plpgsql.Exit:
		return d.exit(st)
	case *plpgsql.Return:
		return flow{kind: returns}, nil
	case *plpgsql.SQL:
		return flow{}, d.sqlStatement(st)
	case *plpgsql.Perform:
		return flow{}, d.perform(st)
	case *plpgsql.Execute:
		return flow{}, d.execute(st)
	case *plpgsql.Raise:
		return flow{}, d.raise(st)
	case *plpgsql.Assert:
		return flow{}, d.assert(st)
	case *plpgsql.Diagnostics:
		return flow{}, d.diagnostics(st)
	case *plpgsql.Commit:
		return flow{}, d.commit(st)
	case *plpgsql.Open:
		return flow{}, d.openCursor(st)
	case *plpgsql.Fetch:
		return flow{}, d.fetchCursor(st)
	case *plpgsql.Close:
		return flow{}, d.closeCursor(st)
	}
	return flow{}, nil
}

// block runs a block: its declarations, its statements, its handlers.
func (d *doBlock) block(b *plpgsql.Block) (flow, error) {
	for _, v := range b.Decls {
		if v == nil { // an alias
			continue
		}
		d.line, d.what = b.Line(), "statement block"
		if err := d.initialize(v); err != nil {
			return flow{}, d.during(v.Line, err)
		}
	}
	var f flow
	var err error
	if len(b.Handlers) == 0 {
		f, err = d.statements(b.Body)
	} else {
		f, err = d.guarded(b)
	}
	if err == nil && f.kind == exits && f.label != "" && f.label == b.Label {
		f = flow{}
	}
	return f, err
}

func (d *doBlock) initialize(v *plpgsql.Var) error {
	d.reset(v)
	if v.Default == nil {
		if v.Type.Kind == plpgsql.Plain && d.types[v.Num].domain != nil {
			return d.set(plpgsql.Target{Var: v}, types.NullDatum, types.Of(types.Unknown))
		}
		return nil
	}
	x, t, err := d.value(v.Default)
	if err != nil {
		return err
	}
	return d.set(plpgsql.Target{Var: v}, x, t)
}

// guarded runs the statements of a block that has handlers: what they have done goes when an
// error is caught.
func (d *doBlock) guarded(b *plpgsql.Block) (flow, error) {
	d.mark++
	name := "\x00block" + itoa(d.mark)
	if err := d.s.savepoint(&sql.Savepoint{Name: name}); err != nil {
		return flow{}, err
	}
	loops := len(d.open)
	d.guards++
	f, err := d.statements(b.Body)
	d.guards--
	if err == nil {
		return f, d.s.release(&sql.Release{Name: name})
	}
	h := d.handler(b, err)
	if h == nil {
		return f, err
	}
	d.closeLoops(loops)
	if err := d.s.rollbackTo(&sql.RollbackTo{Name: name}); err != nil {
		return flow{}, err
	}
	if err := d.s.release(&sql.Release{Name: name}); err != nil {
		return flow{}, err
	}
	outer := d.caught
	d.caught = sqlerr.As(d.s.userError(err, ""))
	d.vals[b.State.Num].d = types.TextDatum(string(d.caught.Code))
	d.vals[b.Message.Num].d = types.TextDatum(d.caught.Message)
	f, err = d.statements(h.Body)
	d.caught = outer
	return f, err
}

// handler finds who catches an error; nil for nobody.
func (d *doBlock) handler(b *plpgsql.Block, err error) *plpgsql.Handler {
	if IsGone(err) || d.ctx.Err() != nil {
		return nil
	}
	code := sqlerr.As(d.s.userError(err, "")).Code
	for _, h := range b.Handlers {
		if h.Others && code != sqlerr.QueryCanceled && code != sqlerr.AssertFailure {
			return h
		}
		for _, c := range h.Codes {
			class, ok := strings.CutSuffix(string(c), "000")
			if c == code || ok && strings.HasPrefix(string(code), class) {
				return h
			}
		}
	}
	return nil
}

func (d *doBlock) ifStatement(st *plpgsql.If) (flow, error) {
	for _, b := range st.Branches {
		ok, err := d.condition(b.Cond)
		if err != nil {
			return flow{}, err
		}
		if ok {
			return d.statements(b.Body)
		}
	}
	return d.statements(st.Else)
}

func (d *doBlock) caseStatement(st *plpgsql.Case) (flow, error) {
	if st.Subject != nil {
		x, t, err := d.value(st.Subject)
		if err != nil {
			return flow{}, err
		}
		if t.Kind == types.Unknown {
			t = textColumn
		}
		d.types[st.Var.Num], d.vals[st.Var.Num] = doType{t: t}, doValue{t: t, d: x}
	}
	for _, b := range st.Branches {
		ok, err := d.condition(b.Cond)
		if err != nil {
			return flow{}, err
		}
		if ok {
			return d.statements(b.Body)
		}
	}
	if st.HasElse {
		return d.statements(st.Else)
	}
	return flow{}, sqlerr.New(sqlerr.CaseNotFound, "case not found").
		WithHint("CASE statement is missing ELSE part.")
}

func (d *doBlock) exit(st *plpgsql.Exit) (flow, error) {
	if st.When != nil {
		ok, err := d.condition(st.When)
		if err != nil || !ok {
			return flow{}, err
		}
	}
	f := flow{exits, st.Label}
	if st.Continue {
		f.kind = continues
	}
	return f, nil
}

// commit runs COMMIT and ROLLBACK: the block goes on in a new transaction.
func (d *doBlock) commit(st *plpgsql.Commit) error {
	if d.guards > 0 {
		verb := "commit"
		if st.Rollback {
			verb = "roll back"
		}
		return sqlerr.New(sqlerr.InvalidTransactionTermination,
			"cannot %s while a subtransaction is active", verb)
	}
	if !d.commits {
		return sqlerr.New(sqlerr.InvalidTransactionTermination, "invalid transaction termination")
	}
	if err := d.holdLoops(); err != nil {
		return err
	}
	s := d.s
	if st.Rollback {
		s.rollback()
	} else if err := s.commit(d.ctx); err != nil {
		return err
	}
	s.block, s.txnStart = implicitBlock, s.host.clock.NowMicros()
	if st.Chain {
		return s.transactionModes(sql.TxModes{})
	}
	return nil
}

// userType finds what a type name that no built-in type has means.
func (d *doBlock) userType(n sql.Name) *catalog.UserType {
	snap := d.s.snapshot()
	if n.Schema() != "" {
		return snap.UserType(n.Schema(), n.Last())
	}
	return snap.ResolveType(snap.NamedPath(d.s.settings.path, d.s.currentUser()), n.Last())
}
