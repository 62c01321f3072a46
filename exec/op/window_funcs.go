package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// WindowFuncsConfig describes a WindowFuncs.
type WindowFuncsConfig struct {
	Types     []types.Type // of the input; a column per call follows in the output
	Partition []expr.Expr
	OrderBy   []expr.Order
	Calls     []*expr.WindowCall
}

// WindowFuncs computes window functions. Partitions with changes are computed
// anew at the end of the epoch, and what differs from before is given.
type WindowFuncs struct {
	ctx   *Context
	cfg   WindowFuncsConfig
	p     *partitions
	calls []*windowCall
	prog  *expr.Program // arguments, filters and range bounds of all calls
	part  windowPart
	one   *batch.Batch
	// weights has the weight of the one row that an update takes out.
	weights []int32
}

// windowCall is a call with the places of what it needs in the program.
type windowCall struct {
	*expr.WindowCall
	arg     int // first argument
	filter  int // -1 none
	lo, hi  frameBound
	key     int // RANGE with an offset: column of the order key; -1 none
	keyDesc bool
	keyType types.Type
	words   []int64 // accumulator of a linear aggregate
}

// frameBound is one end of a frame.
type frameBound struct {
	kind   expr.BoundKind
	n      int64       // ROWS, GROUPS
	offset types.Datum // RANGE
	offT   types.Type
	col    int // program column with key - offset or key + offset; -1: computed here
	plus   bool
}

// NewWindowFuncs makes a WindowFuncs.
func NewWindowFuncs(ctx *Context, cfg WindowFuncsConfig, out Sink) (*WindowFuncs, error) {
	w := &WindowFuncs{ctx: ctx, cfg: cfg}
	ts := append([]types.Type(nil), cfg.Types...)
	var exprs []expr.Expr
	for _, c := range cfg.Calls {
		ts = append(ts, c.T)
		wc := &windowCall{WindowCall: c, arg: len(exprs), filter: -1, key: -1}
		exprs = append(exprs, c.Args...)
		if c.Filter != nil {
			wc.filter = len(exprs)
			exprs = append(exprs, c.Filter)
		}
		var err error
		if exprs, err = wc.bindFrame(ctx.Env, cfg.OrderBy, exprs); err != nil {
			return nil, err
		}
		if c.Agg != nil && c.Agg.Words > 0 {
			wc.words = make([]int64, c.Agg.Words)
		}
		w.calls = append(w.calls, wc)
	}
	var err error
	if w.prog, err = expr.Compile(exprs); err != nil {
		return nil, err
	}
	w.p, err = newPartitions(ctx, cfg.Types, cfg.Partition, cfg.OrderBy, ts, out)
	if err != nil {
		return nil, err
	}
	w.p.give = w.give
	w.one = batch.New(cfg.Types, 64)
	w.weights = make([]int32, batch.MaxRows)
	w.part.init(w, ts)
	return w, nil
}

// give computes a partition and pushes its rows.
func (w *WindowFuncs) give(root state.Ref, weight int32) error {
	if err := w.part.load(root); err != nil {
		return err
	}
	for i, c := range w.calls {
		if err := w.part.compute(c, w.part.results[i]); err != nil {
			return err
		}
	}
	n := len(w.cfg.Types)
	for i := range w.part.n {
		cols := w.p.sink.cols()
		chunk, r := w.part.at(i)
		for c, v := range cols[:n] {
			v.AppendRow(chunk.cols[c], r)
		}
		for c, v := range cols[n:] {
			v.AppendRow(w.part.results[c], i)
		}
		if err := w.p.sink.end(weight); err != nil {
			return err
		}
	}
	return nil
}

// Push implements Op.
func (w *WindowFuncs) Push(_ int, b *batch.Batch) error { return w.p.push(b) }

// EndEpoch implements Op.
func (w *WindowFuncs) EndEpoch(e Epoch) error { return w.p.endEpoch("window", e) }

// Save implements Op.
func (w *WindowFuncs) Save(s *state.Writer) error { return w.p.save(s) }

// Load implements Op.
func (w *WindowFuncs) Load(r *state.Reader) error { return w.p.load(r) }

// Memory implements Op.
func (w *WindowFuncs) Memory() Usage { return w.p.usage() }

// Close implements Op.
func (w *WindowFuncs) Close() { w.p.close() }

// windowPart is a partition while it is computed.
type windowPart struct {
	w       *WindowFuncs
	n       int
	chunks  []*windowChunk
	used    int
	results []*batch.Vector // per call, n rows
	// Per row: the first row of its peers, the row behind them, the number of the
	// peer group; first has where each group begins, and n at the end.
	peerLo, peerHi, group []int
	first                 []int
}

// windowChunk is up to batch.MaxRows rows with what the program computed.
type windowChunk struct {
	cols []*batch.Vector // input columns
	vecs []*batch.Vector // the program's
}

func (p *windowPart) init(w *WindowFuncs, ts []types.Type) {
	p.w = w
	for _, t := range ts[len(w.cfg.Types):] {
		p.results = append(p.results, batch.NewVector(t, 64))
	}
}

func (p *windowPart) at(i int) (*windowChunk, int) {
	return p.chunks[i/batch.MaxRows], i % batch.MaxRows
}

// datum gives program column c at row i.
func (p *windowPart) datum(c, i int) types.Datum {
	chunk, r := p.at(i)
	return chunk.vecs[c].Datum(r)
}

// load reads the rows of a partition, evaluates the program over them, and finds
// the peers.
func (p *windowPart) load(root state.Ref) error {
	p.n, p.used = 0, 0
	p.peerLo, p.first, p.group = p.peerLo[:0], p.first[:0], p.group[:0]
	sorted, layout := p.w.p.sorted, p.w.p.rows.layout
	b := p.w.one
	b.Reset()
	var err error
	var last []byte
	sorted.Walk(root, func(r state.Ref) bool {
		row := sorted.Row(r)
		if last == nil || p.w.p.rows.cmp.Compare(last, row) != 0 {
			p.first = append(p.first, p.n)
		}
		last = row
		for range sorted.Weight(r) {
			layout.Decode(row, b.Cols)
			b.N++
			p.n++
			p.peerLo = append(p.peerLo, p.first[len(p.first)-1])
			p.group = append(p.group, len(p.first)-1)
			if b.N == batch.MaxRows {
				if err = p.addChunk(b); err != nil {
					return false
				}
			}
		}
		return true
	})
	if err == nil && b.N > 0 {
		err = p.addChunk(b)
	}
	p.first = append(p.first, p.n)
	p.peerHi = grow(p.peerHi, p.n)
	for i := range p.n {
		p.peerHi[i] = p.first[p.group[i]+1]
	}
	return err
}

func (p *windowPart) addChunk(b *batch.Batch) error {
	vecs, err := p.w.prog.Eval(p.w.ctx.Env, b)
	if err != nil {
		return err
	}
	if p.used == len(p.chunks) {
		p.chunks = append(p.chunks, &windowChunk{})
	}
	c := p.chunks[p.used]
	p.used++
	c.cols = copyVectors(c.cols, b.Cols, b.N)
	c.vecs = copyVectors(c.vecs, vecs, b.N)
	b.Reset()
	return nil
}

// copyVectors copies n rows of vectors into dst, using its memory again.
func copyVectors(dst, src []*batch.Vector, n int) []*batch.Vector {
	if len(dst) != len(src) {
		dst = make([]*batch.Vector, len(src))
		for i, v := range src {
			dst[i] = batch.NewVector(v.Type, n)
		}
	}
	for i, v := range src {
		dst[i].Reset()
		for r := range n {
			dst[i].AppendRow(v, r)
		}
	}
	return dst
}
