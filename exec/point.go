package exec

import (
	"context"
	"maps"
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
	// late are the targets of queries outside the common epoch; guarded by mu.
	late map[catalog.OID]*laggard
	// frozen are the targets of queries that read history anew, with the epoch that
	// they show until then; guarded by mu.
	frozen map[catalog.OID]log.Epoch
	// thawed are those that the next epoch shows as they are; guarded by mu.
	thawed []catalog.OID
}

func newPoints(snap *catalog.Snapshot) *points {
	return &points{
		snap:    snap,
		pins:    state.NewPins(),
		waiters: map[log.Epoch][]chan struct{}{},
		late:    map[catalog.OID]*laggard{},
		frozen:  map[catalog.OID]log.Epoch{},
	}
}

// publish makes epoch the readable one and lets its waiters go on.
func (p *points) publish(epoch log.Epoch, clock int64, snap *catalog.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch, p.clock, p.snap = epoch, clock, snap
	p.pins.Publish(uint64(epoch))
	for _, oid := range p.thawed {
		delete(p.frozen, oid)
	}
	p.thawed = p.thawed[:0]
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
	r := &ReadPoint{Epoch: p.epoch, Clock: p.clock, Catalog: p.snap, pin: p.pins.Pin()}
	p.pinLate(r)
	return r
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
	r := &ReadPoint{Epoch: epoch, Clock: p.clock, Catalog: p.snap, pin: pin}
	p.pinLate(r)
	return r, true
}

// freeze notes that a target stays as it is until its query has read history anew;
// thaw ends that with the next epoch that is published.
func (p *points) freeze(oid catalog.OID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.frozen[oid]; !ok {
		p.frozen[oid] = p.epoch
	}
}

func (p *points) thaw(oid catalog.OID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed = append(p.thawed, oid)
}

// pinLate pins what is complete of targets that are behind.
func (p *points) pinLate(r *ReadPoint) {
	if len(p.frozen) > 0 {
		r.frozen = maps.Clone(p.frozen)
	}
	for oid, l := range p.late {
		if l.at >= r.Epoch {
			continue
		}
		if r.behind == nil {
			r.behind = map[catalog.OID]behindPoint{}
		}
		r.behind[oid] = behindPoint{l.at, l.pins.Pin()}
	}
}

// behind notes that a target is complete up to an earlier epoch only.
func (p *points) behind(oid catalog.OID, l *laggard) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late[oid] = l
}

// reach notes that a target is complete up to an epoch.
func (p *points) reach(l *laggard, epoch log.Epoch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.at = epoch
	l.pins.Publish(uint64(epoch))
}

// caughtUp ends behind.
func (p *points) caughtUp(oid catalog.OID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.late, oid)
}

// Release gives the epoch free. Further calls do nothing.
func (r *ReadPoint) Release() {
	r.pin.Release()
	for _, b := range r.behind {
		b.pin.Release()
	}
}

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
