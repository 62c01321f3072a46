package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// windows holds the WINDOW clause of one SELECT, for its window function calls.
type windows struct {
	b    *builder
	agg  *aggregation
	defs map[string]*sql.WindowDef
	used bool
	// named are the windows of the clause that some call uses.
	named map[string]bool
}

// define takes the WINDOW clause.
func (w *windows) define(defs []*sql.WindowDef) error {
	w.defs, w.named = map[string]*sql.WindowDef{}, map[string]bool{}
	for _, d := range defs {
		if w.defs[d.Name] != nil {
			return sqlerr.New(sqlerr.WindowingError,
				"window \"%s\" is already defined", d.Name).At(d.Pos())
		}
		w.defs[d.Name] = d
	}
	return nil
}

// spec is a resolved window definition.
type spec struct {
	by    []sql.Expr
	order []sql.SortKey
	frame *sql.Frame
}

// resolve follows references to named windows.
func (w *windows) resolve(d *sql.WindowDef, depth int) (spec, error) {
	name := d.Ref
	if d.Name != "" && depth == 0 {
		name = d.Name
	}
	if name == "" {
		return spec{d.By, d.Order, d.Frame}, nil
	}
	w.named[name] = true
	base := w.defs[name]
	if base == nil || depth > len(w.defs) {
		return spec{}, sqlerr.New(sqlerr.UndefinedObject,
			"window \"%s\" does not exist", name).At(d.Pos())
	}
	s, err := w.resolve(base, depth+1)
	if err != nil || d.Name != "" && depth == 0 {
		return s, err
	}
	if len(d.By) > 0 {
		return s, sqlerr.New(sqlerr.WindowingError,
			"cannot override PARTITION BY clause of window \"%s\"", name).At(d.Pos())
	}
	if len(d.Order) > 0 && len(s.order) > 0 {
		return s, sqlerr.New(sqlerr.WindowingError,
			"cannot override ORDER BY clause of window \"%s\"", name).At(d.Pos())
	}
	if s.frame != nil {
		err := sqlerr.New(sqlerr.WindowingError,
			"cannot copy window \"%s\" because it has a frame clause", name).At(d.Pos())
		if depth == 0 && len(d.Order) == 0 && d.Frame == nil {
			return s, err.WithHint("Omit the parentheses in this OVER clause.")
		}
		return s, err
	}
	if len(d.Order) > 0 {
		s.order = d.Order
	}
	s.frame = d.Frame
	return s, nil
}

// add completes a window function call.
func (w *windows) add(s *scope, call *expr.WindowCall, over any, pos int) (expr.Expr, error) {
	def, ok := over.(*sql.WindowDef)
	if !ok {
		return nil, sqlerr.New(sqlerr.InternalError, "unexpected window definition %T", over)
	}
	for _, x := range expr.Children(&expr.Window{Call: call}) {
		if hasWindow(x) {
			return nil, sqlerr.New(sqlerr.WindowingError,
				"window function calls cannot be nested").At(pos)
		}
	}
	sp, err := w.resolve(def, 0)
	if err != nil {
		return nil, err
	}
	w.used = true
	in := s.in("window definitions")
	in.agg = w.agg
	for _, x := range sp.by {
		e, err := w.b.check(x, in)
		if err != nil {
			return nil, err
		}
		if e, err = expr.Settle(e, in, x.Pos()); err != nil {
			return nil, err
		}
		call.Partition = append(call.Partition, e)
	}
	for _, k := range sp.order {
		e, err := w.b.check(k.X, in)
		if err != nil {
			return nil, err
		}
		if e, err = expr.Settle(e, in, k.X.Pos()); err != nil {
			return nil, err
		}
		call.OrderBy = append(call.OrderBy, order(k, e))
	}
	if call.Frame, err = w.frame(sp.frame, call, in, def.Pos()); err != nil {
		return nil, err
	}
	return &expr.Window{Call: call}, nil
}

// unused checks the windows that no call uses: their text must be right.
func (w *windows) unused(s *scope) error {
	var names []string
	for n := range w.defs {
		if !w.named[n] {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	in := s.in("window definitions")
	in.agg = w.agg
	for _, n := range names {
		d := w.defs[n]
		sp := spec{d.By, d.Order, d.Frame}
		if d.Ref != "" {
			copied := *d
			copied.Name = ""
			var err error
			if sp, err = w.resolve(&copied, 1); err != nil {
				return err
			}
		}
		for _, x := range sp.by {
			if _, err := w.b.check(x, in); err != nil {
				return err
			}
		}
		for _, k := range sp.order {
			if _, err := w.b.check(k.X, in); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasWindow(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		_, ok := x.(*expr.Window)
		found = found || ok
		return !found
	})
	return found
}

// frame resolves a frame clause; without one it is RANGE UNBOUNDED PRECEDING to
// CURRENT ROW.
func (w *windows) frame(f *sql.Frame, call *expr.WindowCall, s *scope, pos int) (
	expr.Frame, error) {
	out := expr.Frame{Unit: expr.FrameRange, Lo: expr.Bound{Kind: expr.UnboundedPreceding},
		Hi: expr.Bound{Kind: expr.CurrentRow}}
	if f == nil {
		return out, nil
	}
	out.Unit = [...]expr.FrameUnit{expr.FrameRows, expr.FrameRange, expr.FrameGroups}[f.Unit]
	out.Exclude = expr.FrameExclude(f.Exclude)
	var err error
	if out.Lo, err = w.bound(f.Lo, f.Unit, call, s, true); err != nil {
		return out, err
	}
	if f.Between {
		if out.Hi, err = w.bound(f.Hi, f.Unit, call, s, false); err != nil {
			return out, err
		}
	}
	return out, checkFrame(out, f, call, pos)
}

// checkFrame refuses frames that cannot be; pos is the place of the window.
func checkFrame(f expr.Frame, written *sql.Frame, call *expr.WindowCall, pos int) error {
	text, window := "", pos
	pos = written.Hi.Pos()
	switch {
	case f.Lo.Kind == expr.UnboundedFollowing:
		text, pos = "frame start cannot be UNBOUNDED FOLLOWING", written.Lo.Pos()
	case !written.Between && f.Lo.Kind == expr.OffsetFollowing:
		text = "frame starting from following row cannot end with current row"
		pos = written.Lo.Pos()
	case f.Hi.Kind == expr.UnboundedPreceding:
		text = "frame end cannot be UNBOUNDED PRECEDING"
	case f.Lo.Kind == expr.CurrentRow && f.Hi.Kind == expr.OffsetPreceding:
		text = "frame starting from current row cannot have preceding rows"
	case f.Lo.Kind == expr.OffsetFollowing && f.Hi.Kind == expr.CurrentRow:
		text = "frame starting from following row cannot end with current row"
	case f.Lo.Kind == expr.OffsetFollowing && f.Hi.Kind == expr.OffsetPreceding:
		text = "frame starting from following row cannot have preceding rows"
	case f.Unit == expr.FrameGroups && len(call.OrderBy) == 0:
		text, pos = "GROUPS mode requires an ORDER BY clause", window
	case f.Unit == expr.FrameRange && len(call.OrderBy) != 1 &&
		(f.Lo.Offset != nil || f.Hi.Offset != nil):
		text = "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column"
		pos = window
	default:
		return nil
	}
	return sqlerr.New(sqlerr.WindowingError, "%s", text).At(pos)
}

func (w *windows) bound(f sql.Bound, unit sql.FrameUnit, call *expr.WindowCall, s *scope,
	lo bool) (expr.Bound, error) {
	out := expr.Bound{Kind: expr.CurrentRow}
	switch {
	case f.Kind == sql.Preceding && f.X == nil:
		out.Kind = expr.UnboundedPreceding
	case f.Kind == sql.Preceding:
		out.Kind = expr.OffsetPreceding
	case f.Kind == sql.Following && f.X == nil:
		out.Kind = expr.UnboundedFollowing
	case f.Kind == sql.Following:
		out.Kind = expr.OffsetFollowing
	}
	if f.X == nil {
		return out, nil
	}
	t := types.Of(types.Int8)
	if unit == sql.FrameRange && len(call.OrderBy) == 1 {
		t = rangeOffsetType(call.OrderBy[0].X.Type())
		if c := types.Category(t.Kind); c != 'N' && c != 'T' || t.Kind.IsReg() {
			return out, sqlerr.New(sqlerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING "+
				"is not supported for column type %s", t).At(f.X.Pos()).
				WithHint("Use ROWS or GROUPS.")
		}
	}
	x, err := w.b.checkAs(f.X, (&scope{b: w.b, parent: s.parent}).in("window frames"), t)
	if err != nil {
		return out, w.boundError(err, f.X, unit, call, s)
	}
	out.Offset = x
	return out, refuseSets(x, "window definitions")
}

// boundError says why an offset of a frame is none.
func (w *windows) boundError(err error, x sql.Expr, unit sql.FrameUnit, call *expr.WindowCall,
	s *scope) error {
	switch {
	case sqlerr.Is(err, sqlerr.UndefinedColumn) || sqlerr.Is(err, sqlerr.UndefinedTable):
		if _, here := w.b.check(x, s); here == nil {
			return sqlerr.New(sqlerr.InvalidColumnReference, "argument of %s must not contain variables",
				[...]string{"ROWS", "RANGE", "GROUPS"}[unit]).At(x.Pos())
		}
	case sqlerr.Is(err, sqlerr.DatatypeMismatch) && unit == sql.FrameRange:
		e, offsetErr := w.b.check(x, (&scope{b: w.b, parent: s.parent}).in("window frames"))
		if offsetErr != nil {
			return err
		}
		return sqlerr.New(sqlerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not "+
			"supported for column type %s and offset type %s", call.OrderBy[0].X.Type(), e.Type()).
			At(x.Pos()).WithHint("Cast the offset value to an appropriate type.")
	}
	return err
}

// rangeOffsetType is the type of a RANGE offset over a sort column.
func rangeOffsetType(t types.Type) types.Type {
	switch t.Kind {
	case types.Date, types.Time, types.Timetz, types.Timestamp, types.Timestamptz, types.Interval:
		return types.Of(types.Interval)
	}
	t.Mod = 0
	return t
}

// computeWindows adds a Window node per definition, and makes the calls in the
// select list columns of its output.
func (k *block) computeWindows() error {
	if !k.win.used {
		return nil
	}
	var calls []*expr.WindowCall
	for i := range k.items {
		expr.Walk(k.items[i].x, func(x expr.Expr) bool {
			if w, ok := x.(*expr.Window); ok && callIndex(calls, w.Call) < 0 {
				calls = append(calls, w.Call)
			}
			return true
		})
	}
	k.setKeys(calls)
	at := make([]int, len(calls))
	for done := make([]bool, len(calls)); ; {
		first := -1
		for i := range calls {
			if !done[i] {
				first = i
				break
			}
		}
		if first < 0 {
			break
		}
		n := &plan.Window{Input: k.node, Partition: calls[first].Partition,
			OrderBy: calls[first].OrderBy}
		n.Out = append([]plan.Column(nil), k.node.Cols()...)
		for i := range calls {
			if done[i] || !sameWindow(calls[first], calls[i]) {
				continue
			}
			done[i], at[i] = true, len(n.Out)
			n.Calls = append(n.Calls, calls[i])
			n.Out = append(n.Out, plan.Column{Name: calls[i].Name, Type: calls[i].T})
		}
		k.node = n
	}
	for i := range k.items {
		k.items[i].x, _ = expr.Transform(k.items[i].x, func(x expr.Expr) (expr.Expr, error) {
			if w, ok := x.(*expr.Window); ok {
				return colOf(k.node, at[callIndex(calls, w.Call)]), nil
			}
			return x, nil
		})
	}
	return nil
}

// setKeys calls the set-returning functions that windows are parted or ordered by, before the
// windows are made. The same calls in the select list stand for the same rows.
func (k *block) setKeys(windows []*expr.WindowCall) {
	for range 8 {
		var calls []*expr.Call
		for _, w := range windows {
			for _, key := range windowKeys(w) {
				*key = sameCalls(*key, calls)
				calls = appendSets(calls, *key)
			}
		}
		if len(calls) == 0 {
			return
		}
		for i := range k.items {
			k.items[i].x = sameCalls(k.items[i].x, calls)
		}
		cols := k.callSets(calls)
		for _, w := range windows {
			for _, key := range windowKeys(w) {
				*key = replaceCalls(*key, calls, cols)
			}
		}
	}
}

// appendSets adds the innermost calls of set-returning functions of an expression that are
// not there yet.
func appendSets(calls []*expr.Call, e expr.Expr) []*expr.Call {
	expr.Walk(e, func(x expr.Expr) bool {
		c, ok := x.(*expr.Call)
		if !ok || !isSet(c.Fn) {
			return true
		}
		inner := slices.ContainsFunc(c.Args, hasSet)
		if !inner && !slices.Contains(calls, c) {
			calls = append(calls, c)
		}
		return inner
	})
	return calls
}

// windowKeys are what a window is parted and ordered by.
func windowKeys(w *expr.WindowCall) (keys []*expr.Expr) {
	for i := range w.Partition {
		keys = append(keys, &w.Partition[i])
	}
	for i := range w.OrderBy {
		keys = append(keys, &w.OrderBy[i].X)
	}
	return keys
}

// callIndex finds an equal call.
func callIndex(calls []*expr.WindowCall, c *expr.WindowCall) int {
	for i, o := range calls {
		if o == c || o.Name == c.Name && o.Agg == c.Agg && sameWindow(o, c) &&
			sameFrame(o.Frame, c.Frame) && equalAll(o.Args, c.Args) &&
			expr.Equal(o.Filter, c.Filter) && o.IgnoreNulls == c.IgnoreNulls {
			return i
		}
	}
	return -1
}

func sameFrame(a, b expr.Frame) bool {
	return a.Unit == b.Unit && a.Exclude == b.Exclude && a.Lo.Kind == b.Lo.Kind &&
		a.Hi.Kind == b.Hi.Kind && expr.Equal(a.Lo.Offset, b.Lo.Offset) &&
		expr.Equal(a.Hi.Offset, b.Hi.Offset)
}

func sameWindow(a, b *expr.WindowCall) bool {
	return equalAll(a.Partition, b.Partition) && equalOrders(a.OrderBy, b.OrderBy)
}

func equalAll(a, b []expr.Expr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !expr.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalOrders(a, b []expr.Order) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Desc != b[i].Desc || a[i].NullsFirst != b[i].NullsFirst ||
			!expr.Equal(a[i].X, b[i].X) {
			return false
		}
	}
	return true
}

// setFunctions calls the set-returning functions of the select list side by side,
// innermost first.
func (k *block) setFunctions() error {
	for _, it := range k.items {
		if err := conditionalSets(it.x); err != nil {
			return err
		}
	}
	for range 8 {
		var calls []*expr.Call
		for i := range k.items {
			calls = appendSets(calls, k.items[i].x)
		}
		if len(calls) == 0 {
			return nil
		}
		k.callSets(calls)
	}
	return sqlerr.New(sqlerr.StatementTooComplex, "set-returning functions are nested too deeply")
}

// conditionalSets refuses set-returning functions that only some rows would call.
func conditionalSets(e expr.Expr) error {
	where, at := "", -1
	expr.Walk(e, func(x expr.Expr) bool {
		word := ""
		switch x := x.(type) {
		case *expr.Case:
			if x.NullIf {
				return where == ""
			}
			word = "CASE"
		case *expr.Coalesce:
			word = "COALESCE"
		default:
			return where == ""
		}
		expr.Walk(x, func(y expr.Expr) bool {
			if c, ok := y.(*expr.Call); ok && isSet(c.Fn) && where == "" {
				where, at = word, c.Pos
			}
			return true
		})
		return false
	})
	if where == "" {
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "set-returning functions are not allowed in %s",
		where).At(at).WithHint("You might be able to move the set-returning function into a LATERAL " +
		"FROM item.")
}

// callSets calls set-returning functions side by side over the rows so far, and gives the
// columns, or rows of columns, that stand for them.
func (k *block) callSets(calls []*expr.Call) []expr.Expr {
	n := &plan.FuncScan{Input: k.node}
	n.Out = append([]plan.Column(nil), k.node.Cols()...)
	cols := make([]expr.Expr, len(calls))
	for i, c := range calls {
		width := max(1, len(c.Fn.RetCols))
		n.Calls = append(n.Calls, plan.FuncCall{Fn: c.Fn, Args: c.Args, Cols: width})
		at := len(n.Out)
		n.Out = append(n.Out, setColumns(c)...)
		cols[i] = &expr.Col{Index: at, T: n.Out[at].Type, Name: c.Fn.Name}
		if width > 1 || c.T.Row != nil && len(c.Fn.RetCols) > 0 {
			if r, err := k.recordOf(n, at, width, c.T.Row); err == nil {
				cols[i] = r
			}
		}
	}
	k.node = n
	for i := range k.items {
		k.items[i].x = replaceCalls(k.items[i].x, calls, cols)
	}
	return cols
}

// recordOf makes a record of a function's columns.
func (k *block) recordOf(n plan.Node, at, width int, row *types.RowType) (expr.Expr, error) {
	t := types.Type{Kind: types.Record, Row: row}
	var elems []expr.Expr
	for i := at; i < at+width; i++ {
		elems = append(elems, colOf(n, i))
		t.Fields = append(t.Fields, types.Field{Name: n.Cols()[i].Name, Type: n.Cols()[i].Type})
	}
	return k.b.row(elems, t, -1)
}

func replaceCalls(e expr.Expr, calls []*expr.Call, cols []expr.Expr) expr.Expr {
	if c, ok := e.(*expr.Call); ok {
		for i := range calls {
			if calls[i] == c {
				return cols[i]
			}
		}
	}
	kids := expr.Children(e)
	if len(kids) == 0 {
		return e
	}
	next := make([]expr.Expr, len(kids))
	for i := range kids {
		next[i] = replaceCalls(kids[i], calls, cols)
	}
	return expr.WithChildren(e, next)
}

// setColumns describes the columns of a set-returning call.
func setColumns(c *expr.Call) []plan.Column {
	if len(c.Fn.RetCols) == 0 {
		return []plan.Column{{Name: c.Fn.Name, Type: c.T}}
	}
	out := make([]plan.Column, len(c.Fn.RetCols))
	for i, f := range c.Fn.RetCols {
		out[i] = plan.Column{Name: f.Name, Type: f.Type}
	}
	if len(out) == 1 && out[0].Type.Kind == types.Any {
		out[0].Type = c.T
	}
	return out
}
