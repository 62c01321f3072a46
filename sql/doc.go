// Package sql is what a statement is: the tree, the positions in the text it came from, and
// its canonical printed form.
//
// It is not a parser (sql/parse makes the trees), and it knows no catalog: a name in a tree
// is what the user wrote, folded, and means nothing until the planner binds it.
//
// Invariant: a tree is plain data. Nothing in it is shared with the parser's caches, and for
// every statement x that the parser can make, parsing Print(x) gives x again, apart from
// positions.
package sql
