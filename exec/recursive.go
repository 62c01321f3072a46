package exec

import (
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
)

// workTable holds the rows of the last round of a recursive query.
type workTable struct {
	rows []*batch.Batch
}

// recursive runs WITH RECURSIVE as PostgreSQL does: the seed, then the step over
// the rows of the round before until there are none. UNION drops rows that were
// there already.
func (b *builder) recursive(_ *building, outs []op.Sink, n *plan.Recursive) error {
	out := outs[0]
	b.sources = append(b.sources, func() error { return b.runRecursive(out, n) })
	return nil
}

func (b *builder) runRecursive(out op.Sink, n *plan.Recursive) error {
	seen := map[string]bool{}
	table := &workTable{}
	work := map[int]*workTable{n.ID: table}
	for id, w := range b.work {
		work[id] = w
	}
	var next []*batch.Batch
	var stopped error // of out; runIn takes ErrEnough for a normal end
	take := func(x *batch.Batch) error {
		if n.Distinct {
			x = unseen(x, seen)
		}
		if x.Rows() == 0 {
			return nil
		}
		c := copyBatch(x)
		next = append(next, c)
		stopped = out.Push(c)
		return stopped
	}
	for step := n.Seed; ; step = n.Step {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		env := *b.one.Env
		env.RunSubplan = nil
		if err := b.e.runIn(b.ctx, b.rd, &env, step, work, take); err != nil {
			return err
		}
		if stopped != nil {
			return stopped
		}
		if len(next) == 0 {
			return nil
		}
		table.rows, next = next, nil
	}
}

// unseen keeps the rows that are not in seen, and notes them.
func unseen(b *batch.Batch, seen map[string]bool) *batch.Batch {
	out := *b
	out.Sel = make([]uint16, 0, b.Rows())
	out.W = nil
	var buf []byte
	for _, i := range rowsOf(b) {
		buf = buf[:0]
		for _, c := range b.Cols {
			buf = codec.AppendKey(buf, c, int(i))
		}
		if !seen[string(buf)] {
			seen[string(buf)] = true
			out.Sel = append(out.Sel, i)
		}
	}
	return &out
}

// workTable gives the rows of the last round.
func (b *builder) workTable(out op.Sink, n *plan.WorkTable) error {
	t := b.work[n.ID]
	if t == nil {
		t = b.rd.work[n.ID]
	}
	b.sources = append(b.sources, func() error { return t.push(out) })
	return nil
}

func (t *workTable) push(out op.Sink) error {
	for _, x := range t.rows {
		if err := out.Push(x); err != nil {
			return err
		}
	}
	return nil
}
