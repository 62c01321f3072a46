package op

import (
	"encoding/binary"
	"errors"

	"github.com/millracedb/millrace/exec/state"
)

// Tables of an aggregate's records. Panes are told apart by a record of their
// own before their entries: checkpoints are read in order, so that it holds for
// what follows it.
const (
	saveMeta = 0 // watermark, late rows, last number, whether global groups were given
	savePane = 1 // set and window end of the records that follow; deleted: pane gone
	saveRows = 2 // groups
	saveAggs = 3 // then, per aggregate, its rows or distinct values
)

// Save implements Op.
func (a *Aggregate) Save(w *state.Writer) error {
	meta := binary.LittleEndian.AppendUint64(nil, uint64(a.marked))
	meta = binary.LittleEndian.AppendUint64(meta, uint64(a.late))
	meta = binary.LittleEndian.AppendUint64(meta, uint64(a.nextID))
	if a.begun {
		meta = append(meta, 1)
	}
	w.Put(saveMeta, nil, meta)
	for _, k := range a.gone {
		w.Delete(savePane, k)
	}
	a.gone = a.gone[:0]
	for _, s := range a.sets {
		for _, p := range s.panes {
			if !w.Full() && !p.groups.Changed() {
				continue
			}
			w.Put(savePane, paneKey(s, p), binary.LittleEndian.AppendUint64(nil, uint64(p.start)))
			if err := a.savePane(w, p); err != nil {
				return err
			}
		}
	}
	return w.Err()
}

func paneKey(s *aggSet, p *pane) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(s.number))
	return binary.LittleEndian.AppendUint64(b, uint64(p.end))
}

// dropped notes that a pane is gone, for the next Save.
func (a *Aggregate) dropped(s *aggSet, p *pane) { a.gone = append(a.gone, paneKey(s, p)) }

func (a *Aggregate) savePane(w *state.Writer, p *pane) error {
	if err := p.groups.Save(w, saveRows); err != nil {
		return err
	}
	for i := range a.aggs {
		var err error
		switch {
		case p.collect[i] != nil:
			err = p.collect[i].rows.Save(w, saveAggs+uint8(i))
		case p.distinct[i] != nil:
			err = p.distinct[i].Save(w, saveAggs+uint8(i))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Load implements Op.
func (a *Aggregate) Load(r *state.Reader) error {
	var p *pane
	for r.Next() {
		var err error
		switch {
		case r.ID == saveMeta:
			err = a.loadMeta(r)
		case r.ID == savePane:
			p, err = a.loadPane(r)
		case p == nil:
			err = errRecord
		case r.ID == saveRows:
			_, err = p.groups.LoadRecord(r)
		default:
			err = a.loadAgg(p, int(r.ID)-saveAggs, r)
		}
		if err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	for _, s := range a.sets {
		for _, p := range s.panes {
			if err := a.finishLoad(p); err != nil {
				return err
			}
		}
	}
	return nil
}

var errRecord = errors.New("record of an aggregate's state is out of place")

func (a *Aggregate) loadMeta(r *state.Reader) error {
	if len(r.Value) < 24 {
		return errRecord
	}
	a.marked = int64(binary.LittleEndian.Uint64(r.Value))
	a.late = int64(binary.LittleEndian.Uint64(r.Value[8:]))
	a.nextID = int64(binary.LittleEndian.Uint64(r.Value[16:]))
	a.begun = len(r.Value) > 24
	return nil
}

func (a *Aggregate) loadPane(r *state.Reader) (*pane, error) {
	if len(r.Key) != 16 {
		return nil, errRecord
	}
	n, end := binary.LittleEndian.Uint64(r.Key), int64(binary.LittleEndian.Uint64(r.Key[8:]))
	if n >= uint64(len(a.sets)) {
		return nil, errRecord
	}
	s := a.sets[n]
	if !r.Deleted {
		p := a.pane(s, end)
		if len(r.Value) != 8 {
			return nil, errRecord
		}
		p.start = int64(binary.LittleEndian.Uint64(r.Value))
		return p, nil
	}
	s.last = nil
	for i, p := range s.panes {
		if p.end == end {
			p.close()
			s.panes = append(s.panes[:i], s.panes[i+1:]...)
			break
		}
	}
	return nil, nil
}

func (a *Aggregate) loadAgg(p *pane, i int, r *state.Reader) error {
	switch {
	case i >= len(a.aggs):
		return errRecord
	case p.collect[i] != nil:
		return p.collect[i].rows.LoadRecord(r)
	case p.distinct[i] != nil:
		_, err := p.distinct[i].LoadRecord(r)
		return err
	}
	return errRecord
}

// finishLoad makes the ordered rows and the kept results of a pane again: what
// was given last is what the state says now.
func (a *Aggregate) finishLoad(p *pane) error {
	if !a.blobs {
		return nil
	}
	owners := map[int64]state.Ref{}
	var refs []state.Ref
	err := p.groups.Scan(func(r state.Ref) error {
		words := p.groups.Words(r)
		owners[words[groupID]] = r
		words[groupBlob] = 0
		for i := range a.aggs {
			if p.collect[i] != nil {
				words[a.aggs[i].word] = 0
			}
		}
		refs = append(refs, r)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range a.aggs {
		if c := p.collect[i]; c != nil {
			c.rows.FinishLoad(func(owner int64) *int64 {
				if r, ok := owners[owner]; ok {
					return p.groups.Word(r, a.aggs[i].word)
				}
				return nil
			})
		}
	}
	if a.final() {
		return nil
	}
	return a.rekeep(p, refs)
}

// rekeep computes and keeps the results of groups.
func (a *Aggregate) rekeep(p *pane, refs []state.Ref) error {
	for lo := 0; lo < len(refs); lo += emitChunk {
		chunk := refs[lo:min(lo+emitChunk, len(refs))]
		if err := a.results(p, chunk); err != nil {
			return err
		}
		a.env.layout.Encode(a.env.new, identity[:len(chunk)], &a.env.enc)
		for k, r := range chunk {
			*p.groups.Word(r, groupBlob) = int64(p.results.Put(0, a.env.enc.Row(k)))
		}
	}
	return nil
}
