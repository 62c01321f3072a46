package session

import (
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/sql/batch"
)

// epochs makes an emitter an exec.Subscriber.
type epochs struct{ f *emitter }

// Rows implements exec.Subscriber.
func (e *epochs) Rows(epoch exec.Epoch, b *batch.Batch) error {
	return e.f.rows(uint64(epoch), b)
}

// Progress implements exec.Subscriber.
func (e *epochs) Progress(epoch exec.Epoch, _ int64) error { return e.f.progress(uint64(epoch)) }
