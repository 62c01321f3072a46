package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// candidate is one overload seen through the number of arguments of a call.
type candidate struct {
	fn       *Func
	agg      *AggFunc
	params   []types.Type // one per argument: variadic spread
	variadic bool         // the last parameter was spread
}

// resolution is the outcome of choosing a candidate.
type resolution uint8

const (
	notFound resolution = iota
	found
	ambiguous
)

// spread gives the parameter types for n arguments, or ok false when a function
// with these parameters does not take n. open says that the call itself gives
// the variadic array (f(VARIADIC x)).
func spread(params []types.Type, variadic bool, defaults, n int, open bool) ([]types.Type, bool) {
	switch {
	case variadic && !open:
		if n < len(params) { // at least one argument stands for the variadic one
			return nil, false
		}
		ps := append([]types.Type(nil), params[:len(params)-1]...)
		for len(ps) < n {
			ps = append(ps, params[len(params)-1])
		}
		return ps, true
	case variadic && open:
		if n != len(params) {
			return nil, false
		}
		ps := append([]types.Type(nil), params...)
		last := ps[n-1]
		if last.Kind == types.Any && last.Mod == modAny {
			ps[n-1] = anyArr
		} else {
			ps[n-1] = types.ArrayOf(last)
		}
		return ps, true
	}
	if n > len(params) || n < len(params)-defaults {
		return nil, false
	}
	return params[:n], true
}

func funcCandidates(fs []*Func, n int, open bool) []candidate {
	var cs []candidate
	for _, f := range fs {
		if ps, ok := spread(f.Args, f.Variadic, len(f.Defaults), n, open); ok {
			cs = append(cs, candidate{fn: f, params: ps, variadic: f.Variadic})
		}
	}
	return cs
}

func aggCandidates(as []*AggFunc, n int) []candidate {
	var cs []candidate
	for _, a := range as {
		if ps, ok := spread(a.Args, a.Variadic, 0, n, false); ok {
			cs = append(cs, candidate{agg: a, params: ps, variadic: a.Variadic})
		}
	}
	return cs
}

// choose is func_get_detail without the cast notation: an exact match, else the
// best of those that the arguments convert to.
func choose(cs []candidate, args []types.Type) (candidate, resolution) {
	for _, c := range cs {
		if exactMatch(c, args) {
			return c, found
		}
	}
	cs = accepting(cs, args)
	switch len(cs) {
	case 0:
		return candidate{}, notFound
	case 1:
		return cs[0], found
	}
	return selectCandidate(cs, args)
}

// chooseFunction is choose over the overloads that are no fallback, and over those
// when there is none.
func chooseFunction(cs []candidate, args []types.Type) (candidate, resolution) {
	var first, later []candidate
	for _, c := range cs {
		if c.fn.fallback {
			later = append(later, c)
		} else {
			first = append(first, c)
		}
	}
	cand, how := choose(first, args)
	if how == notFound && len(later) > 0 {
		return choose(later, args)
	}
	return cand, how
}

func exactMatch(c candidate, args []types.Type) bool {
	for i, p := range c.params {
		if isPoly(p) || !sameParam(p, args[i]) {
			return false
		}
	}
	return true
}

// sameParam tells whether a parameter's type is exactly that of an argument.
func sameParam(p, a types.Type) bool { return p.Same(a) || openNested(p) && p.Kind == a.Kind }

// accepting keeps the candidates that the arguments convert to implicitly.
func accepting(cs []candidate, args []types.Type) []candidate {
	var out []candidate
	for _, c := range cs {
		if accepts(c, args) {
			out = append(out, c)
		}
	}
	return out
}

func accepts(c candidate, args []types.Type) bool {
	poly := false
	for i, p := range c.params {
		if isPoly(p) {
			poly = true
			if !polyAccepts(p, args[i]) {
				return false
			}
			continue
		}
		if openNested(p) && p.Kind == args[i].Kind {
			continue
		}
		if p.Kind == types.Enum && p.Enum == nil && !slices.ContainsFunc(args, isEnum) {
			return false // a literal alone is no enum
		}
		if !CanCoerce(args[i], p, CoerceImplicit) {
			return false
		}
	}
	if !poly {
		return true
	}
	_, ok := bindPoly(c.params, args)
	return ok
}

func isEnum(t types.Type) bool { return t.Kind == types.Enum }

// openNested tells whether a parameter takes every MAP, every STRUCT or every enum.
func openNested(p types.Type) bool {
	return p.Kind == types.Map && p.Key == nil || p.Kind == types.Enum && p.Enum == nil ||
		(p.Kind == types.Struct || p.Kind == types.Record) && len(p.Fields) == 0
}

// selectCandidate is PostgreSQL's func_select_candidate
// (https://www.postgresql.org/docs/15/typeconv-func.html, step 4).
func selectCandidate(cs []candidate, args []types.Type) (candidate, resolution) {
	cs = mostMatches(cs, args, func(p, a types.Type) bool { return !isPoly(p) && sameParam(p, a) })
	if len(cs) == 1 {
		return cs[0], found
	}
	cs = mostMatches(cs, args, func(p, a types.Type) bool {
		if isPoly(p) {
			return false
		}
		return sameParam(p, a) ||
			types.Preferred(p.Kind) && types.Category(p.Kind) == types.Category(a.Kind)
	})
	if len(cs) == 1 {
		return cs[0], found
	}
	unknowns := 0
	for _, a := range args {
		if a.Kind == types.Unknown {
			unknowns++
		}
	}
	if unknowns == 0 {
		return candidate{}, ambiguous
	}
	cs = byUnknownCategory(cs, args)
	if len(cs) == 1 {
		return cs[0], found
	}
	return bySameType(cs, args, unknowns)
}

// mostMatches keeps the candidates with the most arguments, of those with a
// known type, for which match holds.
func mostMatches(cs []candidate, args []types.Type,
	match func(param, arg types.Type) bool) []candidate {
	best := 0
	var out []candidate
	for _, c := range cs {
		n := 0
		for i, p := range c.params {
			if args[i].Kind != types.Unknown && match(p, args[i]) {
				n++
			}
		}
		if n > best || len(out) == 0 {
			best, out = n, append(out[:0:0], c)
		} else if n == best {
			out = append(out, c)
		}
	}
	return out
}

// byUnknownCategory settles untyped literals: the string category if any
// candidate takes it, else the category that all candidates agree on; then the
// category's preferred type if any candidate takes that.
func byUnknownCategory(cs []candidate, args []types.Type) []candidate {
	type slot struct {
		category  byte
		preferred bool
	}
	slots := make([]slot, len(args))
	for i, a := range args {
		if a.Kind != types.Unknown {
			continue
		}
		conflict := false
		for _, c := range cs {
			cat, pref := paramCategory(c.params[i])
			switch s := &slots[i]; {
			case s.category == 0:
				*s = slot{cat, pref}
			case cat == s.category:
				s.preferred = s.preferred || pref
			case cat == 'S':
				*s = slot{cat, pref}
			default:
				conflict = true
			}
		}
		if conflict && slots[i].category != 'S' {
			return cs
		}
	}
	var out []candidate
	for _, c := range cs {
		keep := true
		for i, a := range args {
			if a.Kind != types.Unknown {
				continue
			}
			cat, pref := paramCategory(c.params[i])
			keep = keep && cat == slots[i].category && (pref || !slots[i].preferred)
		}
		if keep {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return cs
	}
	return out
}

func paramCategory(p types.Type) (category byte, preferred bool) {
	if isPoly(p) {
		return 'P', false
	}
	return types.Category(p.Kind), types.Preferred(p.Kind)
}

// bySameType assumes that untyped literals have the type that all the other
// arguments have.
func bySameType(cs []candidate, args []types.Type, unknowns int) (candidate, resolution) {
	if unknowns == len(args) {
		return candidate{}, ambiguous
	}
	known := types.Type{}
	for _, a := range args {
		switch {
		case a.Kind == types.Unknown:
		case known.Kind == types.Invalid:
			known = a
		case !known.Same(a):
			return candidate{}, ambiguous
		}
	}
	assumed := make([]types.Type, len(args))
	for i := range assumed {
		assumed[i] = known
	}
	cs = accepting(cs, assumed)
	if len(cs) == 1 {
		return cs[0], found
	}
	return candidate{}, ambiguous
}

// chooseOperator is PostgreSQL's oper(): an untyped operand of a binary operator
// is first taken to have the other's type.
func chooseOperator(name string, args []types.Type) (candidate, resolution) {
	if isOrdering(name) && (onlyEqual[args[0].Kind] || onlyEqual[args[len(args)-1].Kind]) {
		return candidate{}, notFound
	}
	if twoEnums(args) || isComparison(name) && dateAndInteger(args) {
		return candidate{}, notFound
	}
	var fs []*Func
	for _, f := range builtin().funcs[name] {
		if f.Operator {
			fs = append(fs, f)
		}
	}
	cs := funcCandidates(fs, len(args), false)
	if len(args) == 2 {
		same := slices.Clone(args)
		switch {
		case args[0].Kind == types.Unknown:
			same[0] = args[1]
		case args[1].Kind == types.Unknown:
			same[1] = args[0]
		}
		for _, c := range cs {
			if exactMatch(c, same) {
				return c, found
			}
		}
	}
	return chooseFunction(cs, args)
}

// twoEnums tells whether arguments are of different enums, which have nothing in
// common.
func twoEnums(args []types.Type) bool {
	for _, a := range args[1:] {
		if a.Kind == types.Enum && args[0].Kind == types.Enum && !a.Same(args[0]) {
			return true
		}
	}
	return false
}

// dateAndInteger tells whether one of two arguments is a date or a timestamp, and the
// other an integer: the milliseconds that a timestamptz compares with are for ROWTIME.
func dateAndInteger(args []types.Type) bool {
	if len(args) != 2 {
		return false
	}
	for i, a := range args {
		if (a.Kind == types.Date || a.Kind == types.Timestamp) && isInteger(args[1-i].Kind) {
			return true
		}
	}
	return false
}

// shownName gives the name that messages have: functions that syntax calls are
// qualified, as in PostgreSQL.
func shownName(name string) string {
	switch name {
	case "extract", "position", "timezone", "overlaps", "like_escape", "similar_to_escape":
		return "pg_catalog." + name
	}
	return name
}

// callSignature writes a call for messages: "foo(integer, unknown)".
func callSignature(name string, args []types.Type) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = baseName(a)
	}
	return name + "(" + strings.Join(names, ", ") + ")"
}

func errNoFunction(name string, args []types.Type, pos int) *sqlerr.Error {
	if err := errAbsent(name, pos); err != nil {
		return err
	}
	e := sqlerr.New(sqlerr.UndefinedFunction, "function %s does not exist",
		callSignature(shownName(name), args)).At(pos)
	if hint := groupWindowHint(name); hint != "" {
		return e.WithHint("%s", hint)
	}
	if !knownFunction(name) {
		if near := nearName(name); near != "" {
			return e.WithHint("Did you mean \"%s\"?", near)
		}
	}
	return e.WithHint("No function matches the given name and argument types. " +
		"You might need to add explicit type casts.")
}

// groupWindowHint is the way out for the windows that other systems write as functions of a
// GROUP BY, with functions for their bounds.
func groupWindowHint(name string) string {
	window, part, isPart := strings.Cut(name, "_")
	switch window {
	case "tumble", "hop", "session":
	default:
		return ""
	}
	switch {
	case isPart && part != "start" && part != "end" && part != "rowtime" && part != "proctime":
		return ""
	case window == "hop":
		return "Read FROM HOP(relation, time column, slide, size) and group by its columns " +
			"window_start and window_end."
	}
	return fmt.Sprintf("Read FROM %s(relation, time column, %s) and group by its columns "+
		"window_start and window_end.", strings.ToUpper(window),
		map[string]string{"tumble": "size", "session": "gap"}[window])
}

func errAmbiguousFunction(name string, args []types.Type, pos int) *sqlerr.Error {
	return sqlerr.New(sqlerr.AmbiguousFunction, "function %s is not unique",
		callSignature(shownName(name), args)).At(pos).
		WithHint("Could not choose a best candidate function. " +
			"You might need to add explicit type casts.")
}

func operatorSignature(name string, args []types.Type) string {
	if len(args) == 1 {
		return name + " " + baseName(args[0])
	}
	return baseName(args[0]) + " " + name + " " + baseName(args[1])
}

func errNoOperator(name string, args []types.Type, how resolution, pos int) *sqlerr.Error {
	if how == ambiguous {
		return sqlerr.New(sqlerr.AmbiguousFunction, "operator is not unique: %s",
			operatorSignature(name, args)).At(pos).
			WithHint("Could not choose a best candidate operator. " +
				"You might need to add explicit type casts.")
	}
	e := sqlerr.New(sqlerr.UndefinedFunction, "operator does not exist: %s",
		operatorSignature(name, args)).At(pos)
	if len(args) == 1 {
		return e.WithHint("No operator matches the given name and argument type. " +
			"You might need to add an explicit type cast.")
	}
	return e.WithHint("No operator matches the given name and argument types. " +
		"You might need to add explicit type casts.")
}

func knownFunction(name string) bool {
	r := builtin()
	return len(r.funcs[name]) > 0 || len(r.aggs[name]) > 0
}

// nearName finds the function whose name is closest to a misspelt one.
func nearName(name string) string {
	best, limit := "", min(2, len(name)/3)+1
	consider := func(s string) {
		if d := editDistance(name, s, limit); d < limit {
			best, limit = s, d
		}
	}
	for _, f := range builtin().all {
		if !f.Operator {
			consider(f.Name)
		}
	}
	for _, a := range builtin().every {
		consider(a.Name)
	}
	for _, w := range WindowFuncs {
		consider(w.Name)
	}
	return best
}

// editDistance counts the insertions, deletions, changes and swaps of neighbours
// that turn a into b, or gives limit when there are at least that many.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var prev2, prev, cur [64]int
	if len(b) >= len(cur) {
		return limit
	}
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], prev2[j-1]+1)
			}
		}
		prev2, prev = prev, cur
	}
	return min(prev[len(b)], limit)
}
