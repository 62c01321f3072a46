package planner

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parse"
	"github.com/millracedb/millrace/sql/types"
)

// Values of a domain are values of its base type. Its rules are applied where a
// value becomes one of the domain: by a cast, and when it is written to a column.

// domainChecks adds the rules of the domains of a relation's columns.
func (b *builder) domainChecks(out []plan.RowCheck, rel *catalog.Relation, layout []int) (
	[]plan.RowCheck, error) {
	for i, o := range layout {
		c := &rel.Columns[o]
		u := b.env.Snapshot.UserTypeByOID(c.UserType)
		if c.UserType == 0 || u == nil {
			continue
		}
		if u.NotNull {
			out = append(out, plan.RowCheck{Column: c.Name, Ordinal: i, Domain: u.Name})
		}
		for _, k := range u.Checks {
			x, err := b.domainCheck(k, &expr.Col{Index: i, T: c.Type, Name: c.Name})
			if err != nil {
				return nil, err
			}
			out = append(out, plan.RowCheck{Name: k.Name, Ordinal: -1, Pred: x, Domain: u.Name})
		}
	}
	return out, nil
}

// domainCheck gives a CHECK of a domain over a value.
func (b *builder) domainCheck(k catalog.Check, value expr.Expr) (expr.Expr, error) {
	ast, err := parse.ParseExpr(k.Expr)
	if err != nil {
		return nil, err
	}
	s := &scope{b: b, clause: "domain constraints", entries: []*entry{{}}}
	s.cols = []column{{entry: s.entries[0], name: "value", x: value}}
	return b.checkBool(ast, s, "CHECK")
}

// Domain implements expr.DomainScope: x, cast to the type of a name, with the rules of
// the domain that the name may be.
func (s *scope) Domain(name []string, x expr.Expr, pos int) (expr.Expr, error) {
	u := s.b.userTypeNamed(name)
	if u == nil || !u.NotNull && len(u.Checks) == 0 {
		return x, nil
	}
	if _, err := types.ByName(name[len(name)-1], nil); err == nil && len(name) == 1 {
		return x, nil // a built-in type hides it
	}
	value := x
	if u.NotNull {
		x = expr.CheckDomain(x, &expr.IsNull{X: value, Not: true}, u.Name, "", pos)
	}
	for _, k := range u.Checks {
		ok, err := s.b.domainCheck(k, value)
		if err != nil {
			return nil, err
		}
		x = expr.CheckDomain(x, ok, u.Name, k.Name, pos)
	}
	return x, nil
}
