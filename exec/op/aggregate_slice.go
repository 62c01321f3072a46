package op

import (
	"unsafe"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
)

// sliced is an aggregate over windows that overlap. Its panes are slices: a row
// goes into one of them, however many windows it is in, and the results of a
// window are combined from its slices when they are asked for. Its aggregates can
// be merged (expr.AggFunc.Merge), or are extremes, where results are given once.
type sliced struct {
	*Aggregate
	slicing
	set  *aggSet
	time int
	once bool // each window's results are given once: FINAL and bounded runs

	win    *pane // scratch: the groups of one window
	slot   sliceRow
	refs   []state.Ref
	dst    []unsafe.Pointer
	src    []unsafe.Pointer
	change windowChange
}

// sliceRow remembers the slice of the last row.
type sliceRow struct {
	known bool
	start int64
	p     *pane // nil: the slice has no open window
	late  int64 // closed windows of the slice
}

func newSliced(a *Aggregate) Op {
	s := &sliced{Aggregate: a, slicing: newSlicing(a.cfg.Window.Slice), set: a.sets[0],
		time: a.cfg.Window.Slice.Time, once: a.final() || a.ctx.Bounded}
	a.keepOld = !s.once
	s.win = &pane{groups: state.NewTable(a.ctx.Mem, s.set.keyer, a.words)}
	return s
}

// Push implements Op.
func (s *sliced) Push(_ int, b *batch.Batch) error {
	sel := rowsOf(b)
	if len(sel) == 0 {
		return nil
	}
	vecs, err := s.prog.Eval(s.ctx.Env, b)
	if err != nil {
		return err
	}
	set, t := s.set, b.Cols[s.time]
	for i, c := range set.cols {
		set.vecs[i] = vecs[c]
	}
	set.active, s.slot.known = set.active[:0], false
	for _, r := range sel {
		if t.IsNull(int(r)) {
			continue
		}
		p := s.sliceOf(t.I64[t.Row(int(r))])
		if p == nil {
			continue
		}
		if len(p.sel) == 0 {
			set.active = append(set.active, p)
		}
		p.sel = append(p.sel, r)
	}
	return s.pushActive(set, vecs, b.W)
}

// sliceOf gives the slice of a row, nil when all its windows are closed. A row of
// a slice that some closed windows have is late for those.
func (s *sliced) sliceOf(t int64) *pane {
	start := s.slice(t)
	if x := &s.slot; !x.known || x.start != start {
		*x = sliceRow{known: true, start: start}
		w, ok := s.first(start)
		for last := s.last(start); ok && w.end <= last; w = s.next(w) {
			if !s.closed(w.end) {
				x.p = s.pane(s.set, start+s.unit)
				x.p.start = start
				break
			}
			x.late++
		}
	}
	s.late += s.slot.late
	return s.slot.p
}

// EndEpoch implements Op.
func (s *sliced) EndEpoch(e Epoch) error {
	before := s.marked
	s.marked = max(s.marked, e.Watermark)
	var err error
	if s.once {
		err = s.emitClosed(before, e)
	} else {
		s.marked = before // windows that close now are given for the last time
		err = s.emitChanges(e)
		s.marked = max(s.marked, e.Watermark)
	}
	if err != nil {
		return err
	}
	s.dropSlices()
	return s.out.flush()
}

// dropSlices drops the slices whose windows are all closed.
func (s *sliced) dropSlices() {
	panes, n := s.set.panes, 0
	for n < len(panes) && s.closed(s.last(panes[n].start)) {
		panes[n].close()
		s.dropped(s.set, panes[n])
		n++
	}
	if n > 0 {
		s.set.panes, s.set.last = append(panes[:0], panes[n:]...), nil
	}
}

// emitClosed gives the results of the windows that were not closed before the
// epoch and are now.
func (s *sliced) emitClosed(before int64, e Epoch) error {
	panes := s.set.panes
	for _, p := range panes {
		p.touched = p.touched[:0]
	}
	var w span
	for lo := 0; lo < len(panes); {
		if w.end <= panes[lo].start || lo == 0 && w == (span{}) {
			w, _ = s.first(panes[lo].start)
		}
		if !e.Bounded && !s.closed(w.end) {
			return nil
		}
		if e.Bounded || addSat(w.end, s.cfg.Window.Grace) > before {
			hi := lo
			for hi < len(panes) && panes[hi].start < w.end {
				hi++
			}
			if err := s.emitWindow(w, lo, hi, e); err != nil {
				return err
			}
		}
		w = s.next(w)
		for lo < len(panes) && panes[lo].start < w.start {
			lo++
		}
	}
	return nil
}

// emitWindow gives the results of a window of the slices from lo to before hi, in
// the order of keys.
func (s *sliced) emitWindow(w span, lo, hi int, e Epoch) error {
	win := s.win
	win.groups.Clear()
	win.start, win.end = w.start, w.end
	for i := lo; i < hi; i++ {
		if err := s.addSlice(i); err != nil {
			return err
		}
	}
	refs := win.groups.SortedByKey()
	for lo := 0; lo < len(refs); lo += emitChunk {
		chunk := refs[lo:min(lo+emitChunk, len(refs))]
		if err := s.windowResults(chunk); err != nil {
			return err
		}
		s.env.given.reset()
		for k, r := range chunk {
			n := *win.groups.Word(r, groupCount)
			if n < 0 {
				return errNegative("aggregate", e)
			}
			if n > 0 {
				s.env.given.add(r, k, 1)
			}
		}
		if err := s.giveRows(s.set, win); err != nil {
			return err
		}
	}
	return nil
}

// addSlice merges the groups of a slice into those of the window.
func (s *sliced) addSlice(i int) error {
	p, win := s.set.panes[i], s.win.groups
	s.refs = s.refs[:0]
	_ = p.groups.Scan(func(r state.Ref) error {
		s.refs = append(s.refs, r)
		return nil
	})
	for lo := 0; lo < len(s.refs); lo += emitChunk {
		chunk := s.refs[lo:min(lo+emitChunk, len(s.refs))]
		s.dst, s.src = grow(s.dst, len(chunk)), s.src[:0]
		p.refs = p.refs[:0]
		for _, r := range chunk {
			p.refs = append(p.refs, win.AddKeyOf(p.groups, r))
			s.src = append(s.src, p.groups.WordPointer(r, 0))
		}
		for k, r := range p.refs {
			s.dst[k] = win.WordPointer(r, 0)
			*(*int64)(s.dst[k]) += *(*int64)(s.src[k])
		}
		if err := s.merge(i); err != nil {
			return err
		}
	}
	return nil
}

// merge merges the aggregates at src, of slice i, into those at dst.
func (s *sliced) merge(i int) error {
	for a := range s.aggs {
		slot := &s.aggs[a]
		if slot.collect != nil {
			s.mergeExtreme(i, a)
			continue
		}
		if err := slot.fn.Merge(s.dst, s.src, slot.word); err != nil {
			return err
		}
	}
	return nil
}

// mergeExtreme keeps, per group of the window, where the extreme row is: the
// slice's end and its row.
func (s *sliced) mergeExtreme(i, a int) {
	slot, panes := &s.aggs[a], s.set.panes
	c := panes[i].collect[a]
	for k, src := range s.src {
		row := c.extreme(state.Ref(*(*int64)(unsafe.Add(src, slot.word*8))))
		if row == 0 {
			continue
		}
		best := (*int64)(unsafe.Add(s.dst[k], slot.word*8))
		if *best != 0 {
			b := panes[*best>>32].collect[a]
			d := slot.collect.args.Compare(c.rows.Row(row), b.rows.Row(state.Ref(*best)))
			if d*slot.fn.Extreme <= 0 {
				continue
			}
		}
		*best = int64(i)<<32 | int64(row)
	}
}

// windowResults computes the results of groups of the window.
func (s *sliced) windowResults(refs []state.Ref) error {
	x := &s.env
	x.acc = grow(x.acc, len(refs))
	for k, r := range refs {
		x.acc[k] = s.win.groups.WordPointer(r, 0)
	}
	for i := range s.aggs {
		slot := &s.aggs[i]
		x.new[i].Reset()
		if slot.collect == nil {
			err := slot.fn.Result(x.offset(x.acc[:len(refs)], slot.word), x.new[i])
			if err != nil {
				return err
			}
			continue
		}
		for _, r := range refs {
			best := *s.win.groups.Word(r, slot.word)
			if best == 0 {
				x.new[i].AppendNull()
				continue
			}
			c := s.set.panes[best>>32].collect[i]
			slot.collect.layout.AppendTo(c.rows.Row(state.Ref(best)), slot.collect.norder, x.new[i])
		}
	}
	return nil
}

// Memory implements Op.
func (s *sliced) Memory() Usage {
	u := s.Aggregate.Memory()
	u.Bytes += s.win.bytes()
	return u
}

// Close implements Op.
func (s *sliced) Close() {
	s.Aggregate.Close()
	s.win.close()
}
