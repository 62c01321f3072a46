package planner

import (
	"maps"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// with is the WITH list of one query level and, through parent, those around it.
// The names that an element sees are a prefix of those that the whole list has: both
// share one index, and a list of any length costs each of its elements the same.
type with struct {
	parent *with
	defs   []*cte
	at     map[string]int // the place of each name; those beyond defs are not seen
}

// cte is one named query of WITH. It is bound anew at each reference.
type cte struct {
	name  string
	q     *sql.Query
	cols  []string
	outer *scope // the scope around the query that has the WITH
	with  *with  // what its own text can see
	// columns and work are set while the recursive term is bound: a reference then
	// reads the last round's rows.
	columns []plan.Column
	search  *sql.Search
	cycle   *sql.Cycle
	work    int
	level   int // how deep the query that has the WITH stands in others
	inUse   bool
	bound   bool // some reference was bound
	stmt    bool // it changes data; columns are those of RETURNING
	pos     int
}

func (w *with) find(name string) *cte {
	for ; w != nil; w = w.parent {
		if i, ok := w.at[name]; ok && i < len(w.defs) {
			return w.defs[i]
		}
	}
	return nil
}

// add appends an element.
func (w *with) add(c *cte) {
	w.at[c.name] = len(w.defs)
	w.defs = append(w.defs, c)
}

// before is what the next element sees without RECURSIVE: those before it.
func (w *with) before() *with {
	return &with{parent: w.parent, defs: w.defs[:len(w.defs):len(w.defs)], at: w.at}
}

// extend opens the WITH list of a query. Without RECURSIVE each element sees those
// before it; with it all of them.
func (b *builder) extend(w *with, defs []*sql.CTE, recursive bool, outer *scope) (*with, error) {
	return b.extendWith(w, defs, recursive, outer, true)
}

// extendWith is extend; top says that the WITH is that of the whole statement, whose
// queries may change data.
func (b *builder) extendWith(w *with, defs []*sql.CTE, recursive bool, outer *scope, top bool) (
	*with, error) {
	if len(defs) == 0 {
		return w, nil
	}
	if b.blocks+len(defs) > maxBlocks { // each of them is bound at least once
		return nil, errBlocks()
	}
	out := &with{parent: w, at: make(map[string]int, len(defs))}
	if recursive {
		if err := mutual(defs); err != nil {
			return nil, err
		}
	}
	for _, d := range defs {
		if _, ok := out.at[d.Name]; ok {
			return nil, sqlerr.New(sqlerr.DuplicateAlias,
				"WITH query name \"%s\" specified more than once", d.Name).At(d.Pos())
		}
		if d.Stmt != nil {
			if !top {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported, "WITH clause containing a "+
					"data-modifying statement must be at the top level").At(d.Pos()).
					WithHint("Write it in the WITH of the whole statement.")
			}
			c, err := b.modifying(d, out.before())
			if err != nil {
				return nil, err
			}
			out.add(c)
			continue
		}
		c := &cte{name: d.Name, q: d.Q, cols: d.Columns, outer: outer, pos: d.Pos(),
			search: d.Search, cycle: d.Cycle, level: b.level}
		if recursive {
			c.with = out
		} else {
			c.with = out.before()
		}
		out.add(c)
	}
	return out, nil
}

// cteRef binds a reference to a WITH query from within outer.
func (b *builder) cteRef(c *cte, outer *scope, pos int) (*query, error) {
	if c.stmt && c.columns == nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"WITH query \"%s\" does not have a RETURNING clause", c.name).At(pos).
			WithHint("Add RETURNING to it.")
	}
	if c.columns != nil {
		n := &plan.WorkTable{ID: c.work}
		n.Out = append([]plan.Column(nil), c.columns...)
		return &query{node: n, time: -1}, nil
	}
	if c.inUse {
		return nil, recursionIn(c.name, "its non-recursive term", pos)
	}
	c.inUse, c.bound = true, true
	defer func() { c.inUse = false }()
	q, err := b.cteQuery(c)
	if err != nil {
		return nil, err
	}
	if k := levels(outer) - levels(c.outer); k > 0 {
		q.node = b.shiftOuter(q.node, 1, k)
	}
	return q, b.renameQuery(q, c)
}

// unused binds the WITH queries that nobody refers to: their text must be right, and
// what they name counts as read.
func (b *builder) unused(w *with, outer *scope) error {
	if w == nil {
		return nil
	}
	sources := maps.Clone(b.sources)
	for _, c := range w.defs {
		if c.bound {
			continue
		}
		if _, err := b.cteRef(c, outer, c.pos); err != nil {
			return err
		}
	}
	b.sources = sources
	return nil
}

func (b *builder) renameQuery(q *query, c *cte) error {
	if len(c.cols) == 0 {
		return nil
	}
	cols := q.node.Cols()
	visible := 0
	for i := range cols {
		if !cols[i].Hidden {
			visible++
		}
	}
	if len(c.cols) > visible {
		return sqlerr.New(sqlerr.InvalidColumnReference,
			"WITH query \"%s\" has %d columns available but %d columns specified",
			c.name, visible, len(c.cols)).At(c.pos)
	}
	q.node = renamed(q.node, c.cols)
	return nil
}

// renamed puts names on the first visible columns of a node.
func renamed(n plan.Node, names []string) plan.Node {
	p := passThrough(n)
	k := 0
	for i := range p.Out {
		if p.Out[i].Hidden || k >= len(names) {
			continue
		}
		p.Out[i].Name = names[k]
		k++
	}
	return p
}

// passThrough is a projection of all columns.
func passThrough(n plan.Node) *plan.Project {
	cols := n.Cols()
	p := &plan.Project{Input: n, Exprs: make([]expr.Expr, len(cols))}
	p.Out = append([]plan.Column(nil), cols...)
	for i := range cols {
		p.Exprs[i] = colOf(n, i)
	}
	return p
}

// levels counts the scopes from s outwards.
func levels(s *scope) int {
	n := 0
	for ; s != nil; s = s.parent {
		n++
	}
	return n
}

// cteQuery binds the text of a WITH query, recursive or not.
func (b *builder) cteQuery(c *cte) (*query, error) {
	union, ok := c.q.Body.(*sql.SetOp)
	if c.with.find(c.name) != c || !refersTo(c.q, c.name) {
		if c.search != nil || c.cycle != nil {
			return nil, sqlerr.New(sqlerr.SyntaxError, "WITH query is not recursive").At(c.pos)
		}
		return b.query(c.q, c.outer, c.with)
	}
	if !ok || union.Op != sql.Union {
		return nil, sqlerr.New(sqlerr.InvalidRecursion,
			"recursive query \"%s\" does not have the form "+
				"non-recursive-term UNION [ALL] recursive-term", c.name).At(c.pos)
	}
	if err := plainRecursion(c.q); err != nil {
		return nil, err
	}
	if t := reference(union.L, c.name); t != nil {
		return nil, recursionIn(c.name, "its non-recursive term", t.Pos())
	}
	if err := (&selfReference{name: c.name}).body(union.R, ""); err != nil {
		return nil, err
	}
	if b.continuous {
		return nil, sqlerr.Unsupported("WITH RECURSIVE in a continuous query",
			"Run the query once with SELECT, or rewrite it as a join of fixed depth.").At(c.pos)
	}
	return b.recursive(c, union)
}

func (b *builder) recursive(c *cte, union *sql.SetOp) (*query, error) {
	w, err := b.extendWith(c.with, c.q.With, c.q.Recursive, c.outer, false)
	if err != nil {
		return nil, err
	}
	seed, err := b.query(&sql.Query{Body: union.L}, c.outer, w)
	if err != nil {
		return nil, err
	}
	seed = b.stripHidden(seed)
	seed.node = b.resolveUnknown(seed.node)
	b.nextWork++
	c.work = b.nextWork
	c.columns = append([]plan.Column(nil), seed.node.Cols()...)
	for i := range c.columns {
		c.columns[i].Table, c.columns[i].Attnum = 0, 0
		if i < len(c.cols) {
			c.columns[i].Name = c.cols[i]
		}
	}
	defer func() { c.columns = nil }()
	r, err := b.searching(c, union)
	if err != nil {
		return nil, err
	}
	if r != nil {
		if err := r.seed(seed); err != nil {
			return nil, err
		}
	}
	right := union.R
	if r != nil {
		right = r.right
	}
	step, err := b.query(&sql.Query{Body: right}, c.outer, w)
	if err != nil {
		return nil, err
	}
	step = b.stripHidden(step)
	if err := b.matchRecursive(c, union, seed, step); err != nil {
		return nil, err
	}
	if r != nil {
		if err := r.step(step); err != nil {
			return nil, err
		}
	}
	n := &plan.Recursive{ID: c.work, Seed: seed.node, Step: step.node, Distinct: !union.All}
	n.Out = c.columns
	return &query{node: n, time: -1}, nil
}

// otherInStep says that the recursive term changes the type of column i.
func otherInStep(c *cte, union *sql.SetOp, i int, seed, overall types.Type) error {
	return sqlerr.New(sqlerr.DatatypeMismatch, "recursive query \"%s\" column %d has type %s in "+
		"non-recursive term but type %s overall", c.name, i+1, seed, overall).
		At(columnPos(union.L, i)).
		WithHint("Cast the output of the non-recursive term to the correct type.")
}

// matchRecursive makes the recursive term's columns those of the seed.
func (b *builder) matchRecursive(c *cte, union *sql.SetOp, seed, step *query) error {
	l, r := seed.node.Cols(), step.node.Cols()
	if len(l) != len(r) {
		return sqlerr.New(sqlerr.SyntaxError,
			"each UNION query must have the same number of columns").At(columnPos(union.R, 0))
	}
	ts := make([]types.Type, len(l))
	for i := range l {
		ts[i] = l[i].Type
		if l[i].Type.Same(r[i].Type) {
			if l[i].Type.Mod == 0 || l[i].Type.Mod == r[i].Type.Mod {
				continue
			}
			open := l[i].Type
			open.Mod = 0
			return otherInStep(c, union, i, l[i].Type, open)
		}
		t, err := expr.CommonType([]expr.Expr{columnExpr(seed.node, i), columnExpr(step.node, i)},
			"UNION", columnPos(union.R, i))
		if err != nil {
			return err
		}
		if !l[i].Type.Same(t) {
			return otherInStep(c, union, i, l[i].Type, t)
		}
	}
	node, err := b.convert(step.node, ts, nil, c.pos)
	step.node = node
	return err
}

// refersTo tells whether a name stands in some FROM below n.
func refersTo(n sql.Node, name string) bool { return reference(n, name) != nil }

// reference finds the first reference to a name below n.
func reference(n sql.Node, name string) (found *sql.Table) {
	sql.Walk(n, func(n sql.Node) bool {
		if t, ok := n.(*sql.Table); ok && found == nil && len(t.Name) == 1 && t.Name[0] == name {
			found = t
		}
		return found == nil
	})
	return found
}

// extras counts the columns that SEARCH and CYCLE add.
func (c *cte) extras() int {
	n := 0
	if c.search != nil {
		n++
	}
	if c.cycle != nil {
		n += 2
	}
	return n
}

// cteItem is a reference in FROM. The columns of SEARCH and CYCLE take no name of the
// alias; * shows them in the query that has the WITH alone.
func (b *builder) cteItem(c *cte, t *sql.Table, outer *scope) (*from, error) {
	q, err := b.cteRef(c, outer, t.Pos())
	if err != nil {
		return nil, err
	}
	extras := c.extras()
	if extras == 0 {
		return b.named(q, t.Alias, c.name, t.Pos())
	}
	f, err := b.named(q, sql.Alias{Name: t.Alias.Name}, c.name, t.Pos())
	if err != nil {
		return nil, err
	}
	added := f.cols[len(f.cols)-extras:]
	for i := range added {
		added[i].hidden = true
	}
	err = renameCols(f, t.Alias.Cols, f.entries[0].alias, t.Pos())
	for i := range added {
		added[i].hidden = b.level > c.level
	}
	return f, err
}
