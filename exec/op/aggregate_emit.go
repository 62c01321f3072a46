package op

import (
	"math"
	"unsafe"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// EndEpoch implements Op.
func (a *Aggregate) EndEpoch(e Epoch) error {
	for _, s := range a.sets {
		if s.global && !a.begun {
			a.beginGlobal(s)
		}
		for _, p := range s.panes {
			if a.final() {
				p.touched = p.touched[:0]
				continue
			}
			if err := a.emitPane(s, p, e); err != nil {
				return err
			}
		}
	}
	a.begun = true
	a.marked = max(a.marked, e.Watermark)
	if a.cfg.Window != nil {
		if err := a.closePanes(); err != nil {
			return err
		}
	}
	return a.out.flush()
}

// beginGlobal makes the group that exists without rows.
func (a *Aggregate) beginGlobal(s *aggSet) {
	p := a.pane(s, 0)
	p.refs = grow(p.refs, 1)
	p.groups.Probe(s.keyer.Keys(nil, identity[:1]), p.refs[:1], true)
	a.touch(p, p.refs[:1])
}

// closePanes drops the panes whose windows are over; with Final their results are
// given now.
func (a *Aggregate) closePanes() error {
	for _, s := range a.sets {
		n := 0
		for n < len(s.panes) && a.closed(s.panes[n].end) {
			if a.final() {
				if err := a.emitFinal(s, s.panes[n]); err != nil {
					return err
				}
			}
			s.panes[n].close()
			a.dropped(s, s.panes[n])
			n++
		}
		if n > 0 {
			s.panes, s.last = append(s.panes[:0], s.panes[n:]...), nil
		}
	}
	return nil
}

// emitChunk is how many groups' results are computed at once: their vectors stay
// in the cache.
const emitChunk = 1024

// emitPane gives the changes of a pane's touched groups.
func (a *Aggregate) emitPane(s *aggSet, p *pane, e Epoch) error {
	for lo := 0; lo < len(p.touched); lo += emitChunk {
		a.ctx.Mem.Relax()
		refs := p.touched[lo:min(lo+emitChunk, len(p.touched))]
		var err error
		if a.blobs {
			err = a.emitBlobs(s, p, refs, e)
		} else {
			err = a.emitWords(s, p, refs, p.old[lo*a.words:], e)
		}
		if err != nil {
			return err
		}
	}
	p.touched, p.old = p.touched[:0], p.old[:0]
	return nil
}

// emitWords compares accumulators before and after.
func (a *Aggregate) emitWords(s *aggSet, p *pane, refs []state.Ref, old []int64,
	e Epoch) error {
	x := &a.env
	x.acc, x.fAcc = grow(x.acc, len(refs)), grow(x.fAcc, len(refs))
	for k, r := range refs {
		x.acc[k] = p.groups.WordPointer(r, 0)
		x.fAcc[k] = unsafe.Pointer(&old[k*a.words])
	}
	if err := a.bothResults(len(refs)); err != nil {
		return err
	}
	g := &x.given
	g.reset()
	for k, r := range refs {
		was, is := old[k*a.words+groupCount], *p.groups.Word(r, groupCount)
		had, has := was > 0 || s.global && a.begun, is > 0 || s.global
		if is < 0 {
			return errNegative("aggregate", e)
		}
		if had && has && !a.cfg.Touched && sameResults(x.old, x.new, k) {
			continue
		}
		if had {
			g.add(r, k, -1)
		}
		if has {
			g.add(r, k, 1)
		}
	}
	if err := a.giveRows(s, p); err != nil {
		return err
	}
	for _, r := range refs {
		if *p.groups.Word(r, groupCount) <= 0 && !s.global {
			p.groups.Delete(r)
		}
	}
	return nil
}

// given are rows to be given: results of groups as they were and as they are.
type given struct {
	refs []state.Ref
	at   []int32 // row of the results
	w    []int32
}

func (g *given) reset() { g.refs, g.at, g.w = g.refs[:0], g.at[:0], g.w[:0] }

func (g *given) add(r state.Ref, k int, w int32) {
	g.refs, g.at, g.w = append(g.refs, r), append(g.at, int32(k)), append(g.w, w)
}

// giveRows gives the rows of env.given, column by column where that can be done.
func (a *Aggregate) giveRows(s *aggSet, p *pane) error {
	x := &a.env
	g := &x.given
	if a.cfg.Sets != nil || p.groups.KeyLength(g.refs) > batch.MaxBytes/4 {
		for i, r := range g.refs {
			res := x.new
			if g.w[i] < 0 {
				res = x.old
			}
			if err := a.emitRow(s, p, r, res, int(g.at[i]), g.w[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := a.out.room(len(g.refs)); err != nil {
		return err
	}
	cols := a.out.cols()
	keys := cols[:len(s.cols)]
	if s.perPane {
		for i, c := range s.cols {
			s.keyRow[i] = cols[c]
		}
		keys = s.keyRow
	}
	p.groups.AppendKeys(g.refs, keys)
	if s.perPane {
		start, end := cols[a.cfg.Window.Start], cols[a.cfg.Window.End]
		for range g.refs {
			start.AppendInt(p.start)
			end.AppendInt(p.end)
		}
	}
	for i := range a.aggs {
		appendGiven(cols[len(a.cfg.Groups)+i], x.old[i], x.new[i], g)
	}
	return a.out.endAll(g.w)
}

// appendGiven appends one result column of rows.
func appendGiven(to, was, is *batch.Vector, g *given) {
	if to.Type.Phys() == types.PhysInt64 && to.Valid == nil && was.Valid == nil && is.Valid == nil {
		for i, k := range g.at {
			if g.w[i] < 0 {
				to.I64 = append(to.I64, was.I64[k])
			} else {
				to.I64 = append(to.I64, is.I64[k])
			}
		}
		return
	}
	for i, k := range g.at {
		if g.w[i] < 0 {
			to.AppendRow(was, int(k))
		} else {
			to.AppendRow(is, int(k))
		}
	}
}

// bothResults computes the results of the first n groups at env.acc and, as they
// were, at env.fAcc.
func (a *Aggregate) bothResults(n int) error {
	x := &a.env
	for i := range a.aggs {
		slot := &a.aggs[i]
		x.new[i].Reset()
		x.old[i].Reset()
		if err := slot.fn.Result(x.offset(x.acc[:n], slot.word), x.new[i]); err != nil {
			return err
		}
		if err := slot.fn.Result(x.offset(x.fAcc[:n], slot.word), x.old[i]); err != nil {
			return err
		}
	}
	return nil
}

// emitBlobs compares results with those kept from the last time.
func (a *Aggregate) emitBlobs(s *aggSet, p *pane, refs []state.Ref, e Epoch) error {
	x := &a.env
	if err := a.results(p, refs); err != nil {
		return err
	}
	x.layout.Encode(x.new, identity[:len(refs)], &x.enc)
	for k, r := range refs {
		words := p.groups.Words(r)
		if words[groupCount] < 0 {
			return errNegative("aggregate", e)
		}
		has, kept := words[groupCount] > 0 || s.global, state.Ref(words[groupBlob])
		if kept != 0 {
			old := p.results.Get(kept)
			if has && !a.cfg.Touched && string(old) == string(x.enc.Row(k)) {
				continue
			}
			if err := a.emitKept(s, p, r, old); err != nil {
				return err
			}
		}
		if !has {
			if kept != 0 {
				p.results.Free(kept)
			}
			p.groups.Delete(r)
			continue
		}
		words[groupBlob] = int64(p.results.Put(kept, x.enc.Row(k)))
		if err := a.emitRow(s, p, r, x.new, k, 1); err != nil {
			return err
		}
	}
	return nil
}

// results computes the aggregates of groups into env.new.
func (a *Aggregate) results(p *pane, refs []state.Ref) error {
	x := &a.env
	x.acc = grow(x.acc, len(refs))
	for k, r := range refs {
		x.acc[k] = p.groups.WordPointer(r, 0)
	}
	for i := range a.aggs {
		slot := &a.aggs[i]
		x.new[i].Reset()
		if slot.collect == nil {
			err := slot.fn.Result(x.offset(x.acc[:len(refs)], slot.word), x.new[i])
			if err != nil {
				return err
			}
			continue
		}
		for _, r := range refs {
			root := state.Ref(*p.groups.Word(r, slot.word))
			if err := p.collect[i].result(a.ctx.Env, root, x.new[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// emitFinal gives the results of a closed pane, in the order of keys, which does
// not depend on how the memory came to be laid out.
func (a *Aggregate) emitFinal(s *aggSet, p *pane) error {
	refs := p.groups.SortedByKey()
	for lo := 0; lo < len(refs); lo += emitChunk {
		a.ctx.Mem.Relax()
		chunk := refs[lo:min(lo+emitChunk, len(refs))]
		if err := a.results(p, chunk); err != nil {
			return err
		}
		for k, r := range chunk {
			if *p.groups.Word(r, groupCount) <= 0 {
				continue
			}
			if err := a.emitRow(s, p, r, a.env.new, k, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// emitRow gives one result row.
func (a *Aggregate) emitRow(s *aggSet, p *pane, r state.Ref, res []*batch.Vector, k int,
	w int32) error {
	a.emitKey(s, p, r)
	cols := a.out.cols()[len(a.cfg.Groups):]
	for i, v := range res {
		cols[i].AppendRow(v, k)
	}
	return a.out.end(w)
}

// emitKept takes a kept result row back.
func (a *Aggregate) emitKept(s *aggSet, p *pane, r state.Ref, row []byte) error {
	a.emitKey(s, p, r)
	cols := a.out.cols()[len(a.cfg.Groups):]
	a.env.layout.Decode(row, cols[:len(a.aggs)])
	return a.out.end(-1)
}

// emitKey appends the group columns, NULL where the set does not have them, and
// the set's number.
func (a *Aggregate) emitKey(s *aggSet, p *pane, r state.Ref) {
	cols := a.out.cols()
	if s.perPane {
		for i, c := range s.cols {
			s.keyRow[i] = cols[c]
		}
		p.groups.AppendKey(r, s.keyRow)
		cols[a.cfg.Window.Start].AppendInt(p.start)
		cols[a.cfg.Window.End].AppendInt(p.end)
		return
	}
	if a.cfg.Sets == nil {
		p.groups.AppendKey(r, cols[:len(s.cols)])
		return
	}
	for i, c := range s.cols {
		s.keyRow[i] = cols[c]
	}
	p.groups.AppendKey(r, s.keyRow)
	n := cols[len(cols)-1].Len()
	for c := range a.cfg.Groups {
		if cols[c].Len() == n {
			cols[c].AppendNull()
		}
	}
	cols[len(cols)-1].AppendInt(s.number)
}

// sameResults tells whether row k of two lists of vectors is the same.
func sameResults(a, b []*batch.Vector, k int) bool {
	for i := range a {
		if !sameValue(a[i], b[i], k, k) {
			return false
		}
	}
	return true
}

// sameValue tells whether two values are the same bits.
func sameValue(a, b *batch.Vector, i, j int) bool {
	an, bn := a.IsNull(i), b.IsNull(j)
	if an || bn {
		return an == bn
	}
	i, j = a.Row(i), b.Row(j)
	switch a.Type.Phys() {
	case types.PhysInt64:
		return a.I64[i] == b.I64[j]
	case types.PhysFloat64:
		return math.Float64bits(a.F64[i]) == math.Float64bits(b.F64[j])
	case types.PhysBool:
		return a.Bool[i] == b.Bool[j]
	}
	return string(a.Bytes(i)) == string(b.Bytes(j))
}
