package session

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Query runs a text of any number of statements (the simple protocol). Several
// statements commit together unless they have transaction statements of their
// own. The first error ends it and is returned.
func (s *Session) Query(text string, sink Sink) error {
	s.dropUnnamed()
	s.begin(text)
	defer s.end()
	list, err := s.parse(text)
	if err != nil {
		s.fail()
		return s.userError(err, text)
	}
	if len(list) == 0 {
		return gone(sink.Empty())
	}
	for _, st := range list {
		if len(list) > 1 && s.block == noBlock {
			s.block = implicitBlock
		}
		if err := s.one(st, nil, nil, sink); err != nil {
			err = s.userError(err, text)
			s.fail()
			return err
		}
	}
	return s.Sync()
}

// one runs a statement from beginning to end.
func (s *Session) one(st *statement, params []types.Datum, formats []int16, sink Sink) error {
	if s.failed && !endsBlock(st.tree) {
		return errFailedBlock()
	}
	for _, message := range st.told {
		n := &Notice{Severity: "NOTICE", Code: nameTooLong, Message: message}
		if err := s.notice(sink, n); err != nil {
			return err
		}
	}
	started := s.host.clock.NowMicros()
	count := counter{Sink: sink}
	err := s.run(s.stmtCtx, st, params, formats, &count)
	s.host.stats.note(st, count.rows, s.host.clock.NowMicros()-started, started, err)
	s.rowsSent.Add(count.rows)
	return err
}

// nameTooLong is the SQLSTATE of the notice that a name was cut.
const nameTooLong sqlerr.Code = "42622"

// counter counts the rows that go through a sink.
type counter struct {
	Sink
	rows int64
}

func (c *counter) Rows(b *batch.Batch) error {
	c.rows += int64(b.Rows())
	return c.Sink.Rows(b)
}

// Sync ends what belongs together implicitly: the statements of a query text or
// of a pipeline. It commits them.
func (s *Session) Sync() error {
	switch s.block {
	case noBlock:
		s.closePortals(false)
	case implicitBlock:
		if s.stmtCtx == nil {
			s.begin("COMMIT")
			defer s.end()
		}
		return s.userError(s.commit(s.stmtCtx), "")
	}
	return nil
}

// run dispatches a statement.
func (s *Session) run(ctx context.Context, st *statement, params []types.Datum, formats []int16,
	sink Sink,
) error {
	if tag, done, err := s.control(ctx, st, sink); done {
		if err != nil {
			return err
		}
		return gone(sink.Complete(tag))
	}
	if what := standsAlone(st.tree); what != "" && s.block == explicitBlock {
		return errInBlock(what)
	}
	if !planned(st.tree) {
		return s.utility(ctx, st, params, formats, sink)
	}
	switch x := st.tree.(type) {
	case *sql.DeclareCursor:
		return s.declare(st, x, params, sink)
	case *sql.Copy:
		return s.copy(ctx, st, x, sink)
	case *sql.Explain:
		if x.Analyze && x.Stmt != nil {
			return s.explainAnalyze(ctx, st, x, params, formats, sink)
		}
	}
	return s.runPlanned(ctx, st, params, formats, sink)
}

// runPlanned runs a statement that has a plan.
func (s *Session) runPlanned(ctx context.Context, st *statement, params []types.Datum,
	formats []int16, sink Sink,
) error {
	if s.block == implicitBlock && s.drafted() && isEmit(st.tree) {
		// It never ends, and shows what is committed.
		if err := s.commit(ctx); err != nil {
			return err
		}
		s.block = implicitBlock
	}
	if s.block == noBlock {
		// Without a block the catalog may move on between planning and pinning.
		x := s.scope()
		defer x.close()
		if err := s.ready(st, x.point.Catalog); err != nil {
			return err
		}
		if st.plan.Fill != "" {
			return s.changeAndFill(ctx, st, sink)
		}
		return s.runIn(ctx, x, st, params, formats, sink)
	}
	if err := s.ready(st, s.snapshot()); err != nil {
		return err
	}
	if st.plan.Command != nil || isTruncate(st.plan) {
		return s.change(ctx, st, sink)
	}
	return s.runIn(ctx, s.scope(), st, params, formats, sink)
}

func isTruncate(p *plan.Plan) bool {
	return p.Write != nil && p.Write.Kind == plan.TruncateTable
}

// runIn runs a statement's plan in a scope.
func (s *Session) runIn(ctx context.Context, x *scope, st *statement, params []types.Datum,
	formats []int16, sink Sink,
) error {
	p := st.plan
	if err := s.planNotices(p, sink); err != nil {
		return err
	}
	switch {
	case p.Command != nil:
		return s.command(ctx, st, sink)
	case p.Write != nil:
		return s.write(ctx, x, st, params, formats, sink)
	case p.Root == nil:
		return gone(sink.Complete(p.Tag))
	}
	o := &output{sink: sink, result: s.result(formatted(st.columns, formats), &x.values)}
	var err error
	if p.Emit != nil {
		// The client learns at once that the result has begun: rows may be long in coming.
		if err := o.announce(); err != nil {
			return err
		}
		s.streaming()
		err = s.subscribe(ctx, x, p, params, s.settings.int(idxSubscriberBuffer), o.rows,
			func() error { return gone(sink.Flush()) })
	} else {
		if err := s.behindNotices(x, p, sink); err != nil {
			return err
		}
		err = s.host.engine.Run(ctx, x.read(p, params), o.rows)
	}
	if err != nil {
		return err
	}
	if err := o.announce(); err != nil {
		return err
	}
	return gone(sink.Complete(rowTag(p.Tag, o.n)))
}

// behindNotices says which relations a read shows at an earlier epoch.
func (s *Session) behindNotices(x *scope, p *plan.Plan, sink Sink) error {
	for _, text := range x.point.Behind(p) {
		err := s.notice(sink, &Notice{Severity: "NOTICE", Code: sqlerr.SuccessfulCompletion,
			Message: text, Hint: "millrace.lag shows how far it is behind."})
		if err != nil {
			return err
		}
	}
	return nil
}

// output gives rows to a sink. The result is announced with its first rows, so
// that a statement that fails before them gives nothing but its error.
type output struct {
	sink      Sink
	result    *Result
	announced bool
	n         int64
}

func (o *output) announce() error {
	if o.announced {
		return nil
	}
	o.announced = true
	return gone(o.sink.Columns(o.result))
}

func (o *output) rows(b *batch.Batch) error {
	if err := o.announce(); err != nil {
		return err
	}
	return expand(b, func(b *batch.Batch) error {
		o.n += int64(b.Rows())
		return gone(o.sink.Rows(b))
	})
}

// rowTag is the tag of a statement that gives rows.
func rowTag(tag string, n int64) string {
	switch tag {
	case "SELECT", "FETCH", "MOVE", "COPY", "":
		if tag == "" {
			tag = "SELECT"
		}
		return tag + " " + strconv.FormatInt(n, 10)
	}
	return tag
}

func (s *Session) planNotices(p *plan.Plan, sink Sink) error {
	for _, n := range p.Notices {
		code := sqlerr.Code(n.Code)
		if code == sqlerr.SuccessfulCompletion {
			code = noticeCode(n.Message)
		}
		err := s.notice(sink, &Notice{Severity: n.Severity, Code: code, Message: n.Message,
			Hint: n.Hint})
		if err != nil {
			return err
		}
	}
	return nil
}

// write runs INSERT, UPDATE, DELETE and TRUNCATE.
func (s *Session) write(ctx context.Context, x *scope, st *statement, params []types.Datum,
	formats []int16, sink Sink,
) error {
	w := st.plan.Write
	verb := [...]string{plan.Insert: "INSERT", plan.Update: "UPDATE", plan.Delete: "DELETE",
		plan.TruncateTable: "TRUNCATE TABLE", plan.Together: st.plan.Tag}[w.Kind]
	if err := s.mustWrite(verb); err != nil {
		return err
	}
	if w.Returning == nil {
		res, err := s.host.engine.Write(ctx, x.read(st.plan, params), nil)
		if err != nil {
			return err
		}
		if err := s.endStatement(ctx); err != nil {
			return err
		}
		return gone(sink.Complete(writeTag(w.Kind, verb, res.Rows)))
	}
	o := &output{sink: sink, result: s.result(formatted(st.columns, formats), &x.values)}
	res, err := s.host.engine.Write(ctx, x.read(st.plan, params), o.rows)
	if err != nil {
		return err
	}
	if err := o.announce(); err != nil {
		return err
	}
	return gone(sink.Complete(writeTag(w.Kind, verb, res.Rows)))
}

// endStatement ends the transaction that a statement outside a block is.
func (s *Session) endStatement(ctx context.Context) error {
	if s.block != noBlock {
		return nil
	}
	return s.endTemp(ctx)
}

func writeTag(k plan.WriteKind, verb string, n int64) string {
	var buf [32]byte
	b := append(buf[:0], verb...)
	switch k {
	case plan.TruncateTable:
		return verb
	case plan.Insert:
		b = append(b, " 0"...)
	case plan.Together:
		if verb == "INSERT" {
			b = append(b, " 0"...)
		}
	}
	b = append(b, ' ')
	return string(strconv.AppendInt(b, n, 10))
}

// command runs DDL.
func (s *Session) command(ctx context.Context, st *statement, sink Sink) error {
	tag := st.plan.Tag
	if err := s.mustWrite(tag); err != nil {
		return err
	}
	for _, v := range st.plan.Verify {
		if err := s.verify(ctx, v); err != nil {
			return err
		}
	}
	out, err := s.apply(ctx, st.plan.Command)
	for _, n := range out.Notices {
		message, detail, _ := strings.Cut(n, "\n")
		nerr := s.notice(sink, &Notice{Severity: "NOTICE", Code: noticeCode(message),
			Message: message, Detail: detail})
		if nerr != nil {
			return nerr
		}
	}
	if err != nil {
		return err
	}
	if s.txn != nil && (len(st.plan.Verify) > 0 || st.plan.Fill != "") {
		for _, oid := range checkedBy(st.plan.Command) {
			s.txn.Checked(oid)
		}
	}
	if st.plan.Fill != "" {
		if err := s.fill(ctx, st.plan.Fill); err != nil {
			return err
		}
	}
	if err := s.afterwards(ctx, st.plan); err != nil {
		return err
	}
	s.rememberTemp(st)
	if err := s.endStatement(ctx); err != nil {
		return err
	}
	if x, ok := st.tree.(*sql.CreateAs); ok && x.Kind == sql.ObjTable &&
		x.Query.Emit == sql.EmitNone && out.OID != 0 {
		if tag, err = s.createdTag(ctx, out.OID); err != nil {
			return err
		}
	}
	return gone(sink.Complete(tag))
}

// createdTag is the tag of CREATE TABLE AS: the number of rows that the table has
// now. Clients of PostgreSQL read it.
func (s *Session) createdTag(ctx context.Context, oid catalog.OID) (string, error) {
	x := s.scope()
	defer x.close()
	rel := x.point.Catalog.Relation(oid)
	if rel == nil {
		return "SELECT 0", nil // dropped meanwhile
	}
	text := "SELECT count(*) FROM " + sql.Name{rel.Schema, rel.Name}.String()
	n := int64(0)
	err := s.ask(ctx, x, text, func(b *batch.Batch) error {
		n = b.Cols[0].Datum(b.Index(0)).I
		return nil
	})
	return rowTag("SELECT", n), err
}

// verify asks whether a row exists that a new constraint does not allow.
func (s *Session) verify(ctx context.Context, v plan.Verify) error {
	x := s.scope()
	defer x.close()
	found, broken := false, *v.Error
	err := s.ask(ctx, x, v.Query, func(b *batch.Batch) error {
		if !found && b.Rows() > 0 && v.Detail {
			broken = *v.Error.WithDetail("%s", b.Cols[0].Datum(b.Index(0)).S)
		}
		found = found || b.Rows() > 0
		return nil
	})
	if err == nil && found {
		return &broken
	}
	return err
}

// afterwards runs the queries that come after a command.
func (s *Session) afterwards(ctx context.Context, p *plan.Plan) error {
	if len(p.Then) == 0 {
		return nil
	}
	s.resetting = s.block != noBlock
	defer func() { s.resetting = false }()
	x := s.scope()
	defer x.close()
	for _, q := range p.Then {
		if err := s.ask(ctx, x, q, func(*batch.Batch) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// ask runs a query of the session's own.
func (s *Session) ask(ctx context.Context, x *scope, text string, out func(*batch.Batch) error) error {
	tree, err := parse.ParseOne(text)
	if err != nil {
		return fmt.Errorf("own query %s: %w", text, err)
	}
	st := &statement{text: text, tree: tree}
	if err := s.ready(st, x.point.Catalog); err != nil {
		return err
	}
	return s.host.engine.Run(ctx, x.read(st.plan, nil), out)
}

// noticeCode is PostgreSQL's SQLSTATE of "... already exists, skipping" by the kind of
// object; its other notices have none.
func noticeCode(message string) sqlerr.Code {
	if !strings.HasSuffix(message, "already exists, skipping") {
		return sqlerr.SuccessfulCompletion
	}
	switch kind, _, _ := strings.Cut(message, " "); kind {
	case "relation":
		return sqlerr.DuplicateTable
	case "schema":
		return sqlerr.DuplicateSchema
	case "column":
		return sqlerr.DuplicateColumn
	}
	return sqlerr.DuplicateObject
}

// expand gives the rows of a batch without weights: a row of weight k is given k
// times, one of weight 0 or less not at all.
func expand(b *batch.Batch, out func(*batch.Batch) error) error {
	if b.W == nil {
		if b.Rows() == 0 {
			return nil
		}
		return out(b)
	}
	c := *b
	c.W = nil
	sel := make([]uint16, 0, b.Rows())
	flush := func() error {
		c.Sel = sel
		err := out(&c)
		sel = sel[:0]
		return err
	}
	for k := range b.Rows() {
		i := b.Index(k)
		for range b.W[i] {
			if sel = append(sel, uint16(i)); len(sel) == batch.MaxRows {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if len(sel) == 0 {
		return nil
	}
	return flush()
}
