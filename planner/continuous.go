package planner

import (
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// BuildContinuous plans a continuous query from its stored text, the same on every
// node.
func BuildContinuous(q *catalog.Query, env *Env) (*plan.Continuous, error) {
	target := env.Snapshot.Relation(q.Target)
	if target == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "target of query %s does not exist", q.Name)
	}
	ast, err := parseQuery(q.SQL)
	if err != nil {
		return nil, err
	}
	own := *env
	own.SearchPath, own.ParamTypes = q.SearchPath, nil
	b := newBuilder(&own)
	kind := keepAs(target, q)
	b.decideDialect(kind != keepView && isKsql(target))
	k, err := b.keep(ast, kind)
	if err != nil {
		return nil, err
	}
	c := &plan.Continuous{Query: q, Target: target, Root: k.root, Time: k.time,
		Final: ast.Emit == sql.EmitFinal}
	if err := b.fitTarget(c, k); err != nil {
		return nil, err
	}
	if kind == keepTable {
		c.Touched = touch(c.Root)
	}
	if c.Subplans, err = b.finishSubplans(&c.Root); err != nil {
		return nil, err
	}
	c.Root = withoutRenames(c.Root)
	c.Hash = planHash(c)
	return c, nil
}

// withoutRenames drops the projections that change nothing but names: a relation's new
// column names leave the operators of its queries, and their saved state, as they are.
func withoutRenames(n plan.Node) plan.Node {
	out := mapNodes(n, func(m plan.Node) plan.Node {
		p, ok := m.(*plan.Project)
		if !ok || len(p.Exprs) == 0 || len(p.Exprs) != len(p.Input.Cols()) {
			return m
		}
		for i, x := range p.Exprs {
			if c, ok := x.(*expr.Col); !ok || c.Index != i {
				return m
			}
		}
		return p.Input
	})
	derive(out)
	return out
}

// touch lets an aggregate whose results go straight to their table give those of
// every group that rows came for, as tables of ksqlDB do. False where the root is
// something else.
func touch(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Filter:
		return touch(n.Input)
	case *plan.Project:
		return touch(n.Input)
	case *plan.Aggregate:
		n.Touched = n.Window == nil || !n.Window.Final
		return n.Touched
	}
	return false
}

// keepKind is what a statement makes of a query's result.
type keepKind uint8

const (
	keepView   keepKind = iota // CREATE MATERIALIZED VIEW: equal to the SELECT run once
	keepTable                  // CREATE TABLE AS: keyed, with the rowtime of the latest row
	keepStream                 // CREATE STREAM AS: appended rows with their rowtime
	keepInsert                 // INSERT INTO ... EMIT CHANGES
)

func keepAs(target *catalog.Relation, q *catalog.Query) keepKind {
	switch {
	case target.Kind == catalog.KindMaterializedView:
		return keepView
	case !q.Owns:
		return keepInsert
	case target.Kind == catalog.KindTable:
		return keepTable
	}
	return keepStream
}

// kept is a planned continuous result.
type kept struct {
	root plan.Node
	// cols are the visible columns of root, first.
	cols []plan.Column
	// time is the ordinal of the rowtime in root, or -1.
	time int
	// key are the ordinals of the result's key; nil where there is none.
	key []int
	// windowed: the key ends with the bounds of a time window.
	windowed   bool
	appendOnly bool
}

// keep plans a query whose result is kept up to date.
func (b *builder) keep(q *sql.Query, kind keepKind) (*kept, error) {
	b.continuous, b.kept = true, true
	b.temporal, b.sameAsOnce = kind != keepView, kind == keepView
	b.stamp, b.windowKey = kind != keepView, kind == keepTable
	b.naming, b.prefixStars = kind == keepTable || kind == keepStream, kind == keepStream
	b.final = q.Emit == sql.EmitFinal
	b.emitting = q
	out, err := b.query(q, nil, nil)
	if err != nil {
		return nil, err
	}
	if sql.MaxParam(q) > 0 {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d",
			sql.MaxParam(q)).
			WithHint("A stored query cannot have parameters; write the values into it.")
	}
	n := b.resolveUnknown(out.node)
	if kind == keepView && !b.final {
		atOnce(n)
	}
	k := &kept{time: -1}
	visible := visibleCount(n.Cols())
	keep := ordinals(visible)
	if out.time >= 0 && (kind != keepView || b.stampsFree(n)) {
		k.time = visible
		keep = append(keep, out.time)
	}
	if len(keep) < len(n.Cols()) {
		n = b.exactly(n, keep)
	}
	k.cols = append([]plan.Column(nil), n.Cols()[:visible]...)
	if k.root, err = b.optimize(n); err != nil {
		return nil, err
	}
	if err := b.checkContinuous(k.root); err != nil {
		return nil, err
	}
	if b.final && !hasFinalWindow(k.root) {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported,
			"EMIT FINAL needs an aggregate over a time window").At(q.Pos()).
			WithHint("Group by the window of TUMBLE, HOP or a WINDOW clause, or use EMIT CHANGES.")
	}
	k.appendOnly = k.root.Props().AppendOnly
	b.resultKey(k, q, kind)
	if b.ksql && (kind == keepTable || kind == keepStream || isForEver(q, kind)) {
		b.keyFirst(k)
	}
	return k, nil
}

// stampsFree tells whether the rowtime of a view's rows costs no state: it is that
// of one appended row.
func (b *builder) stampsFree(n plan.Node) bool {
	free := appendOnly(n)
	walkNodes(n, func(m plan.Node) {
		switch m.(type) {
		case *plan.Scan, *plan.Filter, *plan.Project, *plan.WindowAssign, *plan.SetOp:
		default:
			free = false
		}
		for _, s := range slots(m) {
			free = free && !hasSubplan(*s)
		}
	})
	return free
}

// exactly projects to some columns, without pruning.
func (b *builder) exactly(n plan.Node, keep []int) plan.Node {
	p := &plan.Project{Input: n}
	for _, i := range keep {
		p.Exprs = append(p.Exprs, colOf(n, i))
		p.Out = append(p.Out, n.Cols()[i])
	}
	return p
}

// resultKey chooses the key of a result.
func (b *builder) resultKey(k *kept, q *sql.Query, kind keepKind) {
	if kind == keepStream || kind == keepInsert && k.appendOnly {
		k.key = b.streamKey(k, q)
		return
	}
	visible := len(k.cols)
	p := k.root.Props()
	for _, key := range p.Keys {
		ok := true
		for _, c := range key {
			ok = ok && c < visible
		}
		if ok && len(key) > 0 && (k.key == nil || len(key) < len(k.key)) {
			k.key = slices.Clone(key)
		}
	}
	if containsInt(k.key, p.WindowStart) && containsInt(k.key, p.WindowEnd) &&
		p.WindowStart >= 0 && p.WindowEnd >= 0 {
		k.key = slices.DeleteFunc(k.key, func(c int) bool {
			return c == p.WindowStart || c == p.WindowEnd
		})
		k.key = append(k.key, p.WindowStart, p.WindowEnd)
		k.windowed = true
	}
}

// streamKey is the key of an append-only result: PARTITION BY, else the key of the
// stream that the rows come from.
func (b *builder) streamKey(k *kept, q *sql.Query) []int {
	if sel, ok := q.Body.(*sql.Select); ok && len(sel.Part) > 0 {
		return b.partition
	}
	if b.inherits {
		return b.inherited
	}
	return visibleKey(b.keyForms(k.root), len(k.cols))
}

// fitTarget maps the result's columns to the target's, with casts where an
// existing target has other types.
func (b *builder) fitTarget(c *plan.Continuous, k *kept) error {
	t := c.Target
	layout := rowLayout(t)
	var ords []int
	for _, o := range layout {
		if !t.Columns[o].Hidden {
			ords = append(ords, o)
		}
	}
	if len(ords) < len(k.cols) {
		return sqlerr.New(sqlerr.SyntaxError, "INSERT has more expressions than target columns")
	}
	var ts []types.Type
	var names []string
	for i := range k.cols {
		if c := &t.Columns[ords[i]]; c.Generated {
			return sqlerr.New(sqlerr.GeneratedAlways,
				"cannot insert a non-DEFAULT value into column \"%s\"", c.Name).
				WithDetail("Column \"%s\" is a generated column.", c.Name)
		}
		ts = append(ts, t.Columns[ords[i]].Type)
		names = append(names, t.Columns[ords[i]].Name)
	}
	n, err := b.convert(k.root, ts, names, -1)
	if err != nil {
		return err
	}
	p, isProject := n.(*plan.Project)
	at := make([]int, len(t.Columns))
	for i := range at {
		at[i] = -1
	}
	for i := range k.cols {
		at[ords[i]] = i
	}
	for _, o := range layout {
		if at[o] >= 0 {
			continue
		}
		if !isProject {
			p, isProject = passThrough(n), true
		}
		x, err := b.defaultOf(t, o)
		if err != nil {
			return err
		}
		at[o] = len(p.Exprs)
		p.Exprs = append(p.Exprs, x)
		p.Out = append(p.Out, plan.Column{Name: t.Columns[o].Name, Type: x.Type(), Hidden: true})
		n = p
	}
	c.Root = n
	if err := b.checkedTarget(c, at); err != nil {
		return err
	}
	if err := b.timeColumn(c, at); err != nil {
		return err
	}
	if err := b.timesOnly(c); err != nil {
		return err
	}
	derive(c.Root)
	for _, o := range layout {
		c.Columns = append(c.Columns, at[o])
	}
	for _, o := range t.Key {
		c.Key = append(c.Key, at[o])
	}
	return nil
}

// timeColumn computes the rowtime of a target that has it in a column.
func (b *builder) timeColumn(c *plan.Continuous, at []int) error {
	tc := c.Target.TimeColumn
	if tc < 0 || at[tc] < 0 {
		return nil
	}
	x, err := b.asRowTime(colOf(c.Root, at[tc]), optionOf(c.Target, "timestamp_format"))
	if err != nil {
		return err
	}
	if col, ok := x.(*expr.Col); ok {
		c.Time = col.Index
		return nil
	}
	p := passThrough(c.Root)
	c.Time = len(p.Exprs)
	p.Exprs = append(p.Exprs, x)
	p.Out = append(p.Out, plan.Column{Name: "rowtime", Type: types.Of(types.Timestamptz),
		Hidden: true})
	c.Root = p
	return nil
}

// asRowTime converts an event time: timestamptz, timestamp in UTC, or milliseconds
// since 1970.
func (b *builder) asRowTime(x expr.Expr, format string) (expr.Expr, error) {
	switch x.Type().Kind {
	case types.Timestamptz:
		return x, nil
	case types.Int8, types.Int4:
		d, err := b.operator("/", x, &expr.Const{D: types.FloatDatum(1000),
			T: types.Of(types.Float8)}, -1)
		if err != nil {
			return nil, err
		}
		return b.call("to_timestamp", d)
	case types.Text, types.Varchar:
		if format != "" {
			f := &expr.Const{D: types.TextDatum(format), T: types.Of(types.Text)}
			ms, err := b.call("stringtotimestamp", x, f)
			if err != nil {
				return nil, err
			}
			return b.asRowTime(ms, "")
		}
	}
	utc := &expr.Const{D: types.TextDatum("UTC"), T: types.Of(types.Text)}
	ts, err := expr.CoerceTo(x, types.Of(types.Timestamp), expr.CoerceExplicit, nil, -1)
	if err != nil {
		return nil, err
	}
	return b.call("timezone", utc, ts)
}

func optionOf(r *catalog.Relation, name string) string {
	for _, o := range r.Options {
		if o.Name == name {
			return o.Value
		}
	}
	return ""
}

// rowLayout lists the ordinals of a relation's columns that are stored.
func rowLayout(r *catalog.Relation) []int {
	var out []int
	for i := range r.Columns {
		if !r.Columns[i].Dropped {
			out = append(out, i)
		}
	}
	return out
}

// PlanVersion goes into the hash of every plan. A release whose operators keep other
// state for the same plan changes it, so that queries read history anew; tests change
// it to be such a release. 0 was the first.
var PlanVersion uint64

// planHash identifies a plan: its shape, and the types of its columns.
func planHash(c *plan.Continuous) uint64 {
	h := fnv.New64a()
	h.Write([]byte(shape(c.Root)))
	ts := plan.Types(c.Root)
	for i := range ts {
		ts[i] = ts[i].WithoutLabels()
	}
	if b, err := json.Marshal(ts); err == nil {
		h.Write(b)
	}
	h.Write([]byte(sprintf("%v %v %d %t", c.Key, c.Columns, c.Time, c.Final)))
	if PlanVersion != 0 {
		h.Write(binary.AppendUvarint(nil, PlanVersion))
	}
	return h.Sum64()
}

// shape is what EXPLAIN shows of a plan without the names in it: relations and columns
// that are renamed leave the plan as it is.
func shape(root plan.Node) string {
	var undo []func()
	walkNodes(root, func(n plan.Node) {
		if s, ok := n.(*plan.Scan); ok {
			old := s.Rel
			s.Rel = nameless(old)
			undo = append(undo, func() { s.Rel = old })
		}
		cols := n.Cols()
		named := slices.Clone(cols)
		for i := range cols {
			cols[i].Name = ""
			if s, ok := n.(*plan.Scan); ok {
				cols[i].Name = strconv.Itoa(s.Columns[i])
			}
		}
		undo = append(undo, func() { copy(cols, named) })
		for _, slot := range slots(n) {
			expr.Walk(*slot, func(x expr.Expr) bool {
				if c, ok := x.(*expr.Col); ok {
					old := c.Name
					c.Name = ""
					undo = append(undo, func() { c.Name = old })
				}
				return true
			})
		}
	})
	text := ExplainNode(root)
	for _, f := range slices.Backward(undo) {
		f()
	}
	return text
}

// nameless is a relation by its OID.
func nameless(r *catalog.Relation) *catalog.Relation {
	out := *r
	out.Name = strconv.FormatUint(uint64(r.OID), 10)
	out.Columns = slices.Clone(r.Columns)
	for i := range out.Columns {
		out.Columns[i].Name = strconv.Itoa(i)
	}
	return &out
}
