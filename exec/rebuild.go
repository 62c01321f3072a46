package exec

import (
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// replaceTarget turns the whole result that a rebuilt query has collected into
// the difference to what its target shows, so that readers see changes only. A
// stream cannot take rows back: its query fails, and says so.
func (e *Engine) replaceTarget(q *query) error {
	q.rebuilt = false
	rel := q.target.rel
	e.points.thaw(rel.cat.OID)
	if rel.isStream() {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"the plan of query %q changed with this version", q.cat.Name).
			WithHint("Drop the stream and create it anew; it will read all history.")
	}
	for p, part := range q.target.parts {
		if err := part.subtract(e, rel, p); err != nil {
			return err
		}
	}
	return nil
}

// subtract nets the collected rows of a partition against the target's: with
// their rowtimes where the target keeps them, so that rows go as they came.
func (p *targetPart) subtract(e *Engine, rel *relation, part int) error {
	var net []*batch.Batch
	ctx := &op.Context{Env: &expr.Env{}, Mem: e.memory}
	kinds, width := rel.layoutTypes(), len(p.columns)
	if rel.timed && p.time >= 0 {
		kinds, width = rel.storedTypes(), width+1
	}
	c := op.NewConsolidate(ctx, kinds, op.SinkFunc(func(b *batch.Batch) error {
		net = append(net, copyBatch(b))
		return nil
	}))
	defer c.Close()
	for _, b := range p.got {
		if err := c.Push(0, &batch.Batch{N: b.N, W: b.W, Cols: b.Cols[:width]}); err != nil {
			return err
		}
	}
	columns := make([]int, width)
	for i := range columns {
		columns[i] = i
	}
	err := rel.arrs[part].Scan(rel.pins.Published(), columns, func(b *batch.Batch) error {
		return c.Push(0, negated(copyBatch(b)))
	})
	if err != nil {
		return err
	}
	if err := c.EndEpoch(op.Epoch{}); err != nil {
		return err
	}
	p.got, p.rows = net, 0
	for _, b := range net {
		p.rows += b.N
		if p.time >= 0 && width == len(p.columns) {
			b.Cols = append(b.Cols, nullColumn(types.Of(types.Timestamptz)))
		}
	}
	return nil
}
