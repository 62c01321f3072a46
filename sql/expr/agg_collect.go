package expr

import (
	"strings"
	"unsafe"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// collectLinear computes a linear aggregate over a group's rows, for DISTINCT and
// for windows.
func collectLinear(a *AggFunc) func(*Env, RowIter, *batch.Vector) error {
	return func(_ *Env, rows RowIter, out *batch.Vector) error {
		words := make([]uint64, max(a.Words, 1))
		acc := make([]unsafe.Pointer, batch.MaxRows)
		for i := range acc {
			acc[i] = unsafe.Pointer(&words[0])
		}
		b := batch.New(a.Args, 64)
		b.W = make([]int32, 0, 64)
		flush := func() error {
			err := a.Update(acc[:b.N], allRows(b.N), b.Cols, b.W)
			b.Reset()
			b.W = make([]int32, 0, 64)
			return err
		}
		for args, count, ok := rows.Next(); ok; args, count, ok = rows.Next() {
			b.AppendDatums(args[:len(a.Args)], int32(count))
			if b.N == batch.MaxRows {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if err := flush(); err != nil {
			return err
		}
		return a.Result(acc[:1], out)
	}
}

// extremeTypes are the types that min and max are defined for.
var extremeTypes = []string{"int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text",
	"bpchar", "bytea", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid",
	"bool", "anyarray", "anyenum"}

func defineCollectAggs(r *registry) {
	for _, m := range []struct {
		name, doc string
		sign      int
	}{{"min", "smallest value", -1}, {"max", "largest value", 1}} {
		for _, t := range extremeTypes {
			example := m.name + "(x::" + t + ")"
			switch t {
			case "int2", "int4", "int8", "float4", "float8", "numeric", "text":
			default:
				example = m.name + "(x)"
			}
			a := r.agg(m.name+"("+t+") "+t, AggFunc{Doc: m.doc, Example: example,
				Extreme: m.sign, Bind: bindExtremeAgg(m.sign)})
			if t == "anyenum" {
				a.RetOf = func(args []types.Type) types.Type { return args[0] }
			}
		}
	}
	defineBits(r)
	r.agg("string_agg(text, text) text", AggFunc{Doc: "texts joined, with a delimiter between",
		Example: "string_agg(x::text, ',' ORDER BY x)", Ordered: true, Collect: collectString})
	r.agg("string_agg(bytea, bytea) bytea", AggFunc{Doc: "bytes joined, with a delimiter between",
		Example: "string_agg(x::text::bytea, '\\x00'::bytea ORDER BY x)", Ordered: true,
		Collect: collectString})
	r.agg("array_agg(anynonarray) anyarray", AggFunc{Doc: "array of the values",
		Example: "array_agg(x ORDER BY x)", Ordered: true, KeepNulls: true, Bind: bindArrayAgg})
	r.agg("array_agg(anyarray) anyarray", AggFunc{Doc: "array of the arrays",
		Example: "array_agg(ARRAY[x, x] ORDER BY x)", Ordered: true, KeepNulls: true,
		Bind:  bindArrayAgg,
		RetOf: func(a []types.Type) types.Type { return withMod(types.ArrayOf(a[0]), 0) }})
	for _, b := range []bool{false, true} {
		name := map[bool]string{false: "json", true: "jsonb"}[b]
		r.agg(name+"_agg(anyelement) "+name, AggFunc{Doc: "JSON array of the values",
			Example: name + "_agg(x ORDER BY x)", Ordered: true, KeepNulls: true, Bind: bindJSONAgg(b)})
		r.agg(name+"_object_agg(any, any) "+name, AggFunc{Doc: "JSON object of names and values",
			Example: name + "_object_agg('k' || x, x ORDER BY x)", Ordered: true, KeepNulls: true,
			Bind: bindJSONObjectAgg(b)})
	}
	r.agg("any_value(anyelement) anyelement", AggFunc{Doc: "one of the values, the first to arrive",
		Example: "any_value(1)", Ordered: true, Edge: -1, Collect: collectFirst})
}

func bindExtremeAgg(sign int) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, _ types.Type) {
		t := args[0]
		atLeast := 0 // of equal values the last counts, but of character(n) the first
		if t.Kind == types.Bpchar {
			atLeast = 1
		}
		a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
			best := types.NullDatum
			for d, _, ok := rows.Next(); ok; d, _, ok = rows.Next() {
				if !d[0].Null && (best.Null || types.Compare(t, d[0], best)*sign >= atLeast) {
					best = keep(d[0])
				}
			}
			out.AppendDatum(best)
			return nil
		}
	}
}

// keep copies a datum whose string may be valid only until the next row.
func keep(d types.Datum) types.Datum {
	d.S = strings.Clone(d.S)
	return d
}

func defineBits(r *registry) {
	for _, k := range []string{"int2", "int4", "int8"} {
		def := func(name, doc string, f func(a, b, n int64) int64) {
			r.agg(name+"("+k+") "+k, AggFunc{Doc: doc, Example: name + "(x::" + k + ")",
				Collect: func(_ *Env, rows RowIter, out *batch.Vector) error {
					v, some := int64(0), false
					for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
						switch {
						case d[0].Null:
						case !some:
							v, some = f(d[0].I, d[0].I, n+1), true
							if name == "bit_xor" && n%2 == 1 {
								v = d[0].I
							}
						default:
							v = f(v, d[0].I, n)
						}
					}
					if !some {
						out.AppendNull()
						return nil
					}
					out.AppendInt(v)
					return nil
				}})
		}
		def("bit_and", "bitwise AND", func(a, b, _ int64) int64 { return a & b })
		def("bit_or", "bitwise OR", func(a, b, _ int64) int64 { return a | b })
		def("bit_xor", "bitwise exclusive OR", func(a, b, n int64) int64 {
			if n%2 == 0 {
				return a
			}
			return a ^ b
		})
	}
}

func collectString(_ *Env, rows RowIter, out *batch.Vector) error {
	var buf []byte
	some := false
	for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
		if d[0].Null {
			continue
		}
		for range n {
			if some && !d[1].Null {
				buf = append(buf, d[1].S...)
			}
			buf = append(buf, d[0].S...)
			some = true
			if len(buf) > maxResultBytes {
				return errTooLarge()
			}
		}
	}
	if !some {
		out.AppendNull()
		return nil
	}
	out.AppendBytes(buf)
	return nil
}

// collectValues gathers the first argument of all rows.
func collectValues(rows RowIter, nulls bool) []types.Datum {
	var vs []types.Datum
	for d, n, ok := rows.Next(); ok; d, n, ok = rows.Next() {
		if d[0].Null && !nulls {
			continue
		}
		v := keep(d[0])
		for range n {
			vs = append(vs, v)
		}
	}
	return vs
}

func bindArrayAgg(a *AggFunc, _ []types.Type, ret types.Type) {
	elem := elemOf(ret)
	a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
		vs := collectValues(rows, true)
		if len(vs) == 0 {
			out.AppendNull()
			return nil
		}
		out.AppendDatum(types.ArrayOfDatums(elem, vs))
		return nil
	}
}

func bindJSONAgg(jsonb bool) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, _ types.Type) {
		t, separator := args[0], ", "
		if !jsonb && (t.Kind == types.Array || t.Kind == types.Record) {
			separator = ", \n " // one a line, as PostgreSQL has them
		}
		a.Collect = func(env *Env, rows RowIter, out *batch.Vector) error {
			vs := collectValues(rows, true)
			if len(vs) == 0 {
				out.AppendNull()
				return nil
			}
			buf := []byte{'['}
			for i, v := range vs {
				switch {
				case i > 0 && v.Null:
					buf = append(buf, ", "...)
				case i > 0:
					buf = append(buf, separator...)
				}
				buf = appendJSONValue(env, buf, t, v, jsonb)
			}
			out.AppendBytes(append(buf, ']'))
			return nil
		}
	}
}

func bindJSONObjectAgg(jsonb bool) func(*AggFunc, []types.Type, types.Type) {
	return func(a *AggFunc, args []types.Type, _ types.Type) {
		scalar := isScalar(args[0].Kind)
		a.Collect = func(env *Env, rows RowIter, out *batch.Vector) error {
			buf := []byte("{ ")
			n := 0
			for d, _, ok := rows.Next(); ok; d, _, ok = rows.Next() {
				if d[0].Null {
					return sqlerr.New(sqlerr.InvalidParameterValue, "field name must not be null")
				}
				if !scalar {
					return sqlerr.New(sqlerr.InvalidParameterValue,
						"key value must be scalar, not array, composite, or json")
				}
				if n > 0 {
					buf = append(buf, ", "...)
				}
				n++
				buf = types.AppendJSONString(buf, jsonKeyText(env, args[0], d[0]))
				buf = append(buf, " : "...)
				buf = appendJSONValue(env, buf, args[1], d[1], jsonb)
			}
			if n == 0 {
				out.AppendNull()
				return nil
			}
			buf = append(buf, " }"...)
			if jsonb {
				canon, err := types.ParseJSONB(nil, aliasString(buf))
				if err != nil {
					return err
				}
				buf = canon
			}
			out.AppendBytes(buf)
			return nil
		}
	}
}

// jsonKeyText is the name that a value gives a field: booleans and times as JSON
// writes them.
func jsonKeyText(env *Env, t types.Type, d types.Datum) string {
	switch t.Kind {
	case types.Bool, types.Date, types.Timestamp, types.Timestamptz:
		s := string(types.AppendJSON(typesEnv(env), nil, t, d))
		if s[0] == '"' {
			s = types.JSONUnquote(s)
		}
		return s
	}
	return formatText(env, t, d)
}

func appendJSONValue(env *Env, buf []byte, t types.Type, d types.Datum, jsonb bool) []byte {
	if jsonb {
		return types.AppendJSONB(typesEnv(env), buf, t, d)
	}
	return types.AppendJSON(typesEnv(env), buf, t, d)
}

func collectFirst(_ *Env, rows RowIter, out *batch.Vector) error {
	for d, _, ok := rows.Next(); ok; d, _, ok = rows.Next() {
		if !d[0].Null {
			out.AppendDatum(d[0])
			return nil
		}
	}
	out.AppendNull()
	return nil
}
