// Package parse turns text into statement trees. It is the only package that sees TiDB's
// parser.
//
// Steps: the whole text becomes tokens (token.go, PostgreSQL's lexical rules and ksqlDB's);
// the first word of a statement picks a function (statement.go) which reads it by recursive
// descent; expressions are read by precedence climbing (expr.go); and wherever a query may
// stand, its outline - the clause words and brackets, with an atom for every expression and
// name - goes to TiDB's parser, which decides how the parts nest (outline.go, tidb.go).
//
// It is not a checker: names and types are looked up by the planner.
//
// Invariant: no text makes it panic, recurse without bound or take more than linear memory;
// what it refuses, it refuses with a *sqlerr.Error that has the position of the culprit.
package parse
