package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// Consolidate gives the net changes of each epoch: equal rows' weights are
// summed, and rows that cancel out are not given at all. The order is that of
// first arrival.
type Consolidate struct {
	stateless
	net *netRows
	out *builder
}

// KeepTouched gives rows that cancel out too, taken back and given again, for a
// changelog that shows what an epoch touched.
func (c *Consolidate) KeepTouched() { c.net.touched = true }

// NewConsolidate makes a Consolidate for rows of the given types.
func NewConsolidate(ctx *Context, ts []types.Type, out Sink) *Consolidate {
	return &Consolidate{net: newNetRows(ctx.Mem, ts), out: newBuilder(ts, out)}
}

// Push implements Op.
func (c *Consolidate) Push(_ int, b *batch.Batch) error {
	c.net.add(b)
	return nil
}

// EndEpoch implements Op.
func (c *Consolidate) EndEpoch(Epoch) error {
	if err := c.net.emit(c.out); err != nil {
		return err
	}
	return c.out.flush()
}

// Memory implements Op.
func (c *Consolidate) Memory() Usage {
	return Usage{Bytes: c.net.rows.Bytes(), Rows: int64(c.net.rows.Len())}
}

// Close implements Op.
func (c *Consolidate) Close() { c.net.rows.Close() }

// netRows sums the weights of equal rows.
type netRows struct {
	keyer *state.Keyer
	rows  *state.Table
	order []state.Ref // in the order of first arrival
	// touched gives rows whose weights cancel out as -1 and +1.
	touched bool
	refs    []state.Ref
}

func newNetRows(mem *state.Memory, ts []types.Type) *netRows {
	k := state.NewRowKeyer(ts)
	return &netRows{keyer: k, rows: state.NewTable(mem, k, 1)}
}

// add adds the rows of a batch.
func (n *netRows) add(b *batch.Batch) {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return
	}
	n.refs = grow(n.refs, len(sel))
	before := n.rows.Len()
	n.rows.Probe(n.keyer.Keys(b.Cols, sel), n.refs, true)
	added := n.rows.Len() > before
	for k, r := range n.refs {
		if added {
			n.order, _ = n.rows.Mark(r, n.order)
		}
		n.rows.Touch(r)
		*n.rows.Word(r, 0) += int64(b.Weight(int(sel[k])))
	}
}

// emit gives the net rows to out and empties n.
func (n *netRows) emit(out *builder) error {
	for i, r := range n.order {
		if i%relaxEvery == 0 {
			n.rows.Relax()
		}
		w := *n.rows.Word(r, 0)
		if w == 0 && n.touched {
			n.rows.AppendKey(r, out.cols())
			if err := out.end(-1); err != nil {
				return err
			}
			w = 1
		}
		if w == 0 {
			continue
		}
		n.rows.AppendKey(r, out.cols())
		if err := out.endWide(w); err != nil {
			return err
		}
	}
	n.order = n.order[:0]
	n.rows.Clear()
	return nil
}
