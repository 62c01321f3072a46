package expr

import (
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineJSONRecords defines the functions that read JSON objects as rows: of a
// composite type that an argument has, or of the columns that FROM defines.
func defineJSONRecords(r *registry) {
	for _, k := range []string{"json", "jsonb"} {
		more := ""
		if k == "json" {
			more = ", bool = false" // use_json_as_text, which nothing looks at
		}
		one := r.fn(k+"_populate_record(anyelement, "+k+more+") anyelement", bindPopulate,
			"the object as a value of a composite type; fields that it lacks are the first argument's",
			k+"_populate_record(row(1, 'x'::text), '{\"f1\": 5}')")
		one.nullable().stable()
		set := r.fn(k+"_populate_recordset(anyelement, "+k+more+") anyelement",
			bindPopulateSet, "the objects of an array as rows of a composite type",
			k+"_populate_recordset(row(1, 'x'::text), '[{\"f1\": 5}, {\"f2\": \"y\"}]')")
		set.nullable().stable()
		r.fn(k+"_to_record("+k+") record", bindToRecord,
			"the object as a row of the columns that FROM defines",
			k+"_to_record('{\"a\": 1, \"b\": \"x\"}') AS x(a int, b text)").stable().definedIn(jsonToRecord)
		r.fn(k+"_to_recordset("+k+") record", bindToRecordSet,
			"the objects of an array as rows of the columns that FROM defines",
			k+"_to_recordset('[{\"a\": 1}, {\"a\": 2}]') AS x(a int)").nullable().stable().
			definedIn(jsonToRecordset(k + "_to_recordset"))
	}
}

// definedIn says how the function gives rows of the columns that FROM defines.
func (f *Func) definedIn(rows func(types.Type, *Env, []types.Datum, func([]types.Datum) error) error,
) *Func {
	f.Rows = rows
	return f
}

// TakesDefinitions tells whether a function gives rows of columns that FROM defines.
func (f *Func) TakesDefinitions() bool { return f.Rows != nil }

// Define gives the call of a function with the columns that FROM defines for it.
func Define(c *Call, cols []types.Field) *Call {
	t := types.Type{Kind: types.Record, Fields: cols}
	f := *c.Fn
	f.origin, f.Ret, f.RetCols, f.Kernel, f.Row = c.Fn.Origin(), t, cols, nil, nil
	rows := f.Rows
	f.Set = func(env *Env, a []types.Datum, emit func([]types.Datum) error) error {
		return rows(t, env, a, emit)
	}
	return &Call{Fn: &f, Args: c.Args, T: t, Pos: c.Pos}
}

func errNoRowType(name string) error {
	return sqlerr.New(sqlerr.FeatureNotSupported,
		"could not determine row type for result of %s", name).
		WithHint("Provide a non-null record argument, or call the function in the FROM clause " +
			"using a column definition list.")
}

// bindToRecord and bindToRecordSet stand where no columns are defined.
func bindToRecord(f *Func, _ []types.Type, _ types.Type) {
	name := f.Name
	f.Row = func(*Env, []types.Datum) (types.Datum, error) {
		return types.NullDatum, errNoRowType(name)
	}
}

func bindToRecordSet(f *Func, _ []types.Type, _ types.Type) {
	name := f.Name
	f.Set = func(*Env, []types.Datum, func([]types.Datum) error) error { return errNoRowType(name) }
}

func jsonToRecord(t types.Type, env *Env, a []types.Datum, emit func([]types.Datum) error) error {
	if a[0].Null {
		return emit(emptyRow(t))
	}
	d, err := types.PopulateJSON(typesEnv(env), t, a[0].S, types.NullDatum, "")
	if err != nil {
		return err
	}
	return emit(d.Fields(t))
}

func emptyRow(t types.Type) []types.Datum {
	row := make([]types.Datum, len(t.Fields))
	for i := range row {
		row[i] = types.NullDatum
	}
	return row
}

func jsonToRecordset(name string) func(types.Type, *Env, []types.Datum,
	func([]types.Datum) error) error {
	return func(t types.Type, env *Env, a []types.Datum, emit func([]types.Datum) error) error {
		return populateRows(name, t, env, types.NullDatum, a[0], emit)
	}
}

// populateRows reads the objects of a JSON array as rows of t.
func populateRows(name string, t types.Type, env *Env, base, doc types.Datum,
	emit func([]types.Datum) error) error {
	if doc.Null {
		return nil
	}
	switch types.JSONKind(doc.S) {
	case 'a':
	case 'o':
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on %s", name, nonArray(name, "an object"))
	default:
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on %s", name, nonArray(name, "a scalar"))
	}
	for it := types.JSONElements(doc.S); it.Next(); {
		if types.JSONKind(it.Value) != 'o' {
			return sqlerr.New(sqlerr.InvalidParameterValue,
				"argument of %s must be an array of objects", name)
		}
		d, err := types.PopulateJSON(typesEnv(env), t, it.Value, base, "")
		if err != nil {
			return err
		}
		if err := emit(d.Fields(t)); err != nil {
			return err
		}
	}
	return nil
}

// nonArray words what the argument is: the functions of jsonb do not tell.
func nonArray(name, what string) string {
	if name[:5] == "jsonb" {
		return "a non-array"
	}
	return what
}

// errNotRow refuses a first argument that is of no composite type.
func errNotRow(name string) error {
	return sqlerr.New(sqlerr.DatatypeMismatch, "first argument of %s must be a row type", name)
}

func bindPopulate(f *Func, args []types.Type, ret types.Type) {
	t, name := args[0], f.Name
	f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
		if t.Kind != types.Record {
			return types.NullDatum, errNotRow(name)
		}
		if len(t.Fields) == 0 {
			return types.NullDatum, errNoRowType(name)
		}
		if a[1].Null {
			return a[0], nil
		}
		return types.PopulateJSON(typesEnv(env), t, a[1].S, a[0], "")
	}
}

func bindPopulateSet(f *Func, args []types.Type, ret types.Type) {
	t, name := args[0], f.Name
	f.RetCols = t.Fields
	f.Set = func(env *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if t.Kind != types.Record {
			return errNotRow(name)
		}
		if len(t.Fields) == 0 {
			return errNoRowType(name)
		}
		return populateRows(name, t, env, a[0], a[1], emit)
	}
}
