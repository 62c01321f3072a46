package session

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// copyIn runs COPY FROM STDIN.
func (s *Session) copyIn(ctx context.Context, sc *scope, st *statement, x *sql.Copy, sink Sink) error {
	if err := s.mustWrite("COPY FROM"); err != nil {
		return err
	}
	rel := st.plan.Write.Rel
	leaf := leafOf(st.plan.Write.Input)
	var cols []codec.CopyColumn
	for _, c := range leaf.Cols() {
		cols = append(cols, codec.CopyColumn{Name: c.Name, Type: c.Type})
	}
	opts, err := readCopyOptions(x, rel.Name, cols)
	if err != nil {
		return err
	}
	opts.Env = &sc.values
	r, err := sink.CopyIn(ctx, CopyHeader{Binary: opts.Format == codec.CopyBinary, Columns: len(cols)})
	if err != nil {
		return gone(err)
	}
	defer r.Close()
	c := &copying{s: s, ctx: ctx, relation: rel.Name, opts: opts,
		app: s.host.engine.NewAppender(sc.read(st.plan, nil)), inBlock: sc.txn != nil}
	if opts.deadLetter || opts.ignore {
		opts.OnBad = c.bad
	}
	c.in = codec.NewCopyIn(opts.CopyOptions, c.add)
	n, err := c.run(r)
	if err != nil {
		return err
	}
	if c.skipped > 0 && opts.ignore {
		err := s.notice(sink, &Notice{Severity: "NOTICE", Code: sqlerr.SuccessfulCompletion,
			Message: strconv.Itoa(c.skipped) + " rows were skipped due to data type incompatibility"})
		if err != nil {
			return err
		}
	}
	return gone(sink.Complete("COPY " + strconv.FormatInt(n, 10)))
}

// leafOf finds where the rows of a COPY come in.
func leafOf(n plan.Node) plan.Node {
	for len(n.Inputs()) > 0 {
		n = n.Inputs()[0]
	}
	return n
}

// copying is one COPY FROM in progress.
type copying struct {
	s        *Session
	ctx      context.Context
	relation string
	opts     *copyOptions
	app      *exec.Appender
	in       *codec.CopyIn
	inBlock  bool
	skipped  int
	lastLine int
}

// run reads the data to its end.
func (c *copying) run(r CopyReader) (int64, error) {
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = c.ctx.Err()
		}
		if err == nil {
			err = c.in.Write(p)
		}
		if err != nil {
			return 0, c.abort(err)
		}
	}
	if err := c.in.Close(); err != nil {
		return 0, c.abort(err)
	}
	res, err := c.app.Close(c.ctx)
	if err != nil {
		return 0, c.explain(err)
	}
	return res.Rows, nil
}

func (c *copying) add(b *batch.Batch, lastLine int) error {
	c.lastLine = lastLine
	return c.app.Add(c.ctx, b)
}

// bad takes a row that cannot be read.
func (c *copying) bad(b *codec.BadRow) error {
	c.skipped++
	if c.opts.deadLetter {
		c.s.host.bad.add(c.s.host.clock.NowMicros(), c.relation, b)
	}
	return nil
}

// abort ends the COPY with an error.
func (c *copying) abort(err error) error {
	c.app.Abort()
	return c.explain(err)
}

// explain adds the context, and how much is committed.
func (c *copying) explain(err error) error {
	if IsGone(err) {
		return err
	}
	e := *sqlerr.As(translateContext(err))
	if e.Where == "" {
		e.Where = "COPY " + c.relation + ", line " + strconv.Itoa(max(c.in.Lines(), c.lastLine, 1))
	}
	if n := c.app.Committed(); n > 0 && !c.inBlock {
		if e.Detail != "" {
			e.Detail += " "
		}
		e.Detail += strconv.FormatInt(n, 10) + " rows are committed already."
		if e.Hint == "" {
			e.Hint = "Run COPY in a transaction block to have all rows or none."
		}
	}
	return &e
}
