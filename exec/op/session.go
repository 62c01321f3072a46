package op

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// SessionConfig describes a Session.
type SessionConfig struct {
	Input []types.Type
	Keys  []int // columns that partition the rows
	Time  int
	Gap   int64 // microseconds
	// LastEnd gives the time of a session's last row as its end, and lets a row that
	// comes exactly when the session would close join it.
	LastEnd bool
	// Grace is how long after its end a session is kept, so that late rows may
	// still join it.
	Grace int64
}

// Session adds the bounds of the session that a row is in: rows of a key whose
// times are at most Gap apart are one session, from the first time to the last
// time plus Gap. A row may join two sessions, and a retraction may part one: rows
// are then given anew with their new bounds. Rows of sessions that are over are
// forgotten.
type Session struct {
	cfg     SessionConfig
	p       *partitions
	marked  int64
	late    int64
	times   []int64
	refs    []state.Ref
	sel     []uint16
	expires expiry // of keys, by their first session
}

// NewSession makes a Session.
func NewSession(ctx *Context, cfg SessionConfig, out Sink) (*Session, error) {
	s := &Session{cfg: cfg, marked: math.MinInt64}
	t := cfg.Input[cfg.Time]
	ts := append(append([]types.Type(nil), cfg.Input...), t, t)
	keys := []expr.Expr{}
	for _, k := range cfg.Keys {
		keys = append(keys, &expr.Col{Index: k, T: cfg.Input[k]})
	}
	order := []expr.Order{{X: &expr.Col{Index: cfg.Time, T: t}}}
	var err error
	if s.p, err = newPartitions(ctx, cfg.Input, keys, order, ts, out); err != nil {
		return nil, err
	}
	s.p.give = s.give
	if !ctx.Bounded {
		s.p.after = s.watch
	}
	return s, nil
}

// Push implements Op.
func (s *Session) Push(_ int, b *batch.Batch) error {
	v := b.Cols[s.cfg.Time]
	sel := rowsOf(b)
	s.sel = s.sel[:0]
	for _, r := range sel {
		if v.IsNull(int(r)) {
			continue
		}
		if s.over(v.I64[v.Row(int(r))]) {
			s.late++
			continue
		}
		s.sel = append(s.sel, r)
	}
	if len(s.sel) == 0 {
		return nil
	}
	c := batch.Batch{Cols: b.Cols, N: b.N, Sel: s.sel, W: b.W}
	return s.p.push(&c)
}

// over tells whether a session whose last row has a time is closed.
func (s *Session) over(t int64) bool {
	return s.past(addSat(addSat(t, s.cfg.Gap), s.cfg.Grace))
}

// past tells whether a session that is open until a time is closed.
func (s *Session) past(until int64) bool {
	return until < s.marked || until == s.marked && !s.cfg.LastEnd
}

// give pushes the rows of a key with their sessions, those of a session in the
// order of their arrival, which aggregates may depend on.
func (s *Session) give(root state.Ref, w int32) error {
	s.refs, s.times = s.refs[:0], s.times[:0]
	layout := s.p.rows.layout
	s.p.sorted.Walk(root, func(r state.Ref) bool {
		s.refs = append(s.refs, r)
		s.times = append(s.times, layout.Int(s.p.sorted.Row(r), s.cfg.Time))
		return true
	})
	n := len(s.cfg.Input)
	for lo := 0; lo < len(s.refs); {
		hi := s.end(lo)
		start, end := s.times[lo], s.times[hi-1]
		if !s.cfg.LastEnd {
			end = addSat(end, s.cfg.Gap)
		}
		slices.SortFunc(s.refs[lo:hi], func(a, b state.Ref) int {
			return cmp.Compare(s.p.sorted.Seq(a), s.p.sorted.Seq(b))
		})
		for ; lo < hi; lo++ {
			cols := s.p.sink.cols()
			layout.Decode(s.p.sorted.Row(s.refs[lo]), cols[:n])
			cols[n].AppendInt(start)
			cols[n+1].AppendInt(end)
			weight := s.p.sorted.Weight(s.refs[lo]) * int64(w)
			if err := s.p.sink.endWide(weight); err != nil {
				return err
			}
		}
	}
	return nil
}

// end gives the row behind the session that begins at row lo.
func (s *Session) end(lo int) int {
	hi := lo + 1
	for hi < len(s.times) && s.times[hi] <= addSat(s.times[hi-1], s.cfg.Gap) {
		hi++
	}
	return hi
}

// EndEpoch implements Op.
func (s *Session) EndEpoch(e Epoch) error {
	if err := s.p.endEpoch("session", e); err != nil {
		return err
	}
	if e.Watermark <= s.marked || e.Bounded {
		return nil
	}
	s.marked = e.Watermark
	s.forget()
	return nil
}

// watch notes when the first session of a key may be over.
func (s *Session) watch(r state.Ref) {
	words := s.p.groups.Words(r)
	root := state.Ref(words[partRoot])
	s.refs, s.times = s.refs[:0], s.times[:0]
	layout := s.p.rows.layout
	s.p.sorted.Walk(root, func(x state.Ref) bool {
		t := layout.Int(s.p.sorted.Row(x), s.cfg.Time)
		if n := len(s.times); n > 0 && t > addSat(s.times[n-1], s.cfg.Gap) {
			return false
		}
		s.times = append(s.times, t)
		return true
	})
	last := s.times[len(s.times)-1]
	s.expires.push(addSat(addSat(last, s.cfg.Gap), s.cfg.Grace), r, words[partID])
}

// forget drops the rows of sessions that are over; what was given of them stays.
func (s *Session) forget() {
	for s.expires.len() > 0 && s.past(s.expires.next()) {
		x := s.expires.pop()
		if s.p.groups.Live(x.ref) && s.p.groups.Words(x.ref)[partID] == x.seq {
			s.forgetOf(x.ref)
		}
	}
}

// forgetOf drops the sessions of one key that are over.
func (s *Session) forgetOf(r state.Ref) {
	o, layout := s.p.sorted, s.p.rows.layout
	root := state.Ref(*s.p.groups.Word(r, partRoot))
	s.refs, s.times = s.refs[:0], s.times[:0]
	o.Walk(root, func(x state.Ref) bool {
		s.refs = append(s.refs, x)
		s.times = append(s.times, layout.Int(o.Row(x), s.cfg.Time))
		return true
	})
	for lo := 0; lo < len(s.refs); {
		hi := s.end(lo)
		if !s.over(s.times[hi-1]) {
			break
		}
		for ; lo < hi; lo++ {
			root = o.RemoveNode(root, s.refs[lo])
		}
	}
	*s.p.groups.Word(r, partRoot) = int64(root)
	s.p.groups.Touch(r)
	if root == 0 {
		s.p.groups.Delete(r)
		return
	}
	s.watch(r)
}

// LateRows implements Late.
func (s *Session) LateRows() int64 { return s.late }

// saveSession is the table of the watermark, beside those of partitions.
const saveSession = 9

// Save implements Op.
func (s *Session) Save(w *state.Writer) error {
	meta := binary.LittleEndian.AppendUint64(nil, uint64(s.marked))
	w.Put(saveSession, nil, binary.LittleEndian.AppendUint64(meta, uint64(s.late)))
	return s.p.save(w)
}

// Load implements Op.
func (s *Session) Load(r *state.Reader) error {
	s.p.other = func(r *state.Reader) error {
		if r.ID != saveSession || len(r.Value) != 16 {
			return errRecord
		}
		s.marked = int64(binary.LittleEndian.Uint64(r.Value))
		s.late = int64(binary.LittleEndian.Uint64(r.Value[8:]))
		return nil
	}
	if err := s.p.load(r); err != nil {
		return err
	}
	return s.p.groups.Scan(func(r state.Ref) error {
		s.watch(r)
		return nil
	})
}

// Memory implements Op.
func (s *Session) Memory() Usage { return s.p.usage() }

// Close implements Op.
func (s *Session) Close() { s.p.close() }
