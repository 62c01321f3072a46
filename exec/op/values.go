package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// ValuesConfig describes a Values.
type ValuesConfig struct {
	Rows  [][]expr.Expr
	Types []types.Type
}

// Values gives constant rows, once, at the end of the first epoch. It has no
// input.
type Values struct {
	once
	ctx *Context
	cfg ValuesConfig
	out *builder
}

// once is embedded by operators that emit in the first epoch of their life only,
// which a restart does not begin anew.
type once struct {
	stateless
	done bool
}

// Save implements Op.
func (o *once) Save(w *state.Writer) error {
	if o.done {
		w.Put(0, nil, nil)
	}
	return w.Err()
}

// Load implements Op.
func (o *once) Load(r *state.Reader) error {
	for r.Next() {
		o.done = true
	}
	return r.Err()
}

// NewValues makes a Values.
func NewValues(ctx *Context, cfg ValuesConfig, out Sink) (*Values, error) {
	return &Values{ctx: ctx, cfg: cfg, out: newBuilder(cfg.Types, out)}, nil
}

// Push implements Op; there is no input.
func (v *Values) Push(int, *batch.Batch) error { return nil }

// EndEpoch implements Op.
func (v *Values) EndEpoch(Epoch) error {
	if v.done {
		return nil
	}
	v.done = true
	one := &batch.Batch{N: 1}
	for _, row := range v.cfg.Rows {
		p, err := expr.Compile(row)
		if err != nil {
			return err
		}
		cols, err := p.Eval(v.ctx.Env, one)
		if err != nil {
			return err
		}
		if err := v.out.row(cols, 0, 1); err != nil {
			return err
		}
	}
	return v.out.flush()
}
