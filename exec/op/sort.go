package op

import (
	"slices"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// SortConfig describes a Sort.
type SortConfig struct {
	Keys  []expr.Order
	Types []types.Type // of the input and output
}

// Sort gives the rows of a bounded input in order; equal rows stay in the order
// in which they came.
type Sort struct {
	stateless
	ctx   *Context
	keys  *orderedRows
	rows  *state.Blobs
	refs  []sortRef
	out   *builder
	minus bool // some weight is negative
}

type sortRef struct {
	ref state.Ref
	w   int32
	seq uint32
}

// NewSort makes a Sort.
func NewSort(ctx *Context, cfg SortConfig, out Sink) (*Sort, error) {
	k, err := newOrderedRows(cfg.Types, nil, cfg.Keys)
	if err != nil {
		return nil, err
	}
	return &Sort{ctx: ctx, keys: k, rows: state.NewBlobs(ctx.Mem),
		out: newBuilder(cfg.Types, out)}, nil
}

// Push implements Op.
func (s *Sort) Push(_ int, b *batch.Batch) error {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return nil
	}
	if _, err := s.keys.encode(s.ctx.Env, b, sel); err != nil {
		return err
	}
	for k, r := range sel {
		w := b.Weight(int(r))
		s.minus = s.minus || w < 0
		s.refs = append(s.refs, sortRef{s.rows.Put(0, s.keys.enc.Row(k)), w, uint32(len(s.refs))})
	}
	return nil
}

// EndEpoch implements Op.
func (s *Sort) EndEpoch(Epoch) error {
	if s.minus {
		s.cancel()
	}
	slices.SortFunc(s.refs, func(a, b sortRef) int {
		if d := s.keys.cmp.Compare(s.rows.Get(a.ref), s.rows.Get(b.ref)); d != 0 {
			return d
		}
		return int(a.seq) - int(b.seq)
	})
	for _, r := range s.refs {
		s.keys.layout.Decode(s.rows.Get(r.ref), s.out.cols())
		if err := s.out.end(r.w); err != nil {
			return err
		}
	}
	s.Close()
	return s.out.flush()
}

// cancel sums the weights of equal rows and drops those that come to 0.
func (s *Sort) cancel() {
	first := make(map[string]int, len(s.refs))
	for i, r := range s.refs {
		row := string(s.rows.Get(r.ref))
		if j, ok := first[row]; ok {
			s.refs[j].w += r.w
			s.refs[i].w = 0
			continue
		}
		first[row] = i
	}
	s.refs = slices.DeleteFunc(s.refs, func(r sortRef) bool { return r.w == 0 })
}

// Memory implements Op.
func (s *Sort) Memory() Usage {
	return Usage{Bytes: s.rows.Bytes(), Rows: int64(len(s.refs))}
}

// Close implements Op.
func (s *Sort) Close() {
	s.rows.Close()
	s.refs, s.minus = s.refs[:0], false
}

// orderedRows encodes rows for ordering: the input's columns, then the order keys
// that are not plain columns.
type orderedRows struct {
	layout *state.Layout
	cmp    *state.Comparer
	prog   *expr.Program // partition, then the computed order keys
	npart  int
	ncols  int
	vecs   []*batch.Vector
	enc    state.Rows
}

func newOrderedRows(ts []types.Type, partition []expr.Expr, keys []expr.Order) (*orderedRows,
	error) {
	o := &orderedRows{npart: len(partition), ncols: len(ts)}
	all := append([]types.Type(nil), ts...)
	exprs := append([]expr.Expr(nil), partition...)
	var sk []state.SortKey
	for _, k := range keys {
		col := len(all)
		if c, ok := k.X.(*expr.Col); ok {
			col = c.Index
		} else {
			all = append(all, k.X.Type())
			exprs = append(exprs, k.X)
		}
		sk = append(sk, state.SortKey{Col: col, Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	o.layout = state.NewLayout(all)
	o.cmp = &state.Comparer{Layout: o.layout, Keys: sk}
	var err error
	o.prog, err = expr.Compile(exprs)
	return o, err
}

// encode encodes rows into enc and gives the partition's columns.
func (o *orderedRows) encode(env *expr.Env, b *batch.Batch, sel []uint16) ([]*batch.Vector,
	error) {
	vecs, err := o.prog.Eval(env, b)
	if err != nil {
		return nil, err
	}
	o.vecs = append(append(o.vecs[:0], b.Cols...), vecs[o.npart:]...)
	o.layout.Encode(o.vecs, sel, &o.enc)
	return vecs[:o.npart], nil
}
