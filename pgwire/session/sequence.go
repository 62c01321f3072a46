package session

import (
	"context"
	"sync"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// sequenceBlock is how many numbers a node takes of a sequence at a time: each
// block is a commit. What is left of it when the node stops is lost, as in
// PostgreSQL.
const sequenceBlock = 1024

// errSequenceLimit is 2200H, sequence generator limit exceeded.
const errSequenceLimit sqlerr.Code = "2200H"

// sequences hands out the numbers that this node has taken. The catalog keeps for
// each sequence the next number that nobody has taken.
type sequences struct {
	host *Host
	mu   sync.Mutex
	open map[catalog.OID]*openSequence
}

// openSequence is a block of numbers. Invariant: left numbers, the first of them
// next, were taken at catalog version version of the sequence.
type openSequence struct {
	version uint32
	next    int64
	left    int64
}

// lastSequence is what currval and lastval remember.
type lastSequence struct {
	values map[catalog.OID]int64
	last   int64
	any    bool
}

func (s *Session) sequence(d types.Datum) (*catalog.Relation, error) {
	snap := s.snapshot()
	rel := snap.Relation(catalog.OID(d.I))
	if rel == nil || rel.Sequence == nil {
		name := ""
		if rel == nil {
			rel = s.host.system.ByOID(catalog.OID(d.I))
		}
		if rel != nil {
			name = rel.Name
		}
		return nil, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not a sequence", name)
	}
	return rel, nil
}

// next gives the next number of a sequence.
func (q *sequences) next(ctx context.Context, oid catalog.OID) (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		rel := q.host.engine.Catalog().Relation(oid)
		if rel == nil || rel.Sequence == nil {
			return 0, sqlerr.New(sqlerr.UndefinedTable, "sequence with OID %d does not exist", oid)
		}
		if q.open == nil {
			q.open = map[catalog.OID]*openSequence{}
		}
		o := q.open[oid]
		if o != nil && o.version == rel.SchemaVersion && o.left > 0 {
			v := o.next
			o.next += rel.Sequence.Increment
			o.left--
			return v, nil
		}
		if err := q.take(ctx, rel); err != nil {
			return 0, err
		}
	}
}

// take commits that a block of numbers is taken. When another node was faster,
// next tries again on the newer catalog.
func (q *sequences) take(ctx context.Context, rel *catalog.Relation) error {
	seq := *rel.Sequence
	first, err := firstOf(&seq, rel.Name)
	if err != nil {
		return err
	}
	n := available(&seq, first)
	seq.Start, seq.Anew = first+n*seq.Increment, false
	if seq.Start-first != n*seq.Increment || n == 0 {
		return errNoNumbers(rel.Name)
	}
	version, err := q.store(ctx, rel, &seq)
	if sqlerr.Is(err, sqlerr.SerializationFailure) {
		return nil
	}
	if err != nil {
		return err
	}
	q.open[rel.OID] = &openSequence{version: version, next: first, left: n}
	return nil
}

// firstOf is the next number of a sequence, which begins anew where it may.
func firstOf(seq *catalog.Sequence, name string) (int64, error) {
	first := seq.Start
	if first <= seq.Max && first >= seq.Min {
		return first, nil
	}
	if !seq.Cycle {
		bound, limit := "maximum", seq.Max
		if seq.Increment < 0 {
			bound, limit = "minimum", seq.Min
		}
		return 0, sqlerr.New(errSequenceLimit, "nextval: reached %s value of sequence \"%s\" (%d)",
			bound, name, limit)
	}
	if first = seq.Min; seq.Increment < 0 {
		first = seq.Max
	}
	return first, nil
}

func errNoNumbers(name string) error {
	return sqlerr.New(errSequenceLimit, "nextval: sequence \"%s\" has no more numbers", name)
}

// forget drops the numbers taken of sequences that a block set anew.
func (q *sequences) forget(set map[catalog.OID]*ownSequence) {
	if len(set) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for oid := range set {
		delete(q.open, oid)
	}
}

// available is how many numbers from first on are in bounds, a block at most. One
// step beyond the bound must not overflow: the last few numbers of bigint are
// never reached.
func available(s *catalog.Sequence, first int64) int64 {
	room := uint64(s.Max - first)
	step := uint64(s.Increment)
	if s.Increment < 0 {
		room, step = uint64(first-s.Min), uint64(-s.Increment)
	}
	return int64(min(room/step+1, sequenceBlock))
}

// store writes a sequence's state and gives the version that it has then.
func (q *sequences) store(ctx context.Context, rel *catalog.Relation, seq *catalog.Sequence) (
	uint32, error,
) {
	changed := *rel
	changed.Sequence = seq
	_, _, err := q.host.engine.Command(ctx,
		&catalog.AlterRelation{Relation: changed, From: rel.SchemaVersion})
	if err != nil {
		return 0, err
	}
	now := q.host.engine.Catalog().Relation(rel.OID)
	if now == nil {
		return 0, sqlerr.New(sqlerr.UndefinedTable, "sequence \"%s\" does not exist", rel.Name)
	}
	return now.SchemaVersion, nil
}

func nextval(x *scope, a []types.Datum) (types.Datum, error) {
	s := x.session
	var v int64
	var err error
	if o := s.own(catalog.OID(a[0].I), false); o != nil {
		v, err = o.next()
	} else {
		v, err = s.host.seqs.next(s.stmtCtx, catalog.OID(a[0].I))
	}
	if err != nil {
		return types.NullDatum, err
	}
	s.remember(catalog.OID(a[0].I), v)
	return types.IntDatum(v), nil
}

func (s *Session) remember(oid catalog.OID, v int64) {
	if s.lastSeq.values == nil {
		s.lastSeq.values = map[catalog.OID]int64{}
	}
	s.lastSeq.values[oid] = v
	s.lastSeq.last, s.lastSeq.any = v, true
}

func currval(x *scope, a []types.Datum) (types.Datum, error) {
	rel, err := x.session.sequence(a[0])
	if err != nil {
		return types.NullDatum, err
	}
	v, ok := x.session.lastSeq.values[rel.OID]
	if !ok {
		return types.NullDatum, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"currval of sequence \"%s\" is not yet defined in this session", rel.Name)
	}
	return types.IntDatum(v), nil
}

func lastval(x *scope, _ []types.Datum) (types.Datum, error) {
	if !x.session.lastSeq.any {
		return types.NullDatum, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState,
			"lastval is not yet defined in this session")
	}
	return types.IntDatum(x.session.lastSeq.last), nil
}

func setval(x *scope, a []types.Datum) (types.Datum, error) {
	s := x.session
	rel, err := s.sequence(a[0])
	if err != nil {
		return types.NullDatum, err
	}
	v := a[1].I
	if v < rel.Sequence.Min || v > rel.Sequence.Max {
		return types.NullDatum, sqlerr.New(sqlerr.NumericValueOutOfRange,
			"setval: value %d is out of bounds for sequence \"%s\" (%d..%d)", v, rel.Name,
			rel.Sequence.Min, rel.Sequence.Max)
	}
	called := len(a) < 3 || a[2].Bool()
	next := v
	if called {
		next += rel.Sequence.Increment
		s.remember(rel.OID, v)
	}
	if o := s.own(rel.OID, s.resetting); o != nil {
		o.seq.Start, o.seq.Anew, o.dirty = next, !called, true
		return types.IntDatum(v), nil
	}
	s.host.seqs.mu.Lock()
	defer s.host.seqs.mu.Unlock()
	seq := *rel.Sequence
	seq.Start, seq.Anew = next, !called
	if _, err := s.host.seqs.store(s.stmtCtx, rel, &seq); err != nil {
		return types.NullDatum, err
	}
	delete(s.host.seqs.open, rel.OID)
	return types.IntDatum(v), nil
}

// sequenceLastValue is NULL before the first number.
func sequenceLastValue(x *scope, a []types.Datum) (types.Datum, error) {
	rel, err := x.session.sequence(a[0])
	if err != nil {
		return types.NullDatum, err
	}
	v, ok := x.session.lastNumber(rel)
	if !ok {
		return types.NullDatum, nil
	}
	return types.IntDatum(v), nil
}

// sequenceNext is what nextval would give, without taking it.
func sequenceNext(x *scope, a []types.Datum) (types.Datum, error) {
	rel, err := x.session.sequence(a[0])
	if err != nil {
		return types.NullDatum, err
	}
	if o := x.session.own(rel.OID, false); o != nil {
		return types.IntDatum(o.seq.Start), nil
	}
	if next, ok := x.session.host.seqs.nextOf(rel); ok {
		return types.IntDatum(next), nil
	}
	return types.IntDatum(rel.Sequence.Start), nil
}

// lastNumber is the number that this node gave last, or that the sequence was set to;
// without any of the block, the last of those that some node has taken.
func (s *Session) lastNumber(rel *catalog.Relation) (v int64, ok bool) {
	seq := rel.Sequence
	if o := s.own(rel.OID, false); o != nil {
		seq = &o.seq
	} else if next, ok := s.host.seqs.nextOf(rel); ok {
		return next - seq.Increment, true
	}
	return seq.Start - seq.Increment, seq.Start != seq.First() && !seq.Anew
}

// nextOf gives the next number of this node's block.
func (q *sequences) nextOf(rel *catalog.Relation) (v int64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.open[rel.OID]
	if o == nil || o.version != rel.SchemaVersion {
		return 0, false
	}
	return o.next, true
}
