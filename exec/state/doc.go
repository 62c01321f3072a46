// Package state holds what operators remember: hash tables, row stores, ordered
// multisets and readable arrangements, in pages without pointers that the garbage
// collector does not look at, and the checkpoint files that make them durable.
//
// It knows values in their physical forms and keys by equality; it knows no
// operators, no plans and no log. Invariant: what a store contains is a function
// of the calls made to it, and Save followed by Load gives an equal store.
//
// Numbers that led to the layout (docs/internals): at one million groups an
// open-addressing index with batched probes costs 67 ns a row where Go's map
// costs 156 to 204, and a garbage collection over maps of pointers costs up to a
// second of processor time per five million entries.
package state
