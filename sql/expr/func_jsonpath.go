package expr

import (
	"errors"
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineJSONPath defines the functions and operators of jsonpath. With silent, an
// error of the path counts as nothing found; the operators are silent.
func defineJSONPath(r *registry) {
	const doc = "'{\"a\":[1,2,3,4,5]}'"
	const rest = "(target jsonb, path jsonpath, vars jsonb = '{}', silent bool = false) "
	for _, tz := range []string{"", "_tz"} {
		note := ""
		add := func(name, ret, what, example string, impl any) {
			if tz != "" {
				impl = zoned(impl)
			} else {
				impl = plainPath(impl)
			}
			f := r.fn("jsonb_path_"+name+tz+rest+ret, impl, what+note,
				"jsonb_path_"+name+tz+"("+doc+", "+example+")")
			if tz != "" {
				f.stable()
			}
		}
		if tz != "" {
			note = "; times with and without a zone compare by the session's"
		}
		add("exists", "bool", "whether a path selects an item", "'$.a[*] ? (@ > 3)'", pathExists)
		add("match", "bool", "the truth of a predicate", "'exists($.a[*] ? (@ >= 2 && @ <= 4))'", pathMatch)
		add("query_array", "jsonb", "the items that a path selects, as an array",
			"'$.a[*] ? (@ >= 2 && @ <= 4)'", pathArray)
		add("query_first", "jsonb", "the first item that a path selects", "'$.a[*] ? (@ >= 2)'", pathFirst)
		add("query", "jsonb", "the items that a path selects, one a row",
			"'$.a[*] ? (@ >= 2 && @ <= 4)'", pathQuery)
	}
	silent := func(f func(*zonedPath, []types.Datum) (types.Datum, error)) RowFunc {
		return func(_ *Env, a []types.Datum) (types.Datum, error) {
			return f(nil, []types.Datum{a[0], a[1], types.TextDatum("{}"), types.BoolDatum(true)})
		}
	}
	r.op("@?(jsonb, jsonpath) bool", silent(pathExists), "whether a path selects an item",
		doc+"::jsonb @? '$.a[*] ? (@ > 2)'")
	r.op("@@(jsonb, jsonpath) bool", silent(pathMatch), "the truth of a predicate",
		doc+"::jsonb @@ '$.a[*] > 2'")
}

// paths keeps parsed paths, of which a query has few. It changes no result; when full
// it is emptied.
var paths = struct {
	mu sync.Mutex
	m  map[string]*types.JSONPathQuery
}{m: map[string]*types.JSONPathQuery{}}

func compiledPath(s string) (*types.JSONPathQuery, error) {
	paths.mu.Lock()
	defer paths.mu.Unlock()
	if q := paths.m[s]; q != nil {
		return q, nil
	}
	q, err := types.ParseJSONPath(strings.Clone(s))
	if err != nil {
		return nil, err
	}
	if len(paths.m) >= maxPatterns {
		clear(paths.m)
	}
	paths.m[strings.Clone(s)] = q
	return q, nil
}

// pathRun prepares the evaluation of a path.
func pathRun(z *zonedPath, a []types.Datum) (*types.JSONPathRun, error) {
	q, err := compiledPath(a[1].S)
	if err != nil {
		return nil, err
	}
	if types.JSONKind(a[2].S) != 'o' {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "\"vars\" argument is not an object").
			WithDetail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.")
	}
	run := &types.JSONPathRun{Query: q, Vars: a[2].S, Match: matchPathRegex}
	if z != nil {
		run.Zone, run.Now = zoneOf(z.env), z.env.Now
	}
	return run, nil
}

// matchPathRegex is like_regex: the flags of XQuery in those of regular expressions
// here.
func matchPathRegex(pattern, flags, s string) (bool, error) {
	own := ""
	for _, f := range flags {
		switch f {
		case 'i', 'q':
			own += string(f)
		}
	}
	if !strings.Contains(flags, "q") {
		dot, lines := strings.Contains(flags, "s"), strings.Contains(flags, "m")
		switch {
		case dot && lines:
			own += "w"
		case lines:
			own += "n"
		case !dot:
			own += "p"
		}
	}
	p, err := compilePattern(pattern, own)
	if err != nil {
		return false, err
	}
	return p.re.MatchString(s), nil
}

// zonedPath is the environment in which times with and without a zone compare; the
// functions without _tz have none.
type zonedPath struct{ env *Env }

// zoned makes the implementation of a function with _tz: it passes the environment on.
func zoned(impl any) any {
	switch impl := impl.(type) {
	case func(*zonedPath, []types.Datum) (types.Datum, error):
		return func(env *Env, a []types.Datum) (types.Datum, error) { return impl(&zonedPath{env}, a) }
	case func(*zonedPath, []types.Datum, func([]types.Datum) error) error:
		return func(env *Env, a []types.Datum, emit func([]types.Datum) error) error {
			return impl(&zonedPath{env}, a, emit)
		}
	}
	return impl
}

// plainPath makes the implementation of a function without _tz.
func plainPath(impl any) any {
	switch impl := impl.(type) {
	case func(*zonedPath, []types.Datum) (types.Datum, error):
		return func(_ *Env, a []types.Datum) (types.Datum, error) { return impl(nil, a) }
	case func(*zonedPath, []types.Datum, func([]types.Datum) error) error:
		return func(_ *Env, a []types.Datum, emit func([]types.Datum) error) error {
			return impl(nil, a, emit)
		}
	}
	return impl
}

// quiet drops an error of the path itself, if it is to be silent.
func quiet(err error, silent types.Datum) error {
	var e *sqlerr.Error
	if err != nil && silent.Bool() && errors.As(err, &e) && strings.HasPrefix(string(e.Code), "22") {
		return nil
	}
	return err
}

func pathExists(z *zonedPath, a []types.Datum) (types.Datum, error) {
	run, err := pathRun(z, a)
	if err != nil {
		return types.NullDatum, err
	}
	found, err := run.Exists(a[0].S)
	if err != nil {
		return types.NullDatum, quiet(err, a[3])
	}
	return types.BoolDatum(found), nil
}

func pathItems(z *zonedPath, a []types.Datum) ([]string, error) {
	run, err := pathRun(z, a)
	if err != nil {
		return nil, err
	}
	items, err := run.Items(a[0].S)
	return items, quiet(err, a[3])
}

func pathMatch(z *zonedPath, a []types.Datum) (types.Datum, error) {
	items, err := pathItems(z, a)
	if err != nil {
		return types.NullDatum, err
	}
	if len(items) == 1 {
		switch items[0] {
		case "true", "false":
			return types.BoolDatum(items[0] == "true"), nil
		case "null":
			return types.NullDatum, nil
		}
	}
	if a[3].Bool() {
		return types.NullDatum, nil
	}
	return types.NullDatum, sqlerr.New(sqlerr.SingletonSQLJSONItemRequired, "single boolean result is expected")
}

func pathArray(z *zonedPath, a []types.Datum) (types.Datum, error) {
	items, err := pathItems(z, a)
	return types.TextDatum("[" + strings.Join(items, ", ") + "]"), err
}

func pathFirst(z *zonedPath, a []types.Datum) (types.Datum, error) {
	items, err := pathItems(z, a)
	if err != nil || len(items) == 0 {
		return types.NullDatum, err
	}
	return types.TextDatum(items[0]), nil
}

func pathQuery(z *zonedPath, a []types.Datum, emit func([]types.Datum) error) error {
	items, err := pathItems(z, a)
	if err != nil {
		return err
	}
	for _, v := range items {
		if err := emit([]types.Datum{types.TextDatum(v)}); err != nil {
			return err
		}
	}
	return nil
}
