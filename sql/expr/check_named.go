package expr

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// namedArg is an argument of a call with named ones; name is "" for one by place.
type namedArg struct {
	name string
	x    Expr
	pos  int
}

// argumentName gives the name of an argument name => value, which is a lambda by its
// form where the name is one identifier.
func argumentName(fn string, a sql.Expr) (string, bool) {
	switch a := a.(type) {
	case *sql.NamedArg:
		return a.Name, true
	case *sql.Lambda:
		if len(a.Params) == 1 && hasArgNames(fn) {
			return a.Params[0], true
		}
	}
	return "", false
}

// namedArguments checks the arguments of a call with named ones, and puts them into the
// places of the overload that has all the names.
func (c *checker) namedArguments(name string, e *sql.Call) ([]Expr, error) {
	args := make([]namedArg, len(e.Args))
	named := false
	for i, a := range e.Args {
		args[i] = namedArg{pos: a.Pos()}
		n, is := argumentName(name, a)
		value := a
		switch a := a.(type) {
		case *sql.NamedArg:
			value = a.X
		case *sql.Lambda:
			value = a.Body
		}
		if named && !is {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"positional argument cannot follow named argument").At(a.Pos())
		}
		named = is
		args[i].name = n
		if slices.ContainsFunc(args[:i], func(o namedArg) bool { return n != "" && o.name == n }) {
			return nil, sqlerr.New(sqlerr.SyntaxError,
				"argument name \"%s\" used more than once", n).At(a.Pos())
		}
		var err error
		if args[i].x, err = c.check(value); err != nil {
			return nil, err
		}
	}
	for _, f := range builtin().funcs[name] {
		if out, ok := placeNamed(f, args); ok {
			return out, nil
		}
	}
	return nil, errNoNamed(name, args, e.Pos())
}

// placeNamed puts arguments into the places of f's parameters, with f's defaults where
// none is given; ok is false where they do not fit.
func placeNamed(f *Func, args []namedArg) (out []Expr, ok bool) {
	if f.ArgNames == nil || len(args) > len(f.Args) {
		return nil, false
	}
	out = make([]Expr, len(f.Args))
	for i, a := range args {
		at := i
		if a.name != "" {
			at = slices.Index(f.ArgNames, a.name)
		}
		if at < 0 || out[at] != nil {
			return nil, false
		}
		out[at] = a.x
	}
	first := len(f.Args) - len(f.Defaults)
	for i := range out {
		switch {
		case out[i] != nil:
		case i < first:
			return nil, false
		default:
			out[i] = &Const{D: f.Defaults[i-first], T: f.Args[i]}
		}
	}
	return out, true
}

// errNoNamed says that no overload takes the named arguments, and which names there are.
func errNoNamed(name string, args []namedArg, pos int) error {
	list := make([]string, len(args))
	for i, a := range args {
		if list[i] = baseName(a.x.Type()); a.name != "" {
			list[i] = a.name + " => " + list[i]
		}
	}
	err := sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist", shownName(name),
		strings.Join(list, ", ")).At(pos)
	for _, f := range builtin().funcs[name] {
		if f.ArgNames != nil {
			return err.WithHint("Its arguments are %s.", strings.Join(f.ArgNames, ", "))
		}
	}
	return err.WithHint("No function matches the given name and argument types. " +
		"You might need to add explicit type casts.")
}
