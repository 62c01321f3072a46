package segment

import "github.com/millracedb/millrace/log"

// A fed stream has rows of clients and rows that continuous queries derive. Its order is
// that of the epochs, in each the clients' rows first, whenever the engine comes to
// them: an entry's rows wait here until the derived rows of all earlier epochs are in. So
// offsets are the same on every replica, and after every restart.

// waiting is what an entry of a later epoch did to a partition: rows, or TRUNCATE.
type waiting struct {
	block *log.Block // nil: the partition is emptied
	epoch log.Epoch
}

// Fed tells whether a stream is fed. The offsets of its blocks are known when the engine
// runs their epoch, not before.
func (s *Set) Fed(id log.StreamID) bool {
	st := (*s.streams.Load())[id]
	return st != nil && st.fed.Load()
}

// inOrder does w now if the derived rows before it are in, else when they are.
func (p *partition) inOrder(s *Set, w waiting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waits) == 0 && w.epoch <= s.Ended()+1 {
		p.doLocked(w)
		return
	}
	p.waits = append(p.waits, w)
}

func (p *partition) doLocked(w waiting) {
	if w.block == nil {
		p.trimLocked(p.view.Load().end, w.epoch)
		return
	}
	p.appendLocked(w.block)
}

// release does what waited for the end of an epoch.
func (s *Set) release(ended log.Epoch) {
	for _, st := range *s.streams.Load() {
		if !st.fed.Load() {
			continue
		}
		for _, p := range *st.parts.Load() {
			p.mu.Lock()
			n := 0
			for n < len(p.waits) && p.waits[n].epoch <= ended+1 {
				p.doLocked(p.waits[n])
				n++
			}
			if p.waits = p.waits[n:]; len(p.waits) == 0 {
				p.waits = nil
			}
			p.mu.Unlock()
		}
	}
}
