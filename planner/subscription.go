package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// subscription plans SELECT ... EMIT CHANGES or EMIT FINAL.
func (b *builder) subscription(q *sql.Query) (*plan.Plan, error) {
	e := &plan.Emit{Final: q.Emit == sql.EmitFinal}
	if err := b.emitOptions(e, q.EmitOptions); err != nil {
		return nil, err
	}
	if err := b.emitStart(e, q.Start()); err != nil {
		return nil, err
	}
	inner := *q
	if len(q.OrderBy) == 0 {
		var err error
		if e.Limit, err = b.limitExpr(q.Limit, nil, "LIMIT"); err != nil {
			return nil, err
		}
		if q.Offset != nil {
			return nil, sqlerr.Unsupported("OFFSET with EMIT CHANGES",
				"Skip the rows in the client, or leave EMIT CHANGES out to read once.")
		}
		inner.Limit = nil
	}
	b.continuous, b.temporal, b.final, b.emitting = true, true, e.Final, &inner
	b.mayParam = true
	out, err := b.query(&inner, nil, nil)
	if err != nil {
		return nil, err
	}
	if _, err := b.finishParams(); err != nil {
		return nil, err
	}
	n := withHiddenKey(b.resolveUnknown(b.stripHidden(out).node))
	cols := n.Cols()
	if n, err = b.optimize(n); err != nil {
		return nil, err
	}
	if err := b.checkContinuous(n); err != nil {
		return nil, err
	}
	if err := b.emitKind(e, n, q); err != nil {
		return nil, err
	}
	return &plan.Plan{Root: n, Columns: emitColumns(e, shown(cols)), Emit: e, Tag: "SELECT"}, nil
}

// emitOptions reads WITH (op, progress).
func (b *builder) emitOptions(e *plan.Emit, opts []sql.Option) error {
	for _, o := range opts {
		on := true
		if o.Value != nil {
			v, err := optionBool(o)
			if err != nil {
				return err
			}
			on = v
		}
		switch lower(o.Name) {
		case "op":
			e.Op = on
		case "progress":
			e.Progress = on
		default:
			return sqlerr.New(sqlerr.SyntaxError,
				"option \"%s\" of EMIT is not recognized", o.Name).At(o.Pos()).
				WithHint("The options are op and progress.")
		}
	}
	return nil
}

// emitStart finds where a subscription begins.
func (b *builder) emitStart(e *plan.Emit, a *sql.AsOf) error {
	if a == nil {
		e.Latest = lower(b.env.setting("auto_offset_reset", "earliest")) == "latest"
		return nil
	}
	switch a.Kind {
	case sql.AsOfLatest:
		e.Latest = true
	case sql.AsOfEpoch:
		x, err := b.checkAs(a.X, (&scope{b: b}).in("AS OF"), types.Of(types.Int8))
		if err != nil {
			return err
		}
		c, ok := x.(*expr.Const)
		if !ok || c.D.Null || c.D.I < 0 {
			return sqlerr.New(sqlerr.InvalidParameterValue,
				"AS OF EPOCH needs a constant epoch number").At(a.Pos())
		}
		e.AfterEpoch = uint64(c.D.I)
	case sql.AsOfExpr:
		return sqlerr.Unsupported("AS OF a time",
			"Filter by ROWTIME, or use AS OF EPOCH n.").At(a.Pos())
	}
	return nil
}

// emitKind decides how changes are shown: appended rows, new values of keys, or
// deletions too, which need the column op.
func (b *builder) emitKind(e *plan.Emit, n plan.Node, q *sql.Query) error {
	p := n.Props()
	if e.Final && !hasFinalWindow(n) {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"EMIT FINAL needs an aggregate over a time window").At(q.Pos()).
			WithHint("Group by the window of TUMBLE, HOP or a WINDOW clause, " +
				"or use EMIT CHANGES.")
	}
	if p.AppendOnly {
		return nil
	}
	e.KeyCols = bestKey(n)
	e.Keyed = e.KeyCols != nil
	e.Retracts = !e.Keyed || mayDelete(n)
	if e.Retracts && !e.Op {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"rows of this query can be deleted, which a plain subscription cannot show").
			WithHint("Add EMIT CHANGES WITH (op): a first column tells 'insert', " +
				"'update' and 'delete'.")
	}
	return nil
}

// hasFinalWindow tells whether results of some aggregate are held back until
// their window closes.
func hasFinalWindow(n plan.Node) bool {
	found := false
	walkNodes(n, func(m plan.Node) {
		if a, ok := m.(*plan.Aggregate); ok && a.Window != nil && a.Window.Final {
			found = true
		}
	})
	return found
}

// mayDelete tells whether keys of a result can disappear.
func mayDelete(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Project:
		return mayDelete(n.Input)
	case *plan.Filter:
		return true
	case *plan.Aggregate:
		return len(n.Groups) > 0 && !n.Input.Props().AppendOnly || sessions(n.Input)
	case *plan.Scan:
		// A row of a table that is deleted there shows as its key with NULLs; rows
		// that leave a filter have nothing to show.
		return !n.Props().AppendOnly && n.Filter != nil
	case *plan.DistinctOn:
		return !n.Input.Props().AppendOnly
	case *plan.Distinct:
		return !n.Input.Props().AppendOnly
	}
	return !n.Props().AppendOnly
}

// sessions tells whether rows are in session windows, which merge.
func sessions(n plan.Node) bool {
	found := false
	walkNodes(n, func(m plan.Node) {
		if w, ok := m.(*plan.WindowAssign); ok && w.Kind == plan.Session {
			found = true
		}
	})
	return found
}

// bestKey chooses the unique key of a result: the smallest one; nil where there is
// none.
func bestKey(n plan.Node) []int {
	var best []int
	for _, key := range n.Props().Keys {
		if best == nil || len(key) < len(best) {
			best = key
		}
	}
	return best
}

// withHiddenKey carries the key of a result behind its columns where it is not
// among them.
func withHiddenKey(n plan.Node) plan.Node {
	p, ok := n.(*plan.Project)
	if ok {
		p, ok = mergeProjects(p).(*plan.Project)
	}
	if !ok {
		return n
	}
	derive(p)
	key := bestKey(p.Input)
	if p.P.AppendOnly || len(p.P.Keys) > 0 || key == nil {
		return n
	}
	out := *p
	out.Exprs, out.Out = slices.Clone(p.Exprs), slices.Clone(p.Out)
	for _, c := range key {
		carry(&out, colOf(p.Input, c))
	}
	return &out
}

// emitColumns adds the columns that the options ask for: op first, epoch last.
func emitColumns(e *plan.Emit, cols []plan.Column) []plan.Column {
	var out []plan.Column
	if e.Op {
		out = append(out, plan.Column{Name: "op", Type: types.Of(types.Text)})
	}
	out = append(out, cols...)
	if e.Progress {
		out = append(out, plan.Column{Name: "epoch", Type: types.Of(types.Int8)})
	}
	return out
}
