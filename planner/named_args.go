package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/parse"
)

// NamedArguments implements expr.ArgumentNames: it puts the named arguments of a call of a
// function of CREATE FUNCTION, f(a => 1) or f(a := 1), in their places, and the defaults of
// those left out between them; nil where no function has such names. known says that there
// are functions of that name.
func (s *scope) NamedArguments(c *sql.Call) (args []sql.Expr, known bool) {
	fs := s.b.userFuncs(c.Name)
	for _, f := range fs {
		if args = placeArguments(f, c.Args); args != nil {
			return args, true
		}
	}
	return nil, len(fs) > 0
}

// userFuncs are the functions of CREATE FUNCTION that a name may mean.
func (b *builder) userFuncs(n sql.Name) []*catalog.UserFunc {
	if n.Schema() != "" {
		return b.env.Snapshot.Functions(n.Schema(), n.Last())
	}
	return b.env.Snapshot.ResolveFunctions(b.path, n.Last())
}

// placeArguments gives the arguments of a call in the order of a function's; nil: the
// function has other names, or some argument twice or not at all.
func placeArguments(f *catalog.UserFunc, given []sql.Expr) []sql.Expr {
	if len(given) > len(f.Args) {
		return nil
	}
	args := make([]sql.Expr, len(f.Args))
	named := false
	for i, a := range given {
		name, x := namedArgument(a)
		if name == "" {
			if named { // a positional argument cannot follow a named one
				return nil
			}
			args[i] = a
			continue
		}
		named = true
		at := slices.Index(f.ArgNames, name)
		if at < 0 || args[at] != nil {
			return nil
		}
		args[at] = x
	}
	first := len(f.Args) - len(f.Defaults)
	for i := range args {
		if args[i] != nil {
			continue
		}
		if i < first {
			return nil
		}
		x, err := parse.ParseExpr(f.Defaults[i-first])
		if err != nil {
			return nil
		}
		args[i] = x
	}
	return args
}

// namedArgument takes name => x and name := x apart; the name is "" for other arguments.
func namedArgument(a sql.Expr) (string, sql.Expr) {
	switch a := a.(type) {
	case *sql.NamedArg:
		return a.Name, a.X
	case *sql.Lambda:
		if len(a.Params) == 1 {
			return a.Params[0], a.Body
		}
	}
	return "", nil
}
