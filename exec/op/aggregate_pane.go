package op

import (
	"sort"
	"unsafe"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
)

// pane holds the groups of one window end or of one slice, or all groups when
// there are no windows.
type pane struct {
	start    int64 // with aggSet.perPane
	end      int64
	groups   *state.Table
	distinct []*state.Table // per aggregate, nil where not DISTINCT
	collect  []*collector   // per aggregate, nil where linear
	results  *state.Blobs   // last results, when some aggregate collects

	// Of the epoch:
	touched []state.Ref
	old     []int64 // words of touched groups as they were
	sel     []uint16
	refs    []state.Ref
	drefs   []state.Ref
	dtouch  []state.Ref
}

// pane gives the pane of a window end, made on first use.
func (a *Aggregate) pane(s *aggSet, end int64) *pane {
	if s.last != nil && s.last.end == end {
		return s.last
	}
	s.last = a.findPane(s, end)
	return s.last
}

func (a *Aggregate) findPane(s *aggSet, end int64) *pane {
	n := len(s.panes)
	i := sort.Search(n, func(i int) bool { return s.panes[i].end >= end })
	if i < n && s.panes[i].end == end {
		return s.panes[i]
	}
	p := a.newPane(s, end)
	s.panes = append(s.panes, nil)
	copy(s.panes[i+1:], s.panes[i:])
	s.panes[i] = p
	return p
}

func (a *Aggregate) newPane(s *aggSet, end int64) *pane {
	p := &pane{end: end, groups: state.NewTable(a.ctx.Mem, s.keyer, a.words),
		distinct: make([]*state.Table, len(a.aggs)), collect: make([]*collector, len(a.aggs))}
	for i := range a.aggs {
		switch slot := &a.aggs[i]; {
		case slot.collect != nil:
			p.collect[i] = newCollector(a.ctx.Mem, slot.collect)
		case slot.distinct:
			p.distinct[i] = state.NewTable(a.ctx.Mem, slot.layout, 1)
		}
	}
	if a.blobs {
		p.results = state.NewBlobs(a.ctx.Mem)
	}
	return p
}

// paneOfRow gives the pane of a row's window end; nil when it is closed, or when
// the row has no window.
func (a *Aggregate) paneOfRow(s *aggSet, end *batch.Vector, r int) *pane {
	i := end.Row(r)
	if end.IsNull(r) || a.closed(end.I64[i]) {
		return nil
	}
	return a.pane(s, end.I64[i])
}

// closed tells whether a window's grace period is over.
func (a *Aggregate) closed(end int64) bool {
	return addSat(end, a.cfg.Window.Grace) <= a.marked
}

// addSat adds without wrapping around; b >= 0.
func addSat(a, b int64) int64 {
	if s := a + b; s >= a {
		return s
	}
	return 1<<63 - 1
}

func (p *pane) bytes() int64 {
	n := p.groups.Bytes()
	for i := range p.collect {
		if p.collect[i] != nil {
			n += p.collect[i].rows.Bytes()
		}
		if p.distinct[i] != nil {
			n += p.distinct[i].Bytes()
		}
	}
	if p.results != nil {
		n += p.results.Bytes()
	}
	return n
}

func (p *pane) close() {
	p.groups.Close()
	for i := range p.collect {
		if p.collect[i] != nil {
			p.collect[i].rows.Close()
		}
		if p.distinct[i] != nil {
			p.distinct[i].Close()
		}
	}
	if p.results != nil {
		p.results.Close()
	}
}

// pushDistinct counts the argument values of each group, and updates the
// aggregate with those that come and go.
func (p *pane) pushDistinct(a *Aggregate, s *aggSlot, i int, args []*batch.Vector,
	rows []uint16, acc []unsafe.Pointer, w []int32) error {
	e := &a.env
	t := p.distinct[i]
	cols := e.distinctColumns(args, rows, acc)
	p.drefs = grow(p.drefs, len(rows))
	t.Probe(s.layout.Keys(cols, rows), p.drefs, true)
	n := 0
	e.w = grow(e.w, batch.MaxRows)
	for k, ref := range p.drefs {
		d, r := int64(1), rows[k]
		if w != nil {
			d = int64(w[r])
		}
		c := t.Word(ref, 0)
		was := *c
		*c += d
		t.Touch(ref)
		var change int32
		switch {
		case was <= 0 && *c > 0:
			change = 1
		case was > 0 && *c <= 0:
			change = -1
		}
		if *c == 0 {
			p.dtouch = append(p.dtouch, ref)
		}
		if change != 0 {
			// rows and acc are the caller's scratch or selection: write to our own.
			e.dSel = append(e.dSel[:n], r)
			e.dAcc = append(e.dAcc[:n], acc[k])
			e.w[r] = change
			n++
		}
	}
	var err error
	if n > 0 {
		err = s.fn.Update(e.offset(e.dAcc[:n], s.word), e.dSel[:n], args, e.w)
	}
	p.sweepDistinct(t)
	return err
}

// sweepDistinct deletes values whose count came to 0.
func (p *pane) sweepDistinct(t *state.Table) {
	for _, ref := range p.dtouch {
		if t.Live(ref) && *t.Word(ref, 0) == 0 {
			t.Delete(ref)
		}
	}
	p.dtouch = p.dtouch[:0]
}

// distinctColumns gives the columns (group number, arguments) of rows.
func (e *emitter) distinctColumns(args []*batch.Vector, rows []uint16,
	acc []unsafe.Pointer) []*batch.Vector {
	e.gid.Type = int8Type
	e.gid.I64 = grow(e.gid.I64, batch.MaxRows)
	for k, p := range acc {
		e.gid.I64[rows[k]] = *(*int64)(unsafe.Add(p, groupID*8))
	}
	e.dCols = append(append(e.dCols[:0], &e.gid), args...)
	return e.dCols
}
