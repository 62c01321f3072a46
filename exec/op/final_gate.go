package op

import (
	"encoding/binary"
	"math"
	"sort"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// FinalGateConfig describes a FinalGate.
type FinalGateConfig struct {
	Types []types.Type
	End   int // column of the window's end, microseconds
	Grace int64
}

// FinalGate holds rows back until their window is closed, and then gives their
// net once: EMIT FINAL for whatever does not do it itself. Rows without a window
// never pass.
type FinalGate struct {
	ctx    *Context
	cfg    FinalGateConfig
	out    *builder
	panes  []*gatePane // ascending by end
	marked int64
	late   int64
	gone   []int64 // ends of panes that were given since the last Save
}

type gatePane struct {
	end int64
	net *netRows
}

// NewFinalGate makes a FinalGate.
func NewFinalGate(ctx *Context, cfg FinalGateConfig, out Sink) *FinalGate {
	return &FinalGate{ctx: ctx, cfg: cfg, out: newBuilder(cfg.Types, out), marked: math.MinInt64}
}

// Push implements Op.
func (g *FinalGate) Push(_ int, b *batch.Batch) error {
	v := b.Cols[g.cfg.End]
	sel := rowsOf(b)
	for lo := 0; lo < len(sel); {
		r := int(sel[lo])
		if v.IsNull(r) {
			lo++
			continue
		}
		end := v.I64[v.Row(r)]
		hi := lo + 1
		for hi < len(sel) && !v.IsNull(int(sel[hi])) && v.I64[v.Row(int(sel[hi]))] == end {
			hi++
		}
		if addSat(end, g.cfg.Grace) <= g.marked {
			g.late += int64(hi - lo)
		} else {
			c := batch.Batch{Cols: b.Cols, N: b.N, Sel: sel[lo:hi], W: b.W}
			g.pane(end).net.add(&c)
		}
		lo = hi
	}
	return nil
}

func (g *FinalGate) pane(end int64) *gatePane {
	i := sort.Search(len(g.panes), func(i int) bool { return g.panes[i].end >= end })
	if i < len(g.panes) && g.panes[i].end == end {
		return g.panes[i]
	}
	p := &gatePane{end, newNetRows(g.ctx.Mem, g.cfg.Types)}
	g.panes = append(g.panes, nil)
	copy(g.panes[i+1:], g.panes[i:])
	g.panes[i] = p
	return p
}

// EndEpoch implements Op.
func (g *FinalGate) EndEpoch(e Epoch) error {
	g.marked = max(g.marked, e.Watermark)
	n := 0
	for n < len(g.panes) && addSat(g.panes[n].end, g.cfg.Grace) <= g.marked {
		p := g.panes[n]
		if err := p.net.emitSorted(g.out); err != nil {
			return err
		}
		p.net.rows.Close()
		g.gone = append(g.gone, p.end)
		n++
	}
	g.panes = append(g.panes[:0], g.panes[n:]...)
	return g.out.flush()
}

// emitSorted gives the net rows in the order of their bytes, which does not
// depend on how the memory came to be laid out.
func (n *netRows) emitSorted(out *builder) error {
	n.order = n.rows.SortedByKey()
	return n.emit(out)
}

// LateRows implements Late.
func (g *FinalGate) LateRows() int64 { return g.late }

// Save implements Op.
func (g *FinalGate) Save(w *state.Writer) error {
	meta := binary.LittleEndian.AppendUint64(nil, uint64(g.marked))
	w.Put(saveMeta, nil, binary.LittleEndian.AppendUint64(meta, uint64(g.late)))
	for _, end := range g.gone {
		w.Delete(savePane, binary.LittleEndian.AppendUint64(nil, uint64(end)))
	}
	g.gone = g.gone[:0]
	for _, p := range g.panes {
		w.Put(savePane, binary.LittleEndian.AppendUint64(nil, uint64(p.end)), nil)
		if err := p.net.rows.Save(w, saveRows); err != nil {
			return err
		}
	}
	return w.Err()
}

// Load implements Op.
func (g *FinalGate) Load(r *state.Reader) error {
	var p *gatePane
	for r.Next() {
		switch {
		case r.ID == saveMeta && len(r.Value) == 16:
			g.marked = int64(binary.LittleEndian.Uint64(r.Value))
			g.late = int64(binary.LittleEndian.Uint64(r.Value[8:]))
		case r.ID == savePane && len(r.Key) == 8:
			p = g.pane(int64(binary.LittleEndian.Uint64(r.Key)))
			if r.Deleted {
				p.net.rows.Reset()
				p = nil
			}
		case r.ID == saveRows && p != nil:
			if _, err := p.net.rows.LoadRecord(r); err != nil {
				return err
			}
		default:
			return errRecord
		}
	}
	return r.Err()
}

// Memory implements Op.
func (g *FinalGate) Memory() Usage {
	var u Usage
	for _, p := range g.panes {
		u.Bytes += p.net.rows.Bytes()
		u.Rows += int64(p.net.rows.Len())
	}
	return u
}

// Close implements Op.
func (g *FinalGate) Close() {
	for _, p := range g.panes {
		p.net.rows.Close()
	}
	g.panes = nil
}
