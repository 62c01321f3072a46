package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/types"
)

// registry holds every built-in function, operator and aggregate by lower-case
// name. It is built once and never changed.
type registry struct {
	funcs map[string][]*Func
	aggs  map[string][]*AggFunc
	all   []*Func // in order of definition
	every []*AggFunc
	// ksql has what counts in ksqlDB's dialect alone, ksqlAll the same in order.
	ksql    map[string][]*Func
	ksqlAll []*Func
	// flat says that an array of arrays is one of more dimensions, as in PostgreSQL, and no
	// type of its own: tests see by that what else differs.
	flat bool
}

// builtin gives the registry.
var builtin = sync.OnceValue(func() *registry {
	r := &registry{funcs: map[string][]*Func{}, aggs: map[string][]*AggFunc{},
		ksql: map[string][]*Func{}}
	for _, define := range []func(*registry){
		defineCompare, defineArith, defineNumeric, defineMath, defineText, defineRegexp,
		defineBytes, defineLike, defineTime, defineTimeOps, defineFormat, defineJSON,
		defineJSONBuild, defineJSONRecords, defineJSONPath, defineArray, defineCond, defineSets,
		defineRare, defineHash, defineSystem, defineExtensions, defineAggs,
		defineStatAggs, defineCollectAggs, defineOrderedAggs, defineHypothetical, defineKsqlAggs,
		defineKsqlArrays,
		defineKsqlText, defineKsqlJSON, defineKsqlTime, defineKsqlMore, defineDialect,
	} {
		define(r)
	}
	return r
})

// Funcs lists every built-in function and operator, ordered by name and then by
// definition.
func Funcs() []*Func {
	fs := slices.Clone(builtin().all)
	slices.SortStableFunc(fs, func(a, b *Func) int { return strings.Compare(a.Name, b.Name) })
	return fs
}

// Aggs lists every built-in aggregate, ordered by name and then by definition.
func Aggs() []*AggFunc {
	as := slices.Clone(builtin().every)
	slices.SortStableFunc(as, func(a, b *AggFunc) int { return strings.Compare(a.Name, b.Name) })
	return as
}

// IsAggregate tells whether a name is one of an aggregate.
func IsAggregate(name string) bool { return len(builtin().aggs[strings.ToLower(name)]) > 0 }

// fn defines a function by its signature, such as
//
//	substr(text, int4, int4) text
//	concat(variadic any) text
//	make_interval(years int4 = 0, months int4 = 0) interval
//
// impl is a Kernel, a RowFunc, a set function, or a plain Go function that adapt
// knows. The function is strict and immutable unless said otherwise.
func (r *registry) fn(sig string, impl any, doc, example string) *Func {
	f := newFunc(sig, impl, doc, example)
	r.add(f)
	return f
}

func newFunc(sig string, impl any, doc, example string) *Func {
	f := &Func{Doc: doc, Example: example, Strict: true}
	s := parseSignature(sig)
	f.Name, f.Args, f.Variadic, f.Ret = s.name, s.args, s.variadic, s.ret
	f.ArgNames, f.Defaults = s.names, s.defaults
	switch impl := impl.(type) {
	case nil:
	case Kernel:
		f.Kernel = impl
	case func(*Env, int, []uint16, []*vector, *vector) error:
		f.Kernel = impl
	case func(*Func, []types.Type, types.Type):
		f.Bind = impl
	default:
		adapt(f, impl)
	}
	return f
}

// op defines an operator: its name is a sign.
func (r *registry) op(sig string, impl any, doc, example string) *Func {
	f := r.fn(sig, impl, doc, example)
	f.Operator = true
	return f
}

func (r *registry) add(f *Func) {
	r.funcs[f.Name] = append(r.funcs[f.Name], f)
	r.all = append(r.all, f)
}

// agg adds an aggregate whose signature is sig.
func (r *registry) agg(sig string, a AggFunc) *AggFunc {
	s := parseSignature(sig)
	a.Name, a.Args, a.Ret, a.Variadic = s.name, s.args, s.ret, s.variadic
	if a.Words > 0 && a.Collect == nil {
		a.Collect = collectLinear(&a)
	}
	r.aggs[a.Name] = append(r.aggs[a.Name], &a)
	r.every = append(r.every, &a)
	return &a
}

// The chain of properties that are not the default.
func (f *Func) stable() *Func    { f.Volatility = Stable; return f }
func (f *Func) volatile() *Func  { f.Volatility = Volatile; return f }
func (f *Func) nullable() *Func  { f.Strict = false; return f }
func (f *Func) ofSession() *Func { f.Session = true; f.Volatility = Stable; return f }

// asFallback makes a function of ksqlDB count only where none of PostgreSQL's of
// that name applies.
func (f *Func) asFallback() *Func { f.fallback = true; return f }

func (f *Func) withRet(r func([]types.Type) types.Type) *Func {
	f.RetOf = r
	return f
}

type signature struct {
	name     string
	args     []types.Type
	names    []string
	defaults []types.Datum
	variadic bool
	ret      types.Type
}

var signatures = map[string]types.Type{
	"any": anyType, "anyelement": anyElem, "anyarray": anyArr, "anynonarray": anyNonArr,
	"anycompatible": anyCompat, "anycompatiblearray": anyCompatArr, "record": types.Of(types.Record),
	"char": types.Of(types.Char), "map": {Kind: types.Map}, "struct": {Kind: types.Struct},
	"anyenum": types.Of(types.Enum),
}

// parseSignature reads a definition. It panics on a mistake in the registry.
func parseSignature(sig string) signature {
	open := strings.IndexByte(sig, '(')
	end := strings.LastIndexByte(sig, ')')
	s := signature{name: sig[:open], ret: signatureType(strings.TrimSpace(sig[end+1:]))}
	if strings.TrimSpace(sig[open+1:end]) == "" {
		return s
	}
	named := false
	for _, part := range strings.Split(sig[open+1:end], ",") {
		def, hasDefault := "", false
		part, def, hasDefault = strings.Cut(strings.TrimSpace(part), " = ")
		words := strings.Fields(part)
		if words[0] == "variadic" {
			s.variadic = true
			words = words[1:]
		}
		name := ""
		if len(words) == 2 {
			name, named = words[0], true
		}
		s.args = append(s.args, signatureType(words[len(words)-1]))
		s.names = append(s.names, name)
		if hasDefault {
			s.defaults = append(s.defaults, signatureDefault(def, s.args[len(s.args)-1]))
		}
	}
	if !named {
		s.names = nil
	}
	return s
}

func signatureType(name string) types.Type {
	if elem, ok := strings.CutSuffix(name, "[]"); ok {
		return types.ArrayOf(signatureType(elem))
	}
	if t, ok := signatures[name]; ok {
		return t
	}
	t, err := types.ByName(name, nil)
	if err != nil {
		panic(fmt.Sprintf("registry: type %q: %v", name, err))
	}
	return t
}

func signatureDefault(s string, t types.Type) types.Datum {
	switch {
	case s == "null":
		return types.NullDatum
	case t.Kind == types.Bool:
		return types.BoolDatum(s == "true")
	case t.Phys() == types.PhysBytes:
		return types.TextDatum(strings.Trim(s, "'"))
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(fmt.Sprintf("registry: default %q: %v", s, err))
	}
	if t.Phys() == types.PhysFloat64 {
		return types.FloatDatum(v)
	}
	return types.IntDatum(int64(v))
}
