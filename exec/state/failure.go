package state

import "errors"

// ErrFull says that a store cannot hold more.
var ErrFull = errors.New("state is full")

// Failure carries an error out of the middle of a store's work: a store cannot
// hold more, or what it moved to disk does not come back. Stores are looked at
// through pointers in the hottest loops, which have no room for an error; the
// owner's boundary, Catch, makes it one.
type Failure struct{ err error }

// Error gives the text of what failed.
func (f *Failure) Error() string { return f.err.Error() }

// Unwrap gives what failed.
func (f *Failure) Unwrap() error { return f.err }

// Fail leaves the work of a store with an error, up to the next Catch. The store
// must not be used again.
func Fail(err error) { panic(&Failure{err}) }

// Catch, deferred, makes a Failure the error that a function returns. Whatever
// else unwinds goes on.
func Catch(err *error) {
	switch f := recover().(type) {
	case nil:
	case *Failure:
		*err = f.err
	default:
		panic(f)
	}
}
