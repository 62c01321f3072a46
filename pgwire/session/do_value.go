package session

import (
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/plpgsql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// doValue is the value of a variable: d, or the fields of a row.
type doValue struct {
	t      types.Type // of the value; a record's changes with the row
	d      types.Datum
	fields []types.Datum
	// assigned says that a record has a structure; null that the row is NULL as a whole.
	assigned, null bool
}

// reset gives a variable its value of before any assignment.
func (d *doBlock) reset(v *plpgsql.Var) {
	t := d.types[v.Num]
	x := doValue{t: t.t, d: types.NullDatum}
	if t.composite {
		x.null, x.assigned = true, !t.free
		x.fields = nulls(len(t.t.Fields))
	}
	if v.Cursor != nil {
		x.d = types.TextDatum(v.Name)
	}
	d.vals[v.Num] = x
}

func nulls(n int) []types.Datum {
	out := make([]types.Datum, n)
	for i := range out {
		out[i] = types.NullDatum
	}
	return out
}

// whole gives the value of a variable as one datum.
func (x *doValue) whole(composite bool) types.Datum {
	switch {
	case !composite:
		return x.d
	case x.null:
		return types.NullDatum
	}
	return types.RecordDatum(x.t, x.fields)
}

func errUnassigned(name string) error {
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
		"record \"%s\" is not assigned yet", name).
		WithDetail("The tuple structure of a not-yet-assigned record is indeterminate.")
}

// field finds a field of a variable.
func (d *doBlock) field(v *plpgsql.Var, name string) (int, error) {
	x := &d.vals[v.Num]
	switch {
	case !d.types[v.Num].composite:
		return 0, sqlerr.New(sqlerr.DatatypeMismatch,
			"cannot assign to field \"%s\" of column \"%s\" because its type %s is not a "+
				"composite type", name, v.Name, d.types[v.Num].t.String())
	case !x.assigned:
		return 0, errUnassigned(v.Name)
	}
	for i, f := range x.t.Fields {
		if f.Name == name {
			return i, nil
		}
	}
	return 0, sqlerr.New(sqlerr.UndefinedColumn, "record \"%s\" has no field \"%s\"", v.Name, name)
}

// assignTo runs an assignment.
func (d *doBlock) assignTo(st *plpgsql.Assign) error {
	x, t, err := d.value(st.Value)
	if err != nil {
		return err
	}
	return d.set(st.Target, x, t)
}

// set assigns a value of a type.
func (d *doBlock) set(to plpgsql.Target, x types.Datum, t types.Type) error {
	v := to.Var
	tv, val := d.types[v.Num], &d.vals[v.Num]
	switch {
	case len(to.Path) == 0 && tv.composite:
		return d.setRecord(v, x, t)
	case len(to.Path) == 0:
		y, err := d.convert(x, t, tv)
		if err != nil {
			return err
		}
		if y.Null && v.NotNull {
			return sqlerr.New(sqlerr.NullValueNotAllowed,
				"null value cannot be assigned to variable \"%s\" declared NOT NULL", v.Name)
		}
		val.d = y
		return nil
	case to.Path[0].Field != "":
		i, err := d.field(v, to.Path[0].Field)
		if err != nil {
			return err
		}
		y, err := d.setPath(val.t.Fields[i].Type, val.fields[i], to.Path[1:], x, t)
		if err != nil {
			return err
		}
		val.fields[i], val.null = y, false
		return nil
	}
	y, err := d.setPath(tv.t, val.d, to.Path, x, t)
	if err == nil {
		val.d = y
	}
	return err
}

// setPath gives a value of type t in which a part has become x.
func (d *doBlock) setPath(t types.Type, old types.Datum, path []plpgsql.Step, x types.Datum,
	xt types.Type,
) (types.Datum, error) {
	if len(path) == 0 {
		return d.convert(x, xt, doType{t: t})
	}
	if name := path[0].Field; name != "" {
		k := t.FieldIndex(name)
		if t.Kind != types.Record || k < 0 {
			return old, sqlerr.New(sqlerr.UndefinedColumn,
				"no such column in data type %s: \"%s\"", t.String(), name)
		}
		fields := nulls(len(t.Fields))
		if !old.Null {
			fields = types.DecodeRecord(t, []byte(old.S))
		}
		y, err := d.setPath(t.Fields[k].Type, fields[k], path[1:], x, xt)
		if err != nil {
			return old, err
		}
		fields[k] = y
		return types.RecordDatum(t, fields), nil
	}
	if t.Kind != types.Array {
		return old, sqlerr.New(sqlerr.DatatypeMismatch,
			"cannot subscript type %s because it does not support subscripting", t.String())
	}
	return d.setElement(t, old, path, x, xt)
}

// setElement assigns to an element of an array.
func (d *doBlock) setElement(t types.Type, old types.Datum, path []plpgsql.Step, x types.Datum,
	xt types.Type,
) (types.Datum, error) {
	var at []int64
	for len(path) > 0 && path[0].Index != nil {
		i, it, err := d.value(path[0].Index)
		if err != nil {
			return old, err
		}
		if i.Null {
			return old, sqlerr.New(sqlerr.NullValueNotAllowed,
				"array subscript in assignment must not be null")
		}
		if i, err = d.convert(i, it, doType{t: types.Of(types.Int4)}); err != nil {
			return old, err
		}
		at, path = append(at, i.I), path[1:]
	}
	var a types.ArrayValue
	if !old.Null {
		a = old.Array(*t.Elem)
	}
	k, err := place(&a, at)
	if err != nil {
		return old, err
	}
	y, err := d.setPath(*t.Elem, a.Elems[k], path, x, xt)
	if err != nil {
		return old, err
	}
	a.Elems[k] = y
	return types.ArrayDatum(*t.Elem, a), nil
}

// maxElements bounds what assigning to a far element of an array may make.
const maxElements = 1 << 24

// place finds an element of an array by its subscripts; an array of one dimension grows to
// have it.
func place(a *types.ArrayValue, at []int64) (int, error) {
	if len(a.Dims) == 0 {
		a.Dims = make([]types.Dim, len(at))
		for i := range at {
			a.Dims[i].Lower, a.Dims[i].Len = a.Dims[i].Lower+int32(at[i]), 1
		}
		a.Elems = nulls(1)
		return 0, nil
	}
	if len(a.Dims) != len(at) {
		return 0, sqlerr.New(sqlerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	if len(at) == 1 {
		return grow(a, at[0])
	}
	k := 0
	for i, n := range at {
		j := n - int64(a.Dims[i].Lower)
		if j < 0 || j >= int64(a.Dims[i].Len) {
			return 0, sqlerr.New(sqlerr.ArraySubscriptError, "array subscript out of range")
		}
		k = k*int(a.Dims[i].Len) + int(j)
	}
	return k, nil
}

func grow(a *types.ArrayValue, at int64) (int, error) {
	dim := &a.Dims[0]
	k := at - int64(dim.Lower)
	more := max(-k, k-int64(dim.Len)+1, 0)
	if more+int64(dim.Len) > maxElements {
		return 0, sqlerr.New(sqlerr.ProgramLimitExceeded,
			"array size exceeds the maximum allowed (%d)", maxElements)
	}
	if k < 0 {
		a.Elems = append(nulls(int(more)), a.Elems...)
		dim.Lower, k = int32(at), 0
	} else {
		a.Elems = append(a.Elems, nulls(int(more))...)
	}
	dim.Len += int32(more)
	return int(k), nil
}

// setRecord assigns a composite value to a variable.
func (d *doBlock) setRecord(v *plpgsql.Var, x types.Datum, t types.Type) error {
	if x.Null {
		return d.setRow([]plpgsql.Target{{Var: v}}, nil, nil)
	}
	if t.Kind != types.Record {
		if t.Kind == types.Unknown && !d.types[v.Num].free {
			y, err := types.ParseText(d.env(), d.types[v.Num].t, x.S)
			if err != nil {
				return err
			}
			return d.setRecord(v, y, d.types[v.Num].t)
		}
		return sqlerr.New(sqlerr.DatatypeMismatch,
			"cannot assign non-composite value to a record variable")
	}
	row := types.DecodeRecord(t, []byte(x.S))
	return d.setRow([]plpgsql.Target{{Var: v}}, t.Fields, row)
}

// setRow assigns the columns of a row: all to a record, or one to each target. A row that is
// nil makes everything NULL.
func (d *doBlock) setRow(to []plpgsql.Target, cols []types.Field, row []types.Datum) error {
	if len(to) == 1 && len(to[0].Path) == 0 && d.types[to[0].Var.Num].composite {
		return d.setFields(to[0].Var, cols, row)
	}
	for i, t := range to {
		x, xt := types.NullDatum, types.Of(types.Unknown)
		if row != nil && i < len(row) {
			x, xt = row[i], cols[i].Type
		}
		if err := d.set(t, x, xt); err != nil {
			return err
		}
	}
	return nil
}

func (d *doBlock) setFields(v *plpgsql.Var, cols []types.Field, row []types.Datum) error {
	t, val := d.types[v.Num], &d.vals[v.Num]
	if t.free {
		if cols == nil {
			d.reset(v)
			return nil
		}
		*val = doValue{t: types.Type{Kind: types.Record, Fields: cols}, assigned: true,
			fields: row, null: row == nil}
		if row == nil {
			val.fields = nulls(len(cols))
		}
		return nil
	}
	fields := nulls(len(t.t.Fields))
	for i := range fields {
		if i >= len(row) {
			break
		}
		y, err := d.convert(row[i], cols[i].Type, doType{t: t.t.Fields[i].Type})
		if err != nil {
			return err
		}
		fields[i] = y
	}
	val.fields, val.null = fields, row == nil
	if val.null && v.NotNull {
		return sqlerr.New(sqlerr.NullValueNotAllowed,
			"null value cannot be assigned to variable \"%s\" declared NOT NULL", v.Name)
	}
	return nil
}

// convert gives a value another type as an assignment does: by the cast for assignments, or
// else through its text.
func (d *doBlock) convert(x types.Datum, from types.Type, to doType) (types.Datum, error) {
	y, err := d.cast(x, from, to.t)
	if err == nil && to.domain != nil {
		y, err = d.inDomain(y, to)
	}
	return y, err
}

func (d *doBlock) cast(x types.Datum, from, to types.Type) (types.Datum, error) {
	switch {
	case x.Null:
		return types.NullDatum, nil
	case from.Kind == types.Unknown:
		return types.ParseText(d.env(), to, x.S)
	case from.Same(to) && to.Mod == 0:
		return x, nil
	}
	if c, ok := types.CastKind(from, to); ok && c != types.CastExplicit {
		return types.Cast(d.env(), from, to, x, false)
	}
	return types.ParseText(d.env(), to, types.TextOf(d.env(), from, x))
}

// inDomain checks a value by the rules of a domain.
func (d *doBlock) inDomain(x types.Datum, to doType) (types.Datum, error) {
	tree := &sql.SelectStmt{Query: &sql.Query{Body: &sql.Select{
		Items: []sql.Item{{X: &sql.Cast{X: &sql.ParamRef{N: 1}, Type: to.domain}}}}}}
	st := &statement{tree: tree, given: []types.Type{to.t}}
	if err := d.s.ready(st, d.s.snapshot()); err != nil {
		return x, err
	}
	y, _, err := d.evaluate(&doStatement{st: st, params: []types.Datum{x}}, nil)
	return y, err
}

// env has the settings that the text of values depends on.
func (d *doBlock) env() *types.Env { return &d.s.describing().values }

func (d *doBlock) textOf(t types.Type, x types.Datum) string {
	if t.Kind == types.Unknown {
		return x.S
	}
	return types.TextOf(d.env(), t, x)
}

// own copies what a datum borrows of a batch.
func ownDatum(x types.Datum) types.Datum {
	x.S = strings.Clone(x.S)
	return x
}
