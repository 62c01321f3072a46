package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// Context is what the operators of one task share.
type Context struct {
	// Env is the environment of expressions. The task sets Now and Epoch before
	// it pushes an epoch's rows.
	Env *expr.Env
	// Mem counts and gives out the memory of state; nil: the Go heap, uncounted.
	Mem *state.Memory
	// Bounded says that there will be one epoch, over a snapshot: no row is ever
	// retracted, and state for later epochs is not kept.
	Bounded bool
}

// relaxEvery is after how many entries of a long loop over state an operator lets
// cold memory go; it holds no pointers into its stores then.
const relaxEvery = 1024

// Late is implemented by operators that drop rows of closed windows.
type Late interface {
	// LateRows gives how many rows were dropped so far.
	LateRows() int64
}

// rowsOf gives the physical rows of a batch that count.
func rowsOf(b *batch.Batch) []uint16 {
	if b.Sel != nil {
		return b.Sel
	}
	return identity[:b.N]
}

// identity selects all rows of a batch.
var identity = func() (ids [batch.MaxRows]uint16) {
	for i := range ids {
		ids[i] = uint16(i)
	}
	return ids
}()

var (
	int8Type = types.Of(types.Int8)
	boolType = types.Of(types.Bool)
)

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 64))
	}
	return s[:n]
}

// builder collects output rows and pushes them in full batches. It keeps its
// memory, so that it allocates nothing once it has grown.
type builder struct {
	out   Sink
	b     *batch.Batch
	w     []int32
	mixed bool // some weight is not +1
	maps  []batch.Bitmap
}

func newBuilder(ts []types.Type, out Sink) *builder {
	return &builder{out: out, b: batch.New(ts, 64)}
}

// cols gives the vectors that a row is appended to before end.
func (o *builder) cols() []*batch.Vector { return o.b.Cols }

// end ends a row that was appended to all columns, and pushes a full batch.
func (o *builder) end(w int32) error {
	o.w = append(o.w, w)
	o.mixed = o.mixed || w != 1
	o.b.N++
	if o.b.N == batch.MaxRows || o.b.N&63 == 0 && o.bytes() >= batch.MaxBytes {
		return o.flush()
	}
	return nil
}

// endWide is end for a weight that may not fit a batch's.
func (o *builder) endWide(w int64) error {
	if w == int64(int32(w)) {
		return o.end(int32(w))
	}
	return errWeight(w)
}

func (o *builder) bytes() int {
	n := 0
	for _, v := range o.b.Cols {
		n += len(v.Buf)
	}
	return n
}

// room makes room for n rows, at most batch.MaxRows, that endAll ends.
func (o *builder) room(n int) error {
	if o.b.N+n > batch.MaxRows {
		return o.flush()
	}
	return nil
}

// endAll ends rows that were appended to all columns, in room that was made.
func (o *builder) endAll(ws []int32) error {
	o.w = append(o.w, ws...)
	o.b.N += len(ws)
	for _, w := range ws {
		o.mixed = o.mixed || w != 1
	}
	if o.b.N == batch.MaxRows || o.bytes() >= batch.MaxBytes {
		return o.flush()
	}
	return nil
}

// row appends a row of a batch.
func (o *builder) row(from []*batch.Vector, i int, w int32) error {
	for c, v := range o.b.Cols {
		v.AppendRow(from[c], i)
	}
	return o.end(w)
}

// flush pushes what there is.
func (o *builder) flush() error {
	if o.b.N == 0 {
		return nil
	}
	if o.mixed {
		o.b.W = o.w
	}
	maps := o.maps[:0]
	for _, v := range o.b.Cols {
		maps = append(maps, v.Valid)
		if v.Valid != nil && v.Valid.CountNull(o.b.N) == 0 {
			v.Valid = nil
		}
	}
	o.maps = maps
	err := o.out.Push(o.b)
	o.b.Reset()
	for i, m := range maps {
		// A bitmap once made is used again: an empty one means no row yet.
		if m != nil {
			o.b.Cols[i].Valid = m[:0]
		}
	}
	o.w, o.mixed = o.w[:0], false
	return err
}
