package types

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// arrayParser reads PostgreSQL's array literals.
type arrayParser struct {
	env  *Env
	elem Type
	src  string // the whole literal, for messages
	s    string // what is left
	text []elemText
	lens []int32 // length per dimension, -1 while open
	deep int
}

func (p *arrayParser) bad(detail string, args ...any) error {
	return sqlerr.New(sqlerr.InvalidTextRepresentation, "malformed array literal: \"%s\"", p.src).
		WithDetail(detail, args...)
}

func (p *arrayParser) end() error { return p.bad("Unexpected end of input.") }

func (p *arrayParser) space() {
	for p.s != "" && isSpace(p.s[0]) {
		p.s = p.s[1:]
	}
}

// elemText is an element as written. Elements are read after the whole literal
// was checked, as PostgreSQL does.
type elemText struct {
	text string
	null bool
}

// parseArray reads an array literal of element type elem.
func parseArray(env *Env, elem Type, s string) (ArrayValue, error) {
	p := &arrayParser{env: env, elem: elem, src: s, s: s}
	p.space()
	dims, err := p.dimensions()
	if err != nil {
		return ArrayValue{}, err
	}
	if p.s == "" || p.s[0] != '{' {
		if dims != nil {
			return ArrayValue{}, p.bad("Array contents must start with \"{\".")
		}
		return ArrayValue{}, p.bad(
			"Array value must start with \"{\" or dimension information.")
	}
	whole := s
	p.src = p.s
	if err := p.level(0); err != nil {
		return ArrayValue{}, err
	}
	p.space()
	if p.s != "" {
		return ArrayValue{}, p.bad("Junk after closing right brace.")
	}
	p.src = whole
	if len(p.text) == 0 && dims == nil {
		return ArrayValue{}, nil
	}
	return p.build(dims)
}

// build puts the elements and the dimensions found or given together.
func (p *arrayParser) build(given []Dim) (ArrayValue, error) {
	v := ArrayValue{Elems: make([]Datum, len(p.text))}
	for _, n := range p.lens {
		v.Dims = append(v.Dims, Dim{n, 1})
	}
	if given != nil {
		if len(given) != len(v.Dims) {
			return v, p.bad("Specified array dimensions do not match array contents.")
		}
		for i, g := range given {
			if g.Len != v.Dims[i].Len {
				return v, p.bad("Specified array dimensions do not match array contents.")
			}
		}
		v.Dims = given
	}
	if _, err := arrayCount(v.Dims); err != nil {
		return v, err
	}
	for i, e := range p.text {
		if e.null {
			v.Elems[i] = NullDatum
			continue
		}
		var err error
		if v.Elems[i], err = ParseText(p.env, p.elem, e.text); err != nil {
			return v, err
		}
	}
	return v, nil
}

// dimensions reads "[1:2][0:3]=", if it is there.
func (p *arrayParser) dimensions() ([]Dim, error) {
	var dims []Dim
	for p.s != "" && p.s[0] == '[' {
		if len(dims) == maxArrayDims {
			return nil, errArrayDims(len(dims) + 1)
		}
		end := strings.IndexByte(p.s, ']')
		if end < 0 {
			return nil, p.bad("Missing \"]\" after array dimensions.")
		}
		lo, hi, ok := strings.Cut(p.s[1:end], ":")
		if !ok {
			lo, hi = "1", lo
		}
		l, err1 := ParseInt(Int4, lo)
		h, err2 := ParseInt(Int4, hi)
		if err1 != nil || err2 != nil {
			return nil, p.bad("\"[\" must introduce explicitly-specified array dimensions.")
		}
		if h < l {
			return nil, sqlerr.New(sqlerr.ArraySubscriptError,
				"upper bound cannot be less than lower bound")
		}
		dims = append(dims, Dim{int32(h - l + 1), int32(l)})
		p.s = p.s[end+1:]
		p.space()
	}
	if dims == nil {
		return nil, nil
	}
	if p.s == "" || p.s[0] != '=' {
		return nil, p.bad("Missing \"=\" after array dimensions.")
	}
	p.s = p.s[1:]
	p.space()
	return dims, nil
}

// level reads {...} at nesting depth d.
func (p *arrayParser) level(d int) error {
	if d >= maxArrayDims {
		return errArrayDims(d + 1)
	}
	if len(p.lens) == d {
		if p.deep > 0 && d >= p.deep {
			return p.bad("Multidimensional arrays must have sub-arrays with matching dimensions.")
		}
		p.lens = append(p.lens, -1)
	}
	p.s = p.s[1:]
	p.space()
	n := int32(0)
	if p.s != "" && p.s[0] == '}' {
		if d > 0 {
			return p.bad("Unexpected \"%c\" character.", '}')
		}
		p.s = p.s[1:]
		return p.closeLevel(d, n)
	}
	inside := nothingYet
	for {
		p.space()
		if err := p.item(d, &inside); err != nil {
			return err
		}
		n++
		p.space()
		switch {
		case p.s == "":
			return p.end()
		case p.s[0] == ',':
			p.s = p.s[1:]
		case p.s[0] == '}':
			p.s = p.s[1:]
			return p.closeLevel(d, n)
		case p.s[0] == '{' || p.s[0] == '\\':
			return p.bad("Unexpected \"%c\" character.", p.s[0])
		default:
			return p.bad("Unexpected array element.")
		}
	}
}

func (p *arrayParser) closeLevel(d int, n int32) error {
	if p.lens[d] < 0 {
		p.lens[d] = n
	}
	if p.lens[d] != n {
		return p.bad("Multidimensional arrays must have sub-arrays with matching dimensions.")
	}
	return nil
}

// What a pair of braces holds so far.
const (
	nothingYet = iota
	elements
	subArrays
)

// item reads one element or sub-array; inside is what its braces hold.
func (p *arrayParser) item(d int, inside *int) error {
	if p.s == "" {
		return p.end()
	}
	switch p.s[0] {
	case '{':
		if p.elem.Kind == Array {
			return p.nested()
		}
		if *inside == elements {
			return p.bad("Unexpected \"%c\" character.", '{')
		}
		*inside = subArrays
		if p.deep > 0 && d+1 >= p.deep {
			return p.bad("Multidimensional arrays must have sub-arrays with matching dimensions.")
		}
		return p.level(d + 1)
	case ',', '}':
		return p.bad("Unexpected \"%c\" character.", p.s[0])
	}
	if *inside == subArrays {
		if p.s[0] == '\\' {
			return p.bad("Unexpected \"%c\" character.", '\\')
		}
		return p.bad("Unexpected array element.")
	}
	*inside = elements
	if p.deep == 0 {
		p.deep = d + 1
	} else if p.deep != d+1 {
		return p.bad("Multidimensional arrays must have sub-arrays with matching dimensions.")
	}
	text, null, err := p.element()
	if err != nil {
		return err
	}
	p.text = append(p.text, elemText{text, null})
	return nil
}

// nested reads a sub-array of an array of arrays.
func (p *arrayParser) nested() error {
	depth, quoted := 0, false
	for i := 0; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				p.text = append(p.text, elemText{text: p.s[:i+1]})
				p.s = p.s[i+1:]
				return nil
			}
		}
	}
	return p.end()
}

// element reads one quoted or bare element.
func (p *arrayParser) element() (text string, null bool, err error) {
	if p.s[0] == '"' {
		text, err = p.quoted()
		return text, false, err
	}
	var b []byte
	i, keep, escaped := 0, 0, false
	for i < len(p.s) && p.s[i] != ',' && p.s[i] != '}' {
		switch p.s[i] {
		case '"':
			return "", false, p.bad("Unexpected array element.")
		case '{':
			return "", false, p.bad("Unexpected \"%c\" character.", '{')
		case '\\':
			if !escaped {
				b, escaped = append(b, p.s[:i]...), true
			}
			if i++; i == len(p.s) {
				return "", false, p.end()
			}
			b = append(b, p.s[i])
			i++
			keep = len(b)
			continue
		}
		if escaped {
			b = append(b, p.s[i])
		}
		i++
		if !isSpace(p.s[i-1]) {
			keep = i
			if escaped {
				keep = len(b)
			}
		}
	}
	if i == len(p.s) {
		return "", false, p.end()
	}
	if escaped {
		text = string(b[:keep])
	} else {
		text = p.s[:keep]
		null = strings.EqualFold(text, "null")
	}
	p.s = p.s[i:]
	return text, null, nil
}

func (p *arrayParser) quoted() (string, error) {
	var b []byte
	for i := 1; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			if b == nil {
				b = append(make([]byte, 0, len(p.s)), p.s[1:i]...)
			}
			if i++; i == len(p.s) {
				return "", p.end()
			}
		case '"':
			text := string(b)
			if b == nil {
				text = p.s[1:i]
			}
			p.s = p.s[i+1:]
			return text, nil
		}
		if b != nil {
			b = append(b, p.s[i])
		}
	}
	return "", p.end()
}

// appendArray writes an array as PostgreSQL does.
func appendArray(env *Env, dst []byte, elem Type, s string) []byte {
	r := openArray(elem.Phys(), s)
	if r.n == 0 {
		return append(dst, "{}"...)
	}
	if r.lower != "" {
		for i := range r.ndim {
			d := r.Dim(i)
			dst = strconv.AppendInt(append(dst, '['), int64(d.Lower), 10)
			dst = strconv.AppendInt(append(dst, ':'), int64(d.Lower)+int64(d.Len)-1, 10)
			dst = append(dst, ']')
		}
		dst = append(dst, '=')
	}
	at := 0
	return appendArrayLevel(env, dst, elem, &r, 0, &at)
}

func appendArrayLevel(env *Env, dst []byte, elem Type, r *ArrayReader, dim int, at *int) []byte {
	dst = append(dst, '{')
	for i := range int(r.Dim(dim).Len) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dim < r.ndim-1 {
			dst = appendArrayLevel(env, dst, elem, r, dim+1, at)
			continue
		}
		dst = appendArrayElem(env, dst, elem, r, *at)
		*at++
	}
	return append(dst, '}')
}

func appendArrayElem(env *Env, dst []byte, elem Type, r *ArrayReader, i int) []byte {
	if r.IsNull(i) {
		return append(dst, "NULL"...)
	}
	switch r.phys {
	case PhysFloat64:
		return AppendFloatText(dst, elem.Kind, r.Float(i))
	case PhysBool:
		return AppendBoolText(dst, r.Bool(i))
	case PhysInt64:
		start := len(dst)
		dst = AppendIntText(env, dst, elem.Kind, r.Int(i))
		return quoteElem(dst, start)
	}
	start := len(dst)
	dst = appendBytesText(env, dst, elem, r.Bytes(i))
	if elem.Kind == Array {
		return dst
	}
	return quoteElem(dst, start)
}

// quoteElem puts dst[start:] into quotes if it needs them.
func quoteElem(dst []byte, start int) []byte {
	s := dst[start:]
	need := len(s) == 0 || len(s) == 4 && strings.EqualFold(string(s), "null")
	escapes := 0
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			escapes++
			need = true
		case c == '{' || c == '}' || c == ',' || isSpace(c):
			need = true
		}
	}
	if !need {
		return dst
	}
	n := len(s)
	for range escapes + 2 {
		dst = append(dst, 0)
	}
	w := len(dst) - 1
	dst[w] = '"'
	for i := n - 1; i >= 0; i-- {
		c := dst[start+i]
		w--
		dst[w] = c
		if c == '"' || c == '\\' {
			w--
			dst[w] = '\\'
		}
	}
	dst[start] = '"'
	return dst
}

// parseVector reads the blank-separated numbers of int2vector and oidvector.
func parseVector(k Kind, s string) (Datum, error) {
	elem := vectorElem(k)
	var vs []int64
	for _, f := range strings.Fields(s) {
		var v int64
		var err error
		if elem.Kind == OID {
			v, err = ParseOID(OID, f)
		} else {
			v, err = ParseInt(Int2, f)
		}
		if err != nil {
			return Datum{}, err
		}
		vs = append(vs, v)
	}
	return VectorDatum(k, vs), nil
}

func appendVector(dst []byte, k Kind, s string) []byte {
	r := openArray(vectorElem(k).Phys(), s)
	for i := range r.n {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = strconv.AppendInt(dst, r.Int(i), 10)
	}
	return dst
}
