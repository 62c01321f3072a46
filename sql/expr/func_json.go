package expr

import (
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// jsonKinds are the two types that most JSON functions exist for.
var jsonKinds = []string{"json", "jsonb"}

func textOrNull(s string, ok bool) (types.Datum, error) {
	if !ok {
		return types.NullDatum, nil
	}
	return types.TextDatum(s), nil
}

// jsonTextOrNull is the ->> of a value found.
func jsonTextOrNull(v string, ok bool) (types.Datum, error) {
	if !ok {
		return types.NullDatum, nil
	}
	s, null := types.JSONText(v)
	return textOrNull(s, !null)
}

// pathOf gives the steps of a text[] path, ok false when one is NULL.
func pathOf(d types.Datum) ([]string, bool) {
	r := types.OpenArrayDatum(types.Of(types.Text), d)
	path := make([]string, r.Len())
	for i := range path {
		if r.IsNull(i) {
			return nil, false
		}
		path[i] = r.Bytes(i)
	}
	return path, true
}

func jsonAt(a []types.Datum) (string, bool) {
	path, ok := pathOf(a[1])
	if !ok {
		return "", false
	}
	return types.JSONPath(a[0].S, path)
}

// jsonGetKernel is -> and ->> by key, without allocation for plain values.
func jsonGetKernel(text bool) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		for _, r := range rows {
			v, ok := types.JSONGet(aliasString(args[0].Bytes(int(r))), aliasString(args[1].Bytes(int(r))))
			if ok && text {
				var null bool
				v, null = types.JSONText(v)
				ok = !null
			}
			if !ok {
				setNull(out, int(r))
				continue
			}
			putString(out, int(r), v)
		}
		return nil
	}
}

func defineJSON(r *registry) {
	for _, k := range jsonKinds {
		obj := "'{\"a\": {\"b\": [1, \"x\", null]}}'::" + k
		arr := "'[1, \"x\", null]'::" + k
		r.op("->("+k+", text) "+k, jsonGetKernel(false), "member of an object", obj+" -> 'a'")
		r.op("->>("+k+", text) text", jsonGetKernel(true), "member of an object as text", obj+" ->> 'a'")
		index := types.JSONIndex
		if k == "json" {
			index = jsonPlainIndex
		}
		r.op("->("+k+", int4) "+k, func(a []types.Datum) (types.Datum, error) {
			return textOrNull(index(a[0].S, int(a[1].I)))
		}, "element of an array", arr+" -> 1")
		r.op("->>("+k+", int4) text", func(a []types.Datum) (types.Datum, error) {
			return jsonTextOrNull(index(a[0].S, int(a[1].I)))
		}, "element of an array as text", arr+" ->> -2")
		r.op("#>("+k+", text[]) "+k, func(a []types.Datum) (types.Datum, error) {
			return textOrNull(jsonAt(a))
		}, "value at a path", obj+" #> '{a,b,1}'")
		r.op("#>>("+k+", text[]) text", func(a []types.Datum) (types.Datum, error) {
			return jsonTextOrNull(jsonAt(a))
		}, "value at a path as text", obj+" #>> '{a,b,1}'")
		r.fn(k+"_extract_path("+k+", variadic text) "+k, func(a []types.Datum) (types.Datum, error) {
			return textOrNull(types.JSONPath(a[0].S, steps(a[1:])))
		}, "value at a path", k+"_extract_path("+obj+", 'a', 'b')")
		r.fn(k+"_extract_path_text("+k+", variadic text) text",
			func(a []types.Datum) (types.Datum, error) {
				return jsonTextOrNull(types.JSONPath(a[0].S, steps(a[1:])))
			}, "value at a path as text", k+"_extract_path_text("+obj+", 'a', 'b', '1')")
		r.fn(k+"_typeof("+k+") text", func(s string) string { return types.JSONTypeName(s) },
			"kind of the value", k+"_typeof("+arr+")")
		r.fn(k+"_array_length("+k+") int4", jsonArrayLength, "number of elements",
			k+"_array_length("+arr+")")
		strip := types.JSONStripNulls
		if k == "json" {
			strip = stripNullsPlain
		}
		r.fn(k+"_strip_nulls("+k+") "+k, strip,
			"without members that are null", k+"_strip_nulls('{\"a\":1,\"b\":null}'::"+k+")")
		defineJSONSets(r, k)
	}
	defineJSONB(r)
}

// jsonPlainIndex is -> of json, which does not take a scalar for an array of one.
func jsonPlainIndex(s string, i int) (string, bool) {
	if types.JSONKind(s) != 'a' {
		return "", false
	}
	return types.JSONIndex(s, i)
}

// stripNullsPlain is json_strip_nulls: it writes without blanks, and keeps the order
// of members.
func stripNullsPlain(s string) string { return string(appendStripped(nil, s)) }

func appendStripped(dst []byte, s string) []byte {
	kind := types.JSONKind(s)
	if kind != 'o' && kind != 'a' {
		if kind == 's' {
			return types.AppendJSONString(dst, types.JSONUnquote(strings.TrimSpace(s)))
		}
		return append(dst, strings.TrimSpace(s)...)
	}
	open, end := byte('{'), byte('}')
	if kind == 'a' {
		open, end = '[', ']'
	}
	dst = append(dst, open)
	n := 0
	for it := types.JSONElements(s); it.Next(); {
		if kind == 'o' && types.JSONKind(it.Value) == 'z' {
			continue
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		n++
		if kind == 'o' {
			dst = append(types.AppendJSONString(dst, types.JSONUnquote(it.Key)), ':')
		}
		dst = appendStripped(dst, it.Value)
	}
	return append(dst, end)
}

func steps(ds []types.Datum) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = d.S
	}
	return out
}

func jsonArrayLength(s string) (int64, error) {
	switch types.JSONKind(s) {
	case 'a':
		return int64(types.JSONLen(s)), nil
	case 'o':
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "cannot get array length of a non-array")
	}
	return 0, sqlerr.New(sqlerr.InvalidParameterValue, "cannot get array length of a scalar")
}

// errJSONShape refuses a value of the wrong kind for a set-returning function.
func errJSONShape(fn, s, want string) error {
	switch {
	case want == "array" && types.JSONKind(s) == 'o':
		if fn == "json_array_elements" || fn == "json_array_elements_text" {
			return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on a non-array", fn)
		}
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot extract elements from an object")
	case want == "array":
		if fn == "json_array_elements" || fn == "json_array_elements_text" {
			return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on a scalar", fn)
		}
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot extract elements from a scalar")
	case strings.HasPrefix(fn, "jsonb_each"):
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on a non-object", fn)
	case strings.HasPrefix(fn, "json_each") && types.JSONKind(s) == 'a':
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot deconstruct an array as an object")
	case strings.HasPrefix(fn, "json_each"):
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot deconstruct a scalar")
	case types.JSONKind(s) == 'a':
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on an array", fn)
	}
	return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on a scalar", fn)
}

// defineJSONSets defines the functions that give one row per element or member.
func defineJSONSets(r *registry, k string) {
	t := signatureType(k)
	text := types.Of(types.Text)
	each := func(name, doc string, asText bool, cols []types.Field) {
		valueType := k
		if asText {
			valueType = "text"
		}
		ret := "record"
		switch len(cols) {
		case 1:
			ret = valueType
		case 0:
			ret = "text"
		}
		wantArray := len(cols) == 1
		fn := r.fn(name+"("+k+") "+ret, jsonEach(name, wantArray, len(cols) == 0, asText), doc,
			name+"("+jsonSetExample(k, wantArray)+")")
		fn.RetCols = cols
		if len(cols) == 0 {
			fn.RetCols = []types.Field{{Name: name, Type: text}}
		}
		if len(cols) == 2 {
			fn.Ret = types.Type{Kind: types.Record, Fields: cols}
		}
	}
	each(k+"_each", "the members", false, []types.Field{{Name: "key", Type: text}, {Name: "value", Type: t}})
	each(k+"_each_text", "the members, values as text", true,
		[]types.Field{{Name: "key", Type: text}, {Name: "value", Type: text}})
	each(k+"_array_elements", "the elements", false, []types.Field{{Name: "value", Type: t}})
	each(k+"_array_elements_text", "the elements as text", true, []types.Field{{Name: "value", Type: text}})
	each(k+"_object_keys", "the keys", false, nil)
}

func jsonSetExample(k string, array bool) string {
	if array {
		return "'[1, \"a\", null]'::" + k
	}
	return "'{\"a\": 1, \"b\": \"x\"}'::" + k
}

func jsonEach(name string, array, keysOnly, asText bool,
) func(*Env, []types.Datum, func([]types.Datum) error) error {
	return func(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
		if a[0].Null {
			return nil
		}
		want, kind := "object", byte('o')
		if array {
			want, kind = "array", 'a'
		}
		if types.JSONKind(a[0].S) != kind {
			return errJSONShape(name, a[0].S, want)
		}
		for it := types.JSONElements(a[0].S); it.Next(); {
			v := types.TextDatum(it.Value)
			if asText {
				v, _ = jsonTextOrNull(it.Value, true)
			}
			row := []types.Datum{v}
			if !array {
				row = []types.Datum{types.TextDatum(types.JSONUnquote(it.Key)), v}
			}
			if keysOnly {
				row = row[:1]
			}
			if err := emit(row); err != nil {
				return err
			}
		}
		return nil
	}
}

func defineJSONB(r *registry) {
	r.op("@>(jsonb, jsonb) bool", func(a []types.Datum) (types.Datum, error) {
		return types.BoolDatum(types.JSONContains(a[0].S, a[1].S)), nil
	}, "contains", "'{\"a\":1, \"b\":2}'::jsonb @> '{\"b\":2}'")
	r.op("<@(jsonb, jsonb) bool", func(a []types.Datum) (types.Datum, error) {
		return types.BoolDatum(types.JSONContains(a[1].S, a[0].S)), nil
	}, "is contained by", "'{\"b\":2}'::jsonb <@ '{\"a\":1, \"b\":2}'")
	exists := func(a []types.Datum) (types.Datum, error) {
		return types.BoolDatum(types.JSONExists(a[0].S, a[1].S)), nil
	}
	r.op("?(jsonb, text) bool", exists, "has a key or element", "'{\"a\":1}'::jsonb ? 'a'")
	r.fn("jsonb_exists(jsonb, text) bool", exists, "has a key or element",
		"jsonb_exists('{\"a\":1}', 'a')")
	r.op("?|(jsonb, text[]) bool", jsonExistsMany(false), "has one of the keys",
		"'{\"a\":1, \"b\":2}'::jsonb ?| ARRAY['b', 'd']")
	r.op("?&(jsonb, text[]) bool", jsonExistsMany(true), "has all of the keys",
		"'[\"a\", \"b\"]'::jsonb ?& ARRAY['a', 'b']")
	r.op("||(jsonb, jsonb) jsonb", func(a, b string) string { return types.JSONConcat(a, b) },
		"merge objects, join arrays", "'{\"a\": \"b\"}'::jsonb || '{\"c\": 42}'::jsonb")
	defineJSONBEdit(r)
}

// defineJSONBEdit defines what takes parts of a jsonb out or puts them in.
func defineJSONBEdit(r *registry) {
	r.op("-(jsonb, text) jsonb", func(a, b string) (string, error) {
		return types.JSONDeleteKeys(a, b)
	}, "without a key or element", "'{\"a\": \"b\", \"c\": \"d\"}'::jsonb - 'a'")
	r.op("-(jsonb, text[]) jsonb", func(a []types.Datum) (types.Datum, error) {
		var keys []string
		list := a[1].Array(types.Of(types.Text))
		if len(list.Dims) > 1 {
			return types.NullDatum, errSubscripts()
		}
		for _, d := range list.Elems {
			if !d.Null {
				keys = append(keys, d.S)
			}
		}
		s, err := types.JSONDeleteKeys(a[0].S, keys...)
		return types.TextDatum(s), err
	}, "without keys or elements", "'{\"a\": \"b\", \"c\": \"d\"}'::jsonb - '{a,c}'::text[]")
	r.op("-(jsonb, int4) jsonb", func(s string, i int64) (string, error) {
		return types.JSONDeleteIndex(s, int(i))
	}, "without an element", "'[\"a\", \"b\"]'::jsonb - 1")
	r.op("#-(jsonb, text[]) jsonb", jsonDeletePath, "without the value at a path",
		"'[\"a\", {\"b\":1}]'::jsonb #- '{1,b}'")
	r.fn("jsonb_delete_path(jsonb, text[]) jsonb", jsonDeletePath, "without the value at a path",
		"jsonb_delete_path('[\"a\", {\"b\":1}]', '{1,b}')")
	r.fn("jsonb_set(jsonb_in jsonb, path text[], replacement jsonb, create_if_missing bool = true) jsonb",
		jsonSet, "with the value at a path replaced",
		"jsonb_set('[{\"f1\":1,\"f2\":null},2]', '{0,f1}', '[2,3,4]', false)")
	r.fn("jsonb_insert(jsonb_in jsonb, path text[], replacement jsonb, insert_after bool = false) jsonb",
		func(a []types.Datum) (types.Datum, error) {
			path, known, err := wholePath(a[0].S, a[1])
			if err != nil || !known {
				return a[0], err
			}
			s, err := types.JSONInsert(a[0].S, path, a[2].S, a[3].Bool())
			return types.TextDatum(s), err
		}, "with a value inserted at a path", "jsonb_insert('{\"a\": [0,1,2]}', '{a, 1}', '\"new\"')")
	r.fn("jsonb_pretty(jsonb) text", func(s string) string { return types.JSONPretty(s) },
		"indented text", "jsonb_pretty('[{\"f1\":1}, 2]')")
}

// jsonDeletePath is jsonb #- text[].
func jsonDeletePath(a []types.Datum) (types.Datum, error) {
	if r := types.OpenArrayDatum(types.Of(types.Text), a[1]); r.NDims() > 1 {
		return types.NullDatum, errSubscripts()
	}
	if k := types.JSONKind(a[0].S); k != 'o' && k != 'a' {
		s, err := types.JSONDeletePath(a[0].S, nil)
		return types.TextDatum(s), err
	}
	if k := types.JSONKind(a[0].S); (k == 'a' || k == 'o') && types.JSONLen(a[0].S) == 0 {
		return a[0], nil
	}
	path, known, err := wholePath(a[0].S, a[1])
	if err != nil || !known {
		return a[0], err
	}
	s, err := types.JSONDeletePath(a[0].S, path)
	return types.TextDatum(s), err
}

// jsonSet is jsonb_set.
func jsonSet(a []types.Datum) (types.Datum, error) {
	if r := types.OpenArrayDatum(types.Of(types.Text), a[1]); len(r.Dims()) > 1 {
		return a[0], errSubscripts()
	}
	if k := types.JSONKind(a[0].S); !a[3].Bool() && (k == 'a' || k == 'o') && types.JSONLen(a[0].S) == 0 {
		return a[0], nil
	}
	path, known, err := wholePath(a[0].S, a[1])
	if err != nil || !known {
		return a[0], err
	}
	s, err := types.JSONSet(a[0].S, path, a[2].S, a[3].Bool())
	return types.TextDatum(s), err
}

// wholePath gives the steps of a path into the jsonb s. A NULL among them is an
// error where the steps before it lead to something; else known is false.
func wholePath(s string, d types.Datum) (path []string, known bool, err error) {
	r := types.OpenArrayDatum(types.Of(types.Text), d)
	if len(r.Dims()) > 1 {
		return nil, false, errSubscripts()
	}
	path = make([]string, r.Len())
	for i := range path {
		if r.IsNull(i) {
			return nil, false, nullStep(s, path[:i])
		}
		path[i] = r.Bytes(i)
	}
	return path, true, nil
}

func nullStep(s string, before []string) error {
	if _, err := types.JSONSet(s, before, "null", true); err != nil {
		return err
	}
	if _, ok := types.JSONPath(s, before); !ok {
		return nil
	}
	return sqlerr.New(sqlerr.NullValueNotAllowed, "path element at position %d is null", len(before)+1)
}

func errSubscripts() error {
	return sqlerr.New(sqlerr.ArraySubscriptError, "wrong number of array subscripts")
}

func jsonExistsMany(all bool) func([]types.Datum) (types.Datum, error) {
	return func(a []types.Datum) (types.Datum, error) {
		r := types.OpenArrayDatum(types.Of(types.Text), a[1])
		for i := range r.Len() {
			if !r.IsNull(i) && types.JSONExists(a[0].S, r.Bytes(i)) != all {
				return types.BoolDatum(!all), nil
			}
		}
		return types.BoolDatum(all), nil
	}
}
