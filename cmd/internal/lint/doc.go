// Package lint holds the tests that keep the house in shape: the direction of
// imports, the doors of third-party packages, the size of functions and files,
// and words that do not belong. It has no code of its own: every rule is a test
// whose failure says what to do.
package lint
