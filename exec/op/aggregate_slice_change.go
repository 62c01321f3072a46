package op

import (
	"unsafe"

	"github.com/millracedb/millrace/exec/state"
)

// windowChange is scratch memory for the changes of windows by the touched groups
// of one slice.
//
// The windows that have a slice each are: slices before it and it (a suffix of
// what lies before), then slices behind it (a prefix of those). All suffixes are
// sums of one walk backwards, all prefixes of one walk forward, so that n windows
// of n slices cost 4n merges per group and not n * n.
type windowChange struct {
	windows []span
	keys    []state.Ref // groups of the chunk, in the slice
	// earlier is the start of the last touched slice before this one that has the
	// group: the windows of both are given there.
	earlier []int64
	hasPrev []bool
	before  []int64 // suffixes, old and new, per window, group and word
	acc     []int64 // prefix, old and new, per group and word
	total   []int64
	found   []state.Ref
}

// changeWords bounds the scratch memory for suffixes: 512 KiB stay in the cache.
const changeWords = 1 << 16

// emitChanges gives the changes of all windows of touched slices.
func (s *sliced) emitChanges(e Epoch) error {
	for j, p := range s.set.panes {
		if len(p.touched) == 0 {
			continue
		}
		c := &s.change
		c.windows = c.windows[:0]
		w, _ := s.first(p.start)
		for last := s.last(p.start); w.end <= last; w = s.next(w) {
			if !s.closed(w.end) {
				c.windows = append(c.windows, w)
			}
		}
		step := min(emitChunk, max(changeWords/(2*len(c.windows)*s.words), 1))
		for lo := 0; lo < len(p.touched); lo += step {
			c.keys = p.touched[lo:min(lo+step, len(p.touched))]
			if err := s.changeChunk(j, e); err != nil {
				return err
			}
		}
	}
	for _, p := range s.set.panes {
		for _, r := range p.touched {
			switch n := *p.groups.Word(r, groupCount); {
			case n < 0:
				return errNegative("aggregate", e)
			case n == 0:
				p.groups.Delete(r)
			}
		}
		p.touched, p.old = p.touched[:0], p.old[:0]
	}
	return nil
}

// changeChunk gives the changes of the windows of slice j for some groups.
func (s *sliced) changeChunk(j int, e Epoch) error {
	c, n := &s.change, len(s.change.keys)*s.words
	c.before = grow(c.before, 2*n*len(c.windows))
	c.acc, c.total = grow(c.acc, 2*n), grow(c.total, 2*n)
	c.earlier, c.hasPrev = grow(c.earlier, len(c.keys)), grow(c.hasPrev, len(c.keys))
	clear(c.acc)
	clear(c.hasPrev)
	i := j
	for k := len(c.windows) - 1; k >= 0; k-- {
		for ; i >= 0 && s.set.panes[i].start >= c.windows[k].start; i-- {
			if err := s.addTo(c.acc, j, i); err != nil {
				return err
			}
			if i < j {
				s.noteEarlier(i)
			}
		}
		copy(c.before[2*n*k:], c.acc)
	}
	clear(c.acc)
	i = j + 1
	for k, w := range c.windows {
		for ; i < len(s.set.panes) && s.set.panes[i].start < w.end; i++ {
			if err := s.addTo(c.acc, j, i); err != nil {
				return err
			}
		}
		copy(c.total, c.before[2*n*k:2*n*(k+1)])
		if err := s.mergeWords(c.total, c.acc, 2*len(c.keys)); err != nil {
			return err
		}
		if err := s.emitChange(j, w, e); err != nil {
			return err
		}
	}
	return nil
}

// addTo adds what slice i has of the chunk's groups, which are of slice j, to acc:
// first as it was before the epoch, then as it is.
func (s *sliced) addTo(acc []int64, j, i int) error {
	c, p, from := &s.change, s.set.panes[i], s.set.panes[j]
	s.dst, s.src = s.dst[:0], s.src[:0]
	half := len(c.keys) * s.words
	c.found = c.found[:0]
	for k, r := range c.keys {
		if i != j {
			r = p.groups.FindKeyOf(from.groups, r)
		}
		c.found = append(c.found, r)
		if r == 0 {
			continue
		}
		words := p.groups.WordPointer(r, 0)
		old := words
		if p.groups.Marked(r, p.touched) {
			old = unsafe.Pointer(&p.old[p.groups.Position(r)*s.words])
		}
		s.dst = append(s.dst, unsafe.Pointer(&acc[k*s.words]),
			unsafe.Pointer(&acc[half+k*s.words]))
		s.src = append(s.src, old, words)
	}
	return s.mergeAt()
}

// mergeAt merges the groups at src into those at dst.
func (s *sliced) mergeAt() error {
	for k, d := range s.dst {
		*(*int64)(d) += *(*int64)(s.src[k])
	}
	return s.merge(0)
}

// mergeWords merges n groups that lie one after the other.
func (s *sliced) mergeWords(to, from []int64, n int) error {
	s.dst, s.src = s.dst[:0], s.src[:0]
	for k := range n {
		s.dst = append(s.dst, unsafe.Pointer(&to[k*s.words]))
		s.src = append(s.src, unsafe.Pointer(&from[k*s.words]))
	}
	return s.mergeAt()
}

// noteEarlier notes which groups of the chunk slice i, the last one that addTo
// looked at, gives the changes of.
func (s *sliced) noteEarlier(i int) {
	c, p := &s.change, s.set.panes[i]
	for k, r := range c.found {
		if r != 0 && !c.hasPrev[k] && p.groups.Marked(r, p.touched) {
			c.hasPrev[k], c.earlier[k] = true, p.start
		}
	}
}

// emitChange gives the changes of one window from the sums in total.
func (s *sliced) emitChange(j int, w span, e Epoch) error {
	c, x, n := &s.change, &s.env, len(s.change.keys)
	x.acc, x.fAcc = grow(x.acc, n), grow(x.fAcc, n)
	for k := range c.keys {
		x.fAcc[k] = unsafe.Pointer(&c.total[k*s.words])
		x.acc[k] = unsafe.Pointer(&c.total[(n+k)*s.words])
	}
	if err := s.bothResults(n); err != nil {
		return err
	}
	p := s.set.panes[j]
	end := p.end
	p.start, p.end = w.start, w.end // what emitRow gives as the bounds
	defer func() { p.start, p.end = end-s.unit, end }()
	x.given.reset()
	for k, r := range c.keys {
		if c.hasPrev[k] && c.earlier[k] >= w.start {
			continue
		}
		was, is := *(*int64)(x.fAcc[k]), *(*int64)(x.acc[k])
		if is < 0 {
			return errNegative("aggregate", e)
		}
		if was > 0 && is > 0 && !s.cfg.Touched && sameResults(x.old, x.new, k) {
			continue
		}
		if was > 0 {
			x.given.add(r, k, -1)
		}
		if is > 0 {
			x.given.add(r, k, 1)
		}
	}
	return s.giveRows(s.set, p)
}
