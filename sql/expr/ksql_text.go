package expr

import (
	"encoding/binary"
	"math"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

var textMap = types.MapOf(types.Of(types.Text), types.Of(types.Text))

func retTextMap([]types.Type) types.Type { return textMap }

// defineKsqlText defines ksqlDB's functions of strings and bytes.
func defineKsqlText(r *registry) {
	r.fn("len(text) int4", textLength, "number of characters", "len('josé')")
	r.fn("len(bytea) int4", func(b []byte) int64 { return int64(len(b)) }, "number of bytes",
		"len('\\x0102'::bytea)")
	r.fn("chr(text) text", chrText, "character of a code such as '\\u004b' or '75'", "chr('75'::text)").
		asFallback()
	r.fn("elt(int4, variadic text) text", func(a []types.Datum) (types.Datum, error) {
		if a[0].Null || a[0].I < 1 || a[0].I >= int64(len(a)) {
			return types.NullDatum, nil
		}
		return a[a[0].I], nil
	}, "the n-th of the texts", "elt(2, 'a', 'b')").nullable()
	r.fn("field(text, variadic text) int4", func(a []types.Datum) (types.Datum, error) {
		for i, d := range a[1:] {
			if !a[0].Null && !d.Null && d.S == a[0].S {
				return types.IntDatum(int64(i) + 1), nil
			}
		}
		return types.IntDatum(0), nil
	}, "place of the first text among the others, 0 if none", "field('b', 'a', 'b')").nullable()
	for _, opt := range []struct{ sig, arg string }{{"", ""}, {", int4", ", 2"}, {", int4, int4", ", 1, 2"}} {
		r.fn("instr(text, text"+opt.sig+") int4", instr, "place of a substring, 0 if none",
			"instr('CORPORATE FLOOR', 'OR'"+opt.arg+")").nullable()
	}
	r.fn("split(text, text) text[]", func(a []types.Datum) (types.Datum, error) {
		parts := strings.Split(a[0].S, a[1].S)
		if a[0].S == "" {
			parts = []string{""}
		}
		return makeArrayDatum(textDatums(parts), textArray)
	}, "the fields between delimiters", "split('a,b', ',')")
	r.fn("split_to_map(text, text, text) map", splitToMap, "map of entries such as 'k:v/k:v'",
		"split_to_map('a:1/b:2', '/', ':')").withRet(retTextMap)
	for _, opt := range []struct{ sig, arg string }{{"", ""}, {", int4", ", 1"}} {
		r.fn("regexp_extract(text, text"+opt.sig+") text", regexpExtract,
			"what a pattern, or one of its groups, matches first",
			"regexp_extract('(\\w)o', 'foo bob'"+opt.arg+")")
		r.fn("regexp_extract_all(text, text"+opt.sig+") text[]", regexpExtractAll,
			"all that a pattern, or one of its groups, matches",
			"regexp_extract_all('(\\w)o', 'foo bob'"+opt.arg+")")
	}
	r.fn("uuid() uuid", func(env *Env, _ []types.Datum) (types.Datum, error) {
		if env.Random == nil {
			return types.NullDatum, errNoRandom("uuid")
		}
		return types.TextDatum(randomUUID(env.Random)), nil
	}, "random UUID of version 4", "length(uuid()::text)").volatile()
	r.fn("uuid(bytea) uuid", func(a []types.Datum) (types.Datum, error) {
		if len(a[0].S) != 16 {
			return types.NullDatum, nil
		}
		return a[0], nil
	}, "UUID of 16 bytes, NULL of any other number",
		"uuid('\\x00112233445566778899aabbccddeeff'::bytea)")
	defineMasks(r)
	defineURLs(r)
	defineKsqlBytes(r)
}

func textDatums(parts []string) []types.Datum {
	out := make([]types.Datum, len(parts))
	for i, p := range parts {
		out[i] = types.TextDatum(p)
	}
	return out
}

func chrText(s string) (string, error) {
	code := strings.TrimPrefix(strings.TrimPrefix(s, "\\u"), "U+")
	base := "hex"
	if code == s {
		base = "dec"
	}
	v := int64(0)
	for _, c := range code {
		d := int64(strings.IndexRune("0123456789abcdef", unicode.ToLower(c)))
		if d < 0 || base == "dec" && d > 9 || v > unicode.MaxRune {
			return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid character code \"%s\"", s)
		}
		if base == "hex" {
			v = v*16 + d
		} else {
			v = v*10 + d
		}
	}
	d, err := textChr([]types.Datum{types.IntDatum(v)})
	return d.S, err
}

// instr finds the n-th occurrence from a place on; a negative place counts from
// the end and searches backwards for what ends there or before.
func instr(a []types.Datum) (types.Datum, error) {
	if a[0].Null || a[1].Null || anyNull(a[2:]) {
		return types.IntDatum(0), nil
	}
	s, sub := []rune(a[0].S), []rune(a[1].S)
	pos, n := intOr(a, 2, 1), intOr(a, 3, 1)
	at := func(i int) bool { return i+len(sub) <= len(s) && string(s[i:i+len(sub)]) == a[1].S }
	if pos > int64(len(s)) || pos < -int64(len(s)) || pos == 0 {
		return types.IntDatum(0), nil
	}
	i, step := int(pos)-1, 1
	if pos < 0 {
		i, step = len(s)+int(pos)+1-len(sub), -1
	}
	for ; i >= 0 && i < len(s); i += step {
		if at(i) {
			if n--; n == 0 {
				return types.IntDatum(int64(i) + 1), nil
			}
		}
	}
	return types.IntDatum(0), nil
}

func splitToMap(a []types.Datum) (types.Datum, error) {
	if a[1].S == "" || a[2].S == "" || a[1].S == a[2].S {
		return types.NullDatum, nil
	}
	var keys, vals []types.Datum
	for _, e := range strings.Split(a[0].S, a[1].S) {
		if k, v, ok := strings.Cut(e, a[2].S); ok {
			v, _, _ = strings.Cut(v, a[2].S)
			keys, vals = append(keys, types.TextDatum(k)), append(vals, types.TextDatum(v))
		}
	}
	return types.MapDatum(textMap, keys, vals), nil
}

// regexpGroup gives group n of a match, ok false when it is not there.
func regexpGroup(s string, loc []int, n int64) (types.Datum, bool) {
	if n < 0 || 2*n+1 >= int64(len(loc)) || loc[2*n] < 0 {
		return types.NullDatum, false
	}
	return types.TextDatum(s[loc[2*n]:loc[2*n+1]]), true
}

func regexpExtract(a []types.Datum) (types.Datum, error) {
	p, n, err := regexpWithGroup(a)
	if err != nil || n > int64(p.re.NumSubexp()) {
		return types.NullDatum, err
	}
	loc := p.re.FindStringSubmatchIndex(a[1].S)
	if loc == nil {
		return types.NullDatum, nil
	}
	d, _ := regexpGroup(a[1].S, loc, n)
	return d, nil
}

// regexpWithGroup gives pattern and number of the group, 0 for the whole match.
func regexpWithGroup(a []types.Datum) (*pattern, int64, error) {
	p, err := compileJava(a[0].S)
	n := intOr(a, 2, 0)
	if err == nil && n < 0 {
		err = sqlerr.New(sqlerr.InvalidParameterValue, "number of a group must not be negative")
	}
	return p, n, err
}

func regexpExtractAll(a []types.Datum) (types.Datum, error) {
	p, n, err := regexpWithGroup(a)
	if err != nil || n > int64(p.re.NumSubexp()) {
		return types.NullDatum, err
	}
	var out []types.Datum
	for _, loc := range p.all(a[1].S) {
		d, _ := regexpGroup(a[1].S, loc, n)
		out = append(out, d)
	}
	return makeArrayDatum(out, textArray)
}

// maskChars are the substitutes for upper case, lower case, digits and others;
// NULL leaves a class as it is.
func maskChars(a []types.Datum) (m [4]types.Datum, err error) {
	m = [4]types.Datum{types.TextDatum("X"), types.TextDatum("x"), types.TextDatum("n"),
		types.TextDatum("-")}
	if len(a) == 4 {
		copy(m[:], a)
	}
	for _, d := range m {
		if !d.Null && utf8.RuneCountInString(d.S) != 1 {
			return m, sqlerr.New(sqlerr.InvalidParameterValue,
				"mask must be one character, not \"%s\"", d.S)
		}
	}
	return m, nil
}

func maskRunes(rs []rune, m [4]types.Datum) {
	for i, r := range rs {
		c := m[3]
		switch {
		case unicode.Is(unicode.Lu, r):
			c = m[0]
		case unicode.Is(unicode.Ll, r):
			c = m[1]
		case unicode.IsDigit(r):
			c = m[2]
		}
		if !c.Null {
			rs[i], _ = utf8.DecodeRuneInString(c.S)
		}
	}
}

func defineMasks(r *registry) {
	four := ", text, text, text, text"
	sample := ", 'X', 'x', 'n', '-'"
	for _, opt := range []struct{ sig, arg string }{{"", ""}, {four, sample}} {
		r.fn("mask(text"+opt.sig+") text", func(a []types.Datum) (types.Datum, error) {
			if a[0].Null {
				return types.NullDatum, nil
			}
			m, err := maskChars(a[1:])
			if err != nil {
				return types.NullDatum, err
			}
			rs := []rune(a[0].S)
			maskRunes(rs, m)
			return types.TextDatum(string(rs)), nil
		}, "letters and digits obfuscated", "mask('My Test $123'"+opt.arg+")").nullable()
		for _, m := range []struct {
			name string
			part func(rs []rune, n int) []rune
		}{
			{"mask_keep_left", func(rs []rune, n int) []rune { return rs[n:] }},
			{"mask_keep_right", func(rs []rune, n int) []rune { return rs[:len(rs)-n] }},
			{"mask_left", func(rs []rune, n int) []rune { return rs[:n] }},
			{"mask_right", func(rs []rune, n int) []rune { return rs[len(rs)-n:] }},
		} {
			r.fn(m.name+"(text, int4"+opt.sig+") text", func(a []types.Datum) (types.Datum, error) {
				if a[0].Null || a[1].Null {
					return types.NullDatum, nil
				}
				chars, err := maskChars(a[2:])
				if err == nil && a[1].I < 0 {
					err = sqlerr.New(sqlerr.InvalidParameterValue,
						"number of characters must not be negative")
				}
				if err != nil {
					return types.NullDatum, err
				}
				rs := []rune(a[0].S)
				maskRunes(m.part(rs, int(min(a[1].I, int64(len(rs))))), chars)
				return types.TextDatum(string(rs)), nil
			}, "a part obfuscated", m.name+"('My Test $123', 4"+opt.arg+")").nullable()
		}
	}
}

func defineURLs(r *registry) {
	part := func(name, doc, ret string, f func(u javaURI) (types.Datum, bool)) {
		r.fn("url_extract_"+name+"(text) "+ret, func(a []types.Datum) (types.Datum, error) {
			u, ok := parseURI(a[0].S)
			if !ok {
				return types.NullDatum, nil
			}
			d, ok := f(u)
			if !ok {
				return types.NullDatum, nil
			}
			return d, nil
		}, doc, "url_extract_"+name+"('https://h.example:8080/p/q?a=1&b=x%20y#frag')")
	}
	part("fragment", "fragment of a URL", "text", func(u javaURI) (types.Datum, bool) {
		return types.TextDatum(decodeURI(u.fragment)), u.hasSuffix
	})
	part("host", "host name of a URL", "text", func(u javaURI) (types.Datum, bool) {
		return types.TextDatum(u.host), u.hasHost
	})
	part("path", "path of a URL", "text", func(u javaURI) (types.Datum, bool) {
		return types.TextDatum(decodeURI(u.path)), u.hasPath
	})
	part("port", "port of a URL", "int4", func(u javaURI) (types.Datum, bool) {
		return types.IntDatum(int64(u.port)), u.port >= 0
	})
	part("protocol", "protocol of a URL", "text", func(u javaURI) (types.Datum, bool) {
		return types.TextDatum(u.scheme), u.scheme != ""
	})
	part("query", "query of a URL", "text", func(u javaURI) (types.Datum, bool) {
		return types.TextDatum(decodeURI(u.query)), u.hasQuery
	})
	r.fn("url_extract_parameter(text, text) text", func(a []types.Datum) (types.Datum, error) {
		u, ok := parseURI(a[0].S)
		v := ""
		if ok {
			v, ok = u.parameter(a[1].S)
		}
		if !ok {
			return types.NullDatum, nil
		}
		return types.TextDatum(v), nil
	}, "a parameter of a URL's query", "url_extract_parameter('http://h/?a=1&b=x%20y', 'b')")
	r.fn("url_encode_param(text) text", func(s string) string {
		return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(s))
	}, "escaped for a URL's query", "url_encode_param('a b&c')")
	r.fn("url_decode_param(text) text", func(s string) (string, error) {
		d, err := url.QueryUnescape(s)
		if err != nil {
			return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid URL encoding: \"%s\"", s)
		}
		return javaUTF8(d), nil
	}, "text of an escaped parameter", "url_decode_param('a+b%26c')")
}

func defineKsqlBytes(r *registry) {
	r.fn("to_bytes(text, text) bytea", toBytes, "bytes of a text: hex, utf8, ascii, base64",
		"to_bytes('0102', 'hex')")
	r.fn("from_bytes(bytea, text) text", fromBytes, "text of bytes: hex, utf8, ascii, base64",
		"from_bytes('\\x0102'::bytea, 'hex')")
	r.fn("encode(text, text, text) text", func(a []types.Datum) (types.Datum, error) {
		s, err := recode(a[0].S, a[1].S, a[2].S)
		return types.TextDatum(s), err
	}, "text from one encoding to another", "encode('616263', 'hex', 'utf8')")
	for _, k := range []struct {
		name, ret string
		size      int
	}{{"int_from_bytes", "int4", 4}, {"bigint_from_bytes", "int8", 8}, {"double_from_bytes", "float8", 8}} {
		for _, opt := range []struct{ sig, arg string }{{"", ""}, {", text", ", 'LITTLE_ENDIAN'"}} {
			r.fn(k.name+"(bytea"+opt.sig+") "+k.ret, func(a []types.Datum) (types.Datum, error) {
				return numberFromBytes(a, k.size, k.ret == "float8")
			}, "number of its bytes, NULL if there are more or fewer",
				k.name+"(to_bytes('"+strings.Repeat("00", k.size-1)+"01', 'hex')"+opt.arg+")")
		}
	}
}

func numberFromBytes(a []types.Datum, size int, float bool) (types.Datum, error) {
	if len(a[0].S) != size {
		return types.NullDatum, nil
	}
	var order binary.ByteOrder = binary.BigEndian
	if len(a) > 1 {
		switch strings.ToUpper(a[1].S) {
		case "BIG_ENDIAN":
		case "LITTLE_ENDIAN":
			order = binary.LittleEndian
		default:
			return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
				"byte order must be BIG_ENDIAN or LITTLE_ENDIAN, not \"%s\"", a[1].S)
		}
	}
	b := []byte(a[0].S)
	switch {
	case size == 4:
		return types.IntDatum(int64(int32(order.Uint32(b)))), nil
	case float:
		return types.FloatDatum(math.Float64frombits(order.Uint64(b))), nil
	}
	return types.IntDatum(int64(order.Uint64(b))), nil
}
