package exec

import (
	"slices"
	"sort"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// conversion gives a column its values from rows of schema versions below until,
// which hold a former type of it.
type conversion struct {
	until   uint32
	ordinal int
	uses    []int // ordinals of the columns that x reads
	x       expr.Expr
	env     expr.Env
}

// conversions compiles what ALTER ... TYPE has left of former types. A conversion that
// cannot be bound any more, as an upgrade took a function away, is a plain cast.
func (e *Engine) conversions(r *relation, env *planner.Env) error {
	for o := range r.cat.Columns {
		c := &r.cat.Columns[o]
		for i := range c.Former {
			x, err := planner.Conversion(r.cat, o, i, env)
			if err != nil {
				plain := *r.cat
				plain.Columns = slices.Clone(plain.Columns)
				plain.Columns[o].Former = slices.Clone(c.Former)
				plain.Columns[o].Former[i].Using = ""
				if x, err = planner.Conversion(&plain, o, i, env); err != nil {
					return err
				}
			}
			r.converts = append(r.converts, newConversion(c.Former[i], o, x))
			r.retyped = max(r.retyped, c.Former[i].Until)
		}
	}
	sort.SliceStable(r.converts, func(i, j int) bool {
		return r.converts[i].until < r.converts[j].until
	})
	return nil
}

func newConversion(f catalog.FormerType, ordinal int, x expr.Expr) conversion {
	c := conversion{until: f.Until, ordinal: ordinal, x: x, env: expr.Env{Now: f.Now}}
	if z, err := types.LoadZone(f.Zone); err == nil && f.Zone != "" {
		c.env.Zone = z
	}
	// Rows of the log that were replaced since may not convert: nobody reads them.
	c.env.OnRowError = func(*expr.RowFailure) error { return nil }
	expr.Walk(x, func(n expr.Expr) bool {
		if col, ok := n.(*expr.Col); ok && !slices.Contains(c.uses, col.Index) {
			c.uses = append(c.uses, col.Index)
		}
		return true
	})
	return c
}

// bindEnv is what definitions are bound in when nobody asks.
func (e *Engine) bindEnv() *planner.Env {
	return &planner.Env{
		Snapshot: e.cfg.Catalog.Current(), System: e.cfg.System,
		User: catalog.Superuser, Database: "millrace",
	}
}

// typesAt gives the types of a schema version, by ordinal.
func (r *relation) typesAt(version uint32) []types.Type {
	ts := slices.Clone(r.types)
	for o := range ts {
		ts[o] = planner.TypeAt(&r.cat.Columns[o], version)
	}
	return ts
}

// withConverted adds to the needed columns those that the conversions of them read.
func (r *relation) withConverted(need []bool, version uint32) []bool {
	need = slices.Clone(need)
	for _, c := range slices.Backward(r.converts) {
		if c.until <= version || !need[c.ordinal] {
			continue
		}
		for _, o := range c.uses {
			need[o] = true
		}
	}
	return need
}

// convert replaces columns of n rows of a schema version by values of today's types.
// Changes of one statement all see the row as it was before.
func (r *relation) convert(whole []*batch.Vector, n int, version uint32) error {
	for i := 0; i < len(r.converts); {
		j := i
		var now []*batch.Vector
		for ; j < len(r.converts) && r.converts[j].until == r.converts[i].until; j++ {
			c := &r.converts[j]
			if c.until <= version || whole[c.ordinal] == nil {
				now = append(now, nil)
				continue
			}
			v, err := c.apply(whole, n)
			if err != nil {
				return err
			}
			now = append(now, v)
		}
		for k, v := range now {
			if v != nil {
				whole[r.converts[i+k].ordinal] = v
			}
		}
		i = j
	}
	return nil
}

// apply computes a conversion in batches of a size that programs take.
func (c *conversion) apply(whole []*batch.Vector, n int) (*batch.Vector, error) {
	p, err := expr.Compile([]expr.Expr{c.x})
	if err != nil {
		return nil, err
	}
	out := batch.NewVector(c.x.Type(), n)
	env := c.env
	views := make([]batch.Vector, len(whole))
	for from := 0; from < n; from += batch.MaxRows {
		b := cutColumns(views, whole, from, min(from+batch.MaxRows, n))
		vs, err := p.Eval(&env, b)
		if err != nil {
			return nil, err
		}
		for i := range b.N {
			out.AppendRow(vs[0], i)
		}
	}
	return out, nil
}

// drop forgets the columns that nobody asked for.
func drop(whole []*batch.Vector, wanted []bool) {
	for o, w := range wanted {
		if !w {
			whole[o] = nil
		}
	}
}
