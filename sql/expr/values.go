package expr

import (
	"github.com/millracedb/millrace/sql/types"
)

// typesEnv gives the settings of values' text forms for an evaluation.
func typesEnv(env *Env) *types.Env {
	if env == nil {
		return nil
	}
	if env.Values != nil {
		return env.Values
	}
	env.values.Now, env.values.Zone = env.Now, env.Zone
	return &env.values
}

// parseText reads a literal of type t; env may be nil.
func parseText(t types.Type, s string, env *types.Env) (types.Datum, error) {
	return types.ParseText(env, t, s)
}

// formatText gives the text form of a value that is not NULL.
func formatText(env *Env, t types.Type, d types.Datum) string {
	return types.TextOf(typesEnv(env), t, d)
}

// castDatum converts a value that is not NULL.
func castDatum(d types.Datum, from, to types.Type, explicit bool, env *types.Env) (types.Datum, error) {
	return types.Cast(env, from, to, d, explicit)
}

// arrayElems gives the elements of an array datum, in row-major order. They
// alias the array.
func arrayElems(d types.Datum, elem types.Type) ([]types.Datum, error) {
	return d.Array(elem).Elems, nil
}

// makeArrayDatum makes a one-dimensional array of type t.
func makeArrayDatum(elems []types.Datum, t types.Type) (types.Datum, error) {
	return types.ArrayOfDatums(elemOf(t), elems), nil
}
