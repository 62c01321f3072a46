package exec_test

// Types beside those of oracle_expr_test.go. Numbers in jsonb are integers: equal
// numbers with other scales would be one group with two texts.
const (
	tJSON  = "jsonb"
	tTexts = "text[]"
	tStamp = "timestamptz"
)

func init() {
	allTypes = append(allTypes, tJSON, tTexts, tStamp)
	for typ, more := range moreForms {
		forms[typ] = append(forms[typ], more...)
	}
}

// moreForms are casts among types, and what goes in and out of jsonb and arrays.
var moreForms = map[string][]form{
	tJSON: {f("to_jsonb(%s)", tInt), f("to_jsonb(%s)", tText),
		f("jsonb_build_object('a', %s, 'b', %s)", tInt, tText),
		f("jsonb_build_array(%s, %s)", tBig, tBool), f("(%s || %s)", tJSON, tJSON),
		f("(%s -> 'a')", tJSON), f("to_jsonb(%s)", tInts), f("to_jsonb(%s)", tTexts),
		f("coalesce(%s, %s)", tJSON, tJSON), f("jsonb_strip_nulls(%s)", tJSON), f("(%s -> 0)", tJSON),
		f("to_jsonb(%s)", tTime)},
	tTexts: {f("ARRAY[%s, %s]", tText, tText), f("(%s || %s)", tTexts, tText),
		f("string_to_array(%s, 'b')", tText), f("(%s)::text[]", tInts),
		f("coalesce(%s, %s)", tTexts, tTexts), f("array_remove(%s, %s)", tTexts, tText)},
	tStamp: {f("(%s)::timestamptz", tTime), f("(%s AT TIME ZONE 'UTC')", tTime),
		f("(%s)::timestamptz", tDate), f("(%s + %s)", tStamp, tSpan),
		f("greatest(%s, %s)", tStamp, tStamp), f("to_timestamp(%s)", tBig),
		f("coalesce(%s, %s)", tStamp, tStamp)},
	tBig: {f("extract(epoch FROM (%s - %s))::bigint", tTime, tTime),
		f("(%s)::numeric::bigint", tInt), f("(%s)::text::bigint", tInt),
		f("array_length(%s, 1)::bigint", tTexts)},
	tInt: {f("((%s ->> 'a') IS NULL)::integer", tJSON), f("length((%s)::text)", tJSON),
		f("cardinality(%s)", tTexts), f("extract(minute FROM %s)::integer", tSpan),
		f("extract(day FROM %s)::integer", tStamp)},
	tText: {f("(%s ->> 'b')", tJSON), f("(%s)::text", tJSON), f("(%s)[1]", tTexts),
		f("(%s)::text", tTexts), f("(%s)::varchar(2)::text", tText), f("(%s)::text", tStamp),
		f("(%s)::text", tDate), f("jsonb_typeof(%s)", tJSON), f("(%s #>> '{a}')", tJSON),
		f("array_to_string(%s, '+')", tTexts), f("quote_nullable(%s)", tText)},
	tFloat: {f("(%s)::double precision", tInt), f("round(%s * 4)::double precision", tFloat)},
	tNum: {f("(%s)::numeric(18,2)", tFloat), f("(%s)::numeric(18,2)", tInt),
		f("least(%s, %s)::numeric(18,2)", tNum, tInt)},
	tTime: {f("(%s)::timestamp", tStamp), f("(%s)::text::timestamp", tTime),
		f("(%s AT TIME ZONE 'UTC')", tStamp), f("(%s + make_interval(hours => %s))", tDate, tInt)},
	tDate: {f("(%s)::date", tStamp), f("(%s)::text::date", tDate)},
	tSpan: {f("make_interval(mins => %s)", tInt), f("(%s)::text::interval", tSpan),
		f("(%s / 2)", tSpan)},
	tInts: {f("array_cat(%s, %s)", tInts, tInts), f("array_prepend(%s, %s)", tInt, tInts),
		f("(%s)::text::integer[]", tInts)},
	tBool: {f("(%s @> %s)", tJSON, tJSON), f("(%s ? 'a')", tJSON),
		f("(%s = ANY (%s))", tText, tTexts), f("(%s IS NOT TRUE)", tBool), f("(%s IS UNKNOWN)", tBool),
		f("(ROW(%s, %s) IS NULL)", tInt, tText),
		f("((%s, %s, %s) >= (%s, %s, %s))", tInt, tText, tDate, tInt, tText, tDate),
		f("(%s < %s)", tStamp, tTime), f("((%s, %s) = (%s, %s))", tInt, tJSON, tInt, tJSON),
		f("(%s SIMILAR TO '(a|b)%%')", tText),
		f("(%s NOT BETWEEN SYMMETRIC %s AND %s)", tInt, tInt, tInt),
		f("((%s, %s) IS DISTINCT FROM (%s, %s))", tInt, tText, tInt, tText),
		f("(%s)::text::boolean", tBool), f("(%s <@ %s)", tTexts, tTexts),
		f("(%s <> ALL (%s))", tText, tTexts),
		f("((%s, %s) IN ((1, 'a'), (2, 'b'), (%s, NULL)))", tInt, tText, tInt)},
}

// moreLiteral gives a constant of one of these types.
func (g *generator) moreLiteral(typ string) string {
	switch typ {
	case tJSON:
		return "'" + pick(g, `{"a": 1}`, `{"a": 2, "b": "x"}`, `[1, 2, "a"]`, `"a"`, `3`, `null`, `{}`,
			`[]`, `true`,
			`{"a": null, "b": [1]}`, `{"b": {"a": 1}}`) + "'::jsonb"
	case tTexts:
		return "'" + pick(g, "{}", "{a}", "{a,b}", "{b,NULL}", "{ab,Zug,a}") + "'::text[]"
	}
	return "timestamptz '2024-01-0" + pick(g, "1", "2", "3") + " 0" + pick(g, "0", "3", "7") +
		":15:00+00'"
}
