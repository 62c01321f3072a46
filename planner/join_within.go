package planner

import (
	"math"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// within is WITHIN of a join of two streams.
func (b *builder) within(out, l, r *from, j *sql.Join) error {
	join, ok := out.node.(*plan.Join)
	if !ok || l.time == nil || r.time == nil {
		return sqlerr.New(sqlerr.WrongObjectType,
			"WITHIN is for joins of two streams").At(j.Pos()).
			WithHint("Leave WITHIN out.")
	}
	if !appendOnly(l.node) || !appendOnly(r.node) {
		return sqlerr.New(sqlerr.WrongObjectType,
			"WITHIN is for joins of two streams, but one side is a table").At(j.Pos()).
			WithHint("Leave WITHIN out: a stream joined to a table looks up the current row.")
	}
	lt, lok := l.time.(*expr.Col)
	rt, rok := r.time.(*expr.Col)
	if !lok || !rok {
		return sqlerr.New(sqlerr.FeatureNotSupported,
			"WITHIN over the result of another join is not supported").At(j.Pos()).
			WithHint("Create a stream of the first join, and join that.")
	}
	before, err := spanOrZero(j.Within.Before)
	if err != nil {
		return err
	}
	after, err := spanOrZero(j.Within.After)
	if err != nil {
		return err
	}
	grace, stated := int64(dayMicros), j.Within.Grace != nil
	if stated {
		if grace, err = graceMicros(j.Within.Grace); err != nil {
			return err
		}
	} else if allWatermarks(l) && allWatermarks(r) {
		grace = 0
	} else if b.continuous && join.Kind != plan.Inner && (!b.sameAsOnce || b.final) {
		b.notice("rows without a partner come 24 hours of event time after their window; " +
			"GRACE PERIOD sets another time")
	}
	join.Within = &plan.Within{Before: before, After: after,
		Front: stated && !waits(l.node) && !waits(r.node),
		Grace: behind(grace, l.node, r.node), LeftTime: lt.Index, RightTime: rt.Index}
	return nil
}

// allWatermarks tells whether all streams of f declare a watermark.
func allWatermarks(f *from) bool {
	n := 0
	for _, e := range f.entries {
		if e.rel == nil || e.rel.Kind != catalog.KindStream {
			continue
		}
		if e.rel.Watermark == "" {
			return false
		}
		n++
	}
	return n > 0
}

// behind adds to a grace how far the rows of nodes come behind the watermark: rows
// that found no partner in time come when their window has closed.
func behind(grace int64, nodes ...plan.Node) int64 {
	most := int64(0)
	for _, n := range nodes {
		most = max(most, held(n))
	}
	if grace > math.MaxInt64-most {
		return neverLate
	}
	return grace + most
}

// waits tells whether a join in time below n waits for the stream that is behind: then
// so must what takes its rows.
func waits(n plan.Node) bool {
	if j, ok := n.(*plan.Join); ok && j.Within != nil && !j.Within.Front {
		return true
	}
	return slices.ContainsFunc(n.Inputs(), waits)
}

// held is how long joins in time hold rows of n back.
func held(n plan.Node) int64 {
	most := int64(0)
	for _, in := range n.Inputs() {
		most = max(most, held(in))
	}
	j, ok := n.(*plan.Join)
	if !ok || j.Within == nil {
		return most
	}
	if j.Within.Retract {
		return most
	}
	switch w := j.Within; j.Kind {
	case plan.Left, plan.Anti:
		return w.Grace + w.After
	case plan.Right:
		return w.Grace + w.Before
	case plan.Full:
		return w.Grace + max(w.Before, w.After)
	}
	return most
}

func spanOrZero(s *sql.Span) (int64, error) {
	if s == nil {
		return 0, nil
	}
	return graceMicros(s)
}

// atOnce lets outer joins in time give rows without a partner from the start and
// take them back, so that a view equals its SELECT. Not below another such join,
// whose sides only grow.
func atOnce(n plan.Node) {
	if j, ok := n.(*plan.Join); ok && j.Within != nil {
		if j.Kind != plan.Inner {
			w := *j.Within
			w.Retract = true
			j.Within = &w
		}
		return
	}
	for _, in := range n.Inputs() {
		atOnce(in)
	}
}
