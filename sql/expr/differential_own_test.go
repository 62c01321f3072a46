package expr

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// ownFile lists the overloads that PostgreSQL 15 lacks of the functions, operators and
// aggregates that it has, one a line.
const ownFile = goldenDir + "/differential.own"

// signature names an overload as the server does: the types of all its arguments.
func overload(name string, args []types.Type, variadic bool) string {
	names := make([]string, len(args))
	for i, t := range args {
		if !isPoly(t) {
			t.Mod = 0
		}
		switch names[i] = TypeName(t); {
		case names[i] == "bpchar" || names[i] == "char":
			names[i] = "character"
		case names[i] == `"any"`: // as it is, variadic or not
		case variadic && i == len(args)-1:
			names[i] += "[]"
		}
	}
	return name + "(" + strings.Join(names, ",") + ")"
}

// ownOverloads gives the lines of ownFile: known has PostgreSQL's signatures.
func ownOverloads(known map[string]string) []string {
	own := map[string]bool{}
	for _, f := range Funcs() {
		if s := overload(f.Name, f.Args, f.Variadic); known[f.Name] != "" && known[s] == "" {
			own[s] = true
		}
	}
	for _, a := range Aggs() {
		if s := overload(a.Name, a.Args, a.Variadic); known[a.Name] != "" && known[s] == "" {
			own[s] = true
		}
	}
	out := make([]string, 0, len(own))
	for s := range own {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// verifyOwn compares ownFile with what the server knows.
func verifyOwn(t *testing.T, known map[string]string) {
	t.Helper()
	text := []byte(strings.Join(ownOverloads(known), "\n") + "\n")
	if *diffRecord != "" {
		if err := os.WriteFile(ownFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(ownFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, text) {
		t.Errorf("%s does not list the overloads that PostgreSQL lacks; it should be\n%s", ownFile, text)
	}
}

// postgresRegistry is the registry without the overloads of ownFile, and with PostgreSQL's
// arrays of arrays.
func postgresRegistry(t *testing.T) *registry {
	t.Helper()
	text, err := os.ReadFile(ownFile)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, s := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		own[s] = true
	}
	full := builtin()
	r := &registry{funcs: map[string][]*Func{}, aggs: map[string][]*AggFunc{}, ksql: full.ksql,
		ksqlAll: full.ksqlAll, flat: true}
	for _, f := range full.all {
		if !own[overload(f.Name, f.Args, f.Variadic)] {
			r.add(f)
		}
	}
	for _, a := range full.every {
		if !own[overload(a.Name, a.Args, a.Variadic)] {
			r.aggs[a.Name] = append(r.aggs[a.Name], flatArrays(a))
			r.every = append(r.every, a)
		}
	}
	r.funcs["array"] = []*Func{newFunc("array(variadic any) anyarray", bindFlat, "", "").nullable()}
	return r
}

// withoutOwn tells whether our answer to x is PostgreSQL's where our own overloads and types
// are not: it does not know them, and finds another, or none.
func (c *comparison) withoutOwn(x *diffCase) bool {
	all := builtin
	builtin = func() *registry { return c.postgres }
	defer func() { builtin = all }()
	got, err := x.answer()
	return err == nil && x.agrees(got) || x.failsPlanned()
}

// bindFlat is ARRAY[...] as PostgreSQL evaluates it.
func bindFlat(f *Func, args []types.Type, ret types.Type) {
	elem := elemOf(ret)
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		if len(a) == 0 || args[0].Kind != types.Array {
			return makeArrayDatum(a, ret)
		}
		bad := sqlerr.New(sqlerr.ArraySubscriptError, "multidimensional arrays must have array "+
			"expressions with matching dimensions")
		out, empty := types.ArrayValue{}, false
		for _, d := range a {
			v := types.ArrayValue{}
			if !d.Null {
				v = d.Array(elem)
			}
			switch {
			case len(v.Dims) == 0:
				empty = true
				continue
			case out.Dims == nil:
				out.Dims = append([]types.Dim{{Len: int32(len(a)), Lower: 1}}, v.Dims...)
			case !slices.Equal(out.Dims[1:], v.Dims):
				return types.NullDatum, bad
			}
			out.Elems = append(out.Elems, v.Elems...)
		}
		if empty && out.Dims != nil {
			return types.NullDatum, bad
		}
		return types.ArrayDatum(elem, out), nil
	}
}

// flatArrays gives the aggregate as PostgreSQL has it: array_agg of arrays makes one more
// dimension.
func flatArrays(a *AggFunc) *AggFunc {
	if a.Name != "array_agg" || a.Args[0].Kind != types.Array {
		return a
	}
	k := *a
	k.RetOf = func(args []types.Type) types.Type { return args[0] }
	k.Bind = func(a *AggFunc, args []types.Type, ret types.Type) {
		elem := elemOf(ret)
		a.Collect = func(_ *Env, rows RowIter, out *batch.Vector) error {
			vs := collectValues(rows, true)
			all := types.ArrayValue{}
			for _, d := range vs {
				v, err := accumulated(d, elem)
				if err != nil {
					return err
				}
				if all.Dims != nil && !sameDims(all.Dims[1:], v.Dims) {
					return sqlerr.New(sqlerr.ArraySubscriptError,
						"cannot accumulate arrays of different dimensionality")
				}
				if all.Dims == nil {
					all.Dims = append([]types.Dim{{Len: int32(len(vs)), Lower: 1}}, v.Dims...)
				}
				all.Elems = append(all.Elems, v.Elems...)
			}
			if len(vs) == 0 {
				out.AppendNull()
				return nil
			}
			out.AppendDatum(types.ArrayDatum(elem, all))
			return nil
		}
	}
	return &k
}

func accumulated(d types.Datum, elem types.Type) (types.ArrayValue, error) {
	if d.Null {
		return types.ArrayValue{}, sqlerr.New(sqlerr.NullValueNotAllowed, "cannot accumulate null arrays")
	}
	v := d.Array(elem)
	if len(v.Dims) == 0 {
		return v, sqlerr.New(sqlerr.ArraySubscriptError, "cannot accumulate empty arrays")
	}
	return v, nil
}
