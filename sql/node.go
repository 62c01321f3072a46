package sql

// Node is any part of a tree that knows where it was written.
type Node interface {
	// Pos is the 0-based byte offset of the node in the text of the whole query string.
	// It points at the token that an error about the node should point at: the operator
	// of a binary expression, the first word of a name. Negative: made, not written.
	Pos() int
}

// Loc is the byte offset of a node. It is embedded in every node.
type Loc int32

// NoLoc is the position of a node that no text was written for.
const NoLoc Loc = -1

// Pos returns the byte offset.
func (l Loc) Pos() int { return int(l) }

// Expr is any scalar expression.
type Expr interface {
	Node
	exprNode()
}

// Body is what a query computes before ORDER BY: *Select, *SetOp, *Values or *Query (a
// bracketed query with clauses of its own).
type Body interface {
	Node
	bodyNode()
}

// TableRef is one element of FROM: *Table, *TableFunc, *Derived or *Join.
type TableRef interface {
	Node
	tableRefNode()
}

// Statement is one parsed statement; there is one struct type per statement.
type Statement interface {
	Node
	// Range returns the byte offsets of the statement's text, without the semicolon.
	Range() (start, end int)
	// SetRange is for the parser.
	SetRange(start, end int)
	statementNode()
}

// Extent is the piece of text a statement was read from. It is embedded in every statement.
type Extent struct{ Start, End int32 }

// Pos returns the offset of the first byte.
func (e *Extent) Pos() int { return int(e.Start) }

// Range returns the offsets of the first byte and of the byte after the last.
func (e *Extent) Range() (start, end int) { return int(e.Start), int(e.End) }

// SetRange sets both offsets.
func (e *Extent) SetRange(start, end int) { e.Start, e.End = int32(start), int32(end) }

func (*Extent) statementNode() {}

// Name is a name of one or more parts, each folded to lower case unless it was quoted.
type Name []string

// Last returns the part that names the thing itself.
func (n Name) Last() string {
	if len(n) == 0 {
		return ""
	}
	return n[len(n)-1]
}

// Schema returns the part before the last, or "".
func (n Name) Schema() string {
	if len(n) < 2 {
		return ""
	}
	return n[len(n)-2]
}

// Option is one name = value of a WITH list, a COPY list or the like. The name is folded to
// lower case unless it was quoted with double quotes; a name without a value has a nil Value.
type Option struct {
	Loc
	Name  string
	Value Expr
}
