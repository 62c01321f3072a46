package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
)

// MapConfig describes a Map.
type MapConfig struct {
	// Filter keeps the rows for which it is true; nil keeps all.
	Filter expr.Expr
	// Exprs are the output columns over the input's; nil passes all columns on.
	Exprs []expr.Expr
}

// Map filters and projects in one step. The output shares vectors with the
// input; weights pass through.
type Map struct {
	stateless
	ctx    *Context
	out    Sink
	filter *expr.Program
	prog   *expr.Program
	sel    []uint16
	b      batch.Batch
}

// NewMap makes a Map.
func NewMap(ctx *Context, cfg MapConfig, out Sink) (*Map, error) {
	m := &Map{ctx: ctx, out: out}
	var err error
	if cfg.Filter != nil {
		if m.filter, err = expr.CompileFilter(cfg.Filter); err != nil {
			return nil, err
		}
		m.sel = make([]uint16, batch.MaxRows)
	}
	if cfg.Exprs != nil {
		if m.prog, err = expr.Compile(cfg.Exprs); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Push implements Op.
func (m *Map) Push(_ int, b *batch.Batch) error {
	m.b = *b
	if m.filter != nil {
		sel, err := m.filter.Filter(m.ctx.Env, b, m.sel)
		if err != nil {
			return err
		}
		if len(sel) == 0 {
			return nil
		}
		if len(sel) < b.N {
			m.b.Sel = sel
		}
	}
	if m.b.Rows() == 0 {
		return nil
	}
	if m.prog != nil {
		cols, err := m.prog.Eval(m.ctx.Env, &m.b)
		if err != nil {
			return err
		}
		m.b.Cols = cols
	}
	return m.out.Push(&m.b)
}

// EndEpoch implements Op.
func (m *Map) EndEpoch(Epoch) error { return nil }

// stateless is embedded by operators that keep nothing between epochs.
type stateless struct{}

func (stateless) Save(*state.Writer) error { return nil }
func (stateless) Load(*state.Reader) error { return nil }
func (stateless) Memory() Usage            { return Usage{} }
func (stateless) Close()                   {}
