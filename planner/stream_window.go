package planner

import (
	"math"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// windowFuncs are the table functions that put rows into time windows.
var windowFuncs = map[string]plan.WindowKind{
	"tumble": plan.Tumble, "hop": plan.Hop, "cumulate": plan.Cumulate, "session": plan.Session,
}

// neverLate is the grace of windows over relations that declare none: no row is
// left out.
const neverLate = math.MaxInt64

const dayMicros = 24 * 3600 * 1000000

// windowTVF binds TUMBLE(x, ts, size [, offset]) and its like.
func (b *builder) windowTVF(c *sql.Call, t *sql.TableFunc, o *scope, w *with) (*from, error) {
	name, err := b.relationArg(c)
	if err != nil {
		return nil, err
	}
	alias := t.Alias
	if alias.Name == "" {
		alias.Name = name.Last()
	}
	f, err := b.table(&sql.Table{Loc: t.Loc, Name: name, AsOf: t.AsOf,
		Alias: sql.Alias{Name: alias.Name}}, o, w)
	if err != nil {
		return nil, err
	}
	n := &plan.WindowAssign{Kind: windowFuncs[c.Name.Last()]}
	args := c.Args[1:]
	if len(args) < 1 {
		return nil, windowUsage(c)
	}
	f.entries[0].alias = name.Last() // the time column may be written rel.column
	ts, err := b.windowTime(f, args[0], o, w)
	f.entries[0].alias = alias.Name
	if err != nil {
		return nil, err
	}
	if err := b.windowSizes(n, c, args[1:]); err != nil {
		return nil, err
	}
	if ta, ok := c.Args[0].(*sql.TableArg); ok {
		if err := b.sessionKeys(f, n, ta, o, w); err != nil {
			return nil, err
		}
	}
	b.assign(f, n, ts, b.declaredGrace(f))
	return f, renameCols(f, t.Alias.Cols, alias.Name, t.Pos())
}

// windowUsages say how the window functions are called.
var windowUsages = map[string]string{
	"tumble":   "TUMBLE(relation, time column, size [, offset])",
	"hop":      "HOP(relation, time column, slide, size [, offset])",
	"cumulate": "CUMULATE(relation, time column, step, size)",
	"session":  "SESSION(relation, time column, gap)",
}

func windowUsage(c *sql.Call) error {
	return sqlerr.New(sqlerr.UndefinedFunction,
		"wrong arguments of the table function %s", c.Name.Last()).At(c.Pos()).
		WithHint("Write %s.", windowUsages[c.Name.Last()])
}

// windowTime checks the time column of a window function.
func (b *builder) windowTime(f *from, x sql.Expr, o *scope, w *with) (expr.Expr, error) {
	if d, ok := x.(*sql.Call); ok && lower(d.Name.Last()) == "descriptor" && len(d.Args) == 1 {
		x = d.Args[0]
	}
	if timeName(x) == "rowtime" && b.decided && b.ksql && f.time != nil {
		return f.time, nil // its name means the number of milliseconds
	}
	e, err := b.check(x, f.scope(b, o, w).in("window functions"))
	if err != nil {
		return nil, err
	}
	switch e.Type().Kind {
	case types.Timestamp, types.Timestamptz, types.Date:
		if e.Type().Kind == types.Date {
			return b.coerce(e, types.Of(types.Timestamp), "", x.Pos())
		}
		return e, nil
	}
	return nil, sqlerr.New(sqlerr.DatatypeMismatch,
		"time column of a window must be of type timestamp or timestamptz, not %s",
		e.Type()).At(x.Pos()).
		WithHint("Convert it, for example with to_timestamp(seconds).")
}

// windowSizes reads the intervals of a window function.
func (b *builder) windowSizes(n *plan.WindowAssign, c *sql.Call, args []sql.Expr) error {
	limits := map[plan.WindowKind][2]int{plan.Tumble: {1, 2}, plan.Hop: {2, 3},
		plan.Cumulate: {2, 2}, plan.Session: {1, 1}}[n.Kind]
	if len(args) < limits[0] || len(args) > limits[1] {
		return windowUsage(c)
	}
	sizes := make([]int64, len(args))
	for i, a := range args {
		offset := i > 0 && n.Kind == plan.Tumble || i > 1
		v, err := b.intervalArg(a, offset)
		if err != nil {
			return err
		}
		sizes[i] = v
	}
	switch n.Kind {
	case plan.Hop, plan.Cumulate:
		n.Slide, n.Size = sizes[0], sizes[1]
	default:
		n.Size = sizes[0]
	}
	if len(sizes) > limits[0] {
		n.Offset = sizes[len(sizes)-1]
	}
	if n.Kind == plan.Cumulate && n.Size%n.Slide != 0 {
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"the size of a CUMULATE window must be a multiple of its step").At(c.Pos())
	}
	return b.tooManyWindows(n, c.Pos())
}

// maxWindowsPerRow bounds how many windows one row may be in.
const maxWindowsPerRow = 10000

func (b *builder) tooManyWindows(n *plan.WindowAssign, pos int) error {
	if n.Slide > 0 && n.Size/n.Slide > maxWindowsPerRow {
		return sqlerr.New(sqlerr.ProgramLimitExceeded,
			"each row would be in %d windows; at most %d are possible",
			n.Size/n.Slide, maxWindowsPerRow).At(pos).
			WithHint("Make the slide longer or the window shorter.")
	}
	return nil
}

// intervalArg reads a constant interval of fixed length as microseconds.
func (b *builder) intervalArg(x sql.Expr, offset bool) (int64, error) {
	e, err := b.checkAs(x, (&scope{b: b}).in("window functions"), types.Of(types.Interval))
	if err != nil {
		return 0, err
	}
	c, ok := e.(*expr.Const)
	if !ok || c.D.Null {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"the length of a window must be a constant interval").At(x.Pos())
	}
	micros, err := intervalMicros(c.D)
	if err != nil {
		return 0, sqlerr.As(err).At(x.Pos())
	}
	if micros <= 0 && !offset {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"the length of a window must be positive").At(x.Pos())
	}
	return micros, nil
}

// sessionKeys are the PARTITION BY columns of SESSION(TABLE x PARTITION BY k, ...).
func (b *builder) sessionKeys(f *from, n *plan.WindowAssign, t *sql.TableArg, o *scope,
	w *with) error {
	for _, x := range t.By {
		e, err := b.check(x, f.scope(b, o, w).in("PARTITION BY"))
		if err != nil {
			return err
		}
		c, ok := e.(*expr.Col)
		if !ok {
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"PARTITION BY of a session window must name columns").At(x.Pos()).
				WithHint("Compute the expression in a WITH query first.")
		}
		n.Keys = append(n.Keys, c.Index)
	}
	return nil
}

// assign puts a WindowAssign over f, with the columns window_start and window_end
// and ksqlDB's WINDOWSTART and WINDOWEND.
func (b *builder) assign(f *from, n *plan.WindowAssign, ts expr.Expr, grace int64) {
	c, ok := ts.(*expr.Col)
	if !ok {
		p := passThrough(f.node)
		p.Exprs = append(p.Exprs, ts)
		p.Out = append(p.Out, plan.Column{Name: "time", Type: ts.Type(), Hidden: true})
		f.node = p
		c = colOf(p, len(p.Out)-1)
	}
	n.Input, n.Time = f.node, c.Index
	t := c.T
	t.Mod = 0
	n.Out = append([]plan.Column(nil), f.node.Cols()...)
	n.Out = append(n.Out, plan.Column{Name: "window_start", Type: t},
		plan.Column{Name: "window_end", Type: t})
	n.Grace = behind(grace, f.node)
	f.node = n
	e := f.entries[0]
	start, end := colOf(n, len(n.Out)-2), colOf(n, len(n.Out)-1)
	f.cols = append(f.cols, column{entry: e, name: "window_start", x: start},
		column{entry: e, name: "window_end", x: end})
	b.addMillis(f, e, start, end)
}

// addMillis adds ksqlDB's pseudo columns: the bounds in milliseconds.
func (b *builder) addMillis(f *from, e *entry, start, end expr.Expr) {
	for i, x := range []expr.Expr{start, end} {
		ms, err := b.millis(x)
		if err != nil {
			continue
		}
		f.cols = append(f.cols, column{entry: e, name: []string{"windowstart", "windowend"}[i],
			x: ms, hidden: true})
	}
}

// millis gives a timestamp as milliseconds since 1970.
func (b *builder) millis(x expr.Expr) (expr.Expr, error) {
	return b.call("unix_timestamp", x)
}

// windowBounds gives tables keyed by windows the pseudo columns too.
func (b *builder) windowBounds(f *from, e *entry, rel *catalog.Relation) error {
	if len(rel.Key) < 2 {
		return nil
	}
	var bounds [2]expr.Expr
	for i, ord := range rel.Key[len(rel.Key)-2:] {
		for _, c := range f.cols {
			if c.attnum == int16(ord+1) {
				bounds[i] = c.x
			}
		}
	}
	if bounds[0] != nil && bounds[1] != nil {
		b.addMillis(f, e, bounds[0], bounds[1])
	}
	return nil
}

// declaredGrace is how long windows over f stay open behind the watermark. Where a
// stream declares one, later rows never come in, so that it is 0. Without one no
// row is late, and only results that wait for the end of a window close them.
func (b *builder) declaredGrace(f *from) int64 {
	if b.final || hasWatermark(f) {
		return 0
	}
	return neverLate
}

// hasWatermark tells whether a stream of f declares a watermark.
func hasWatermark(f *from) bool {
	return slices.ContainsFunc(f.entries, func(e *entry) bool {
		return e.rel != nil && e.rel.Watermark != ""
	})
}

// windowClause is ksqlDB's WINDOW TUMBLING (...) and its like, over rowtime.
func (b *builder) windowClause(f *from, sel *sql.Select) (*from, error) {
	w := sel.Window
	if len(sel.GroupBy) == 0 {
		return nil, sqlerr.New(sqlerr.SyntaxError,
			"WINDOW clause requires a GROUP BY clause").At(w.Pos())
	}
	if f.time == nil {
		return nil, sqlerr.New(sqlerr.WrongObjectType,
			"WINDOW clause requires a stream or table with a ROWTIME").At(w.Pos()).
			WithHint("Use the table functions TUMBLE, HOP or SESSION with a time column.")
	}
	n := &plan.WindowAssign{Kind: [...]plan.WindowKind{plan.Tumble, plan.Hop,
		plan.Session}[w.Kind], FromZero: true}
	var err error
	if n.Size, err = spanMicros(w.Size); err != nil {
		return nil, err
	}
	if w.Advance != nil {
		if n.Slide, err = spanMicros(w.Advance); err != nil {
			return nil, err
		}
		if n.Slide > n.Size {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue,
				"ADVANCE BY must not be longer than SIZE").At(w.Advance.Pos())
		}
	}
	grace := max(dayMicros-n.Size, 0)
	if hasWatermark(f) {
		grace = 0
	}
	if err := b.checkRetention(w); err != nil {
		return nil, err
	}
	if w.Grace != nil {
		if grace, err = graceMicros(w.Grace); err != nil {
			return nil, err
		}
	}
	if err := b.tooManyWindows(n, w.Pos()); err != nil {
		return nil, err
	}
	n.LastEnd = n.Kind == plan.Session
	b.assign(f, n, f.time, grace)
	for i := range f.cols {
		if k := len(f.cols); i >= k-4 {
			f.cols[i].hidden = true
		}
	}
	return f, nil
}

// spanMicros gives the length of a positive span.
func spanMicros(s *sql.Span) (int64, error) {
	v, ok := s.Micros()
	if !ok || v <= 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"%s is not a length of time for a window", s).At(s.Pos()).
			WithHint("Use a positive number of MILLISECONDS, SECONDS, MINUTES, HOURS or DAYS.")
	}
	return v, nil
}

// graceMicros gives the length of a span that may be zero.
func graceMicros(s *sql.Span) (int64, error) {
	v, ok := s.Micros()
	if !ok || v < 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"%s is not a length of time for a grace period", s).At(s.Pos())
	}
	return v, nil
}

// windowGroups groups by the window of the WINDOW clause too.
func (k *block) windowGroups() {
	n := k.from.node.(*plan.WindowAssign)
	for i := len(n.Out) - 2; i < len(n.Out); i++ {
		k.groups.add(colOf(n, i))
	}
}

// sessionWindow partitions the sessions of the WINDOW clause by the grouped
// columns: sessions are per key.
func (k *block) sessionWindow() error {
	if k.sel.Window == nil || k.sel.Window.Kind != sql.Session {
		return nil
	}
	assign := k.from.node.(*plan.WindowAssign)
	width := len(assign.Input.Cols())
	p := passThrough(assign.Input)
	var keys []int
	for _, g := range k.groups.exprs {
		if c, ok := g.(*expr.Col); ok {
			if c.Index < width {
				keys = append(keys, c.Index)
			}
			continue
		}
		keys = append(keys, len(p.Out))
		p.Exprs = append(p.Exprs, g)
		p.Out = append(p.Out, plan.Column{Name: "key", Type: g.Type(), Hidden: true})
	}
	added := len(p.Out) - width
	n := *assign
	n.Keys = keys
	n.Input = p
	n.Out = append(append([]plan.Column(nil), p.Out...), assign.Out[width:]...)
	var out plan.Node = &n
	if added > 0 {
		back := &plan.Project{Input: &n}
		for i := range n.Out {
			if i >= width && i < width+added {
				continue
			}
			back.Exprs = append(back.Exprs, colOf(&n, i))
			back.Out = append(back.Out, n.Out[i])
		}
		out = back
	}
	k.node = mapNodes(k.node, func(m plan.Node) plan.Node {
		if w, ok := m.(*plan.WindowAssign); ok && w.Time == assign.Time &&
			len(w.Out) == len(assign.Out) && w.Kind == plan.Session && w.Keys == nil {
			return out
		}
		return m
	})
	return nil
}

// intervalMicros gives the length of an interval without months.
func intervalMicros(d types.Datum) (int64, error) {
	v := d.Interval()
	micros, ok := v.FixedMicros()
	if !ok || v.Months != 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue,
			"an interval of months or years has no fixed length").
			WithHint("Use days, hours, minutes or seconds.")
	}
	return micros, nil
}
