package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// RowFailure is a row for which a function failed. It is good until the callback
// that gets it returns.
type RowFailure struct {
	Row   int // physical, of Input
	Err   *sqlerr.Error
	Input *batch.Batch // what the whole expression is computed from

	fn   *Func
	args []*batch.Vector // nil where the argument is a lambda
}

// Call shows the call that failed, with the values of its arguments: 10 / 0,
// chr('-1').
func (f *RowFailure) Call() string {
	args := make([]string, len(f.args))
	for i, v := range f.args {
		if args[i] = "..."; v != nil {
			args[i] = literalOf(v, f.Row)
		}
	}
	switch {
	case f.fn.Operator && len(args) == 1:
		return f.fn.Name + " " + args[0]
	case f.fn.Operator && len(args) == 2:
		return args[0] + " " + f.fn.Name + " " + args[1]
	}
	return f.fn.Name + "(" + strings.Join(args, ", ") + ")"
}

// maxLiteral bounds the text of one value in Call.
const maxLiteral = 200

func literalOf(v *batch.Vector, row int) string {
	if v.IsNull(row) {
		return "NULL"
	}
	s := types.TextOf(nil, v.Type, v.Datum(row))
	if len(s) > maxLiteral {
		s = strings.ToValidUTF8(s[:maxLiteral], "") + "..."
	}
	switch v.Type.Kind {
	case types.Int2, types.Int4, types.Int8, types.Float4, types.Float8, types.Numeric, types.Bool:
		return s
	}
	return QuoteLiteral(s)
}

// SetFailure is the failure of a set-returning function for a row.
func SetFailure(fn *Func, args []*batch.Vector, b *batch.Batch, row int, err error) *RowFailure {
	return &RowFailure{Row: row, Err: sqlerr.As(err), Input: b, fn: fn, args: args}
}

// failed hands a failure to the policy of the execution.
func (x *run) failed(row int, err error, fn *Func, args []*batch.Vector) error {
	return x.env.OnRowError(&RowFailure{Row: row, Err: sqlerr.As(err), Input: x.b, fn: fn, args: args})
}
