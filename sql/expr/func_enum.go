package expr

import (
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// defineEnum adds the functions over enums. A function looks at the type of its
// argument only, as in PostgreSQL: enum_range(NULL::mood).
func defineEnum(r *registry) {
	own := func(a []types.Type) types.Type { return a[0] }
	list := func(a []types.Type) types.Type { return types.ArrayOf(a[0]) }
	first := r.fn("enum_first(anyenum) anyenum", nil, "first value of the enum of the argument",
		"enum_first(NULL::mood)").nullable()
	first.RetOf, first.Bind = own, bindEnum(func(n int, _ []int) (int, int) { return 0, min(n, 1) })
	last := r.fn("enum_last(anyenum) anyenum", nil, "last value of the enum of the argument",
		"enum_last(NULL::mood)").nullable()
	last.RetOf, last.Bind = own, bindEnum(func(n int, _ []int) (int, int) { return max(n-1, 0), n })
	all := r.fn("enum_range(anyenum) anyarray", nil, "all values of the enum of the argument",
		"enum_range(NULL::mood)").nullable()
	all.RetOf, all.Bind = list, bindEnum(func(n int, _ []int) (int, int) { return 0, n })
	some := r.fn("enum_range(anyenum, anyenum) anyarray", nil,
		"values of the enum from one to another, NULL for no bound",
		"enum_range('ok'::mood, NULL)").nullable()
	some.RetOf, some.Bind = list, bindEnum(func(n int, at []int) (int, int) {
		from, to := 0, n
		if at[0] >= 0 {
			from = at[0]
		}
		if at[1] >= 0 {
			to = at[1] + 1
		}
		return from, max(from, to)
	})
}

// bindEnum gives the values whose places span picks: of n labels, with the places of
// the arguments, -1 for NULL.
func bindEnum(span func(n int, at []int) (from, to int)) func(*Func, []types.Type, types.Type) {
	return func(f *Func, args []types.Type, ret types.Type) {
		e := args[0].Enum
		f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
			if e == nil {
				return types.NullDatum, sqlerr.New(sqlerr.FeatureNotSupported,
					"could not determine actual enum type")
			}
			at := make([]int, len(a))
			var all []types.Datum
			for i := range e.Labels {
				all = append(all, e.Datum(i))
			}
			for i, d := range a {
				at[i] = -1
				for k := range all {
					if !d.Null && all[k].S == d.S {
						at[i] = k
					}
				}
			}
			from, to := span(len(all), at)
			if ret.Kind == types.Array {
				return types.ArrayOfDatums(*ret.Elem, all[from:to]), nil
			}
			if from == to {
				return types.NullDatum, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
					"enum %s contains no values", e.Name)
			}
			return all[from], nil
		}
	}
}

// CheckDomain gives x as a value of a domain: an error when ok is false. constraint is
// the CHECK that ok stands for, or "" for NOT NULL.
func CheckDomain(x, ok Expr, domain, constraint string, pos int) Expr {
	t := x.Type()
	f := &Func{Name: "domain_check", Args: []types.Type{t, types.Of(types.Bool)}, Ret: t,
		Volatility: Immutable}
	f.Row = func(_ *Env, a []types.Datum) (types.Datum, error) {
		switch {
		case a[1].Null || a[1].I != 0:
			return a[0], nil
		case constraint == "":
			return types.NullDatum, DomainNull(domain)
		}
		return types.NullDatum, DomainViolation(domain, constraint)
	}
	return &Call{Fn: f, Args: []Expr{x, ok}, T: t, Pos: pos}
}

// DomainNull is the error of a NULL that a domain refuses.
func DomainNull(domain string) error {
	return sqlerr.New(sqlerr.NotNullViolation, "domain %s does not allow null values", domain)
}

// DomainViolation is the error of a value that a CHECK of a domain refuses.
func DomainViolation(domain, constraint string) error {
	e := sqlerr.New(sqlerr.CheckViolation,
		"value for domain %s violates check constraint \"%s\"", domain, constraint)
	e.Constraint = constraint
	return e
}
