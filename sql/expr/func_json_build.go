package expr

import (
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func defineJSONBuild(r *registry) {
	for _, k := range jsonKinds {
		jsonb := k == "jsonb"
		r.fn("to_"+k+"(anyelement) "+k, bindToJSON(jsonb), "the value as JSON",
			"to_"+k+"('Fred said \"Hi.\"'::text)").stable()
		r.fn(k+"_build_array(variadic any) "+k, bindBuildArray(jsonb), "JSON array of the arguments",
			k+"_build_array(1, 2, 'foo', 4, 5)").nullable().stable()
		r.fn(k+"_build_array() "+k, func(*Env) types.Datum { return types.TextDatum("[]") },
			"empty JSON array", k+"_build_array()").stable()
		r.fn(k+"_build_object(variadic any) "+k, bindBuildObject(jsonb),
			"JSON object of alternating keys and values",
			k+"_build_object('foo', 1, 2, 'bar')").nullable().stable()
		r.fn(k+"_build_object() "+k, func(*Env) types.Datum { return types.TextDatum("{}") },
			"empty JSON object", k+"_build_object()").stable()
		r.fn(k+"_object(text[]) "+k, func(a []types.Datum) (types.Datum, error) {
			return jsonObjectOf(pairsOf(a[0]))(jsonb)
		}, "JSON object of alternating keys and values", k+"_object('{a, 1, b, \"def\"}')")
		r.fn(k+"_object(text[], text[]) "+k, func(a []types.Datum) (types.Datum, error) {
			text := types.Of(types.Text)
			return jsonObjectOf(a[0].Array(text).Elems, a[1].Array(text).Elems,
				sameLength(a[0], a[1]))(jsonb)
		}, "JSON object of keys and values", k+"_object('{a, b}', '{1, 2}')")
	}
	r.fn("row_to_json(record) json", bindToJSON(false), "the row as JSON", "row_to_json(row(1, 'foo'))").stable()
	r.fn("array_to_json(anyarray) json", bindToJSON(false), "the array as JSON",
		"array_to_json('{{1,5},{99,100}}'::int[])").stable()
}

func bindToJSON(jsonb bool) func(*Func, []types.Type, types.Type) {
	return func(f *Func, args []types.Type, _ types.Type) {
		t := args[0]
		f.Kernel = func(env *Env, _ int, rows []uint16, vs []*vector, out *vector) error {
			tenv := typesEnv(env)
			for k, r := range rows {
				padTo(out, int(r))
				buf := out.Buf
				if jsonb {
					buf = types.AppendJSONB(tenv, buf, t, aliasDatum(vs[0], int(r)))
				} else {
					buf = types.AppendJSON(tenv, buf, t, aliasDatum(vs[0], int(r)))
				}
				if len(buf) > maxResultBytes {
					return rowErr(k, errTooLarge())
				}
				endBytes(out, buf)
			}
			return nil
		}
	}
}

func bindBuildArray(jsonb bool) func(*Func, []types.Type, types.Type) {
	return func(f *Func, args []types.Type, _ types.Type) {
		f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
			buf := []byte{'['}
			for i, d := range a {
				if i > 0 {
					buf = append(buf, ", "...)
				}
				buf = appendJSONValue(env, buf, args[i], d, jsonb)
			}
			return types.TextDatum(string(append(buf, ']'))), nil
		}
	}
}

func bindBuildObject(jsonb bool) func(*Func, []types.Type, types.Type) {
	return func(f *Func, args []types.Type, _ types.Type) {
		f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
			if len(a)%2 != 0 {
				return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
					"argument list must have even number of elements").
					WithHint("The arguments of %s must consist of alternating keys and values.",
						map[bool]string{false: "json_build_object()", true: "jsonb_build_object()"}[jsonb])
			}
			buf := []byte{'{'}
			for i := 0; i < len(a); i += 2 {
				if a[i].Null {
					if jsonb {
						return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
							"argument %d: key must not be null", i+1)
					}
					return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
						"argument %d cannot be null", i+1).WithHint("Object keys should be text.")
				}
				if i > 0 {
					buf = append(buf, ", "...)
				}
				if !isScalar(args[i].Kind) {
					return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
						"key value must be scalar, not array, composite, or json")
				}
				buf = types.AppendJSONString(buf, jsonKeyText(env, args[i], a[i]))
				buf = append(buf, " : "...)
				buf = appendJSONValue(env, buf, args[i+1], a[i+1], jsonb)
			}
			return canonicalJSON(append(buf, '}'), jsonb)
		}
	}
}

// isScalar tells whether values of a kind may be keys of JSON objects.
func isScalar(k types.Kind) bool {
	return k != types.Array && k != types.JSON && k != types.JSONB && !isNested(k)
}

// canonicalJSON gives built text as a value of json or jsonb.
func canonicalJSON(buf []byte, jsonb bool) (types.Datum, error) {
	if !jsonb {
		return types.TextDatum(string(buf)), nil
	}
	canon, err := types.ParseJSONB(nil, string(buf))
	return types.TextDatum(string(canon)), err
}

// pairsOf takes an array of alternating keys and values apart; two columns make
// pairs, too.
func pairsOf(d types.Datum) (keys, vals []types.Datum, err error) {
	v := d.Array(types.Of(types.Text))
	bad := len(v.Elems)%2 != 0
	switch {
	case len(v.Dims) > 2:
		return nil, nil, sqlerr.New(sqlerr.ArraySubscriptError, "wrong number of array subscripts")
	case len(v.Dims) == 2 && v.Dims[1].Len != 2:
		return nil, nil, sqlerr.New(sqlerr.ArraySubscriptError, "array must have two columns")
	case bad:
		return nil, nil, sqlerr.New(sqlerr.ArraySubscriptError,
			"array must have even number of elements")
	}
	for i := 0; i+1 < len(v.Elems); i += 2 {
		keys, vals = append(keys, v.Elems[i]), append(vals, v.Elems[i+1])
	}
	return keys, vals, nil
}

func sameLength(a, b types.Datum) error {
	text := types.Of(types.Text)
	x, y := a.Array(text), b.Array(text)
	if len(x.Dims) > 1 || len(x.Dims) != len(y.Dims) {
		return sqlerr.New(sqlerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	if len(x.Elems) != len(y.Elems) {
		return sqlerr.New(sqlerr.ArraySubscriptError, "mismatched array dimensions")
	}
	return nil
}

func jsonObjectOf(keys, vals []types.Datum, err error) func(jsonb bool) (types.Datum, error) {
	return func(jsonb bool) (types.Datum, error) {
		if err != nil {
			return types.NullDatum, err
		}
		buf := []byte{'{'}
		for i, k := range keys {
			if k.Null {
				return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed,
					"null value not allowed for object key")
			}
			if i > 0 {
				buf = append(buf, ", "...)
			}
			buf = append(types.AppendJSONString(buf, k.S), " : "...)
			if vals[i].Null {
				buf = append(buf, "null"...)
			} else {
				buf = types.AppendJSONString(buf, vals[i].S)
			}
		}
		return canonicalJSON(append(buf, '}'), jsonb)
	}
}
