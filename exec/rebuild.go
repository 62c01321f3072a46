package exec

import (
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// replaceTarget turns the whole result that a rebuilt query has collected into
// the difference to what its target shows, so that readers see changes only. A
// stream cannot take rows back: its query fails, and says so.
func (e *Engine) replaceTarget(q *query) error {
	q.rebuilt = false
	rel := q.target.rel
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

// subtract nets the collected rows of a partition against the target's.
func (p *targetPart) subtract(e *Engine, rel *relation, part int) error {
	var net []*batch.Batch
	ctx := &op.Context{Env: &expr.Env{}, Mem: e.memory}
	c := op.NewConsolidate(ctx, rel.layoutTypes(), op.SinkFunc(func(b *batch.Batch) error {
		net = append(net, copyBatch(b))
		return nil
	}))
	defer c.Close()
	width := len(p.columns)
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
	// The rows' own times are those of the rebuild.
	p.got, p.rows, p.time = net, 0, -1
	for _, b := range net {
		p.rows += b.N
	}
	return nil
}
