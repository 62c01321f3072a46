package session

import (
	"context"
	"errors"
	"iter"

	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// source gives the rows of a portal piece by piece.
type source interface {
	// next gives the next batch, without weights and valid until the call after;
	// nil at the end. ctx bounds the wait, not the source.
	next(ctx context.Context) (*batch.Batch, error)
	close()
}

// errWaited says that next waited as long as it was allowed to.
var errWaited = errors.New("session: no row within the time")

// pull is a bounded execution that is suspended between two batches. It is a
// coroutine: it runs only while next waits for it, so that it never races with
// the statements in between for the transaction's state.
type pull struct {
	x      *scope
	take   func() (*batch.Batch, bool)
	stop   func()
	ctx    context.Context
	cancel context.CancelCauseFunc
	err    error
}

func (s *Session) pull(x *scope, p *plan.Plan, params []types.Datum) *pull {
	u := &pull{x: x}
	u.ctx, u.cancel = context.WithCancelCause(s.ctx)
	rd := x.read(p, params)
	if rd.Txn != nil { // what is written between two rows is not seen
		rd.Txn = rd.Txn.Frozen(p.Sources)
	}
	u.take, u.stop = iter.Pull(func(yield func(*batch.Batch) bool) {
		u.err = s.host.engine.Run(u.ctx, rd, func(b *batch.Batch) error {
			return expand(b, func(b *batch.Batch) error {
				if !yield(b) {
					return exec.ErrEnough
				}
				return nil
			})
		})
	})
	return u
}

func (u *pull) next(ctx context.Context) (*batch.Batch, error) {
	defer context.AfterFunc(ctx, func() { u.cancel(context.Cause(ctx)) })()
	b, ok := u.take()
	if !ok {
		return nil, u.err
	}
	return b, nil
}

func (u *pull) close() {
	u.stop()
	u.cancel(nil)
	u.x.close()
}

// stream is a subscription that runs beside the session. Its goroutine belongs to
// the portal: it hands over one batch at a time over an unbuffered channel, waits
// until the batch was used, and ends when the portal is closed or the session
// ends; close waits for it.
type stream struct {
	x       *scope
	batches chan *batch.Batch
	resume  chan struct{}
	done    chan struct{}
	cancel  context.CancelCauseFunc
	held    bool // a batch was handed over and not given back
	err     error
}

func (s *Session) stream(x *scope, p *plan.Plan, params []types.Datum) *stream {
	ctx, cancel := context.WithCancelCause(s.ctx)
	u := &stream{x: x, batches: make(chan *batch.Batch), resume: make(chan struct{}),
		done: make(chan struct{}), cancel: cancel}
	buffer := s.settings.int(idxSubscriberBuffer)
	go func() {
		defer close(u.done)
		out := func(b *batch.Batch) error {
			return expand(b, func(b *batch.Batch) error { return u.hand(ctx, b) })
		}
		u.err = s.subscribe(ctx, x, p, params, buffer, out, func() error { return nil })
	}()
	return u
}

func (u *stream) hand(ctx context.Context, b *batch.Batch) error {
	select {
	case u.batches <- b:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-u.resume:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *stream) next(ctx context.Context) (*batch.Batch, error) {
	if u.held {
		u.held = false
		select {
		case u.resume <- struct{}{}:
		case <-u.done:
		}
	}
	select {
	case b := <-u.batches:
		u.held = true
		return b, nil
	case <-u.done:
		return nil, u.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (u *stream) close() {
	u.cancel(nil)
	<-u.done
	u.x.close()
}

// stored gives rows that are all there already.
type stored struct{ list []*batch.Batch }

func (u *stored) next(context.Context) (*batch.Batch, error) {
	if len(u.list) == 0 {
		return nil, nil
	}
	b := u.list[0]
	u.list = u.list[1:]
	return b, nil
}

func (u *stored) close() { u.list = nil }
