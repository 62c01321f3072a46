package planner

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// ksqlNames names the columns of CREATE STREAM AS and CREATE TABLE AS as ksqlDB
// does: expressions are ksql_col_0, ksql_col_1..., and columns of a join that would
// have the same name get their table's name in front. Over relations declared as in
// ksqlDB, so do all columns of *, and those whose name more than one of them has.
func (k *block) ksqlNames() {
	if k.b.naming && k.q == k.b.emitting {
		k.nameExpressions()
		if k.joined() > 1 {
			k.prefixNames()
		}
	}
	k.rowKey()
}

// ksqlItems checks the select list of CREATE ... AS in ksqlDB's dialect: a NULL needs
// a cast, which tells its type, and a pseudo column another name.
func (k *block) ksqlItems() error {
	if !k.b.ksql || !k.b.declaring || k.q != k.b.emitting {
		return nil
	}
	for _, it := range k.items {
		c, ok := it.x.(*expr.Const)
		if ok && c.T.Kind == types.Unknown && c.D.Null {
			return sqlerr.New(sqlerr.IndeterminateDatatype, "cannot determine the type of NULL").
				At(it.pos).WithHint("Cast it to the desired type: CAST(NULL AS STRING).")
		}
		prefixed := it.unnamed && k.joined() > 1
		if pseudoColumn(it.name) && !it.star && !prefixed {
			return sqlerr.New(sqlerr.DuplicateColumn,
				"column name \"%s\" conflicts with a pseudo column", it.name).At(it.pos).
				WithHint("Give the column another name with AS.")
		}
	}
	return nil
}

// prefixNames puts the names of tables in front of columns of a join.
func (k *block) prefixNames() {
	count := map[string]int{}
	for _, it := range k.items {
		count[it.name]++
	}
	clash := false
	for _, n := range count {
		clash = clash || n > 1
	}
	shared := map[string]bool{}
	if k.b.ksql {
		shared = k.sharedNames()
	}
	for i := range k.items {
		it := &k.items[i]
		_, ref := it.ast.(*sql.ColRef)
		if it.star && (clash || k.b.prefixStars || k.b.ksql) ||
			it.unnamed && (count[it.name] > 1 || ref && shared[it.name]) {
			it.name = k.prefixed(it)
		}
	}
}

// nameExpressions numbers the expressions of the select list without a name.
func (k *block) nameExpressions() {
	next := 0
	for i := range k.items {
		it := &k.items[i]
		if !it.unnamed {
			continue
		}
		switch it.ast.(type) {
		case *sql.ColRef:
		case *sql.Field:
			it.name = k.uniqueField(it.name, i)
		default:
			for it.name = sprintf("ksql_col_%d", next); k.isSource(it.name); {
				next++
				it.name = sprintf("ksql_col_%d", next)
			}
			next++
		}
	}
}

// sharedNames are the names of columns that several tables of FROM have.
func (k *block) sharedNames() map[string]bool {
	first, out := map[string]*entry{}, map[string]bool{}
	for i := range k.scope.cols {
		c := &k.scope.cols[i]
		if c.merged || c.entry == nil || c.entry.alias == "" {
			continue
		}
		if e, ok := first[c.name]; ok && e != c.entry {
			out[c.name] = true
		}
		first[c.name] = c.entry
	}
	return out
}

// isSource tells whether FROM has a column of a name.
func (k *block) isSource(name string) bool {
	for i := range k.scope.cols {
		if k.scope.cols[i].name == name {
			return true
		}
	}
	return false
}

// joined counts the items of FROM.
func (k *block) joined() int {
	n := 0
	for _, e := range k.scope.entries {
		if e.alias != "" {
			n++
		}
	}
	return n
}

// prefixed gives the name of a column with its table in front.
func (k *block) prefixed(it *item) string {
	e := it.entry
	if c, ok := it.ast.(*sql.ColRef); ok && e == nil {
		if len(c.Name) > 1 {
			return c.Name[len(c.Name)-2] + "_" + c.Name.Last()
		}
		return it.name
	}
	if e == nil || e.alias == "" {
		return it.name
	}
	return e.alias + "_" + it.name
}

// uniqueField gives a field's name, with a number where it is taken before i.
func (k *block) uniqueField(name string, i int) string {
	free := name
	for n := 1; ; n++ {
		taken := k.b.ksql && k.isSource(free)
		for _, it := range k.items[:i] {
			taken = taken || it.name == free
		}
		if !taken {
			return free
		}
		free = sprintf("%s_%d", name, n)
	}
}

// partitionBy resolves PARTITION BY of the outermost query to output columns; with
// a star in the select list, a missing one is added.
func (k *block) partitionBy() error {
	if len(k.sel.Part) == 0 {
		return nil
	}
	if k.q != k.b.emitting {
		return sqlerr.New(sqlerr.SyntaxError,
			"PARTITION BY is allowed only in a continuous query").At(k.sel.Part[0].Pos()).
			WithHint("It chooses the key of the stream that CREATE STREAM ... AS makes.")
	}
	k.keyStarsLast()
	k.b.partition = nil
	for _, x := range k.sel.Part {
		if c, ok := x.(*sql.Const); ok && c.Kind == sql.NullConst {
			continue
		}
		i, err := k.partItem(x)
		if err != nil {
			return err
		}
		k.b.partition = append(k.b.partition, i)
	}
	return nil
}

// keyStarsLast puts the key columns of * behind the others: PARTITION BY makes them
// ordinary columns, and ksqlDB adds those at the end.
func (k *block) keyStarsLast() {
	if !k.b.ksql || len(k.scope.entries) != 1 || k.scope.entries[0].rel == nil {
		return
	}
	rel := k.scope.entries[0].rel
	wasKey := func(it item) bool {
		return it.star && it.attnum > 0 && containsInt(rel.Key, int(it.attnum)-1)
	}
	var first, last []item
	for _, it := range k.items {
		if wasKey(it) {
			last = append(last, it)
		} else {
			first = append(first, it)
		}
	}
	k.items = append(first, last...)
}

func (k *block) partItem(x sql.Expr) (int, error) {
	if ref, ok := x.(*sql.ColRef); ok && len(ref.Name) == 1 {
		if c, err := k.scope.lookup(ref.Name[0], ref.Pos()); err == nil && c == nil {
			i, err := k.itemNamed(ref.Name[0], "PARTITION BY", ref.Pos())
			if err == nil && i >= 0 && k.b.ksql {
				return 0, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist",
					ref.Name[0]).At(ref.Pos()).WithHint("In ksqlDB's dialect PARTITION BY sees the " +
					"columns of FROM only: write the expression that the name stands for.")
			}
			if err != nil || i >= 0 {
				return i, err
			}
		}
	}
	s := k.scope.in("PARTITION BY")
	e, err := k.b.check(x, s)
	if err != nil {
		return 0, err
	}
	if e, err = expr.Settle(e, s, x.Pos()); err != nil {
		return 0, err
	}
	if i := k.matching(e); i >= 0 {
		return i, nil
	}
	star := false
	for _, it := range k.items {
		star = star || it.star
	}
	if !star {
		return 0, sqlerr.New(sqlerr.InvalidColumnReference,
			"expression of PARTITION BY must be in the select list").At(x.Pos()).
			WithHint("Add it to the select list; it becomes the key of the stream.")
	}
	k.items = append(k.items, item{x: e, name: columnName(x), unnamed: true, ast: x, pos: x.Pos()})
	return len(k.items) - 1, nil
}
