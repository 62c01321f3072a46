package segment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/millracedb/millrace/log"
)

const (
	// tombstoneMicros is how long a delete stays after it is the last of its key: a
	// day, so that whoever follows the stream and was away sees it.
	tombstoneMicros = 24 * 3600 * 1_000_000
	// maxKeys bounds the keys of one pass, 40 bytes each. Older rows of other keys
	// stay until the next pass.
	maxKeys = 4 << 20
)

// Compact drops from the sealed files of keyed streams the rows that a later row of
// the same key has replaced, and deletes that are older than a day. Partitions of
// which less than half is new since their last compaction are left alone. Offsets
// stay; the rows that are gone leave gaps. Rows at or after a pin are not touched.
func (s *Set) Compact(ctx context.Context, nowMicros int64) error {
	c, ok := s.opts.Merger.(log.Compactor)
	if !ok {
		return nil
	}
	s.mu.Lock()
	var parts []*partition
	for _, st := range s.sortedLocked() {
		if st.spec().Keyed && st.dropped == 0 {
			parts = append(parts, *st.parts.Load()...)
		}
	}
	s.mu.Unlock()
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.compactPartition(ctx, c, p, nowMicros)
		if err != nil && !errors.Is(err, errNoKeys) {
			return fmt.Errorf("compact partition %s: %w", p.id, err)
		}
	}
	return nil
}

// errNoKeys: the rows of a stream that is marked as keyed have no keys in this
// version of its schema, so nothing is known to be replaced.
var errNoKeys = errors.New("segment: rows without keys")

// dirty tells whether at least half of the bytes are new since the last compaction.
func dirty(files []*file) bool {
	var all, fresh int64
	for _, f := range files {
		all += f.size
		if slices.ContainsFunc(f.blocks, func(m *blockMeta) bool {
			return m.Flags&log.Compacted == 0
		}) {
			fresh += f.size
		}
	}
	return fresh > 0 && 2*fresh >= all
}

func (s *Set) compactPartition(ctx context.Context, c log.Compactor, p *partition,
	now int64) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	v := p.view.Load()
	n := len(v.files)
	if pinned, ok := p.pinned(); ok {
		for n > 0 && v.files[n-1].end > pinned {
			n--
		}
	}
	if n == 0 || !dirty(v.files[:n]) {
		return nil
	}
	job := compaction{set: s, c: c, deadline: now - tombstoneMicros, last: map[[2]uint64]log.Offset{}}
	for i := n - 1; i >= 0 && len(job.last) < maxKeys; i-- {
		if err := job.index(ctx, v.files[i]); err != nil {
			return err
		}
	}
	f, err := s.buildFile(p.id, v.files[0].base, func(jn *joiner, _ *fileWriter) error {
		for _, f := range v.files[:n] {
			if err := job.copy(ctx, f, jn); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.metrics.CompactedRows.Add(job.dropped)
	p.mu.Lock()
	defer p.mu.Unlock()
	next := *p.view.Load()
	next.files = append([]*file{f}, next.files[n:]...)
	p.view.Store(&next)
	s.doomed = append(s.doomed, v.files[:n]...)
	return nil
}

// compaction is one pass over a partition.
type compaction struct {
	set      *Set
	c        log.Compactor
	deadline int64 // deletes with a rowtime before it may go
	last     map[[2]uint64]log.Offset
	dropped  int64
}

// each calls fn for the blocks of a file with the keys of their rows.
func (j *compaction) each(ctx context.Context, f *file,
	fn func(*log.Block, [][2]uint64, []bool) error) error {
	in, err := f.open()
	if err != nil {
		return err
	}
	defer in.Close()
	for _, m := range f.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		var keys [][2]uint64
		var deletes []bool
		b := &m.Block
		if m.Rows > 0 {
			if b, err = f.readBlock(in, m, nil); err != nil {
				return err
			}
			if keys, deletes, err = j.c.Fingerprints(b); err != nil {
				return err
			}
			if len(keys) != b.Rows || len(deletes) != b.Rows {
				return errNoKeys
			}
		}
		if err := fn(b, keys, deletes); err != nil {
			return err
		}
	}
	return nil
}

// index remembers the last offset of each key.
func (j *compaction) index(ctx context.Context, f *file) error {
	return j.each(ctx, f, func(b *log.Block, keys [][2]uint64, _ []bool) error {
		for i, k := range keys {
			o := b.OffsetOf(i)
			if last, ok := j.last[k]; !ok || o > last {
				j.last[k] = o
			}
		}
		return nil
	})
}

// copy gives the rows of a file that stay to the joiner.
func (j *compaction) copy(ctx context.Context, f *file, jn *joiner) error {
	return j.each(ctx, f, func(b *log.Block, keys [][2]uint64, deletes []bool) error {
		keep := make([]bool, len(keys))
		kept := 0
		for i, k := range keys {
			last, ok := j.last[k]
			keep[i] = !ok || last == b.OffsetOf(i) && !(deletes[i] && b.MaxTime < j.deadline)
			if keep[i] {
				kept++
			}
		}
		j.dropped += int64(b.Rows - kept)
		if kept == 0 {
			jn.skip(b)
			return nil
		}
		out, err := j.filter(b, keep, kept)
		if err != nil {
			return err
		}
		return jn.add(out)
	})
}

// filter gives a block of the rows that stay, at their offsets and epochs.
func (j *compaction) filter(b *log.Block, keep []bool, kept int) (*log.Block, error) {
	out := *b
	out.Flags |= log.Compacted
	if kept == b.Rows {
		return &out, nil
	}
	var err error
	if out.Sections, _, err = j.c.Filter(b, keep); err != nil {
		return nil, err
	}
	out.Rows, out.Next = kept, b.End()
	out.Offsets = make([]log.Offset, 0, kept)
	out.Epochs = nil
	runs := b.Epochs
	if runs == nil {
		runs = []log.EpochRun{{Epoch: b.Epoch, Rows: b.Rows}}
	}
	row := 0
	for _, r := range runs {
		n := 0
		for range r.Rows {
			if keep[row] {
				out.Offsets = append(out.Offsets, b.OffsetOf(row))
				n++
			}
			row++
		}
		if n > 0 {
			out.Epochs = append(out.Epochs, log.EpochRun{Epoch: r.Epoch, Rows: n})
		}
	}
	out.Epoch, out.LastEpoch = out.Epochs[0].Epoch, out.Epochs[len(out.Epochs)-1].Epoch
	if len(out.Epochs) == 1 {
		out.Epochs = nil
	}
	return &out, nil
}

// ReadKey calls fn for the sealed and tail blocks with rows in [from, to) that may
// hold a key, by the hash of Merger.Keys; the others are skipped unread.
func (s *Set) ReadKey(ctx context.Context, id log.PartitionID, hash uint64, from, to log.Offset,
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
		from, err = s.readRange(ctx, v, from, to, columns, &hash, fn)
		if !errors.Is(err, errRemoved) {
			return err
		}
	}
}
