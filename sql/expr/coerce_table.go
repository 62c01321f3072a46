package expr

import "github.com/millracedb/millrace/sql/types"

// CoerceCtx is how much freedom a conversion has, as in pg_cast.castcontext.
type CoerceCtx = types.Context

// The contexts, each wider than the one before.
const (
	CoerceImplicit   = types.CastImplicit   // anywhere in an expression
	CoerceAssignment = types.CastAssignment // storing into a column
	CoerceExplicit   = types.CastExplicit   // CAST and ::
)

// CanCoerce tells whether from converts to to in context ctx.
func CanCoerce(from, to types.Type, ctx CoerceCtx) bool {
	c, ok := types.CastKind(from, to)
	return ok && (c <= ctx || widensStruct(from, to))
}

// widensStruct tells whether two STRUCTs have the same fields, each of which
// converts implicitly.
func widensStruct(from, to types.Type) bool {
	if from.Kind != types.Struct || to.Kind != types.Struct || len(from.Fields) != len(to.Fields) {
		return false
	}
	for i, f := range from.Fields {
		if f.Name != to.Fields[i].Name || !CanCoerce(f.Type, to.Fields[i].Type, CoerceImplicit) {
			return false
		}
	}
	return true
}

func isString(k types.Kind) bool {
	return k == types.Text || k == types.Varchar || k == types.Bpchar || k == types.Name
}

func isNested(k types.Kind) bool {
	return k == types.Map || k == types.Struct || k == types.Record
}
