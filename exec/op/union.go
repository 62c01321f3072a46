package op

import "github.com/millracedb/millrace/sql/batch"

// Union passes the rows of all its ports on: UNION ALL.
type Union struct {
	stateless
	out Sink
}

// NewUnion makes a Union.
func NewUnion(out Sink) *Union { return &Union{out: out} }

// Push implements Op.
func (u *Union) Push(_ int, b *batch.Batch) error {
	if b.Rows() == 0 {
		return nil
	}
	return u.out.Push(b)
}

// EndEpoch implements Op.
func (u *Union) EndEpoch(Epoch) error { return nil }
