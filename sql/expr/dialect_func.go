package expr

import (
	"bytes"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// dialect defines a function or operator that counts only in ksqlDB's dialect, and
// there before PostgreSQL's of the same name.
func (r *registry) dialect(sig string, impl any, doc, example string) *Func {
	f := newFunc(sig, impl, doc, example)
	f.Operator = !isLetter(f.Name[0])
	r.ksql[f.Name] = append(r.ksql[f.Name], f)
	r.ksqlAll = append(r.ksqlAll, f)
	return f
}

// DialectFuncs lists the functions and operators that ksqlDB's dialect has of its
// own, in order of definition.
func DialectFuncs() []*Func { return append([]*Func(nil), builtin().ksqlAll...) }

func defineDialect(r *registry) {
	defineDialectFloats(r)
	defineDialectRounding(r)
	defineDialectAbs(r)
	defineDialectText(r)
	for _, k := range []string{"int4", "int8"} {
		r.dialect("generate_series("+k+", "+k+") "+k+"[]", bindSeriesArray,
			"array of the numbers from the first to the second", "generate_series(2::"+k+", 4)")
		r.dialect("generate_series("+k+", "+k+", int4) "+k+"[]", bindSeriesArray,
			"array of the numbers from the first to the second by steps",
			"generate_series(5::"+k+", 1, -2)")
	}
	r.dialect("json_array_length(text) int4", ksqlArrayLength,
		"number of elements of a JSON array, NULL of anything else", "json_array_length('{}')")
	r.dialect("array_at(anyarray, int4) anyelement", bindArrayAt,
		"a[i], from the end for negative i", "(ARRAY[1, 2, 3])[-1]")
}

// defineDialectFloats: DOUBLEs are those of IEEE 754, without errors.
func defineDialectFloats(r *registry) {
	one := func(name string, f func(float64) float64, doc, example string) {
		r.dialect(name+"(float8) float8", f, doc, example)
	}
	one("ln", math.Log, "natural logarithm, NaN of negative numbers", "ln(-1)")
	one("log", math.Log, "natural logarithm, NaN of negative numbers", "log(-1)")
	one("sqrt", math.Sqrt, "square root, NaN of negative numbers", "sqrt(-1)")
	one("acos", math.Acos, "inverse cosine, NaN beyond -1 to 1", "acos(2)")
	one("asin", math.Asin, "inverse sine, NaN beyond -1 to 1", "asin(2)")
	one("exp", math.Exp, "exponential", "exp(1000)")
	for _, f := range []struct {
		name, doc string
		f         func(float64) float64
	}{
		{"sin", "sine", math.Sin}, {"cos", "cosine", math.Cos}, {"tan", "tangent", math.Tan},
		{"cot", "cotangent", func(x float64) float64 { return 1 / math.Tan(x) }},
		{"degrees", "radians in degrees", func(x float64) float64 { return x * (180 / math.Pi) }},
		{"radians", "degrees in radians", func(x float64) float64 { return x * (math.Pi / 180) }},
	} {
		one(f.name, f.f, f.doc+" of IEEE 754", f.name+"(1E308 * 10)")
	}
	one("sinh", math.Sinh, "hyperbolic sine", "sinh(1000)")
	one("cosh", math.Cosh, "hyperbolic cosine", "cosh(1000)")
	two := func(name string, f func(a, b float64) float64, doc, example string) {
		r.dialect(name+"(float8, float8) float8", func(a, b float64) (float64, error) {
			return f(a, b), nil
		}, doc, example)
	}
	two("log", javaLog, "logarithm of the second to the base of the first, NaN where there is none",
		"log(15, -13)")
	two("power", math.Pow, "power", "power(-8, 0.5E0)")
	for _, o := range []struct{ sign, doc, example string }{
		{"+", "add", "1.5E308 + 1.5E308"}, {"-", "subtract", "-1.5E308 - 1.5E308"},
		{"*", "multiply", "1.5E308 * 10"}, {"/", "divide", "1E0 / 0"},
	} {
		r.dialect(o.sign+"(float8, float8) float8", floatKernel(o.sign[0]), o.doc, o.example)
	}
	two("%", math.Mod, "remainder", "7.5E0 % 2")
	for _, k := range []string{"int4", "int8", "float8"} {
		r.dialect("sign("+k+") int4", func(a []types.Datum) (types.Datum, error) {
			x := a[0].F + float64(a[0].I)
			switch {
			case x > 0:
				return types.IntDatum(1), nil
			case x < 0:
				return types.IntDatum(-1), nil
			}
			return types.IntDatum(0), nil
		}, "sign: -1, 0 or 1", "sign((-8)::"+k+")")
	}
}

// floatKernel is arithmetic of IEEE 754, which knows no errors.
func floatKernel(op byte) Kernel {
	return func(_ *Env, _ int, rows []uint16, args []*vector, out *vector) error {
		a, b, ma, mb := args[0].F64, args[1].F64, mask(args[0]), mask(args[1])
		to := out.F64
		switch op {
		case '+':
			for _, r := range rows {
				to[r] = a[int(r)&ma] + b[int(r)&mb]
			}
		case '-':
			for _, r := range rows {
				to[r] = a[int(r)&ma] - b[int(r)&mb]
			}
		case '*':
			for _, r := range rows {
				to[r] = a[int(r)&ma] * b[int(r)&mb]
			}
		case '/':
			for _, r := range rows {
				to[r] = a[int(r)&ma] / b[int(r)&mb]
			}
		}
		return nil
	}
}

// javaLog is NaN for bases that have no logarithms.
func javaLog(b, x float64) float64 {
	if b <= 0 || b == 1 {
		return math.NaN()
	}
	return math.Log(x) / math.Log(b)
}

// defineDialectRounding: ties go up; integers are BIGINT; DECIMALs keep the scale
// that they are declared with.
func defineDialectRounding(r *registry) {
	up := func(d types.Decimal, n int32) (types.Decimal, error) { return roundUp(d, n) }
	cut := func(d types.Decimal, n int32) (types.Decimal, error) { return d.Trunc(n), nil }
	for _, f := range []struct {
		name, doc string
		to        func(types.Decimal, int32) (types.Decimal, error)
		whole     func(float64) float64
		round     bool
	}{
		{"round", "nearest integer, ties upwards", up, func(x float64) float64 { return math.Floor(x + 0.5) },
			true},
		{"trunc", "integer part", cut, math.Trunc, false},
	} {
		places := f.doc + ", at that many decimal places"
		r.dialect(f.name+"(int4) int8", sameValue, f.doc, f.name+"(7)")
		r.dialect(f.name+"(int8) int8", sameValue, f.doc, f.name+"(7::bigint)")
		r.dialect(f.name+"(float8) int8", func(a []types.Datum) (types.Datum, error) {
			return types.IntDatum(saturate(f.whole(a[0].F))), nil
		}, f.doc, f.name+"(-1.5E0)")
		r.dialect(f.name+"(numeric) numeric", bindScaled(func(a []types.Datum) (types.Decimal, error) {
			return f.to(a[0].Decimal(), 0)
		}), f.doc, f.name+"(-1.50)").withRet(wholeScale)
		r.dialect(f.name+"(float8, int4) float8", func(a []types.Datum) (types.Datum, error) {
			if math.IsNaN(a[0].F) || math.IsInf(a[0].F, 0) {
				return types.NullDatum, sqlerr.New(sqlerr.NumericValueOutOfRange,
					"%s has no decimal places", javaDouble(a[0].F))
			}
			return scaleFloat(a[0].F, a[1].I, f.round)
		}, places, f.name+"(-1.25E0, 1)")
		r.dialect(f.name+"(numeric, int4) numeric", bindScaled(
			func(a []types.Datum) (types.Decimal, error) {
				return f.to(a[0].Decimal(), clampScale(a[1].I))
			}), places, f.name+"(CAST(-1.25 AS DECIMAL(6, 3)), 1)").withRet(keepScale)
	}
	for _, f := range []struct {
		name, doc string
		float     func(float64) float64
		decimal   func(types.Decimal) (types.Decimal, error)
	}{
		{"floor", "nearest integer not greater than the argument", math.Floor, types.Decimal.Floor},
		{"ceil", "nearest integer not less than the argument", math.Ceil, types.Decimal.Ceil},
	} {
		r.dialect(f.name+"(int4) int4", sameValue, f.doc, f.name+"(7)")
		r.dialect(f.name+"(int8) int8", sameValue, f.doc, f.name+"(7::bigint)")
		r.dialect(f.name+"(float8) float8", f.float, f.doc, f.name+"(-1.5E0)")
		r.dialect(f.name+"(numeric) numeric", bindScaled(func(a []types.Datum) (types.Decimal, error) {
			return f.decimal(a[0].Decimal())
		}), f.doc, f.name+"(CAST(-1.5 AS DECIMAL(4, 2)))").withRet(keepScale)
	}
}

// defineDialectAbs: DECIMALs keep the type that they are declared with.
func defineDialectAbs(r *registry) {
	for _, k := range []string{"int4", "int8"} {
		r.dialect("abs("+k+") "+k, func(a []types.Datum) (types.Datum, error) {
			return types.IntDatum(max(a[0].I, -a[0].I)), nil
		}, "absolute value", "abs((-7)::"+k+")")
	}
	r.dialect("abs(float8) float8", math.Abs, "absolute value", "abs(-7E0)")
	r.dialect("abs(numeric) numeric", bindScaled(func(a []types.Datum) (types.Decimal, error) {
		return a[0].Decimal().Abs(), nil
	}), "absolute value", "abs(CAST(-1.50 AS DECIMAL(4, 2)))").withRet(keepScale)
}

func sameValue(a []types.Datum) (types.Datum, error) { return a[0], nil }

// saturate converts to BIGINT as Java does: NaN is 0, the rest stays in range.
func saturate(x float64) int64 {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= math.MaxInt64:
		return math.MaxInt64
	case x <= math.MinInt64:
		return math.MinInt64
	}
	return int64(x)
}

// keepScale gives the declared type of the first argument.
func keepScale(a []types.Type) types.Type { return a[0] }

// wholeScale gives the declared type without its decimal places.
func wholeScale(a []types.Type) types.Type {
	if p, s, ok := a[0].PrecisionScale(); ok {
		if t, ok := decimalType(p-s+1, 0); ok {
			return t
		}
	}
	return types.Of(types.Numeric)
}

// bindScaled makes a function of DECIMALs whose results have the declared scale.
func bindScaled(f func(a []types.Datum) (types.Decimal, error)) func(*Func, []types.Type, types.Type) {
	return func(fn *Func, _ []types.Type, ret types.Type) {
		fn.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			d, err := f(a)
			if err == nil && ret.Mod != 0 {
				d, err = d.Coerce(ret)
			}
			return types.NumericDatum(d), err
		}
	}
}

func bindSeriesArray(f *Func, _ []types.Type, ret types.Type) {
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		from, to, step := a[0].I, a[1].I, int64(1)
		if to < from {
			step = -1
		}
		if len(a) > 2 {
			step = a[2].I
		}
		switch {
		case step == 0:
			return types.NullDatum, errZeroStep()
		case step > 0 && to < from || step < 0 && to > from:
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"step size has the wrong sign")
		case (to-from)/step > maxSeries:
			return types.NullDatum, errRequestedLength()
		}
		var out []types.Datum
		for n := range (to-from)/step + 1 {
			out = append(out, types.IntDatum(from+n*step))
		}
		return makeArrayDatum(out, ret)
	}
}

// maxSeries bounds the arrays of generate_series: 8 bytes an element, 64 MiB.
const maxSeries = 1 << 23

func bindArrayAt(f *Func, args []types.Type, _ types.Type) {
	elem := elemOf(args[0])
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		vs := a[0].Array(elem).Elems
		i := a[1].I - 1
		if i < -1 {
			i = int64(len(vs)) + a[1].I
		}
		if i < 0 || i >= int64(len(vs)) {
			return types.NullDatum, nil
		}
		return vs[i], nil
	}
}

func defineDialectText(r *registry) {
	r.dialect("btrim(text) text", func(s string) string {
		return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' })
	}, "without blanks and control characters at both ends", "trim(E' \\ta b\\t ')")
	r.dialect("trim(text) text", func(s string) string {
		return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' })
	}, "without blanks and control characters at both ends", "trim(E' \\ta b\\n')")
	r.dialect("initcap(text) text", textFn(javaInitcap), "each word between blanks capitalised",
		"initcap('the-quick BROWN')")
	r.dialect("substring(text, int4) text", javaSubstring,
		"characters from that position on, from the end for negative ones", "substring('stream', -4)")
	r.dialect("substring(text, int4, int4) text", javaSubstring,
		"that many characters from that position on", "substring('stream', 0, 2)")
	r.dialect("substring(bytea, int4) bytea", javaSubbytes,
		"bytes from that position on, from the end for negative ones",
		"substring('\\x01020304'::bytea, -2)")
	r.dialect("substring(bytea, int4, int4) bytea", javaSubbytes,
		"that many bytes from that position on", "substring('\\x01020304'::bytea, -3, 2)")
	r.dialect("regexp_replace(text, text, text) text", javaReplaceAll,
		"every match replaced; $1 is a group", "regexp_replace('foo bar', '(o+|a)', '<$1>')")
	for _, p := range []string{"lpad", "rpad"} {
		r.dialect(p+"(text, int4, text) text", func(a []types.Datum) (types.Datum, error) {
			return javaPad(a, p == "lpad")
		}, "filled up, or cut; NULL without anything to fill with", p+"('ab', 4, '')")
	}
	r.dialect("chr(int4) text", func(a []types.Datum) (types.Datum, error) {
		d, err := textChr(a)
		if err != nil {
			return types.NullDatum, nil
		}
		return d, nil
	}, "character of that code, NULL where there is none", "chr(0)")
	r.dialect("chr(text) text", javaChr, "character of an escape such as '\\u004b', NULL of other texts",
		"chr('\\u004b')")
	r.dialect("replace(text, text, text) text", func(a []types.Datum) (types.Datum, error) {
		if err := checkTimes(strings.Count(a[0].S, a[1].S), len(a[2].S)); err != nil {
			return types.NullDatum, err
		}
		return types.TextDatum(strings.ReplaceAll(a[0].S, a[1].S, a[2].S)), nil
	}, "every occurrence replaced; the empty text is around each character", "replace('ab', '', '-')")
	r.dialect("regexp_split_to_array(text, text) text[]", func(a []types.Datum) (types.Datum, error) {
		p, err := compileJava(a[1].S)
		if err != nil {
			return types.NullDatum, err
		}
		return makeArrayDatum(textDatums(splitRegexp(p, a[0].S)), textArray)
	}, "the texts between matches", "regexp_split_to_array('a1b22c', '[0-9]+')")
	r.dialect("uuid() text", func(env *Env, _ []types.Datum) (types.Datum, error) {
		if env.Random == nil {
			return types.NullDatum, errNoRandom("uuid")
		}
		return types.TextDatum(uuidText(randomUUID(env.Random))), nil
	}, "random UUID of version 4", "len(uuid())").volatile()
	r.dialect("uuid(bytea) text", func(a []types.Datum) (types.Datum, error) {
		if len(a[0].S) != 16 {
			return types.NullDatum, nil
		}
		return types.TextDatum(uuidText(a[0].S)), nil
	}, "UUID of 16 bytes, NULL of any other number",
		"uuid(to_bytes('00112233445566778899aabbccddeeff', 'hex'))")
	r.dialect("concat(variadic text) text", javaConcat(0), "texts joined, NULLs left out",
		"concat('a', NULL, 'b')").nullable()
	r.dialect("concat(variadic bytea) bytea", javaConcat(0), "bytes joined, NULLs left out",
		"concat('\\x01'::bytea, NULL, '\\x02'::bytea)").nullable()
	r.dialect("concat_ws(text, variadic text) text", javaConcat(1),
		"texts joined by a separator, NULLs left out", "concat_ws(', ', 'a', NULL, 'b')").nullable()
	r.dialect("concat_ws(bytea, variadic bytea) bytea", javaConcat(1),
		"bytes joined by a separator, NULLs left out",
		"concat_ws('\\x00'::bytea, '\\x01'::bytea, '\\x02'::bytea)").nullable()
}

// javaInitcap capitalises words between blanks; blanks at the beginning are lost.
func javaInitcap(dst, s []byte) []byte {
	s = bytes.TrimLeft(s, " \t\n\v\f\r")
	inWord := false
	for i := 0; i < len(s); {
		c, w := utf8.DecodeRune(s[i:])
		if inWord {
			dst = utf8.AppendRune(dst, unicode.ToLower(c))
		} else {
			dst = utf8.AppendRune(dst, unicode.ToUpper(c))
		}
		inWord = strings.IndexByte(" \t\n\v\f\r", s[i]) < 0
		i += w
	}
	return dst
}

// javaRange gives the part of n characters that a[1], the position from 1, and
// a[2], the length, say.
func javaRange(a []types.Datum, n int64) (start, end int64) {
	start = max(min(a[1].I-1, n), 0)
	if a[1].I < 0 {
		start = max(n+a[1].I, 0)
	}
	if len(a) > 2 {
		return start, max(min(start+a[2].I, n), start)
	}
	return start, n
}

func javaSubstring(a []types.Datum) (types.Datum, error) {
	s := []rune(a[0].S)
	start, end := javaRange(a, int64(len(s)))
	return types.TextDatum(string(s[start:end])), nil
}

func javaSubbytes(a []types.Datum) (types.Datum, error) {
	start, end := javaRange(a, int64(len(a[0].S)))
	return types.TextDatum(a[0].S[start:end]), nil
}

// javaReplaceAll replaces every match; in the replacement $1 is a group and a
// backslash takes the meaning from the next character.
func javaReplaceAll(a []types.Datum) (types.Datum, error) {
	p, err := compileJava(a[1].S)
	if err != nil {
		return types.NullDatum, err
	}
	s, err := javaReplace(p, a[0].S, a[2].S)
	return types.TextDatum(s), err
}

// uuidText writes 16 bytes as a UUID.
func uuidText(b string) string {
	return types.TextOf(nil, types.Of(types.UUID), types.TextDatum(b))
}

// javaChr reads Java's escapes of a text that begins with one of a character.
func javaChr(a []types.Datum) (types.Datum, error) {
	if len(a[0].S) < 6 || !strings.HasPrefix(a[0].S, `\u`) {
		return types.NullDatum, nil
	}
	// The escapes of JSON are those of Java.
	quoted := `"` + strings.ReplaceAll(a[0].S, `"`, `\"`) + `"`
	if types.ValidJSON(quoted) != nil {
		return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
			"invalid character code \"%s\"", a[0].S)
	}
	return types.TextDatum(types.JSONUnquote(quoted)), nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func javaPad(a []types.Datum, left bool) (types.Datum, error) {
	s, n, fill := []rune(a[0].S), a[1].I, []rune(a[2].S)
	switch {
	case n < 0 || len(fill) == 0:
		return types.NullDatum, nil
	case n > maxText:
		return types.NullDatum, errRequestedLength()
	case int64(len(s)) >= n:
		return types.TextDatum(string(s[:n])), nil
	}
	pad := make([]rune, n-int64(len(s)))
	for i := range pad {
		pad[i] = fill[i%len(fill)]
	}
	if left {
		return types.TextDatum(string(pad) + string(s)), nil
	}
	return types.TextDatum(string(s) + string(pad)), nil
}

// javaConcat joins the arguments that are not NULL; the first seps of them are
// the separator.
func javaConcat(seps int) RowFunc {
	return func(_ *Env, a []types.Datum) (types.Datum, error) {
		sep := ""
		if seps > 0 {
			if a[0].Null {
				return types.NullDatum, nil
			}
			sep = a[0].S
		}
		var parts []string
		for _, d := range a[seps:] {
			if !d.Null {
				parts = append(parts, d.S)
			}
		}
		return types.TextDatum(strings.Join(parts, sep)), nil
	}
}
