package planner

import (
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// sample is TABLESAMPLE: each row by itself is taken with a probability. SYSTEM, which
// takes whole pages in PostgreSQL, takes rows too.
func (b *builder) sample(f *from, t *sql.Table) (*from, error) {
	s := t.Sample
	if m := lower(s.Method); m != "bernoulli" && m != "system" {
		return nil, sqlerr.New(sqlerr.UndefinedObject,
			"tablesample method %s does not exist", s.Method).At(s.Pos()).
			WithHint("The methods are BERNOULLI and SYSTEM.")
	}
	if b.continuous {
		return nil, sqlerr.Unsupported("TABLESAMPLE in a continuous query",
			"Filter by a hash of the key, which stays the same.").At(t.Pos())
	}
	double := types.Of(types.Float8)
	x, err := b.checkAs(s.Arg, (&scope{b: b}).in("TABLESAMPLE"), double)
	if err != nil {
		return nil, err
	}
	if c, ok := x.(*expr.Const); ok && (c.D.Null || c.D.F < 0 || c.D.F > 100) {
		return nil, sqlerr.New(invalidSample, "sample percentage must be between 0 and 100").
			At(s.Arg.Pos())
	}
	chance, err := b.chance(f, s)
	if err != nil {
		return nil, err
	}
	hundred := &expr.Const{D: types.FloatDatum(100), T: double}
	if chance, err = b.operator("*", chance, hundred, t.Pos()); err != nil {
		return nil, err
	}
	pred, err := b.operator("<", chance, x, t.Pos())
	if err != nil {
		return nil, err
	}
	out := *f
	n := &plan.Filter{Input: f.node, Pred: pred}
	n.Out = f.node.Cols()
	out.node = n
	return &out, nil
}

// chance is a number from 0 to 1 for each row: another one each time, and with REPEATABLE
// the same one as long as the seed and the row are the same.
func (b *builder) chance(f *from, s *sql.Sample) (expr.Expr, error) {
	if s.Seed == nil {
		return b.call("random")
	}
	seed, err := b.checkAs(s.Seed, (&scope{b: b}).in("TABLESAMPLE"), types.Of(types.Float8))
	if err != nil {
		return nil, err
	}
	args := []expr.Expr{seed}
	for i := range f.node.Cols() {
		args = append(args, colOf(f.node, i))
	}
	return expr.RowChance(args), nil
}

// invalidSample is 2202H, invalid_tablesample_argument.
const invalidSample sqlerr.Code = "2202H"
