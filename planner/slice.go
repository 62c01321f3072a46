package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
)

// slice lets aggregates over windows that overlap take rows that are not yet
// expanded to one per window, where their accumulators can be merged: a row then
// is added to one slice of time, and windows are combined from slices. The last of
// all rewrites, since the groups that are a window's bounds then are no columns of
// the input.
func (b *builder) slice(n plan.Node) plan.Node {
	return mapNodes(n, func(m plan.Node) plan.Node {
		a, ok := m.(*plan.Aggregate)
		if !ok || a.Window == nil || a.Window.Slice != nil || a.Sets != nil {
			return m
		}
		if s := b.sliced(a); s != nil {
			return s
		}
		return m
	})
}

// sliced gives an aggregate over the input of the windows below it, nil when it
// has to see each window's rows.
func (b *builder) sliced(a *plan.Aggregate) *plan.Aggregate {
	c := copyNode(a).(*plan.Aggregate)
	if p, ok := c.Input.(*plan.Project); ok {
		if slices.ContainsFunc(p.Exprs, isVolatile) {
			return nil
		}
		for _, s := range slots(c) {
			x, ok := b.mapRow(*s, func(c *expr.Col) expr.Expr { return p.Exprs[c.Index] })
			if !ok {
				return nil
			}
			*s = x
		}
		c.Input = p.Input
	}
	w, ok := c.Input.(*plan.WindowAssign)
	if !ok || w.Kind != plan.Hop && w.Kind != plan.Cumulate {
		return nil
	}
	once := a.Window.Final || !b.continuous
	appended := a.Input.Props().AppendOnly || !b.continuous
	for _, call := range c.Aggs {
		if !mergeable(call, once, appended) {
			return nil
		}
	}
	width := len(w.Input.Cols())
	if !b.boundsOnlyGrouped(c, width) {
		return nil
	}
	window := *c.Window
	window.Slice = w
	c.Window, c.Input = &window, w.Input
	return c
}

// mergeable tells whether a window's value can be made of those of its slices.
// min and max can where results are given once, or the extreme value itself is
// all that is kept: else what they were before an epoch is not known at its end.
func mergeable(a *expr.AggCall, once, appended bool) bool {
	switch {
	case a.Fn.Words > 0:
		return a.Fn.Merge != nil && !a.Distinct
	case a.Fn.Extreme == 0 || len(a.OrderBy) > 0:
		return false
	}
	return once || appended && a.Fn.Appended(a.Args[0].Type()) != nil
}

// boundsOnlyGrouped tells whether the columns from width on, the bounds of the
// windows, are used as the groups that they are and nowhere else.
func (b *builder) boundsOnlyGrouped(a *plan.Aggregate, width int) bool {
	c := copyNode(a).(*plan.Aggregate)
	lo, hi := min(c.Window.Start, c.Window.End), max(c.Window.Start, c.Window.End)
	c.Groups = slices.Delete(slices.Delete(c.Groups, hi, hi+1), lo, lo+1)
	used := map[int]bool{}
	for _, s := range slots(c) {
		b.rowColumns(*s, used)
	}
	for i := range used {
		if i >= width {
			return false
		}
	}
	return true
}
