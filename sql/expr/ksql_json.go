package expr

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineKsqlJSON defines ksqlDB's functions of strings that hold JSON, and
// geo_distance.
func defineKsqlJSON(r *registry) {
	r.fn("is_json_string(text) bool", func(a []types.Datum) (types.Datum, error) {
		_, ok := firstJSON(a[0], 0)
		return types.BoolDatum(ok), nil
	}, "whether a text is valid JSON", "is_json_string('[1]')").nullable()
	r.fn("json_array_length(text) int4", ksqlArrayLength, "number of elements of a JSON array",
		"json_array_length('[1, 2]'::text)").asFallback()
	r.fn("json_array_contains(text, any) bool", bindJSONArrayContains,
		"whether a JSON array has a value", "json_array_contains('[1, 2]', 2)").nullable()
	r.fn("json_concat(variadic text) text", jsonConcat, "JSON objects merged, or values joined to an array",
		"json_concat('[1]', '[2]')").nullable()
	r.fn("json_items(text) text[]", func(a []types.Datum) (types.Datum, error) {
		doc, ok := firstJSON(a[0], 'a')
		if !ok {
			return types.NullDatum, nil
		}
		var out []types.Datum
		for it := types.JSONElements(doc); it.Next(); {
			out = append(out, types.TextDatum(jacksonText(it.Value, false)))
		}
		return makeArrayDatum(out, textArray)
	}, "the elements of a JSON array", "json_items('[1, {\"a\": 2}]')")
	r.fn("json_keys(text) text[]", func(a []types.Datum) (types.Datum, error) {
		doc, ok := firstJSON(a[0], 'o')
		if !ok {
			return types.NullDatum, nil
		}
		var keys []types.Datum
		for _, m := range jsonMembers(doc) {
			keys = append(keys, types.TextDatum(m.key))
		}
		return makeArrayDatum(keys, textArray)
	}, "the keys of a JSON object", "json_keys('{\"a\": 1, \"b\": 2}')")
	r.fn("json_records(text) map", func(a []types.Datum) (types.Datum, error) {
		doc, ok := firstJSON(a[0], 'o')
		if !ok {
			return types.NullDatum, nil
		}
		var keys, vals []types.Datum
		for _, m := range jsonMembers(doc) {
			keys = append(keys, types.TextDatum(m.key))
			vals = append(vals, types.TextDatum(jsonValueText(m.value)))
		}
		return types.MapDatum(textMap, keys, vals), nil
	}, "map of a JSON object", "json_records('{\"a\": 1, \"b\": \"x\"}')").withRet(retTextMap)
	r.fn("extractjsonfield(text, text) text", extractJSONField, "value at a JSON path",
		"extractjsonfield('{\"a\": {\"b\": [1, 2]}}', '$.a.b[1]')")
	r.fn("to_json_string(any) text", bindToJSONString, "the value as JSON", "to_json_string(ARRAY[1, 2])").
		nullable().stable()
	r.fn("geo_distance(float8, float8, float8, float8) float8", geoDistance,
		"great-circle distance in kilometres",
		"round(geo_distance(37.4439, -122.1663, 51.5257, -0.1122)::numeric, 3)")
	r.fn("geo_distance(float8, float8, float8, float8, text) float8", geoDistance,
		"great-circle distance in 'KM' (when NULL) or 'MILES'",
		"round(geo_distance(37.4439, -122.1663, 51.5257, -0.1122, 'MILES')::numeric, 3)").nullable()
}

func ksqlArrayLength(a []types.Datum) (types.Datum, error) {
	doc, ok := firstJSON(a[0], 'a')
	if !ok {
		return types.NullDatum, nil
	}
	return types.IntDatum(int64(types.JSONLen(doc))), nil
}

// bindJSONArrayContains compares by kind: an integer finds integers, a float
// numbers with a fraction, a text strings.
func bindJSONArrayContains(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		doc, ok := firstJSON(a[0], 'a')
		if !ok {
			return types.BoolDatum(false), nil
		}
		want := "null"
		if !a[1].Null {
			want = string(types.AppendJSON(typesEnv(env), nil, args[1], a[1]))
		}
		text := !a[1].Null && isString(args[1].Kind)
		for it := types.JSONElements(doc); it.Next(); {
			got := strings.TrimSpace(it.Value)
			same := got == want
			switch {
			case text:
				same = types.JSONKind(got) == 's' && types.JSONUnquote(got) == a[1].S
			case isFloat(args[1].Kind) && !a[1].Null:
				same = sameFloatToken(got, want)
			}
			if same {
				return types.BoolDatum(true), nil
			}
		}
		return types.BoolDatum(false), nil
	}
}

func sameFloatToken(a, b string) bool {
	if !strings.ContainsAny(a, ".eE") {
		return false
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && x == y
}

// jsonConcat merges objects where all values are objects; else it joins arrays,
// and takes other values as arrays of one.
func jsonConcat(a []types.Datum) (types.Datum, error) {
	docs := make([]string, len(a))
	objects := 0
	for i, d := range a {
		doc, ok := firstJSON(d, 0)
		if !ok {
			return types.NullDatum, nil
		}
		docs[i] = doc
		if types.JSONKind(doc) == 'o' {
			objects++
		}
	}
	switch {
	case len(docs) == 0:
		return types.NullDatum, nil
	case len(docs) == 1:
		return types.TextDatum(jacksonText(docs[0], true)), nil
	case objects == len(docs):
		return types.TextDatum(jacksonObject(jsonMembers(docs...), true)), nil
	}
	b := []byte{'['}
	for _, doc := range docs {
		items := []string{doc}
		if types.JSONKind(doc) == 'a' {
			items = items[:0]
			for it := types.JSONElements(doc); it.Next(); {
				items = append(items, it.Value)
			}
		}
		for _, item := range items {
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = append(b, jacksonText(item, true)...)
		}
	}
	return types.TextDatum(string(append(b, ']'))), nil
}

// extractJSONField follows a path such as $.a["b"][0] in the first JSON value of
// the text, as ksqlDB's reader does, which looks no further.
func extractJSONField(a []types.Datum) (types.Datum, error) {
	doc, ok := firstJSON(a[0], 0)
	if !ok {
		return types.NullDatum, nil
	}
	path, err := jsonPathSteps(a[1].S)
	if err != nil {
		return types.NullDatum, err
	}
	v, ok := types.JSONPath(doc, path)
	for _, p := range path {
		ok = ok && !strings.HasPrefix(p, "-")
	}
	if !ok {
		return types.NullDatum, nil
	}
	return types.TextDatum(jsonValueText(v)), nil
}

func jsonPathSteps(s string) ([]string, error) {
	bad := sqlerr.New(sqlerr.InvalidParameterValue, "invalid JSON path \"%s\"", s).
		WithHint("A path begins with $, as in $.a.b[0].")
	if !strings.HasPrefix(s, "$") {
		return nil, bad
	}
	s = s[1:]
	var steps []string
	for s != "" {
		switch s[0] {
		case '.':
			end := strings.IndexAny(s[1:], ".[") + 1
			if end == 0 {
				end = len(s)
			}
			steps = append(steps, s[1:end])
			s = s[end:]
		case '[':
			end := strings.IndexByte(s, ']')
			if end < 0 {
				return nil, bad
			}
			steps = append(steps, strings.Trim(s[1:end], "'\""))
			s = s[end+1:]
		default:
			return nil, bad
		}
	}
	return steps, nil
}

func bindToJSONString(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
		var b strings.Builder
		jsonString(&b, env, args[0], a[0])
		return types.TextDatum(b.String()), nil
	}
}

// jsonString writes a value as ksqlDB's to_json_string does: without blanks, the
// fields of structs in order of their names, bytes in base64.
func jsonString(b *strings.Builder, env *Env, t types.Type, d types.Datum) {
	switch {
	case d.Null:
		b.WriteString("null")
	case t.Kind == types.Array:
		elem := elemOf(t)
		for i, v := range d.Array(elem).Elems {
			b.WriteByte("[,"[min(i, 1)])
			jsonString(b, env, elem, v)
		}
		b.WriteString(closing("[]", len(d.Array(elem).Elems)))
	case t.Kind == types.Map:
		keys, vals := types.DecodeMap(t, aliasBytes(d.S))
		for i, k := range keys {
			b.WriteByte("{,"[min(i, 1)])
			b.Write(appendJacksonString(nil, types.TextOf(typesEnv(env), *t.Key, k)))
			b.WriteByte(':')
			jsonString(b, env, *t.Elem, vals[i])
		}
		b.WriteString(closing("{}", len(keys)))
	case t.Kind == types.Struct:
		order := make([]int, len(t.Fields))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(i, j int) int {
			return strings.Compare(t.Fields[i].Name, t.Fields[j].Name)
		})
		vals := d.Fields(t)
		for n, i := range order {
			b.WriteByte("{,"[min(n, 1)])
			b.Write(appendJacksonString(nil, t.Fields[i].Name))
			b.WriteByte(':')
			jsonString(b, env, t.Fields[i].Type, vals[i])
		}
		b.WriteString(closing("{}", len(order)))
	case t.Kind == types.Bytea:
		b.WriteString(`"` + base64.StdEncoding.EncodeToString([]byte(d.S)) + `"`)
	case t.Kind == types.Float8 && (math.IsNaN(d.F) || math.IsInf(d.F, 0)):
		b.WriteString(`"` + javaDouble(d.F) + `"`)
	case t.Kind == types.Float8, t.Kind == types.Numeric:
		b.WriteString(javaText(env, t, d))
	case isTimeKind(t.Kind) || t.Kind == types.Timestamptz || isString(t.Kind):
		b.Write(appendJacksonString(nil, javaText(env, t, d)))
	default:
		b.WriteString(jacksonText(string(types.AppendJSON(typesEnv(env), nil, t, d)), true))
	}
}

// closing ends a collection of n elements, each of which was written after a sign.
func closing(signs string, n int) string {
	if n == 0 {
		return signs
	}
	return signs[1:]
}

// earthRadius in kilometres and miles, as ksqlDB has them.
const (
	earthRadiusKM    = 6371
	earthRadiusMiles = 3959
)

// geoDistance is the haversine formula.
func geoDistance(a []types.Datum) (types.Datum, error) {
	radius := float64(earthRadiusKM)
	for _, d := range a[:4] {
		if d.Null {
			return types.NullDatum, nil
		}
	}
	if len(a) > 4 && !a[4].Null {
		switch strings.ToUpper(strings.TrimSpace(a[4].S)) {
		case "", "KM", "KILOMETER", "KILOMETERS", "KILOMETRE", "KILOMETRES":
		case "MI", "MILE", "MILES":
			radius = earthRadiusMiles
		default:
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"unit of geo_distance must be miles or kilometers, not \"%s\"", a[4].S)
		}
	}
	rad := func(d float64) float64 { return d * (math.Pi / 180) }
	for i, limit := range []float64{90, 180, 90, 180} {
		if math.Abs(a[i].F) > limit {
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"coordinates of geo_distance must be between -90 and 90, and -180 and 180 degrees")
		}
	}
	lat1, lat2 := rad(a[0].F), rad(a[2].F)
	dLat, dLon := rad(a[2].F-a[0].F), rad(a[3].F-a[1].F)
	h := math.Pow(math.Sin(dLat/2), 2) + math.Pow(math.Sin(dLon/2), 2)*math.Cos(lat1)*math.Cos(lat2)
	return types.FloatDatum(2 * math.Asin(math.Sqrt(h)) * radius), nil
}
