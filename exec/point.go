package exec

import (
	"context"
	"sync"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
)

// points is what readers see: the last published epoch, the pinned ones, and the
// sessions that wait for one to come.
type points struct {
	mu      sync.Mutex
	epoch   log.Epoch
	clock   int64
	snap    *catalog.Snapshot
	pins    *state.Pins
	waiters map[log.Epoch][]chan struct{}
	failed  error // the loop ended: nothing more is published
}

func newPoints(snap *catalog.Snapshot) *points {
	return &points{
		snap:    snap,
		pins:    state.NewPins(),
		waiters: map[log.Epoch][]chan struct{}{},
	}
}

// publish makes epoch the readable one and lets its waiters go on.
func (p *points) publish(epoch log.Epoch, clock int64, snap *catalog.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch, p.clock, p.snap = epoch, clock, snap
	p.pins.Publish(uint64(epoch))
	for e, ws := range p.waiters {
		if e <= epoch {
			for _, w := range ws {
				close(w)
			}
			delete(p.waiters, e)
		}
	}
}

func (p *points) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = err
	for e, ws := range p.waiters {
		for _, w := range ws {
			close(w)
		}
		delete(p.waiters, e)
	}
}

// wait returns when epoch is published.
func (p *points) wait(ctx context.Context, epoch log.Epoch) error {
	p.mu.Lock()
	if p.epoch >= epoch || p.failed != nil {
		defer p.mu.Unlock()
		return p.failed
	}
	w := make(chan struct{})
	p.waiters[epoch] = append(p.waiters[epoch], w)
	p.mu.Unlock()
	select {
	case <-w:
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.epoch >= epoch {
			return nil
		}
		return p.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pin pins the newest published epoch for reading. The caller releases it.
func (e *Engine) Pin() *ReadPoint {
	p := e.points
	p.mu.Lock()
	defer p.mu.Unlock()
	return &ReadPoint{Epoch: p.epoch, Clock: p.clock, Catalog: p.snap, pin: p.pins.Pin()}
}

// PinAt pins an earlier epoch that is still kept; ok is false when it is not.
// The catalog and the clock are those of now.
func (e *Engine) PinAt(epoch log.Epoch) (*ReadPoint, bool) {
	p := e.points
	p.mu.Lock()
	defer p.mu.Unlock()
	pin, ok := p.pins.PinAt(uint64(epoch))
	if !ok {
		return nil, false
	}
	return &ReadPoint{Epoch: epoch, Clock: p.clock, Catalog: p.snap, pin: pin}, true
}

// Release gives the epoch free. Further calls do nothing.
func (r *ReadPoint) Release() { r.pin.Release() }

// WaitApplied returns when the epoch's effect is readable in every view.
func (e *Engine) WaitApplied(ctx context.Context, epoch log.Epoch) error {
	return e.points.wait(ctx, epoch)
}

// Catalog gives the catalog as of the newest published epoch.
func (e *Engine) Catalog() *catalog.Snapshot {
	e.points.mu.Lock()
	defer e.points.mu.Unlock()
	return e.points.snap
}
