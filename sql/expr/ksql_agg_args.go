package expr

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// fixedAggArgs names aggregates of ksqlDB by the first of their arguments that are the
// same for all rows: how many values are kept, and whether NULLs are left out.
var fixedAggArgs = map[string]int{"latest_by_offset": 1, "earliest_by_offset": 1,
	"topkdistinct": 1, "collect_list": 1, "collect_set": 1}

// checkFixedArgs refuses columns where an aggregate of ksqlDB takes a constant, and a
// number of values that is not positive.
func checkFixedArgs(call *AggCall, e *sql.Call) error {
	from, ok := fixedAggArgs[call.Name]
	if call.Name == "topk" {
		from, ok = len(call.Args)-1, true
	}
	for i := from; ok && i < len(call.Args) && i < len(e.Args); i++ {
		if !isFixedArg(call.Args[i]) {
			return sqlerr.New(sqlerr.InvalidParameterValue,
				"argument %d of %s must be a constant", i+1, call.Name).At(e.Args[i].Pos()).
				WithHint("It is the same for all rows of a group: write the value.")
		}
		k, isConst := call.Args[i].(*Const)
		offset := call.Name == "latest_by_offset" || call.Name == "earliest_by_offset"
		if offset && isConst && k.T.Kind == types.Int4 && !k.D.Null && k.D.I < 1 {
			return sqlerr.New(sqlerr.InvalidParameterValue, "number of values must be positive").
				At(e.Args[i].Pos())
		}
	}
	return nil
}

// isFixedArg tells whether an expression has no columns.
func isFixedArg(x Expr) bool {
	fixed := true
	Walk(x, func(x Expr) bool {
		switch x.(type) {
		case *Col, *Outer, *Subplan:
			fixed = false
		}
		return fixed
	})
	return fixed
}

// shapedAggs are the aggregates that give values as they got them.
var shapedAggs = map[string]bool{"min": true, "max": true, "attr": true, "topk": true,
	"topkdistinct": true, "collect_list": true, "collect_set": true, "latest_by_offset": true,
	"earliest_by_offset": true}

// shapedResult is the result type of an aggregate that gives values as it got them: in
// ksqlDB's dialect DECIMALs keep their precision and scale.
func (c *checker) shapedResult(call *AggCall) types.Type {
	if !c.ksql || !shapedAggs[call.Name] || len(call.Args) == 0 {
		return call.T
	}
	t := call.Args[0].Type()
	if _, _, ok := t.PrecisionScale(); !ok || t.Kind != types.Numeric {
		return call.T
	}
	switch {
	case call.T.Kind == types.Numeric:
		return t
	case call.T.Kind == types.Array && elemOf(call.T).Kind == types.Numeric:
		return types.ArrayOf(t)
	}
	return call.T
}
