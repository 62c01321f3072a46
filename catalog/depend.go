package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// class is the class of an object in the graph of dependencies.
type class uint8

const (
	classRelation class = iota + 1
	classQuery
	classType
	classFunction
	classSchema
	classColumn  // object.oid is the relation
	classDefault // of a column
	classForeign // of a table: its column-th foreign key
)

// object is one node of the graph of dependencies.
type object struct {
	class  class
	oid    OID
	column int
}

// edge says that an object needs another one.
type edge struct {
	from object
	// auto edges take from along without asking: the index of a table, the
	// sequence of a column, the query that fills a view.
	auto bool
	verb string // "depends on", "writes into"
}

// Dependents lists the relations and queries that need an object directly, by
// OID. Indexes, owned sequences and owned queries go with their relation and are
// not counted.
func (s *Snapshot) Dependents(oid OID) []OID {
	var out []OID
	for _, c := range []class{classRelation, classType, classFunction} {
		for _, d := range s.dependents(object{class: c, oid: oid}) {
			if !d.auto && !slices.Contains(out, d.from.oid) {
				out = append(out, d.from.oid)
			}
		}
	}
	slices.Sort(out)
	return out
}

// dependents lists what needs an object, newest first.
func (s *Snapshot) dependents(o object) []edge {
	var out []edge
	switch o.class {
	case classRelation:
		out = s.needRelation(o.oid, nil)
	case classColumn:
		out = s.needRelation(o.oid, []int{o.column})
	case classFunction:
		out = s.needRelation(o.oid, nil)
	case classType:
		out = s.needType(o.oid)
	case classSchema:
		out = s.inSchema(s.SchemaByOID(o.oid).Name)
	case classQuery, classDefault, classForeign:
	}
	slices.SortStableFunc(out, func(a, b edge) int {
		return cmp.Or(cmp.Compare(b.from.oid, a.from.oid), cmp.Compare(b.from.class, a.from.class),
			cmp.Compare(b.from.column, a.from.column), cmp.Compare(a.verb, b.verb))
	})
	return out
}

// needRelation finds what needs a relation, or only some of its columns.
func (s *Snapshot) needRelation(oid OID, columns []int) []edge {
	var out []edge
	for _, r := range s.relations {
		out = append(out, r.refers(oid, columns)...)
		if r.needs(oid, columns) {
			out = append(out, edge{from: object{class: classRelation, oid: r.OID}, verb: dependsOn})
		}
		if r.Kind == KindIndex && r.Table == oid && (overlap(r.IndexColumns, columns) ||
			overlap(r.IndexReads, columns)) ||
			r.Sequence != nil && r.Sequence.OwnedBy == oid &&
				overlap([]int{r.Sequence.OwnedColumn}, columns) {
			out = append(out, edge{from: object{class: classRelation, oid: r.OID}, auto: true})
		}
	}
	for _, q := range s.queries {
		o := object{class: classQuery, oid: q.OID}
		switch {
		case q.Target == oid && columns == nil:
			out = append(out, edge{from: o, auto: q.Owns, verb: "writes into"})
		case slices.Contains(q.Sources, oid) && !q.Owns:
			out = append(out, edge{from: o, verb: dependsOn})
		case slices.Contains(q.Sources, oid) && !s.relations[q.Target].needs(oid, nil) &&
			!s.throughViews(s.relations[q.Target], oid):
			out = append(out, edge{from: object{class: classRelation, oid: q.Target},
				verb: dependsOn})
		}
	}
	if r := s.relations[oid]; r != nil && r.Kind == KindSequence && columns == nil {
		out = append(out, s.needSequence(r)...)
	}
	return out
}

// refers finds the foreign keys of r that need a table, some of its columns, or a
// unique index.
func (r *Relation) refers(oid OID, columns []int) []edge {
	var out []edge
	for i, k := range r.ForeignKeys {
		e := edge{from: object{classForeign, r.OID, i}, verb: dependsOn}
		switch {
		case r.OID == oid && columns != nil && overlap(k.Columns, columns):
			e.auto = true
		case k.Table == oid && overlap(k.RefColumns, columns) && (r.OID != oid || columns != nil):
		case k.Index == oid && k.Index != 0:
		default:
			continue
		}
		out = append(out, e)
	}
	return out
}

const dependsOn = "depends on"

// throughViews tells whether a definition reads a relation by way of views alone: what
// depends on the relation is a view then, and the definition depends on that.
func (s *Snapshot) throughViews(r *Relation, oid OID) bool {
	reads := false
	for _, d := range r.DependsOn {
		switch x := s.relations[d]; {
		case d == oid:
			reads = true
		case x == nil:
			return false // a function, whose text is not looked at
		case x.Kind == KindView && s.throughViews(x, oid):
			reads = true
		}
	}
	return reads
}

// needs tells whether the definition of r reads a relation, or any of the
// columns of it.
func (r *Relation) needs(oid OID, columns []int) bool {
	if !slices.Contains(r.DependsOn, oid) {
		return false
	}
	for _, u := range r.Reads {
		if u.Relation == oid {
			return overlap(u.Columns, columns)
		}
	}
	return true
}

// overlap tells whether two lists of columns meet; nil stands for all columns.
func overlap(a, b []int) bool {
	return b == nil || slices.ContainsFunc(a, func(c int) bool { return slices.Contains(b, c) })
}

// needSequence finds the column defaults that take numbers from a sequence.
func (s *Snapshot) needSequence(seq *Relation) []edge {
	var out []edge
	for _, r := range s.relations {
		for i := range r.Columns {
			if !r.Columns[i].Dropped && s.usesSequence(r, i, seq) {
				out = append(out, edge{from: object{classDefault, r.OID, i}, verb: dependsOn})
			}
		}
	}
	return out
}

func (s *Snapshot) usesSequence(r *Relation, column int, seq *Relation) bool {
	c := &r.Columns[column]
	if seq.Sequence.OwnedBy == r.OID && seq.Sequence.OwnedColumn == column {
		return c.Identity != 0 || strings.Contains(c.Default, "nextval(")
	}
	_, name, _, ok := cutNextval(c.Default)
	return ok && (name == quoted(seq.Schema, seq.Name) ||
		name == QuoteIdent(seq.Schema)+"."+QuoteIdent(seq.Name))
}

// cutNextval cuts the default nextval('name'...) around the name.
func cutNextval(text string) (before, name, after string, ok bool) {
	const call = "nextval('"
	i := strings.Index(text, call)
	if i < 0 {
		return "", "", "", false
	}
	i += len(call)
	name, _, ok = strings.Cut(text[i:], "'")
	return text[:i], name, text[i+len(name):], ok
}

// renameInDefaults makes the defaults that use a sequence name it as it is called
// now.
func (e *edit) renameInDefaults(was, is *Relation) {
	if is.Kind != KindSequence {
		return
	}
	for _, r := range e.next.Relations() {
		for i := range r.Columns {
			if r.Columns[i].Dropped || !e.next.usesSequence(r, i, was) {
				continue
			}
			if before, _, after, ok := cutNextval(r.Columns[i].Default); ok {
				e.changeColumn(object{classDefault, r.OID, i}, func(c *Column) {
					c.Default = before + quoted(is.Schema, is.Name) + after
				})
			}
		}
	}
}

func (s *Snapshot) needType(oid OID) []edge {
	out := s.needRelation(oid, nil)
	for _, r := range s.relations {
		for i := range r.Columns {
			c := &r.Columns[i]
			if c.Dropped || c.UserType != oid && !usesEnum(c.Type, oid) {
				continue
			}
			from := object{classColumn, r.OID, i}
			if r.Definition != "" { // a query's column goes with all of it
				from = object{class: classRelation, oid: r.OID}
			}
			out = append(out, edge{from: from, verb: dependsOn})
		}
	}
	return out
}

func (s *Snapshot) inSchema(schema string) []edge {
	var out []edge
	for _, r := range s.byName[schema] {
		// What goes with a relation is found from there.
		auto := r.Kind == KindIndex || r.Sequence != nil && r.Sequence.OwnedBy != 0
		out = append(out, edge{from: object{class: classRelation, oid: r.OID}, auto: auto,
			verb: dependsOn})
	}
	for _, t := range s.types {
		if t.Schema == schema {
			out = append(out, edge{from: object{class: classType, oid: t.OID}, verb: dependsOn})
		}
	}
	for _, fs := range s.functions {
		for _, f := range fs {
			if f.Schema == schema {
				out = append(out, edge{from: object{class: classFunction, oid: f.OID},
					verb: dependsOn})
			}
		}
	}
	return out
}

// title names an object in details and notices.
func (s *Snapshot) title(o object) string {
	switch o.class {
	case classRelation:
		return s.relations[o.oid].Title()
	case classQuery:
		return "query " + s.queries[o.oid].Name
	case classType:
		t := s.UserTypeByOID(o.oid)
		return "type " + quoted(t.Schema, t.Name)
	case classFunction:
		return "function " + s.FunctionByOID(o.oid).signature()
	case classColumn, classDefault:
		r := s.relations[o.oid]
		name := "column " + QuoteIdent(r.Columns[o.column].Name) + " of " + r.Title()
		if o.class == classDefault {
			return "default value for " + name
		}
		return name
	case classForeign:
		r := s.relations[o.oid]
		return "constraint " + QuoteIdent(r.ForeignKeys[o.column].Name) + " on " + r.Title()
	}
	return "schema " + QuoteIdent(s.SchemaByOID(o.oid).Name)
}

// signature gives name(argument types) of a function.
func (f *UserFunc) signature() string {
	args := make([]string, len(f.Args))
	for i, t := range f.Args {
		args[i] = t.String()
	}
	return quoted(f.Schema, f.Name) + "(" + strings.Join(args, ",") + ")"
}

// closure collects what goes when some objects go. It walks as PostgreSQL's
// dependency.c does, so that reports have its order: depth first, newest
// dependents first, dependents before what they depend on.
type closure struct {
	s     *Snapshot
	seen  map[object]bool
	order []object        // in order of deletion
	why   map[object]edge // how an object that was not named was reached
	from  map[object]object
}

func (s *Snapshot) closureOf(roots []object) *closure {
	c := &closure{s: s, seen: map[object]bool{}, why: map[object]edge{}, from: map[object]object{}}
	for _, o := range roots {
		c.seen[o] = true
	}
	for _, o := range roots {
		c.walk(o)
	}
	// What goes whole needs no change of its parts.
	c.order = slices.DeleteFunc(c.order, func(o object) bool {
		return o.isPart() && c.seen[object{class: classRelation, oid: o.oid}]
	})
	return c
}

// isPart tells whether o is a part of a relation.
func (o object) isPart() bool {
	return o.class == classColumn || o.class == classDefault || o.class == classForeign
}

func (c *closure) walk(o object) {
	for _, e := range c.s.dependents(o) {
		if c.seen[e.from] {
			continue
		}
		c.seen[e.from] = true
		c.why[e.from], c.from[e.from] = e, o
		c.walk(e.from)
	}
	c.order = append(c.order, o)
}

// asked lists, oldest first, what was reached by other than automatic edges.
func (c *closure) asked() []object {
	var out []object
	for _, o := range slices.Backward(c.order) {
		if e, ok := c.why[o]; ok && !e.auto {
			out = append(out, o)
		}
	}
	return out
}

// drop removes objects and what needs them. Without cascade, dependents that do
// not go by themselves are a refusal.
func (e *edit) drop(roots []object, cascade bool) error {
	c := e.next.closureOf(roots)
	asked := c.asked()
	if len(asked) > 0 && !cascade {
		return c.refusal(roots, asked)
	}
	lines := make([]string, len(asked))
	for i, o := range asked {
		lines[i] = "drop cascades to " + e.next.title(o)
	}
	switch len(lines) {
	case 0:
	case 1:
		e.notice("%s", lines[0])
	default:
		e.notice("drop cascades to %d other objects\n%s", len(lines), strings.Join(lines, "\n"))
	}
	names := map[object]string{} // of foreign keys: their numbers change
	for _, o := range c.order {
		if o.class == classForeign {
			names[o] = e.next.relations[o.oid].ForeignKeys[o.column].Name
		}
	}
	for _, o := range c.order {
		if o.class == classForeign {
			e.removeForeignKey(o.oid, names[o])
			continue
		}
		if r := e.next.relations[o.oid]; o.class == classColumn && slices.Contains(r.Key, o.column) {
			return keyColumn(r, o.column)
		}
		e.remove(o)
	}
	return nil
}

func keyColumn(r *Relation, column int) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidTableDefinition,
		"cannot drop column \"%s\" because it is in the key of %s \"%s\"",
		r.Columns[column].Name, r.Kind, r.Name)
}

func (c *closure) refusal(roots, asked []object) *sqlerr.Error {
	var lines []string
	for _, o := range asked {
		lines = append(lines, fmt.Sprintf("%s %s %s",
			c.s.title(o), c.why[o].verb, c.s.title(c.from[o])))
	}
	what := "desired object(s)"
	if len(roots) == 1 {
		what = c.s.title(roots[0])
	}
	return sqlerr.New(sqlerr.DependentObjectsStillExist,
		"cannot drop %s because other objects depend on %s", what, pronoun(roots)).
		WithDetail("%s", strings.Join(lines, "\n")).
		WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
}

func pronoun(roots []object) string {
	if len(roots) == 1 {
		return "it"
	}
	return "them"
}

// remove takes one object out of the snapshot.
func (e *edit) remove(o object) {
	switch o.class {
	case classRelation:
		r := e.next.relations[o.oid]
		e.removeRelation(r)
		e.change.Dropped = append(e.change.Dropped, r)
	case classQuery:
		e.removeQuery(e.next.queries[o.oid])
		e.releaseTarget(o.oid)
	case classType:
		t := e.next.UserTypeByOID(o.oid)
		delete(e.ownTypes(), joinName(t.Schema, t.Name))
		e.dropGrants(o.oid)
	case classFunction:
		e.removeFunction(e.next.FunctionByOID(o.oid))
	case classSchema:
		delete(e.ownSchemas(), e.next.SchemaByOID(o.oid).Name)
		e.dropGrants(o.oid)
	case classColumn:
		e.changeColumn(o, func(c *Column) { c.Dropped = true })
	case classDefault:
		e.changeColumn(o, func(c *Column) { c.Default, c.Identity = "", 0 })
	}
}

// releaseTarget makes the relation that an ended query filled stand alone.
func (e *edit) releaseTarget(query OID) {
	for _, r := range e.next.Relations() {
		if r.Query == query {
			r := *r
			r.Query, r.DependsOn, r.Reads = 0, nil, nil
			e.putRelation(&r)
			e.altered(&r)
		}
	}
}

func (e *edit) changeColumn(o object, change func(*Column)) {
	r := *e.next.relations[o.oid]
	r.Columns = slices.Clone(r.Columns)
	change(&r.Columns[o.column])
	r.SchemaVersion++
	e.putRelation(&r)
	e.altered(&r)
}

func (e *edit) removeForeignKey(table OID, name string) {
	r := *e.next.relations[table]
	r.ForeignKeys = slices.DeleteFunc(slices.Clone(r.ForeignKeys), func(k ForeignKey) bool {
		return k.Name == name
	})
	e.putRelation(&r)
	e.altered(&r)
}

// altered reports a relation as changed.
func (e *edit) altered(r *Relation) { e.change.Altered = append(e.change.Altered, r) }
