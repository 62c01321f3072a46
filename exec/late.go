package exec

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
)

// offsets is an ascending list of rows that no reader sees, such as late ones.
type offsets []log.Offset

// within gives the listed offsets in [from, to).
func (o offsets) within(from, to log.Offset) offsets {
	lo, _ := slices.BinarySearch(o, from)
	hi, _ := slices.BinarySearch(o, to)
	return o[lo:hi]
}

// hide takes the listed rows out of r.
func (o offsets) hide(r *rows) *rows {
	late := o.within(r.base, r.base+log.Offset(r.b.N))
	if len(late) == 0 {
		return r
	}
	out := *r
	b := *r.b
	sel := make([]uint16, 0, b.Rows())
	for k := range b.Rows() {
		i := b.Index(k)
		if _, found := slices.BinarySearch(late, r.base+log.Offset(i)); !found {
			sel = append(sel, uint16(i))
		}
	}
	b.Sel = sel
	out.b = &b
	return &out
}

// rejected are the rows of a partition that came after the watermark had passed
// them. The rows themselves stay in the log.
type rejected struct {
	offsets offsets
	marks   []lateMark
}

// lateMark says under which watermark the rows of an epoch were late; it counts
// for rejected.offsets[First:], up to the next mark's.
type lateMark struct {
	First     int
	Epoch     log.Epoch
	Watermark int64
}

// add appends a row; rows come in order of epoch and offset.
func (l *rejected) add(at log.Offset, epoch log.Epoch, watermark int64) {
	if n := len(l.marks); n == 0 || l.marks[n-1].Epoch != epoch {
		l.marks = append(l.marks, lateMark{len(l.offsets), epoch, watermark})
	}
	l.offsets = append(l.offsets, at)
}

// mark gives the mark of the i-th row.
func (l *rejected) mark(i int) lateMark {
	k, found := slices.BinarySearchFunc(l.marks, i, func(m lateMark, i int) int { return m.First - i })
	if !found {
		k--
	}
	return l.marks[k]
}

// from gives the rows at begin and after it: the ones before were dropped by
// retention. The receiver stays as it is, for readers that hold it.
func (l *rejected) from(begin log.Offset) rejected {
	n, _ := slices.BinarySearch(l.offsets, begin)
	if n == 0 {
		return *l
	}
	out := rejected{offsets: slices.Clone(l.offsets[n:])}
	for i, m := range l.marks {
		if end := len(l.offsets); i+1 < len(l.marks) {
			end = l.marks[i+1].First
			if end <= n {
				continue
			}
		} else if end <= n {
			continue
		}
		m.First = max(0, m.First-n)
		out.marks = append(out.marks, m)
	}
	return out
}

// savedRejected is the stored form: offsets as differences, since there may be
// many.
type savedRejected struct {
	Offsets []byte
	Marks   []lateMark
}

// MarshalJSON implements json.Marshaler.
func (l rejected) MarshalJSON() ([]byte, error) {
	s := savedRejected{Marks: l.marks}
	last := log.Offset(0)
	for _, o := range l.offsets {
		s.Offsets = binary.AppendUvarint(s.Offsets, uint64(o-last))
		last = o
	}
	return json.Marshal(s)
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *rejected) UnmarshalJSON(b []byte) error {
	var s savedRejected
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*l = rejected{marks: s.Marks}
	last := log.Offset(0)
	for rest := s.Offsets; len(rest) > 0; {
		d, n := binary.Uvarint(rest)
		if n <= 0 {
			return errors.New("decode late rows: offsets are cut short")
		}
		last, rest = last+log.Offset(d), rest[n:]
		l.offsets = append(l.offsets, last)
	}
	return nil
}

// markLate records the rows of a block that came after the watermark had passed
// them: they are rejected here, once, so that all readers see the same rows.
func (r *relation) markLate(blk *log.Block) error {
	if r.wm.Grace < 0 || blk.MinTime >= r.wm.Value {
		return nil
	}
	h, err := codec.DecodeHeader(blk.Sections[0])
	if err != nil {
		return err
	}
	late := r.late[blk.Partition.Part]
	for i := range blk.Rows {
		t := blk.MinTime
		if h.Time != nil {
			t = h.Time[i]
		}
		if t < r.wm.Value {
			late.add(blk.Base+log.Offset(i), blk.Epoch, r.wm.Value)
			r.counted.LateRows++
		}
	}
	r.setLate(blk.Partition.Part, late)
	return nil
}

func (r *relation) setLate(part uint32, l rejected) {
	r.lateMu.Lock()
	r.late[part] = l
	r.lateMu.Unlock()
}

// rejected gives the rejected rows of a partition. The lists only grow, so that
// a reader's copy stays good for its epoch.
func (r *relation) rejected(p int) rejected {
	r.lateMu.RLock()
	defer r.lateMu.RUnlock()
	return r.late[p]
}

// forgetLate drops what is known of rows that retention dropped.
func (e *Engine) forgetLate(r *relation, epoch log.Epoch) error {
	for p := range r.late {
		if len(r.late[p].offsets) == 0 {
			continue
		}
		begin, _, err := e.log.Bounds(r.partition(p), epoch)
		if err != nil {
			return err
		}
		r.setLate(uint32(p), r.late[p].from(begin))
	}
	return nil
}
