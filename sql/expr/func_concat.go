package expr

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func defineConcat(r *registry) {
	r.fn("concat(variadic any) text", bindConcat, "text forms of the arguments, NULLs left out",
		"concat('abcde', 2, NULL, 22)").nullable().stable()
	r.fn("concat_ws(text, variadic any) text", bindConcatWS,
		"text forms with a separator between, NULLs left out",
		"concat_ws(',', 'abcde', 2, NULL, 22)").nullable().stable()
	r.fn("format(text, variadic any) text", bindFormat, "formatted like sprintf",
		"format('Hello %s, %1$s %I %L', 'World', 'a b', 'c''d')").nullable().stable()
	r.fn("format(text) text", func(_ *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		return formatString(nil, a[0].S, nil, nil)
	}, "formatted like sprintf", "format('100%%')").nullable().stable()
	r.op("||(text, anynonarray) text", bindConcatAny(0), "concatenate with a text form",
		"'Value: ' || 42").stable()
	r.op("||(anynonarray, text) text", bindConcatAny(1), "concatenate with a text form",
		"42 || ' is it'").stable()
}

func bindConcat(f *Func, args []types.Type, _ types.Type) {
	f.Kernel = func(env *Env, _ int, rows []uint16, vs []*vector, out *vector) error {
		tenv := typesEnv(env)
		for k, r := range rows {
			padTo(out, int(r))
			buf := out.Buf
			for i, v := range vs {
				if !v.IsNull(int(r)) {
					buf = appendText(tenv, buf, args[i], v, int(r))
				}
			}
			if len(buf) > maxResultBytes {
				return rowErr(k, errTooLarge())
			}
			endBytes(out, buf)
		}
		return nil
	}
}

func bindConcatWS(f *Func, args []types.Type, _ types.Type) {
	f.Kernel = func(env *Env, _ int, rows []uint16, vs []*vector, out *vector) error {
		tenv := typesEnv(env)
		for k, r := range rows {
			if vs[0].IsNull(int(r)) {
				setNull(out, int(r))
				continue
			}
			padTo(out, int(r))
			buf, first := out.Buf, true
			for i, v := range vs[1:] {
				if v.IsNull(int(r)) {
					continue
				}
				if !first {
					buf = append(buf, vs[0].Bytes(int(r))...)
				}
				first = false
				buf = appendText(tenv, buf, args[i+1], v, int(r))
			}
			if len(buf) > maxResultBytes {
				return rowErr(k, errTooLarge())
			}
			endBytes(out, buf)
		}
		return nil
	}
}

// bindConcatAny is text || anything: argument text is the one that is text.
func bindConcatAny(text int) func(f *Func, args []types.Type, ret types.Type) {
	return func(f *Func, args []types.Type, _ types.Type) {
		f.Volatility = castVolatility(args[1-text], types.Of(types.Text))
		if plainBytes(args[1-text].Kind) && isString(args[1-text].Kind) {
			f.Kernel = concatKernel
			return
		}
		f.Kernel = func(env *Env, _ int, rows []uint16, vs []*vector, out *vector) error {
			tenv := typesEnv(env)
			for _, r := range rows {
				padTo(out, int(r))
				buf := appendCast(tenv, out.Buf, args[0], vs[0], int(r))
				endBytes(out, appendCast(tenv, buf, args[1], vs[1], int(r)))
			}
			return nil
		}
	}
}

// appendCast appends a value cast to text: as its text form, but for booleans.
func appendCast(tenv *types.Env, buf []byte, t types.Type, v *vector, row int) []byte {
	if t.Kind == types.Bool {
		return strconv.AppendBool(buf, v.Bool[v.Row(row)])
	}
	return appendText(tenv, buf, t, v, row)
}

// isTextForm tells whether a kind's values are their own text form.
func isTextForm(k types.Kind) bool {
	switch k {
	case types.Bytea, types.UUID, types.Enum:
		return false
	}
	return plainBytes(k)
}

// appendText appends the text form of a row's value.
func appendText(tenv *types.Env, buf []byte, t types.Type, v *vector, row int) []byte {
	if isTextForm(t.Kind) {
		return append(buf, v.Bytes(row)...)
	}
	return types.AppendText(tenv, buf, t, aliasDatum(v, row))
}

func bindFormat(f *Func, args []types.Type, _ types.Type) {
	f.Row = func(env *Env, a []types.Datum) (types.Datum, error) {
		if a[0].Null {
			return types.NullDatum, nil
		}
		return formatString(env, a[0].S, args[1:], a[1:])
	}
}

func errFormat(hint, format string, args ...any) error {
	e := sqlerr.New(sqlerr.InvalidParameterValue, format, args...)
	if hint != "" {
		return e.WithHint("%s", hint)
	}
	return e
}

// formatSpec is one %[position][flags][width]type.
type formatSpec struct {
	pos   int // 0: the next argument
	left  bool
	width int
	star  int // width from an argument: -1 none, 0 the next, n the n-th
	verb  byte
}

// formatString is PostgreSQL's format().
func formatString(env *Env, f string, ts []types.Type, args []types.Datum) (types.Datum, error) {
	var b strings.Builder
	next := 0
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			b.WriteByte(f[i])
			continue
		}
		i++
		if i < len(f) && f[i] == '%' {
			b.WriteByte('%')
			continue
		}
		spec, n, err := parseFormatSpec(f[i:])
		if err != nil {
			return types.NullDatum, err
		}
		i += n - 1
		if err := spec.width1(&next, args, ts, env); err != nil {
			return types.NullDatum, err
		}
		if spec.pos == 0 {
			next++
			spec.pos = next
		} else {
			next = spec.pos
		}
		if spec.pos > len(args) {
			return types.NullDatum, errFormat("", "too few arguments for format()")
		}
		if err := spec.write(&b, env, ts[spec.pos-1], args[spec.pos-1]); err != nil {
			return types.NullDatum, err
		}
	}
	return types.TextDatum(b.String()), nil
}

var errFormatEnd = errFormat("For a single \"%\" use \"%%\".", "unterminated format() type specifier")

func parseFormatSpec(s string) (spec formatSpec, n int, err error) {
	spec.star = -1
	num := func() (int, bool) {
		start := n
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi(s[start:n])
		return v, err == nil
	}
	if v, ok := num(); ok {
		if n < len(s) && s[n] == '$' {
			if v == 0 {
				return spec, n, errFormat("", "format specifies argument 0, but arguments are numbered from 1")
			}
			spec.pos = v
			n++
		} else {
			spec.width = v
		}
	}
	if spec.width == 0 {
		for n < len(s) && s[n] == '-' {
			spec.left = true
			n++
		}
		if n < len(s) && s[n] == '*' {
			n++
			spec.star, _ = num()
			if n < len(s) && s[n] == '$' {
				n++
			}
		} else if v, ok := num(); ok {
			spec.width = v
		}
	}
	if n >= len(s) {
		return spec, n, errFormatEnd
	}
	spec.verb = s[n]
	if !strings.ContainsRune("sIL", rune(spec.verb)) {
		r, _ := utf8.DecodeRuneInString(s[n:])
		return spec, n, errFormat("For a single \"%\" use \"%%\".",
			"unrecognized format() type specifier \"%c\"", r)
	}
	return spec, n + 1, nil
}

// width1 takes the width from an argument where the specifier says so.
func (s *formatSpec) width1(next *int, args []types.Datum, ts []types.Type, env *Env) error {
	if s.star < 0 {
		return nil
	}
	i := s.star
	if i == 0 {
		*next++
		i = *next
	}
	if i > len(args) {
		return errFormat("", "too few arguments for format()")
	}
	if args[i-1].Null {
		return nil
	}
	v, err := types.ParseInt(types.Int4, formatText(env, ts[i-1], args[i-1]))
	if err != nil {
		return err
	}
	if s.width = int(v); s.width < 0 {
		s.left, s.width = true, -s.width
	}
	return nil
}

func (s *formatSpec) write(b *strings.Builder, env *Env, t types.Type, d types.Datum) error {
	text := ""
	switch {
	case d.Null && s.verb == 'I':
		return sqlerr.New(sqlerr.NullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
	case d.Null && s.verb == 'L':
		text = "NULL"
	case d.Null:
	default:
		text = formatText(env, t, d)
		switch s.verb {
		case 'I':
			text = QuoteIdent(text)
		case 'L':
			text = QuoteLiteral(text)
		}
	}
	if s.width == -math.MinInt32 {
		return sqlerr.New(sqlerr.NumericValueOutOfRange, "number is out of range")
	}
	if s.width > maxText || max(s.width, len(text)) > maxBuilt-b.Len() {
		return errRequestedLength()
	}
	fill := strings.Repeat(" ", max(s.width-utf8.RuneCountInString(text), 0))
	if s.left {
		b.WriteString(text + fill)
	} else {
		b.WriteString(fill + text)
	}
	return nil
}
