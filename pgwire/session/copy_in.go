package session

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

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
	opts, err := readCopyOptions(x, rel.Name, cols, columnNames(rel))
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
	if opts.deadLetter {
		if err := c.openLetters(); err != nil {
			return err
		}
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
	letters  *letters // nil without ON_ERROR 'dead_letter'
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
	if err := c.postLetters(); err != nil {
		return 0, c.abort(err)
	}
	res, err := c.app.Close(c.ctx)
	if err != nil {
		return 0, c.explain(err)
	}
	return res.Rows, nil
}

// add writes a batch whose rows ended at lines. When a row of it breaks a rule, the rows
// before it are written and the error names its line.
func (c *copying) add(b *batch.Batch, lines []int) error {
	c.lastLine = lines[len(lines)-1]
	if err := c.postLetters(); err != nil {
		return err
	}
	err := c.app.Add(c.ctx, b)
	if err != nil && isRowError(err) {
		err = c.addPart(b, lines, err)
	}
	return err
}

// addPart writes what it can of a batch that failed with err. Halving finds the row
// in a dozen steps; only failing input pays for them.
func (c *copying) addPart(b *batch.Batch, lines []int, err error) error {
	if n := b.Rows(); n > 1 {
		for _, half := range [][2]int{{0, n / 2}, {n / 2, n}} {
			x := copyRows(part(b, half[0], half[1]))
			err := c.app.Add(c.ctx, x)
			if err != nil && isRowError(err) {
				err = c.addPart(x, lines[half[0]:half[1]], err)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	e := *sqlerr.As(err)
	e.Where = "COPY " + c.relation + ", line " + strconv.Itoa(lines[0])
	if c.opts.Format != codec.CopyBinary && e.Code != sqlerr.UniqueViolation {
		e.Where += ": \"" + codec.Shorten(c.rowText(b)) + "\""
	}
	if c.opts.OnBad == nil {
		return &e
	}
	return c.bad(&codec.BadRow{Line: lines[0], Text: c.rowText(b), Err: &e})
}

// isRowError tells whether an error is the fault of one row: bad data or a broken
// constraint.
func isRowError(err error) bool {
	var e *sqlerr.Error
	return errors.As(err, &e) && (strings.HasPrefix(string(e.Code), "22") ||
		strings.HasPrefix(string(e.Code), "23"))
}

// rowText writes the only row of a batch as it stood in the data, or as text.
func (c *copying) rowText(b *batch.Batch) string {
	w := copyWriter{opts: c.opts, values: c.opts.Env}
	if c.opts.Format == codec.CopyBinary || c.opts.Format == codec.CopyJSON {
		text := *c.opts
		text.CopyOptions = codec.DefaultCopy(codec.CopyText)
		text.Columns = c.opts.Columns
		w.opts = &text
	}
	w.textRow(b, b.Index(0))
	return strings.TrimSuffix(string(w.buf), "\n")
}

// bad takes a row that cannot be read.
func (c *copying) bad(b *codec.BadRow) error {
	c.skipped++
	if c.letters == nil {
		return nil
	}
	c.letters.put(c.s.host.clock.NowMicros(), c.relation, b)
	if c.letters.batch.N < batch.MaxRows {
		return nil
	}
	return c.postLetters()
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
