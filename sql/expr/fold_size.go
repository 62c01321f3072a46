package expr

import "github.com/millracedb/millrace/sql/types"

// maxFolded is how many bytes a call may give that is computed while a statement is planned:
// a short text could ask for gigabytes before anybody knows whether they are needed.
const maxFolded = 1 << 20

// foldable tells whether no call in e whose arguments are constants may give more than
// maxFolded.
func foldable(e Expr) bool {
	ok := true
	Walk(e, func(x Expr) bool {
		if c, is := x.(*Call); is && ok {
			ok = foldedSize(c) <= maxFolded
		}
		return ok
	})
	return ok
}

// foldedSize bounds the bytes that a call gives which may give many more than it takes; it
// is 0 for others, and where an argument is not constant.
func foldedSize(e *Call) float64 {
	text := func(i int) float64 { return float64(len(constOf(e, i).S)) }
	number := func(i int) float64 { return float64(max(constOf(e, i).I, 0)) }
	switch e.Fn.Name {
	case "repeat":
		return text(0) * number(1)
	case "lpad", "rpad":
		return number(1) * 4
	case "replace", "regexp_replace", "translate":
		return text(0) * text(2)
	case "array_join":
		return text(0) * text(1)
	case "array_fill":
		size := text(0) + 8
		if len(e.Args) > 1 {
			for _, n := range constOf(e, 1).Array(types.Of(types.Int4)).Elems {
				size *= float64(max(n.I, 0))
			}
		}
		return size
	}
	return 0
}

// constOf gives an argument that is a constant, or an empty value.
func constOf(e *Call, i int) types.Datum {
	if i < len(e.Args) {
		if c, ok := e.Args[i].(*Const); ok && !c.D.Null {
			return c.D
		}
	}
	return types.Datum{}
}
