package segment

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/millracedb/millrace/log"
)

var _ log.Partitions = (*Set)(nil)

// newest stands for the newest epoch.
const newest = ^log.Epoch(0)

// Bounds implements log.Partitions.
func (s *Set) Bounds(id log.PartitionID, at log.Epoch) (begin, end log.Offset, err error) {
	p, err := s.mustFind(id)
	if err != nil {
		return 0, 0, err
	}
	v := p.view.Load()
	end = v.endAt(at)
	return min(v.beginAt(at), end), end, nil
}

// OffsetAtEpoch implements log.Partitions.
func (s *Set) OffsetAtEpoch(id log.PartitionID, e log.Epoch) (log.Offset, error) {
	p, err := s.mustFind(id)
	if err != nil {
		return 0, err
	}
	v := p.view.Load()
	return max(v.endAt(e), v.beginAt(newest)), nil
}

// OffsetAtTime implements log.Partitions.
func (s *Set) OffsetAtTime(id log.PartitionID, t int64) (log.Offset, error) {
	p, err := s.mustFind(id)
	if err != nil {
		return 0, err
	}
	v := p.view.Load()
	begin := min(v.beginAt(newest), v.end)
	for _, f := range v.files {
		if f.end <= begin || f.maxTime < t {
			continue
		}
		for _, b := range f.blocks {
			if b.MaxTime >= t && b.End() > begin {
				return max(b.Base, begin), nil
			}
		}
	}
	for _, b := range v.tail {
		if b.MaxTime >= t && b.End() > begin {
			return max(b.Base, begin), nil
		}
	}
	return v.end, nil
}

// Read implements log.Partitions.
func (s *Set) Read(ctx context.Context, id log.PartitionID, from, to log.Offset,
	columns []int, fn func(*log.Block) error) error {
	p, err := s.mustFind(id)
	if err != nil {
		return err
	}
	for {
		v := p.view.Load()
		if err := v.checkRange(id, from, to); err != nil {
			return err
		}
		from, err = s.readRange(ctx, v, from, to, columns, nil, fn)
		if !errors.Is(err, errRemoved) {
			return err
		}
		// A file was replaced under the reader: go on from there in the new view.
	}
}

func (v *view) checkRange(id log.PartitionID, from, to log.Offset) error {
	if from > to || from < 0 || to > v.end || (from < v.first() && from < to) {
		return fmt.Errorf("partition %s: rows %d to %d of %d to %d: %w",
			id, from, to, v.first(), v.end, log.ErrOffsetOutOfRange)
	}
	return nil
}

// readRange reads from a view, if key is not nil only blocks that may hold it, and
// gives the offset it came to.
func (s *Set) readRange(ctx context.Context, v *view, from, to log.Offset, columns []int,
	key *uint64, fn func(*log.Block) error) (log.Offset, error) {
	i := sort.Search(len(v.files), func(i int) bool { return v.files[i].end > from })
	for ; i < len(v.files) && from < to && v.files[i].base < to; i++ {
		next, err := v.files[i].read(ctx, from, to, columns, key, fn)
		if err != nil {
			return next, err
		}
		from = next
	}
	i = sort.Search(len(v.tail), func(i int) bool { return v.tail[i].End() > from })
	for ; i < len(v.tail) && from < to && v.tail[i].Base < to; i++ {
		if i&63 == 0 && ctx.Err() != nil {
			return from, ctx.Err()
		}
		b := v.tail[i]
		if err := fn(project(b, columns)); err != nil {
			return from, err
		}
		from = b.End()
	}
	return from, ctx.Err()
}

// project gives b itself: the sections of a tail block are in memory anyway, and a
// reader that asked for fewer columns does not look at the others.
func project(b *log.Block, _ []int) *log.Block { return b }

// Stats implements log.Partitions.
func (s *Set) Stats(id log.PartitionID) (log.PartitionStats, error) {
	p, err := s.mustFind(id)
	if err != nil {
		return log.PartitionStats{}, err
	}
	v := p.view.Load()
	st := log.PartitionStats{
		Begin: min(v.beginAt(newest), v.end), End: v.end,
		TailRows: int64(v.end - v.base), TailBytes: v.tailBytes,
		Segments: len(v.files), LastEpoch: v.last, Pins: p.pinNames(),
	}
	seen := false
	times := func(lo, hi int64) {
		if !seen {
			st.MinTime, st.MaxTime, seen = lo, hi, true
		}
		st.MinTime, st.MaxTime = min(st.MinTime, lo), max(st.MaxTime, hi)
	}
	for _, f := range v.files {
		st.SealedRows += f.rows
		st.SealedBytes += f.size
		times(f.minTime, f.maxTime)
	}
	for _, b := range v.tail {
		times(b.MinTime, b.MaxTime)
	}
	return st, nil
}
