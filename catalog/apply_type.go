package catalog

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

func (e *edit) createType(c *CreateType) error {
	t := c.Type
	if err := e.checkPlace(t.Schema, t.Name); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, label := range t.Labels {
		if seen[label] {
			return sqlerr.New(sqlerr.UniqueViolation,
				"enum label \"%s\" used more than once", label)
		}
		seen[label] = true
	}
	old := e.next.UserType(t.Schema, t.Name)
	switch {
	case old != nil && c.OrReplace:
		t.OID = old.OID
	case old != nil && c.IfNotExists:
		e.notice("type \"%s\" already exists, skipping", t.Name)
		return nil
	case old != nil:
		return sqlerr.New(sqlerr.DuplicateObject, "type \"%s\" already exists", t.Name)
	default:
		t.OID = e.allot()
	}
	t.complete()
	if t.Base.Kind == types.Record {
		t.Base.Row = t.row()
	}
	e.putType(&t)
	e.change.OID = t.OID
	if old != nil && t.Labels != nil {
		return e.restart(func(r *Relation) bool { return e.next.says(r, t.Name) })
	}
	return nil
}

// says tells whether the text of a definition has a name in it, itself or in the views and
// functions that it uses. A query that casts to an enum knows the labels that there were
// when it began; one that only passes values on need not begin anew.
func (s *Snapshot) says(r *Relation, name string) bool {
	if strings.Contains(r.Definition, name) {
		return true
	}
	return slices.ContainsFunc(r.DependsOn, func(oid OID) bool {
		if f := s.FunctionByOID(oid); f != nil {
			return strings.Contains(f.Body, name)
		}
		x := s.relations[oid]
		return x != nil && x.Kind == KindView && s.says(x, name)
	})
}

// putType adds a type or replaces the one with its name. What uses an enum gets its
// present labels.
func (e *edit) putType(t *UserType) {
	e.ownTypes()[joinName(t.Schema, t.Name)] = t
	if t.Labels == nil {
		return
	}
	t.Base = t.enum()
	for _, r := range e.next.Relations() {
		if !slices.ContainsFunc(r.Columns, func(c Column) bool { return usesEnum(c.Type, t.OID) }) {
			continue
		}
		next := *r
		next.Columns = slices.Clone(r.Columns)
		for i := range next.Columns {
			next.Columns[i].Type = next.Columns[i].Type.WithEnum(t.Base.Enum)
		}
		e.putRelation(&next)
	}
	for _, u := range e.next.UserTypes() {
		if u.OID != t.OID && usesEnum(u.Base, t.OID) {
			next := *u
			next.Base = u.Base.WithEnum(t.Base.Enum)
			e.ownTypes()[joinName(u.Schema, u.Name)] = &next
		}
	}
	for _, f := range e.next.AllFunctions() {
		next := *f
		next.Ret = f.Ret.WithEnum(t.Base.Enum)
		next.Args = slices.Clone(f.Args)
		for i := range next.Args {
			next.Args[i] = next.Args[i].WithEnum(t.Base.Enum)
		}
		e.putFunction(&next)
	}
}

func usesEnum(t types.Type, oid OID) bool {
	uses := false
	types.EnumOf(t, func(e *types.EnumType) { uses = uses || OID(e.OID) == oid })
	return uses
}

func (e *edit) dropType(c *DropType) error {
	var roots []object
	for _, n := range c.Names {
		t := e.next.UserType(schemaOf(n), n.Name)
		switch {
		case t == nil && c.IfExists:
			e.notice("type \"%s\" does not exist, skipping", n)
			continue
		case t == nil:
			return sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", n)
		}
		roots = append(roots, object{class: classType, oid: t.OID})
	}
	return e.drop(roots, c.Cascade)
}

func schemaOf(n QualifiedName) string {
	if n.Schema == "" {
		return PublicSchema
	}
	return n.Schema
}

func (e *edit) createFunction(c *CreateFunction) error {
	f := c.Func
	if err := e.checkPlace(f.Schema, f.Name); err != nil {
		return err
	}
	old := e.next.function(f.Schema, f.Name, f.Args)
	switch {
	case old == nil:
		f.OID = e.allot()
	case !c.OrReplace:
		return sqlerr.New(sqlerr.DuplicateFunction,
			"function \"%s\" already exists with same argument types", f.Name)
	case !f.Ret.Same(old.Ret):
		return sqlerr.New(sqlerr.InvalidFunctionDefinition,
			"cannot change return type of existing function").
			WithHint("Use DROP FUNCTION %s first.", old.signature())
	default:
		f.OID = old.OID
	}
	e.putFunction(&f)
	e.change.OID = f.OID
	if old != nil && old.Body != f.Body {
		return e.restartReaders(f.OID)
	}
	return nil
}

// function finds the overload with exactly these argument types, or nil.
func (s *Snapshot) function(schema, name string, args []types.Type) *UserFunc {
	for _, f := range s.Functions(schema, name) {
		if slices.EqualFunc(f.Args, args, types.Type.Same) {
			return f
		}
	}
	return nil
}

// putFunction adds a function or replaces the one with its OID.
func (e *edit) putFunction(f *UserFunc) {
	key := joinName(f.Schema, f.Name)
	fs := slices.Clone(e.next.functions[key])
	if i := slices.IndexFunc(fs, func(x *UserFunc) bool { return x.OID == f.OID }); i >= 0 {
		fs[i] = f
	} else {
		fs = append(fs, f)
	}
	e.ownFunctions()[key] = fs
}

func (e *edit) removeFunction(f *UserFunc) {
	key := joinName(f.Schema, f.Name)
	fs := slices.DeleteFunc(slices.Clone(e.next.functions[key]),
		func(x *UserFunc) bool { return x.OID == f.OID })
	if len(fs) == 0 {
		delete(e.ownFunctions(), key)
	} else {
		e.ownFunctions()[key] = fs
	}
	e.dropGrants(f.OID)
}

func (e *edit) dropFunction(c *DropFunction) error {
	var roots []object
	for i, n := range c.Names {
		var args []types.Type
		if i < len(c.Args) {
			args = c.Args[i]
		}
		f, err := e.findFunction(n, args, c.IfExists)
		if err != nil {
			return err
		}
		if f != nil {
			roots = append(roots, object{class: classFunction, oid: f.OID})
		}
	}
	return e.drop(roots, c.Cascade)
}

func (e *edit) findFunction(n QualifiedName, args []types.Type, ifExists bool) (*UserFunc, error) {
	all := e.next.Functions(schemaOf(n), n.Name)
	if args != nil {
		if f := e.next.function(schemaOf(n), n.Name, args); f != nil {
			return f, nil
		}
		names := make([]string, len(args))
		for i, t := range args {
			names[i] = t.String()
		}
		list := strings.Join(names, ", ")
		if ifExists {
			e.notice("function %s(%s) does not exist, skipping", n, strings.ReplaceAll(list, " ", ""))
			return nil, nil
		}
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist", n, list)
	}
	switch {
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return nil, sqlerr.New(sqlerr.AmbiguousFunction, "function name \"%s\" is not unique", n).
			WithHint("Specify the argument list to select the function unambiguously.")
	case ifExists:
		e.notice("function %s() does not exist, skipping", n)
		return nil, nil
	}
	return nil, sqlerr.New(sqlerr.UndefinedFunction, "could not find a function named \"%s\"", n)
}
