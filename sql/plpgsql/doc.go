// Package plpgsql reads blocks of PL/pgSQL, the language of DO: text to tree, with the
// names of variables resolved and the SQL within parsed.
//
// It runs nothing and knows no catalog: what a type name means, and whether a name in SQL is
// a column, is found out by who runs the block (pgwire/session). It has no lexical rules of
// its own: tokens are those of sql/parse.
//
// Invariant: no text makes it panic or recurse without bound; what it refuses, it refuses
// with a *sqlerr.Error whose offset is in the block's text.
package plpgsql
