package exec

import (
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
)

// heldDelta is an epoch that waits for a source whose query is outside the common
// epoch, with the event time of the other sources in that epoch.
type heldDelta struct {
	epochDelta
	times map[*relation]*watermark
}

// hold makes the feed's epochs wait for a source.
func (f *feed) hold(r *relation) { f.late = append(f.late, r) }

// withTimes notes the present event time of the sources that are not late.
func (f *feed) withTimes(d epochDelta) heldDelta {
	h := heldDelta{d, make(map[*relation]*watermark, len(f.rels))}
	for _, r := range f.rels {
		if !slices.Contains(f.late, r) {
			h.times[r] = r.wm.clone()
		}
	}
	return h
}

func (w *watermark) clone() *watermark {
	c := *w
	c.Parts = slices.Clone(w.Parts)
	return &c
}

// attach adds a late source's changes, and its event time, to the epoch that they
// belong to.
func (f *feed) attach(epoch log.Epoch, r *relation, delta []*rows) {
	i := slices.IndexFunc(f.held, func(h heldDelta) bool { return h.epoch == epoch })
	if i < 0 {
		return
	}
	h := &f.held[i]
	h.times[r] = r.wm.clone()
	if len(delta) == 0 {
		return
	}
	if h.rows == nil {
		h.rows = map[catalog.OID][]*rows{}
	}
	h.rows[r.cat.OID] = delta
	for _, x := range delta {
		h.bytes += deltaBytes(x)
	}
}

// letGo hands over the epochs that are complete: up to one for a feed with one late
// source; those with several wait for all to be back.
func (f *feed) letGo(epoch log.Epoch) {
	if len(f.late) > 1 {
		return
	}
	n := 0
	for n < len(f.held) && f.held[n].epoch <= epoch {
		f.release(&f.held[n])
		n++
	}
	f.held = slices.Delete(f.held, 0, n)
}

// release hands over an epoch with the event time that its sources had.
func (f *feed) release(h *heldDelta) {
	for r, w := range h.times {
		r.wm, h.times[r] = w, r.wm
	}
	h.at = f.progress(h.clock)
	for r, w := range h.times {
		r.wm = w
	}
	f.enqueue(h.epochDelta)
}

// free ends hold for a source that is back: everything is complete when it was the
// last one.
func (f *feed) free(r *relation) {
	if i := slices.Index(f.late, r); i >= 0 {
		f.late = slices.Delete(f.late, i, i+1)
	}
	if len(f.late) > 0 {
		return
	}
	for i := range f.held {
		f.release(&f.held[i])
	}
	f.held = nil
}

// empty tells whether nothing waits.
func (f *feed) empty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.queue) == 0
}

// size gives the bytes that wait.
func (f *feed) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bytes
}
