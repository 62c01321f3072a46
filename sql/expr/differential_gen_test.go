package expr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/types"
)

// generator writes expressions that PostgreSQL understands, or refuses for a
// reason: every function, operator, cast and aggregate of the registry that
// PostgreSQL has, over values of every type, nested up to three deep.
type generator struct {
	rng   *rand.Rand
	funcs []*Func
	sets  []*Func
	aggs  []*AggFunc
	byRet map[string][]*Func
	kinds []string // the types that have values
	left  []string // overloads that PostgreSQL has, but that are not written
	drawn map[any]bool

	cur     *diffCase // the case being written
	columns bool      // leaves are columns
}

func newGenerator(seed uint64, known map[string]string) *generator {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0)), byRet: map[string][]*Func{}, drawn: map[any]bool{}}
	for k := range pools {
		if !strings.HasSuffix(k, "[]") {
			g.kinds = append(g.kinds, k)
		}
	}
	slices.Sort(g.kinds)
	for _, f := range Funcs() {
		switch {
		case !strings.ContainsAny(known[f.Name], "fso") || foreignOverload(f, known):
		case !comparable2(f) || !g.canWrite(f.Args):
			g.left = append(g.left, overload(f.Name, f.Args, f.Variadic))
		case strings.Contains(known[f.Name], "s"):
			g.sets = append(g.sets, f)
		default:
			g.funcs = append(g.funcs, f)
			if !isPoly(f.Ret) && f.RetOf == nil {
				n := typeKey(f.Ret)
				g.byRet[n] = append(g.byRet[n], f)
			}
		}
	}
	for _, a := range Aggs() {
		switch {
		case !strings.Contains(known[a.Name], "a"):
		case g.canWrite(a.Args):
			g.aggs = append(g.aggs, a)
		default:
			g.left = append(g.left, overload(a.Name, a.Args, a.Variadic))
		}
	}
	return g
}

// foreignOverload tells whether PostgreSQL has the function, but not for these types.
func foreignOverload(f *Func, known map[string]string) bool {
	if f.Operator {
		return false
	}
	var names []string
	for _, t := range f.Args {
		if isPoly(t) && (t.Kind != types.Array || f.Name != "array_length") {
			return false
		}
		t.Mod = 0
		n := TypeName(t)
		if n == "char" {
			n = "character"
		}
		names = append(names, n)
	}
	for n := len(names) - len(f.Defaults); n <= len(names); n++ {
		if known[f.Name+"("+strings.Join(names[:n], ",")+")"] != "" {
			return false
		}
	}
	return true
}

// coverage tells what of the registry was drawn, and what of it PostgreSQL has too and was
// not, or never is.
func (g *generator) coverage() string {
	var missed []string
	for _, f := range slices.Concat(g.funcs, g.sets) {
		if !g.drawn[f] {
			missed = append(missed, overload(f.Name, f.Args, f.Variadic))
		}
	}
	for _, a := range g.aggs {
		if !g.drawn[a] {
			missed = append(missed, overload(a.Name, a.Args, a.Variadic))
		}
	}
	all := len(g.funcs) + len(g.sets) + len(g.aggs)
	return fmt.Sprintf("%d of %d overloads were drawn; not: %s\nnever drawn: %s", all-len(missed), all,
		strings.Join(missed, " "), strings.Join(g.left, " "))
}

// comparable2 tells whether a function gives the same to everyone at all times.
func comparable2(f *Func) bool {
	switch f.Name {
	case "pg_collation_for", "pg_encoding_max_length", // there are one collation and one encoding
		"pg_indexam_progress_phasename",
		"pg_column_size", "version", "now", "transaction_timestamp", "statement_timestamp", "timeofday":
		return false
	case "age":
		return len(f.Args) == 2
	}
	return !f.Session && f.Volatility != Volatile && !f.fallback && f.Higher == nil
}

// canWrite tells whether there are values for all parameters.
func (g *generator) canWrite(ts []types.Type) bool {
	for _, t := range ts {
		if !isPoly(t) && t.Kind != types.Record && len(pools[typeKey(t)]) == 0 &&
			t.Kind.String() != "jsonpath" {
			return false
		}
	}
	return true
}

// typeKey is the name of a type in pools, which is SQL's too.
func typeKey(t types.Type) string {
	if t.Kind == types.Array && t.Elem != nil {
		return typeKey(*t.Elem) + "[]"
	}
	switch t.Kind {
	case types.Char:
		return "\"char\""
	case types.Enum:
		return "mood"
	}
	return t.Kind.String()
}

func pick[T any](g *generator, xs []T) T { return xs[g.rng.IntN(len(xs))] }

// chance is true in one of n cases.
func (g *generator) chance(n int) bool { return g.rng.IntN(n) == 0 }

// next writes a case.
func (g *generator) next() diffCase {
	c := diffCase{Binary: g.chance(6)}
	g.cur, g.columns = &c, false
	switch n := g.rng.IntN(100); {
	case n < 8:
		g.columns = true
		c.Expr = g.aggregate()
	case n < 12:
		c.Set, c.Binary = true, false
		c.Expr = g.call(pick(g, g.sets), 1)
	default:
		g.columns = g.chance(3)
		c.Expr = g.top(1 + g.rng.IntN(3))
	}
	if len(c.Types) > 0 {
		for range 2 + g.rng.IntN(6) {
			row := make([]string, len(c.Types))
			for j, t := range c.Types {
				row[j] = pick(g, g.columnPool(t))
			}
			c.Rows = append(c.Rows, row)
		}
	}
	return c
}

// columnPool gives the values of a column of type t.
func (g *generator) columnPool(t string) []string {
	base, _, modified := strings.Cut(t, "(")
	if strings.HasSuffix(t, "[]") && modified {
		base += "[]"
	}
	if base != "numeric" || !modified {
		return pools[base]
	}
	return pools["numeric"][:5] // which have room in any precision of modifiedKinds
}

func (g *generator) top(depth int) string {
	switch n := g.rng.IntN(100); {
	case n < 52:
		return g.call(pick(g, g.funcs), depth)
	case n < 63:
		return g.syntaxed(depth)
	case n < 67:
		return g.oddly()
	case n < 80:
		return g.cast(depth)
	}
	return g.special(pick(g, g.kinds), depth)
}

// leaf writes a value of type t: a column, a literal with or without its type, or
// one of another type that may convert.
func (g *generator) leaf(t string) string {
	if g.chance(60) {
		t = pick(g, g.kinds)
	}
	if from := widens[t]; len(from) > 0 && g.chance(8) {
		t = pick(g, from)
	}
	if len(pools[t]) == 0 {
		t = "text"
	}
	if with := modifiedKinds[t]; len(with) > 0 && g.chance(6) {
		t = pick(g, with)
	}
	if g.columns && !g.chance(5) {
		return g.column(t)
	}
	return g.literal(t, pick(g, g.columnPool(t)))
}

// widens has the types that convert implicitly.
var widens = map[string][]string{
	"int4": {"int2"}, "int8": {"int2", "int4"}, "numeric": {"int2", "int4", "int8"},
	"float8": {"int4", "numeric", "float4", "int8"}, "float4": {"int4", "numeric"},
	"text": {"varchar", "bpchar", "name"}, "timestamp": {"date"}, "timestamptz": {"date", "timestamp"},
	"interval": {"time"}, "timetz": {"time"}, "oid": {"int4", "int8"}, "varchar": {"text"},
	"bpchar": {"text"}, "text[]": {"varchar[]"},
}

// modifiedKinds has types with modifiers, which take all values of columnPool.
var modifiedKinds = map[string][]string{
	"numeric": {"numeric(20,2)", "numeric(20,2)", "numeric(12,0)"}, "text": {"varchar(4)"},
	"varchar": {"varchar(2)", "varchar(4)"}, "bpchar": {"bpchar(3)", "bpchar(3)", "bpchar(5)"},
	"timestamp": {"timestamp(2)", "timestamp(0)"}, "timestamptz": {"timestamptz(1)"},
	"time": {"time(2)"}, "timetz": {"timetz(0)"}, "interval": {"interval(1)", "interval(0)"},
	"varchar[]": {"varchar(2)[]"}, "numeric[]": {"numeric(20,2)[]"}, "text[]": {"varchar(4)[]"},
}

func (g *generator) column(t string) string {
	c := g.cur
	for j, have := range c.Types {
		if have == t && g.chance(3) {
			return "c" + strconv.Itoa(j)
		}
	}
	c.Types = append(c.Types, t)
	return "c" + strconv.Itoa(len(c.Types)-1)
}

func (g *generator) literal(t, v string) string {
	switch n := g.rng.IntN(10); {
	case n == 0 && v == nullText:
		return "NULL"
	case n == 0:
		return quoteLit(v)
	case v != nullText && (t == "int4" || t == "numeric" && strings.ContainsAny(v, ".e")) &&
		strings.Trim(v, "-0123456789.e") == "" && n < 6:
		if v[0] == '-' {
			return "(" + v + ")"
		}
		return v
	}
	return typedLiteral(v, t)
}

// value writes an expression of type t.
func (g *generator) value(t string, depth int) string {
	if depth <= 0 || g.chance(4) {
		return g.leaf(t)
	}
	fs := g.byRet[t]
	if len(fs) == 0 || g.chance(6) {
		return g.special(t, depth)
	}
	return "(" + g.call(pick(g, fs), depth) + ")"
}

// call writes a call of f.
func (g *generator) call(f *Func, depth int) string {
	g.drawn[f] = true
	n := len(f.Args)
	if f.Variadic {
		n += g.rng.IntN(3)
	} else if d := len(f.Defaults); d > 0 {
		n -= g.rng.IntN(d + 1)
	}
	elem := g.family()
	args := make([]string, n)
	for i := range args {
		args[i] = g.argument(f.Name, f.Args[min(i, len(f.Args)-1)], i, elem, depth-1, f.Args)
	}
	if s := g.syntax(f, args); s != "" {
		return s
	}
	return fmt.Sprintf("pg_catalog.%q(%s)", f.Name, strings.Join(args, ", "))
}

// family gives the type that polymorphic parameters of a call have in common.
func (g *generator) family() string {
	return pick(g, []string{"int4", "text", "int4", "float8", "numeric", "date", "jsonb", "timestamp",
		"bool", "uuid", "interval", "int8", "varchar", "mood", "timestamptz", "bytea", "time", "json"})
}

func (g *generator) argument(name string, t types.Type, i int, elem string, depth int,
	all []types.Type) string {
	if w := wordPool(name, i, t, all); w != "" && !g.chance(12) {
		v := pick(g, words[w])
		if t.Kind == types.Text || t.Kind.String() == "jsonpath" {
			if v == nullText {
				return "NULL"
			}
			return quoteLit(v) + pick(g, []string{"", "", "::" + t.Kind.String()})
		}
		return g.literal(typeKey(t), v)
	}
	switch {
	case t.Kind == types.Record:
		return g.row(depth)
	case isPoly(t) && t.Kind == types.Array:
		return g.value(elem+"[]", depth)
	case isPoly(t):
		if t.Innermost().Mod == modAny && g.chance(2) {
			elem = pick(g, g.kinds)
		}
		return g.value(elem, depth)
	}
	return g.value(typeKey(t), depth)
}

func (g *generator) row(depth int) string {
	n := 1 + g.rng.IntN(3)
	xs := make([]string, n)
	for i := range xs {
		xs[i] = g.value(pick(g, []string{"int4", "text", "bool", "numeric", "date"}), depth)
	}
	return "ROW(" + strings.Join(xs, ", ") + ")"
}

// syntax writes the calls that have a form of their own, "" for the others.
func (g *generator) syntax(f *Func, a []string) string {
	switch {
	case f.Operator && len(a) == 2:
		return a[0] + " " + f.Name + " " + a[1]
	case f.Operator:
		return f.Name + " " + a[0]
	}
	plain := g.chance(2)
	switch n := len(a); f.Name {
	case "position":
		return "position(" + a[1] + " in " + a[0] + ")"
	case "overlay":
		s := "overlay(" + a[0] + " placing " + a[1] + " from " + a[2]
		if n > 3 {
			s += " for " + a[3]
		}
		return s + ")"
	case "substring":
		if plain && n == 3 && f.Args[1].Kind == types.Int4 {
			return "substring(" + a[0] + " from " + a[1] + " for " + a[2] + ")"
		}
	case "greatest", "least", "coalesce":
		return f.Name + "(" + strings.Join(a, ", ") + ")"
	case "nullif":
		return "nullif(" + a[0] + ", " + a[1] + ")"
	case "overlaps":
		return fmt.Sprintf("(%s, %s) overlaps (%s, %s)", a[0], a[1], a[2], a[3])
	case "timezone":
		if plain && n == 2 {
			return a[1] + " AT TIME ZONE " + a[0]
		}
	case "extract", "date_part":
		if n == 2 {
			w := pick(g, words["field"][:22])
			return "extract(" + w + " from " + a[1] + ")"
		}
	case "btrim", "ltrim", "rtrim":
		if plain && n == 2 {
			w := map[string]string{"btrim": "both", "ltrim": "leading", "rtrim": "trailing"}[f.Name]
			return "trim(" + w + " " + a[1] + " from " + a[0] + ")"
		}
	case "trim", "array", "row":
		return "ROW(" + strings.Join(a, ", ") + ")"
	}
	return ""
}

// wordPool names the language of a parameter.
func wordPool(n string, i int, t types.Type, all []types.Type) string {
	switch t.Kind {
	case types.Int4, types.Int8, types.Numeric:
		return numberWords(n, i, all)
	case types.Array:
		if strings.HasPrefix(n, "array_fill") {
			return "dims"
		}
		if t.Elem.Kind == types.Text && (strings.HasPrefix(n, "json") || strings.HasPrefix(n, "#")) {
			return "path"
		}
		return ""
	case types.Text:
		return textWords(n, i, all)
	}
	if t.Kind.String() == "jsonpath" {
		return "jpath"
	}
	return ""
}

func numberWords(n string, i int, all []types.Type) string {
	switch n {
	case "repeat", "lpad", "rpad", "generate_series", "array_fill", "factorial", "!!", "gen_series",
		"regexp_count", "regexp_instr", "regexp_substr", "substr", "substring", "left", "right", "trim_array":
		return "small"
	case "^", "power", "pow", "<<", "round", "trunc":
		if i == 1 {
			return "small"
		}
	}
	return ""
}

func textWords(n string, i int, all []types.Type) string {
	first := all[0].Kind
	switch {
	case (n == "extract" || n == "date_part" || n == "date_trunc") && i == 0:
		return "field"
	case n == "timezone" && i == 0, n == "date_trunc" && i == 2, n == "make_timestamptz":
		return "zone"
	case strings.HasPrefix(n, "regexp"), n == "substring" && i > 0:
		return regexpWords(n, i, all)
	case strings.HasPrefix(n, "~") && !strings.HasPrefix(n, "~~") && i == 1 && n != "~<~" && n != "~>~" && n != "~<=~" && n != "~>=~",
		strings.HasPrefix(n, "!~") && !strings.HasPrefix(n, "!~~") && i == 1:
		return "regex"
	case (n == "encode" || n == "decode") && i == 1:
		return "enc"
	case strings.HasPrefix(n, "convert") && i > 0:
		return "coding"
	case (strings.Contains(n, "~~") || strings.HasSuffix(n, "like")) && i == 1:
		return "like"
	case strings.Contains(n, "escape") && i == 1:
		return "escape"
	case n == "to_char" && i == 1:
		switch first {
		case types.Timestamp, types.Timestamptz, types.Interval:
			return "tfmt"
		}
		return "num"
	case n == "to_number":
		return []string{"number", "num"}[i]
	case n == "to_date" || n == "to_timestamp":
		return []string{"tvalue", "tparse"}[i]
	case first == types.JSON || first == types.JSONB:
		if n == "jsonb_set_lax" {
			return "null_treatment"
		}
		return "key"
	case strings.HasPrefix(n, "string_to") && i > 0, n == "split_part" && i == 1:
		return "split"
	case n == "pg_size_bytes":
		return "unit"
	case (n == "normalize" || n == "is_normalized") && i == 1:
		return "form"
	case n == "parse_ident":
		return "ident"
	case n == "format" && i == 0:
		return "fmt"
	}
	return ""
}

func regexpWords(n string, i int, all []types.Type) string {
	switch {
	case i == 1:
		return "regex"
	case i == 0:
		return ""
	case n == "regexp_replace" && i == 2:
		return "repl"
	case n == "substring":
		return "escape"
	}
	return "flags"
}
