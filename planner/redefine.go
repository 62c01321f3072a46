package planner

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Definitions are kept as text, so that a column that gets another name has to get it in
// them too. The definition is bound once more, as it is, to see which names in it mean
// the column; those are replaced, and results keep the names that they have.

// relationRename puts another name for a relation into a definition: FROM old becomes
// FROM new AS old.
type relationRename struct {
	b       *builder
	rel     *catalog.Relation
	name    string
	changed bool
}

func (r *relationRename) visit(n sql.Node) bool {
	switch n := n.(type) {
	case *sql.Table:
		if r.b.find(n.Name) == r.rel {
			n.Alias.Name = orElse(n.Alias.Name, n.Name.Last())
			n.Name = r.renamed(n.Name)
		}
	case *sql.TableFunc:
		for _, x := range n.Calls {
			if c, ok := x.(*sql.Call); ok && windowFuncs[c.Name.Last()] != 0 {
				r.windowed(n, c)
			}
		}
	case *sql.ColRef: // schema.table.column: with an alias the schema cannot be said
		if len(n.Name) == 3 && n.Name[0] == r.rel.Schema && n.Name[1] == r.rel.Name {
			n.Name = n.Name[1:]
		}
	}
	return true
}

func (r *relationRename) renamed(n sql.Name) sql.Name {
	r.changed = true
	return append(slices.Clone(n[:len(n)-1]), r.name)
}

// windowed renames the relation that a window function reads. Its time column may be
// written with the relation's name.
func (r *relationRename) windowed(t *sql.TableFunc, c *sql.Call) {
	name, err := r.b.relationArg(c)
	if err != nil || r.b.find(name) != r.rel {
		return
	}
	t.Alias.Name = orElse(t.Alias.Name, name.Last())
	switch a := c.Args[0].(type) {
	case *sql.TableArg:
		a.Name = r.renamed(name)
	default:
		c.Args[0] = &sql.ColRef{Loc: sql.NoLoc, Name: r.renamed(name)}
	}
	for _, x := range c.Args[1:] {
		if ref, ok := x.(*sql.ColRef); ok && len(ref.Name) > 1 {
			ref.Name = sql.Name{r.name, ref.Name.Last()}
		}
	}
}

// columnRewrites gives the definitions of what reads column o of a relation for its new
// name. A definition that cannot be rewritten, as it joins USING the column, is left out:
// the catalog refuses the change then, and names it.
func (b *builder) columnRewrites(rel *catalog.Relation, o int, name string) []catalog.Rewrite {
	var out []catalog.Rewrite
	add := func(oid catalog.OID, text string, path []string, bind func(*builder, *sql.Query) error) {
		r := &columnRename{rel: rel, ordinal: o, name: name, at: map[int]bool{}}
		if text, ok := r.rewrite(b.env, text, path, bind); ok {
			out = append(out, catalog.Rewrite{OID: oid, Definition: text})
		}
	}
	for _, r := range b.env.Snapshot.Relations() {
		if !slices.Contains(r.DependsOn, rel.OID) || r.Definition == "" {
			continue
		}
		q := b.env.Snapshot.Query(r.Query)
		add(r.OID, r.Definition, r.SearchPath, func(own *builder, ast *sql.Query) error {
			return own.again(ast, r, q)
		})
	}
	for _, q := range b.env.Snapshot.Queries() {
		if q.Owns || !slices.Contains(q.Sources, rel.OID) {
			continue
		}
		add(q.OID, q.SQL, q.SearchPath, func(own *builder, ast *sql.Query) error {
			return own.again(ast, b.env.Snapshot.Relation(q.Target), q)
		})
	}
	return out
}

// again binds a definition as it was bound when it was made; q is nil for a view.
func (b *builder) again(ast *sql.Query, target *catalog.Relation, q *catalog.Query) error {
	if q == nil {
		b.decideDialect(false)
		b.emitting = ast
		_, err := b.query(ast, nil, nil)
		return err
	}
	kind := keepAs(target, q)
	b.decideDialect(kind != keepView && isKsql(target))
	_, err := b.keep(ast, kind)
	return err
}

// columnRename is the renaming of a column in one definition.
type columnRename struct {
	rel     *catalog.Relation
	ordinal int
	name    string
	at      map[int]bool // positions of the references that mean the column
	// fixed: the column's name means something where it cannot be replaced.
	fixed bool
}

// sees is told of every column that a name of the definition means; pos is -1 where the
// name is not that of a reference.
func (r *columnRename) sees(c *column, pos int) {
	if c.entry == nil || c.entry.rel == nil || c.entry.rel.OID != r.rel.OID ||
		int(c.attnum) != r.ordinal+1 {
		return
	}
	if pos < 0 {
		r.fixed = true
	}
	r.at[pos] = true
}

func (r *columnRename) rewrite(env *Env, text string, path []string,
	bind func(*builder, *sql.Query) error) (string, bool) {
	own := *env
	own.SearchPath, own.ParamTypes = path, nil
	b := newBuilder(&own)
	b.seen = r.sees
	ast, err := parseQuery(text)
	if err != nil || bind(b, ast) != nil || r.fixed {
		return "", false
	}
	if ast, err = parseQuery(text); err != nil { // binding may have changed the first
		return "", false
	}
	old := r.rel.Columns[r.ordinal].Name
	sql.Walk(ast, func(n sql.Node) bool {
		switch n := n.(type) {
		case *sql.Table:
			// A list of column names hides the column's own.
			r.fixed = r.fixed || len(n.Alias.Cols) > 0 && b.find(n.Name) == r.rel
		case *sql.Select:
			for i := range n.Items {
				if it := &n.Items[i]; it.As == "" && r.means(it.X, old) {
					it.As = old
				}
			}
		}
		return true
	})
	sql.Walk(ast, func(n sql.Node) bool {
		if c, ok := n.(*sql.ColRef); ok && r.means(c, old) {
			c.Name = append(slices.Clone(c.Name[:len(c.Name)-1]), r.name)
		}
		return true
	})
	return sql.Print(ast), !r.fixed
}

// means tells whether an expression is a reference to the column.
func (r *columnRename) means(x sql.Node, old string) bool {
	c, ok := x.(*sql.ColRef)
	return ok && !c.Star && r.at[c.Pos()] && c.Name.Last() == old
}

// mustNotFeed refuses to change a view or function that a running INSERT ... SELECT uses:
// what it has written cannot be taken back, and it would go on by another rule.
func (b *builder) mustNotFeed(oid catalog.OID, title string) error {
	for _, q := range b.env.Snapshot.Queries() {
		if q.Owns {
			continue
		}
		ast, err := parseQuery(q.SQL)
		if err != nil {
			continue
		}
		env, uses := *b.env, false
		env.SearchPath, env.ParamTypes = q.SearchPath, nil
		own := newBuilder(&env)
		own.expanded = func(x catalog.OID) { uses = uses || x == oid }
		if err := own.again(ast, b.env.Snapshot.Relation(q.Target), q); err == nil && uses {
			return sqlerr.New(sqlerr.DependentObjectsStillExist,
				"cannot replace %s because other objects depend on it", title).
				WithDetail("query %s reads it", q.Name).
				WithHint("TERMINATE the query, and start it anew afterwards.")
		}
	}
	return nil
}

// mayReplace is mustNotFeed for a function with the same arguments.
func (b *builder) mayReplace(f *catalog.UserFunc, replace bool) error {
	for _, old := range b.env.Snapshot.Functions(f.Schema, f.Name) {
		if !replace || !slices.EqualFunc(old.Args, f.Args, types.Type.Same) {
			continue
		}
		if err := b.mustNotFeed(old.OID, "function "+old.Name); err != nil {
			return err
		}
	}
	return nil
}
