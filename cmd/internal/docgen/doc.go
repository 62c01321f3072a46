// Package docgen holds the tests that keep the documentation true: every block
// of SQL in README.md and below docs is executed and its output compared, and the
// reference pages are generated from the program itself. It has no code of its
// own.
//
// Invariant: a page never shows a result that the server does not give. With
// -rewrite the tests write what the server gives into the pages.
package docgen
