package exec

import "github.com/millracedb/millrace/planner/plan"

// comesFirst tells whether all rows of a bounded subtree are pushed while its
// sources are read, so that they are there before the rows of sources that are
// read later. Operators that keep rows give them at the end of the epoch only.
func comesFirst(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Scan, *plan.SystemScan, *plan.Changelog:
		return true
	case *plan.Filter, *plan.Project:
	case *plan.WindowAssign:
		if n.Kind == plan.Session {
			return false
		}
	case *plan.FuncScan:
		if n.Input == nil {
			return false
		}
	case *plan.SetOp:
		if n.Kind != plan.Union || !n.All {
			return false
		}
	default:
		return false
	}
	for _, in := range n.Inputs() {
		if !comesFirst(in) {
			return false
		}
	}
	return true
}
