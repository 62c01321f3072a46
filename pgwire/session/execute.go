package session

import (
	"context"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// executeSQL runs EXECUTE.
func (s *Session) executeSQL(ctx context.Context, x *sql.Execute, outer []types.Datum,
	formats []int16, sink Sink,
) error {
	p, err := s.findPrepared(x.Name)
	if err != nil {
		return err
	}
	if p.st == nil {
		return gone(sink.Complete("EXECUTE"))
	}
	if err := s.refresh(p); err != nil {
		return err
	}
	if err := p.checkCount(x); err != nil {
		return err
	}
	params, err := s.evalArgs(ctx, x.Args, p.paramTypes(), outer)
	if err != nil {
		return err
	}
	return s.run(ctx, p.st, params, formats, sink)
}

// checkCount compares the number of arguments with that of the parameters.
func (p *prepared) checkCount(x *sql.Execute) error {
	want := len(p.paramTypes())
	if want == len(x.Args) {
		return nil
	}
	return sqlerr.New(sqlerr.SyntaxError,
		"wrong number of parameters for prepared statement \"%s\"", x.Name).
		WithDetail("Expected %d parameters but got %d.", want, len(x.Args))
}

// evalArgs evaluates the arguments of EXECUTE as values of the parameters' types.
func (s *Session) evalArgs(ctx context.Context, args []sql.Expr, ts []types.Type,
	outer []types.Datum,
) ([]types.Datum, error) {
	if len(args) == 0 {
		return nil, nil
	}
	p, err := s.planSelect(args)
	if err != nil {
		return nil, err
	}
	if err := s.scalars(p, args); err != nil {
		return nil, err
	}
	x := s.scope()
	defer x.close()
	out := make([]types.Datum, len(args))
	err = s.host.engine.Run(ctx, x.read(p, outer), func(b *batch.Batch) error {
		for i, arg := range args {
			e := &expr.Const{D: b.Cols[i].Datum(b.Index(0)), T: b.Cols[i].Type}
			if isUntyped(arg) {
				e.T = types.Of(types.Unknown)
			}
			c, err := expr.CoerceTo(e, ts[i], expr.CoerceAssignment, nil, arg.Pos())
			if err != nil {
				return argumentError(err, i, e.T, ts[i])
			}
			if out[i], err = expr.EvalRow(c, &x.env, nil); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// isUntyped tells whether a value is a string or NULL, which take the parameter's type.
func isUntyped(x sql.Expr) bool {
	c, ok := x.(*sql.Const)
	return ok && (c.Kind == sql.StrConst || c.Kind == sql.NullConst)
}

func argumentError(err error, i int, from, to types.Type) error {
	e := *sqlerr.As(err)
	if e.Code != sqlerr.DatatypeMismatch {
		return err
	}
	e.Message = sqlerr.New(e.Code, "parameter $%d of type %s cannot be coerced to the expected "+
		"type %s", i+1, from, to).Message
	return &e
}

// scalars refuses aggregates and functions that give rows among the arguments.
func (s *Session) scalars(all *plan.Plan, args []sql.Expr) error {
	if len(all.Root.Inputs()) == 1 && len(all.Root.Inputs()[0].Inputs()) == 0 {
		return nil
	}
	for i := range args {
		p, err := s.planSelect(args[i : i+1])
		if err != nil {
			return err
		}
		for n := p.Root; len(n.Inputs()) > 0; n = n.Inputs()[0] {
			switch n.(type) {
			case *plan.Aggregate:
				return sqlerr.New(sqlerr.GroupingError,
					"aggregate functions are not allowed in EXECUTE parameters").
					At(args[i].Pos())
			case *plan.FuncScan, *plan.Join, *plan.Apply:
				return sqlerr.New(sqlerr.FeatureNotSupported,
					"set-returning functions are not allowed in EXECUTE parameters").
					At(args[i].Pos())
			case *plan.Window:
				return sqlerr.New(sqlerr.WindowingError,
					"window functions are not allowed in EXECUTE parameters").
					At(args[i].Pos())
			}
		}
	}
	return nil
}
