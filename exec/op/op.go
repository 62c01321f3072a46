// Package op holds the operators: each takes change batches and gives change
// batches, incrementally. The same operators serve continuous queries (an epoch
// after the other) and bounded reads (one epoch over a snapshot).
//
// Operators start no goroutine, read no clock, use no randomness and never
// iterate a map: their output is a function of their input alone, row order
// included.
package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
)

// Sink takes an operator's output. The batch is read-only for the sink and
// valid until Push returns.
type Sink interface {
	Push(b *batch.Batch) error
}

// SinkFunc makes a function a Sink.
type SinkFunc func(b *batch.Batch) error

// Push implements Sink.
func (f SinkFunc) Push(b *batch.Batch) error { return f(b) }

// Epoch is what operators learn at the end of an epoch.
type Epoch struct {
	N     uint64
	Clock int64 // the epoch's clock, microseconds; now() of continuous queries
	// Watermark: no row with an earlier event time will come after this epoch;
	// math.MinInt64 while unknown, math.MaxInt64 at the end of bounded input.
	Watermark int64
	// Front is the time of the source that is furthest ahead, where Watermark is
	// that of the last one; never before Watermark.
	Front int64
	// Bounded says that this is the only epoch of a bounded execution: results
	// may be emitted in final order (Sort, Limit), and state need not be kept.
	Bounded bool
}

// Op is an operator. One goroutine at a time uses it. Its output is the Sink it
// was made with; it emits from Push (stateless operators and linear joins) or from
// EndEpoch (aggregates: consolidated changes), in batches of at most
// batch.MaxRows rows.
type Op interface {
	// Push takes a batch on input port in (joins: 0 left, 1 right).
	Push(in int, b *batch.Batch) error
	// EndEpoch says that all inputs of the epoch were pushed. Inputs' EndEpoch was
	// called before. A failing operator is not used again.
	EndEpoch(e Epoch) error
	// Save writes the state that changed since the last Save; Load starts from
	// what was saved. Stateless operators do nothing.
	Save(w *state.Writer) error
	Load(r *state.Reader) error
	// Memory is the bytes of state held; Rows the number of rows or groups.
	Memory() Usage
	// Close gives memory back.
	Close()
}

// Usage is what an operator keeps.
type Usage struct {
	Bytes int64
	Rows  int64
}
