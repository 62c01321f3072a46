package session

import (
	"context"
	"fmt"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// explainAnalyze runs a statement, drops its rows, and gives its plan with what
// running it took.
func (s *Session) explainAnalyze(ctx context.Context, st *statement, x *sql.Explain,
	params []types.Datum, formats []int16, sink Sink,
) error {
	inner := &statement{text: st.text, tree: x.Stmt, given: st.given}
	if planned(x.Stmt) {
		if err := s.ready(inner, s.snapshot()); err != nil {
			return err
		}
		if inner.plan.Emit != nil {
			return sqlerr.Unsupported("EXPLAIN ANALYZE of a query without an end",
				"Leave ANALYZE or EMIT CHANGES out, or add LIMIT and run the query itself.")
		}
	}
	started := s.host.clock.NowMicros()
	count := counter{Sink: &dropped{}}
	if err := s.run(ctx, inner, params, nil, &count); err != nil {
		return err
	}
	micros := s.host.clock.NowMicros() - started
	lines := []string{fmt.Sprintf("Rows: %d", count.rows),
		fmt.Sprintf("Execution Time: %.3f ms", float64(micros)/1000)}
	if lower(x.Format) != "" && lower(x.Format) != "text" {
		lines = nil // the plan is one document
	}
	return s.runPlanned(ctx, st, params, formats, &trailing{Sink: sink, lines: lines})
}

// dropped is a sink that takes rows and keeps none.
type dropped struct{ collector }

func (*dropped) Columns(*Result) error   { return nil }
func (*dropped) Rows(*batch.Batch) error { return nil }

// trailing adds lines behind the rows of a result of one text column.
type trailing struct {
	Sink
	lines []string
}

func (t *trailing) Complete(tag string) error {
	if len(t.lines) > 0 {
		b := batch.New([]types.Type{textColumn}, len(t.lines))
		for _, l := range t.lines {
			b.Cols[0].AppendString(l)
			b.N++
		}
		if err := t.Sink.Rows(b); err != nil {
			return err
		}
	}
	return t.Sink.Complete(tag)
}
