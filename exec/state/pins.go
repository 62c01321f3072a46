package state

import "sync"

// Pins is what readers hold on to: the epochs whose versions arrangements must
// keep. One Pins serves all arrangements of a node, so that a pin is one
// consistent cut over all of them.
type Pins struct {
	mu        sync.Mutex
	published uint64
	held      map[uint64]int // number of pins per epoch
}

// NewPins makes a Pins with no epoch published.
func NewPins() *Pins { return &Pins{held: map[uint64]int{}} }

// Publish makes an epoch the one that readers get; every arrangement has
// committed it.
func (p *Pins) Publish(epoch uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.published = max(p.published, epoch)
}

// Published gives the last published epoch.
func (p *Pins) Published() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.published
}

// Pin holds the published epoch until release is called.
func (p *Pins) Pin() *Pin {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[p.published]++
	return &Pin{Epoch: p.published, pins: p}
}

// PinAt holds an older epoch, if it is still kept.
func (p *Pins) PinAt(epoch uint64) (*Pin, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if epoch > p.published || epoch < p.horizonLocked() {
		return nil, false
	}
	p.held[epoch]++
	return &Pin{Epoch: epoch, pins: p}, true
}

// Horizon gives the oldest epoch that someone may still read.
func (p *Pins) Horizon() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.horizonLocked()
}

func (p *Pins) horizonLocked() uint64 {
	h := p.published
	for e := range p.held {
		h = min(h, e)
	}
	return h
}

// Pin is an epoch held for reading.
type Pin struct {
	Epoch uint64
	pins  *Pins
}

// Release lets the epoch go. Further calls do nothing.
func (p *Pin) Release() {
	if p.pins == nil {
		return
	}
	p.pins.mu.Lock()
	defer p.pins.mu.Unlock()
	if p.pins.held[p.Epoch]--; p.pins.held[p.Epoch] == 0 {
		delete(p.pins.held, p.Epoch)
	}
	p.pins = nil
}
