package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// explained is a node as EXPLAIN shows it.
type explained struct {
	Node     string            `json:"Node Type"`
	Details  []explainedDetail `json:"-"`
	Fields   map[string]string `json:"Details,omitempty"`
	Keeps    string            `json:"Keeps,omitempty"`
	Output   []string          `json:"Output,omitempty"`
	Children []*explained      `json:"Plans,omitempty"`
}

type explainedDetail struct{ label, text string }

func (e *explained) add(label, text string) {
	if text != "" {
		e.Details = append(e.Details, explainedDetail{label, text})
	}
}

// ExplainNode writes a tree as text, one node a line, details indented below it.
func ExplainNode(n plan.Node) string {
	var b strings.Builder
	writeText(&b, describe(n, false, false), 0)
	return b.String()
}

// Explain writes a plan as lines of text; continuous says that state is kept, which
// is then shown.
func Explain(p *plan.Plan) []string {
	var b strings.Builder
	explainPlan(&b, p, false)
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

func explainPlan(b *strings.Builder, p *plan.Plan, verbose bool) {
	depth := 0
	switch {
	case p.Write != nil:
		writeText(b, describeWhole(p.Write, verbose), 0)
	case p.Root != nil:
		if p.Emit != nil {
			writeText(b, describeEmit(p.Emit), 0)
			depth = 1
		}
		writeText(b, describe(p.Root, p.Emit != nil, verbose), depth)
	case p.Command != nil:
		fmt.Fprintf(b, "%s\n", p.Tag)
	}
	for i, s := range p.Subplans {
		fmt.Fprintf(b, "SubPlan %d\n", i+1)
		writeText(b, describe(s, false, verbose), 1)
	}
}

// writeText writes PostgreSQL's form: children behind an arrow.
func writeText(b *strings.Builder, e *explained, depth int) {
	indent := ""
	if depth > 0 {
		indent = strings.Repeat(" ", 6*(depth-1)+2)
		b.WriteString(indent + "->  ")
	}
	b.WriteString(e.Node + "\n")
	indent = strings.Repeat(" ", 6*depth+2)
	for _, d := range e.Details {
		b.WriteString(indent + d.label + ": " + d.text + "\n")
	}
	if e.Keeps != "" {
		b.WriteString(indent + "keeps: " + e.Keeps + "\n")
	}
	for _, c := range e.Children {
		writeText(b, c, depth+1)
	}
}

// describeWhole is describeWrite with what the rows come from.
func describeWhole(w *plan.Write, verbose bool) *explained {
	if w.Kind != plan.Together {
		e := describeWrite(w)
		e.Children = []*explained{describe(w.Input, false, verbose)}
		return e
	}
	e := &explained{Node: "Write Together"}
	for _, p := range w.Parts {
		part := describeWhole(p.Write, verbose)
		if p.ID != 0 {
			part.add("WorkTable", sprintf("%d", p.ID))
		}
		e.Children = append(e.Children, part)
	}
	if w.Query != nil {
		e.Children = append(e.Children, describe(w.Query, false, verbose))
	}
	return e
}

func describeWrite(w *plan.Write) *explained {
	verb := map[plan.WriteKind]string{plan.Insert: "Insert", plan.Update: "Update",
		plan.Delete: "Delete", plan.TruncateTable: "Truncate"}[w.Kind]
	e := &explained{Node: verb + " on " + w.Rel.Name}
	if c := w.Conflict; c != nil && w.Kind == plan.Insert && isKeyed(w.Rel) {
		e.add("Conflict Resolution", map[plan.ConflictAction]string{plan.Upsert: "UPSERT",
			plan.Fail: "FAIL", plan.DoNothing: "NOTHING", plan.DoUpdate: "UPDATE"}[c.Action])
		if c.Where != nil {
			e.add("Conflict Filter", formatExpr(c.Where))
		}
	}
	return e
}

func describeEmit(m *plan.Emit) *explained {
	e := &explained{Node: "Emit Changes"}
	if m.Final {
		e.Node = "Emit Final"
	}
	switch {
	case m.Retracts:
		e.add("Rows", "inserted, updated and deleted")
	case m.Keyed:
		e.add("Rows", "new values of keys")
	default:
		e.add("Rows", "appended")
	}
	if m.Latest {
		e.add("From", "latest")
	} else if m.AfterEpoch > 0 {
		e.add("From", sprintf("after epoch %d", m.AfterEpoch))
	}
	if m.Limit != nil {
		e.add("Limit", formatExpr(m.Limit))
	}
	return e
}

// describe makes the tree that EXPLAIN shows; state says that operators keep
// state, verbose that output columns are listed.
func describe(n plan.Node, state, verbose bool) *explained {
	e := describeOne(n)
	if state {
		e.Keeps = keeps(n)
	}
	if verbose {
		for _, c := range n.Cols() {
			e.Output = append(e.Output, c.Name)
		}
		if !e.has("Output") {
			e.add("Output", strings.Join(e.Output, ", "))
		}
	}
	for _, in := range n.Inputs() {
		e.Children = append(e.Children, describe(in, state, verbose))
	}
	return e
}

// describeOne describes a node without its inputs.
//
//tidy:long one case per kind of node
func describeOne(n plan.Node) *explained {
	e := &explained{}
	switch n := n.(type) {
	case *plan.Scan:
		describeScan(e, n)
	case *plan.SystemScan:
		e.Node = "System Scan on " + n.Rel.Name
		for _, h := range n.Hints {
			e.add("Lookup", n.Rel.Columns[h.Column].Name+" = "+formatList(h.Values))
		}
		e.add("Filter", formatOpt(n.Filter))
	case *plan.Changelog:
		e.Node = "Changelog of " + n.Rel.Name
	case *plan.Values:
		e.Node = "Values"
		switch {
		case len(n.Rows) == 1 && len(n.Out) == 0:
			e.Node = "One Row"
		case len(n.Rows) == 0:
			e.Node = "Supplied Rows"
		default:
			e.add("Rows", sprintf("%d", len(n.Rows)))
		}
	case *plan.FuncScan:
		e.Node = "Function Scan"
		if n.Input != nil {
			e.Node = "Project Set"
		}
		for _, c := range n.Calls {
			e.add("Function", c.Fn.Name+"("+formatList(c.Args)+")")
		}
	case *plan.Filter:
		e.Node = "Filter"
		e.add("Filter", formatExpr(n.Pred))
	case *plan.Project:
		e.Node = "Project"
		e.add("Output", formatOutput(n))
	case *plan.WindowAssign:
		describeAssign(e, n)
	case *plan.Aggregate:
		describeAggregate(e, n)
	case *plan.Distinct:
		e.Node = "Distinct"
	case *plan.Join:
		describeJoin(e, n)
	case *plan.Apply:
		e.Node = "Apply" + map[plan.JoinKind]string{plan.Left: " Left"}[n.Kind]
		e.add("Join Filter", formatOpt(n.On))
	case *plan.SetOp:
		e.Node = [...]string{"Union", "Intersect", "Except"}[n.Kind]
		if n.All {
			e.Node += " All"
		}
	case *plan.Sort:
		e.Node = "Sort"
		e.add("Sort Key", formatOrders(n.Keys))
	case *plan.Limit:
		describeLimit(e, n)
	case *plan.Window:
		e.Node = "WindowAgg"
		e.add("Partition Key", formatList(n.Partition))
		e.add("Sort Key", formatOrders(n.OrderBy))
		for _, c := range n.Calls {
			e.add("Function", formatWindowCall(c))
		}
	case *plan.DistinctOn:
		e.Node = "Distinct On"
		e.add("Key", formatList(n.On))
		e.add("Sort Key", formatOrders(n.Keys))
	case *plan.Recursive:
		e.Node = "Recursive Union"
		if !n.Distinct {
			e.Node += " All"
		}
	case *plan.WorkTable:
		e.Node = "WorkTable Scan"
	}
	return e
}

func formatOpt(x expr.Expr) string {
	if x == nil {
		return ""
	}
	return formatExpr(x)
}

func describeScan(e *explained, n *plan.Scan) {
	kind := "Scan"
	switch {
	case n.Point != nil:
		kind = "Key Lookup"
	case n.Index != 0:
		kind = "Index Lookup"
	}
	e.Node = kind + " on " + n.Rel.Name
	var cols []string
	for _, c := range n.Out {
		cols = append(cols, c.Name)
	}
	e.add("Columns", strings.Join(cols, ", "))
	for i, x := range n.Point {
		e.add("Key", n.Rel.Columns[n.Rel.Key[i]].Name+" = "+formatExpr(x))
	}
	e.add("Filter", formatOpt(n.Filter))
	e.add("As Of Epoch", formatOpt(n.AsOf))
}

func formatOutput(n *plan.Project) string {
	parts := make([]string, len(n.Exprs))
	for i, x := range n.Exprs {
		parts[i] = formatExpr(x)
		if name := n.Out[i].Name; name != exprName(x) {
			parts[i] += " AS " + sql.QuoteIdent(name)
		}
	}
	return strings.Join(parts, ", ")
}

func describeAssign(e *explained, n *plan.WindowAssign) {
	e.Node = [...]string{"", "Tumble", "Hop", "Cumulate", "Session"}[n.Kind] + " Window"
	e.add("Time", n.Input.Cols()[n.Time].Name)
	size := map[bool]string{true: "Gap", false: "Size"}[n.Kind == plan.Session]
	e.add(size, duration(n.Size))
	if n.Slide > 0 {
		e.add(map[bool]string{true: "Step", false: "Slide"}[n.Kind == plan.Cumulate], duration(n.Slide))
	}
	if n.Offset != 0 {
		e.add("Offset", duration(n.Offset))
	}
	var keys []string
	for _, k := range n.Keys {
		keys = append(keys, n.Input.Cols()[k].Name)
	}
	e.add("Keys", strings.Join(keys, ", "))
}

func duration(micros int64) string {
	return (time.Duration(micros) * time.Microsecond).String()
}

func describeAggregate(e *explained, n *plan.Aggregate) {
	e.Node = "Aggregate"
	if len(n.Groups) > 0 {
		e.Node = "Hash Aggregate"
	}
	e.add("Group Key", formatList(n.Groups))
	for _, s := range n.Sets {
		var names []string
		for _, i := range s {
			names = append(names, formatExpr(n.Groups[i]))
		}
		e.Details = append(e.Details, explainedDetail{"Grouping Set", "(" +
			strings.Join(names, ", ") + ")"})
	}
	var calls []string
	for _, a := range n.Aggs {
		calls = append(calls, formatAgg(a))
	}
	e.add("Aggregates", strings.Join(calls, ", "))
	if n.Touched {
		e.add("Gives", "every group that rows came for")
	}
	if w := n.Window; w != nil {
		text := "state is kept for ever"
		if w.Grace != neverLate {
			text = "closes " + duration(w.Grace-w.Grace%1000) + " after its end"
		}
		if w.Final {
			text += ", results when closed"
		}
		if w.Slice != nil {
			describeSlices(e, w.Slice)
		}
		e.add("Window", text)
	}
}

// describeSlices says which windows an aggregate combines from slices.
func describeSlices(e *explained, n *plan.WindowAssign) {
	unit := n.Size
	for b := n.Slide; b != 0; {
		unit, b = b, unit%b
	}
	e.add("Slices", sprintf("%s, combined to windows of %s every %s", duration(unit),
		duration(n.Size), duration(n.Slide)))
}

func describeJoin(e *explained, n *plan.Join) {
	kind := [...]string{"", "Left ", "Right ", "Full ", "Semi ", "Anti ", "Null-Aware Anti ",
		"Mark "}[n.Kind]
	how := "Hash "
	switch {
	case n.Temporal:
		how = "Temporal "
	case len(n.LeftKeys) == 0:
		how = "Nested Loop "
	}
	e.Node = how + kind + "Join"
	var conds []string
	for i := range n.LeftKeys {
		conds = append(conds, formatExpr(n.LeftKeys[i])+" = "+formatExpr(n.RightKeys[i]))
	}
	e.add("Keys", strings.Join(conds, " AND "))
	e.add("Join Filter", formatOpt(n.Residual))
	if w := n.Within; w != nil {
		text := sprintf("%s before, %s after, grace %s", duration(w.Before), duration(w.After),
			duration(w.Grace))
		if w.Front {
			text += " behind the stream that is ahead"
		}
		e.add("Within", text)
	}
}

func describeLimit(e *explained, n *plan.Limit) {
	e.Node = "Limit"
	switch {
	case n.Partition != nil:
		e.Node = "Top N per Group"
	case n.Keys != nil:
		e.Node = "Top N"
	}
	e.add("Partition Key", formatList(n.Partition))
	e.add("Sort Key", formatOrders(n.Keys))
	e.add("Count", formatOpt(n.Count))
	e.add("Offset", formatOpt(n.Offset))
}

// keeps says what state an operator of a continuous query keeps.
//
//tidy:long one case per kind of node
func keeps(n plan.Node) string {
	switch n := n.(type) {
	case *plan.Aggregate:
		return keepsAggregate(n)
	case *plan.Distinct:
		return "every distinct row"
	case *plan.DistinctOn, *plan.Window:
		return "all rows, by partition"
	case *plan.Join:
		return keepsJoin(n)
	case *plan.Limit:
		if n.Input.Props().AppendOnly && n.Count != nil && n.Offset == nil {
			return "the first rows of each group"
		}
		return "all rows, in order"
	case *plan.SetOp:
		if n.Kind != plan.Union || !n.All {
			return "every distinct row"
		}
	case *plan.WindowAssign:
		if n.Kind == plan.Session {
			return "the open sessions"
		}
	}
	return ""
}

func keepsAggregate(n *plan.Aggregate) string {
	text := "one row per group"
	if len(n.Groups) == 0 {
		text = "one row"
	}
	for _, a := range n.Aggs {
		collects := a.Fn.Words == 0 && (a.Fn.Extreme == 0 || !n.Input.Props().AppendOnly)
		if collects || a.Distinct {
			text += " with its values"
			break
		}
	}
	if n.Window != nil && n.Window.Grace != neverLate {
		text += ", until its window closes"
	}
	return text
}

func keepsJoin(n *plan.Join) string {
	if n.Temporal {
		return "nothing: the table is looked up"
	}
	if n.Within != nil {
		return "rows of both sides, for " + duration(n.Within.Before+n.Within.After+n.Within.Grace)
	}
	l, r := n.Left.Props(), n.Right.Props()
	side := func(p *plan.Props) string {
		if p.Unbounded {
			return "all rows"
		}
		return "a constant set"
	}
	return side(l) + " of the left side, " + side(r) + " of the right side"
}

// explain plans EXPLAIN without ANALYZE: its result is the text of the plan.
// EXPLAIN ANALYZE is the session's, which runs the statement.
func (b *builder) explain(s *sql.Explain) (*plan.Plan, error) {
	if err := explainOptions(s); err != nil {
		return nil, err
	}
	p, cont, err := b.explained(s)
	if err != nil {
		return nil, err
	}
	var lines []string
	switch f := lower(s.Format); f {
	case "", "text":
		var text strings.Builder
		if cont != nil {
			writeText(&text, describeTarget(cont), 0)
			writeText(&text, describe(cont.Root, true, s.Verbose), 1)
		} else {
			explainPlan(&text, p, s.Verbose)
		}
		lines = strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	case "json":
		text, err := explainJSON(p, cont, s.Verbose)
		if err != nil {
			return nil, err
		}
		lines = []string{text}
	}
	return explainRows(lines, s.Format), nil
}

// explainOptions refuses options and formats that do not exist. The other options of
// PostgreSQL ask for figures that are shown anyway or do not exist here.
func explainOptions(s *sql.Explain) error {
	switch f := lower(s.Format); f {
	case "", "text", "json":
	case "yaml", "xml":
		return sqlerr.Unsupported("EXPLAIN (FORMAT "+strings.ToUpper(f)+")", "Use FORMAT JSON.")
	default:
		return sqlerr.New(sqlerr.InvalidParameterValue,
			"unrecognized value for EXPLAIN option \"format\": \"%s\"", f).
			WithHint("The formats are text and json.")
	}
	for _, o := range s.Options {
		on := true
		if c, ok := o.Value.(*sql.Const); ok {
			v := lower(c.Val)
			on = v != "off" && v != "false" && v != "0"
		}
		switch o.Name {
		case "costs", "settings", "buffers", "summary":
		case "timing", "wal":
			if on && !s.Analyze {
				return sqlerr.New(sqlerr.InvalidParameterValue, "EXPLAIN option %s requires ANALYZE",
					strings.ToUpper(o.Name))
			}
		default:
			return sqlerr.New(sqlerr.SyntaxError,
				"unrecognized EXPLAIN option \"%s\"", o.Name).At(o.Pos()).
				WithHint("The options are analyze, verbose and format.")
		}
	}
	return nil
}

// explained plans what is to be explained: a statement, or a running query.
func (b *builder) explained(s *sql.Explain) (*plan.Plan, *plan.Continuous, error) {
	if s.Stmt == nil {
		q, err := b.queryNamed(sql.Target{Name: s.Query})
		if err != nil {
			return nil, nil, err
		}
		c, err := BuildContinuous(q, b.env)
		return nil, c, err
	}
	p, err := Build(s.Stmt, b.env)
	if err != nil {
		return nil, nil, err
	}
	c, err := b.previewContinuous(p)
	return p, c, err
}

// previewContinuous plans the query that a CREATE ... AS would start.
func (b *builder) previewContinuous(p *plan.Plan) (*plan.Continuous, error) {
	var q catalog.Query
	var env = *b.env
	switch c := p.Command.(type) {
	case *catalog.CreateRelation:
		if c.Query == nil {
			return nil, nil
		}
		next, change, err := b.env.Snapshot.Apply(b.env.Snapshot.Version+1,
			&catalog.CreateRelation{Relation: c.Relation, Query: c.Query, OrReplace: c.OrReplace})
		if err != nil || len(change.Queries) == 0 {
			return nil, err
		}
		env.Snapshot, q = next, *change.Queries[len(change.Queries)-1]
	case *catalog.CreateQuery:
		q = c.Query
	default:
		return nil, nil
	}
	return BuildContinuous(&q, &env)
}

func describeTarget(c *plan.Continuous) *explained {
	e := &explained{Node: "Keep " + kindWord(c.Target.Kind) + " " + c.Target.Name}
	var key []string
	for _, k := range c.Target.Key {
		key = append(key, c.Target.Columns[k].Name)
	}
	e.add("Key", strings.Join(key, ", "))
	switch {
	case c.Target.AppendOnly:
		e.add("Rows", "appended")
	case len(key) == 0:
		e.add("Rows", "whole rows, with their number")
	}
	return e
}

func explainJSON(p *plan.Plan, c *plan.Continuous, verbose bool) (string, error) {
	var root *explained
	switch {
	case c != nil:
		root = describeTarget(c)
		root.Children = []*explained{describe(c.Root, true, verbose)}
	case p.Write != nil:
		root = describeWhole(p.Write, verbose)
	case p.Root != nil:
		root = describe(p.Root, p.Emit != nil, verbose)
	default:
		root = &explained{Node: p.Tag}
	}
	if c == nil {
		for i, s := range p.Subplans {
			sub := describe(s, false, verbose)
			sub.add("Subplan Name", sprintf("SubPlan %d", i+1))
			root.Children = append(root.Children, sub)
		}
	}
	fillFields(root)
	text, err := json.MarshalIndent([]map[string]*explained{{"Plan": root}}, "", "  ")
	return string(text), err
}

// has tells whether a detail is there.
func (e *explained) has(label string) bool {
	return slices.ContainsFunc(e.Details, func(d explainedDetail) bool { return d.label == label })
}

func fillFields(e *explained) {
	for _, d := range e.Details {
		if d.label == "Output" && d.text == strings.Join(e.Output, ", ") {
			continue // the list has it
		}
		if e.Fields == nil {
			e.Fields = map[string]string{}
		}
		if old, ok := e.Fields[d.label]; ok {
			d.text = old + "; " + d.text
		}
		e.Fields[d.label] = d.text
	}
	for _, c := range e.Children {
		fillFields(c)
	}
}

// explainRows is a plan whose result are lines of text.
func explainRows(lines []string, format string) *plan.Plan {
	t := textType()
	if lower(format) == "json" {
		t = types.Of(types.JSON)
	}
	v := &plan.Values{}
	v.Out = []plan.Column{{Name: "QUERY PLAN", Type: t}}
	for _, l := range lines {
		v.Rows = append(v.Rows, []expr.Expr{&expr.Const{D: types.TextDatum(l), T: t}})
	}
	return &plan.Plan{Root: v, Columns: v.Out, Tag: "EXPLAIN"}
}
