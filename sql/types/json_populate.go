package types

import "github.com/millracedb/millrace/sql/sqlerr"

// PopulateJSON reads a JSON value as t by the rules of json_populate_record: texts
// are read as the literals of t are, arrays and objects as arrays and composite
// values. A field that the object lacks keeps its value in base, which is NULL or a
// value of t. key names the member for hints; "" is the value itself.
func PopulateJSON(env *Env, t Type, s string, base Datum, key string) (Datum, error) {
	s = trimSpace(s)
	kind := JSONKind(s)
	if kind == 'z' && key != "" {
		return NullDatum, nil
	}
	switch {
	case t.Kind == JSON:
		return Datum{S: s}, nil
	case t.Kind == JSONB:
		b, err := ParseJSONB(nil, s)
		return Datum{S: string(b)}, err
	case t.Kind == Array && kind == 'a':
		return populateArray(env, t, s, key)
	case t.Kind == Array && kind != 's':
		return Datum{}, errPopulateArray(key)
	case t.Kind == Record && (kind != 's' || key == ""):
		return populateRecord(env, t, s, base)
	}
	text, _ := JSONText(s)
	d, err := ParseText(env, t.WithTypmod(-1), text)
	if err != nil || t.Mod == 0 {
		return d, err
	}
	return Cast(env, t.WithTypmod(-1), t, d, false)
}

func errPopulateArray(key string) error {
	err := sqlerr.New(sqlerr.InvalidTextRepresentation, "expected JSON array")
	if key != "" {
		err.WithHint("See the value of key \"%s\".", key)
	}
	return err
}

func populateRecord(env *Env, t Type, s string, base Datum) (Datum, error) {
	switch JSONKind(s) {
	case 'o':
	case 'a':
		return Datum{}, sqlerr.New(sqlerr.InvalidParameterValue,
			"cannot call populate_composite on an array")
	default:
		return Datum{}, sqlerr.New(sqlerr.InvalidParameterValue,
			"cannot call populate_composite on a scalar")
	}
	ds := make([]Datum, len(t.Fields))
	for i := range ds {
		ds[i] = NullDatum
	}
	if !base.Null {
		ds = base.Fields(t)
	}
	for i, f := range t.Fields {
		v, ok := JSONGet(s, f.Name)
		if !ok {
			continue
		}
		var err error
		if ds[i], err = PopulateJSON(env, f.Type, v, ds[i], f.Name); err != nil {
			return Datum{}, err
		}
	}
	return RecordDatum(t, ds), nil
}

// populateArray reads nested JSON arrays as the dimensions of one array.
func populateArray(env *Env, t Type, s, key string) (Datum, error) {
	elem := t.Innermost()
	depth := arrayDepth(elem, s)
	var v ArrayValue
	v.Dims = make([]Dim, depth)
	for i := range v.Dims {
		v.Dims[i] = Dim{Len: -1, Lower: 1}
	}
	var walk func(s string, level int) error
	walk = func(s string, level int) error {
		n := int32(0)
		for it := JSONElements(s); it.Next(); n++ {
			isArray := JSONKind(it.Value) == 'a' && elem.Kind != JSON && elem.Kind != JSONB
			switch {
			case level+1 < depth && isArray:
				if err := walk(it.Value, level+1); err != nil {
					return err
				}
				continue
			case level+1 < depth:
				return errPopulateArray(key)
			case isArray:
				return errPopulateShape()
			}
			d, err := PopulateJSON(env, elem, it.Value, NullDatum, key+"[]")
			if err != nil {
				return err
			}
			v.Elems = append(v.Elems, d)
		}
		if d := &v.Dims[level]; d.Len < 0 {
			d.Len = n
		} else if d.Len != n {
			return errPopulateShape()
		}
		return nil
	}
	if err := walk(s, 0); err != nil {
		return Datum{}, err
	}
	if len(v.Elems) == 0 {
		v.Dims = nil
	}
	return ArrayDatum(elem, v), nil
}

func errPopulateShape() error {
	return sqlerr.New(sqlerr.InvalidTextRepresentation, "malformed JSON array").
		WithDetail("Multidimensional arrays must have sub-arrays with matching dimensions.")
}

// arrayDepth counts the levels of a JSON array by its first elements.
func arrayDepth(elem Type, s string) int {
	n := 1
	if elem.Kind == JSON || elem.Kind == JSONB {
		return n
	}
	for {
		it := JSONElements(s)
		if !it.Next() || JSONKind(it.Value) != 'a' {
			return n
		}
		s = it.Value
		n++
	}
}
