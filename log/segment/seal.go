package segment

import (
	"context"
	"fmt"
	"slices"

	"github.com/millracedb/millrace/log"
)

const (
	// joinBytes closes a block that is being joined: with columns of 100 bytes 64 Ki
	// rows are 6.5 MB, and a reader of one column still reads at most this much.
	joinBytes = 8 << 20
	// maxSpills is the number of spill files from which on the next Seal writes all
	// small tails anew into one: it bounds files and what a restart reads.
	maxSpills = 8
	// wholeRows and wholeBytes are the sizes from which on a sealed block is copied
	// as it is when its file is joined with later rows.
	wholeRows  = log.MaxBlockRows / 2
	wholeBytes = joinBytes / 2
)

// Seal makes all rows up to an epoch durable and gives the manifest that says
// where. Big tails go into sealed files, joined with small files before them; the
// small tails of all partitions go together into one spill file. It runs in the
// background; appends and reads go on. All derived rows up to the epoch must be in.
//
// The files of the manifest are durable when Seal returns. Commit must be called
// when the manifest itself is.
func (s *Set) Seal(ctx context.Context, upTo log.Epoch) (*Manifest, error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.mu.Lock()
	streams := s.sortedLocked()
	s.mu.Unlock()
	job := sealJob{s: s, upTo: upTo, rewrite: len(s.spills) >= maxSpills}
	for _, st := range streams {
		if st.created > upTo {
			continue
		}
		for _, p := range *st.parts.Load() {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := job.partition(p); err != nil {
				return nil, err
			}
		}
	}
	if err := job.writeSpill(); err != nil {
		return nil, err
	}
	if s.unsynced {
		if err := syncDir(s.opts.FS, s.opts.Dir); err != nil {
			return nil, err
		}
		s.unsynced = false
	}
	s.dropSpills()
	return s.manifest(upTo), nil
}

// sealJob is one run of Seal.
type sealJob struct {
	s       *Set
	upTo    log.Epoch
	rewrite bool // all spilled tails are written again
	spill   []spillPart
}

// spillPart is the tail of a partition that goes into the spill file: the blocks
// from first to last of its tail.
type spillPart struct {
	p           *partition
	first, last int
}

// partition seals the tail of one partition or puts it down for the spill file.
func (j *sealJob) partition(p *partition) error {
	j.forget(p)
	v := p.view.Load()
	n := len(v.tail)
	for n > 0 && v.tail[n-1].LastEpoch > j.upTo {
		n--
	}
	size := int64(0)
	for _, b := range v.tail[:n] {
		size += int64(b.Bytes())
	}
	switch {
	case size >= j.s.opts.SealBytes:
		return j.seal(p, v, n, size)
	case j.rewrite && n > 0:
		j.spill = append(j.spill, spillPart{p, 0, n})
	case n > len(v.spills):
		j.spill = append(j.spill, spillPart{p, len(v.spills), n})
	}
	return nil
}

// forget drops what lies before the readable begin and that nobody has pinned:
// whole files, and whole blocks of the tail.
func (j *sealJob) forget(p *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := *p.view.Load()
	begin := v.beginAt(j.upTo)
	if from, ok := p.pinned(); ok {
		begin = min(begin, from)
	}
	files, blocks := 0, 0
	for files < len(v.files) && v.files[files].end <= begin {
		files++
	}
	if files == len(v.files) {
		for blocks < len(v.tail) && v.tail[blocks].End() <= begin &&
			v.tail[blocks].LastEpoch <= j.upTo {
			v.base = v.tail[blocks].End()
			v.tailBytes -= int64(v.tail[blocks].Bytes())
			blocks++
		}
	}
	if files+blocks == 0 {
		return
	}
	j.s.doomed = append(j.s.doomed, v.files[:files]...)
	v.files = slices.Clone(v.files[files:])
	v.tail = slices.Clone(v.tail[blocks:])
	v.spills = slices.Clone(v.spills[min(blocks, len(v.spills)):])
	p.view.Store(&v)
}

// seal writes the first n blocks of the tail into a file, joined with the small
// files before it: a file is taken in while it is less than twice as large as what
// comes after it, so that each row is written a logarithmic number of times.
func (j *sealJob) seal(p *partition, v *view, n int, size int64) error {
	keep := len(v.files)
	for keep > 0 && v.files[keep-1].size < min(2*size, j.s.opts.FileBytes) {
		keep--
		size += v.files[keep].size
	}
	f, err := j.s.writeFile(p.id, v.files[keep:], v.tail[:n])
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := *p.view.Load()
	now.files = append(slices.Clone(v.files[:keep]), f)
	now.tail = slices.Clone(now.tail[n:])
	now.spills = slices.Clone(now.spills[min(n, len(now.spills)):])
	now.base = f.end
	now.tailBytes = tailBytes(now.tail)
	p.view.Store(&now)
	j.s.doomed = append(j.s.doomed, v.files[keep:]...)
	return nil
}

func tailBytes(blocks []*log.Block) int64 {
	n := int64(0)
	for _, b := range blocks {
		n += int64(b.Bytes())
	}
	return n
}

// writeFile writes the blocks of old files and new ones as one sealed file.
func (s *Set) writeFile(id log.PartitionID, old []*file, tail []*log.Block) (*file, error) {
	base := tail[0].Base
	if len(old) > 0 {
		base = old[0].base
	}
	return s.buildFile(id, base, func(jn *joiner, w *fileWriter) error {
		for _, f := range old {
			if err := jn.file(f, w); err != nil {
				return err
			}
		}
		for _, b := range tail {
			if err := jn.add(b); err != nil {
				return err
			}
		}
		return nil
	})
}

// buildFile writes a sealed file of the blocks that fill gives to the joiner.
func (s *Set) buildFile(id log.PartitionID, base log.Offset,
	fill func(*joiner, *fileWriter) error) (*file, error) {
	w, err := s.newWriter(kindSealed, id, base)
	if err != nil {
		return nil, err
	}
	defer w.abort()
	jn := &joiner{s: s, out: func(b *log.Block, stats []log.SectionStats) error {
		keys, err := s.bloomKeys(b)
		if err == nil {
			w.block(b, stats, keys)
			err = w.err
		}
		return err
	}}
	if err := fill(jn, w); err != nil {
		return nil, err
	}
	if err := jn.flush(); err != nil {
		return nil, err
	}
	if jn.gapEnd != 0 {
		w.block(&log.Block{Partition: id, Base: jn.gap, Next: jn.gapEnd,
			Flags: log.Compacted}, nil, nil)
	}
	end := w.meta[len(w.meta)-1].End()
	f, err := s.finish(w, "%08x-%04x-%016x-%016x", uint32(id.Stream), id.Part, int64(base),
		int64(end))
	if err != nil {
		return nil, err
	}
	s.metrics.SealedBytes.Add(f.size)
	s.metrics.SealedRows.Add(f.rows)
	return f, nil
}

// bloomKeys gives the key hashes of a keyed stream's block.
func (s *Set) bloomKeys(b *log.Block) ([]uint64, error) {
	st := (*s.streams.Load())[b.Partition.Stream]
	if s.opts.Merger == nil || st == nil {
		return nil, nil
	}
	s.mu.Lock()
	keyed := st.spec().Keyed
	s.mu.Unlock()
	if !keyed || b.Rows == 0 {
		return nil, nil
	}
	hashes, _, err := s.opts.Merger.Keys(b)
	if err != nil {
		return nil, fmt.Errorf("keys of partition %s at row %d: %w", b.Partition, b.Base, err)
	}
	return hashes, nil
}

// joiner joins neighbouring blocks of one schema until they are large.
type joiner struct {
	s     *Set
	group []*log.Block
	rows  int
	bytes int
	out   func(*log.Block, []log.SectionStats) error
	// gap is a range of offsets without rows that no block covers yet, if gapEnd is
	// not 0.
	gap, gapEnd log.Offset
}

// file adds the blocks of a sealed file; large ones are copied as they are stored.
func (jn *joiner) file(f *file, w *fileWriter) error {
	in, err := f.open()
	if err != nil {
		return err
	}
	defer in.Close()
	for _, m := range f.blocks {
		if m.Rows == 0 {
			jn.skip(&m.Block)
			continue
		}
		if jn.gapEnd == 0 && (m.Rows >= wholeRows || m.storedBytes() >= wholeBytes) {
			if err := jn.flush(); err != nil {
				return err
			}
			if err := f.copyBlock(in, m, w); err != nil {
				return err
			}
			continue
		}
		b, err := f.readBlock(in, m, nil)
		if err != nil {
			return err
		}
		if err := jn.add(b); err != nil {
			return err
		}
	}
	return nil
}

// skip covers the offsets of a block of which no row is left.
func (jn *joiner) skip(b *log.Block) {
	if n := len(jn.group); n > 0 {
		last := *jn.group[n-1]
		last.Offsets, last.Next = offsetsOf(&last), b.End()
		jn.group[n-1] = &last
		return
	}
	if jn.gapEnd == 0 {
		jn.gap = b.Base
	}
	jn.gapEnd = b.End()
}

func offsetsOf(b *log.Block) []log.Offset {
	if b.Offsets != nil {
		return b.Offsets
	}
	out := make([]log.Offset, b.Rows)
	for i := range out {
		out[i] = b.OffsetOf(i)
	}
	return out
}

func (jn *joiner) add(b *log.Block) error {
	if jn.gapEnd != 0 {
		c := *b
		c.Offsets, c.Next = offsetsOf(b), b.End()
		c.Base, jn.gapEnd = jn.gap, 0
		b = &c
	}
	if len(jn.group) > 0 {
		g := jn.group[0]
		if jn.s.opts.Merger == nil || b.Schema != g.Schema || len(b.Sections) != len(g.Sections) ||
			jn.rows+b.Rows > log.MaxBlockRows || jn.bytes+b.Bytes() > joinBytes {
			if err := jn.flush(); err != nil {
				return err
			}
		}
	}
	jn.group = append(jn.group, b)
	jn.rows += b.Rows
	jn.bytes += b.Bytes()
	return nil
}

func (jn *joiner) flush() error {
	if len(jn.group) == 0 {
		return nil
	}
	b, stats, err := jn.s.join(jn.group)
	if err != nil {
		return err
	}
	jn.group, jn.rows, jn.bytes = jn.group[:0], 0, 0
	return jn.out(b, stats)
}

// join makes one block of neighbours. The merger writes rowtimes out, so the
// result's rows have their own.
func (s *Set) join(group []*log.Block) (*log.Block, []log.SectionStats, error) {
	first, last := group[0], group[len(group)-1]
	b := *first
	if s.opts.Merger == nil {
		return &b, nil, nil
	}
	b.Rows, b.Epochs, b.Offsets, b.Next = 0, nil, nil, 0
	b.Flags = 0
	derived, gaps := log.Derived|log.Compacted, false
	for _, x := range group {
		b.Rows += x.Rows
		b.MinTime, b.MaxTime = min(b.MinTime, x.MinTime), max(b.MaxTime, x.MaxTime)
		derived &= x.Flags
		gaps = gaps || x.Offsets != nil || x.Next != 0
	}
	b.Flags |= derived
	b.LastEpoch = last.LastEpoch
	if b.LastEpoch != b.Epoch {
		b.Epochs = joinRuns(group)
	}
	if gaps {
		b.Next = last.End()
		for _, x := range group {
			b.Offsets = append(b.Offsets, offsetsOf(x)...)
		}
	}
	var stats []log.SectionStats
	var err error
	b.Sections, stats, err = s.opts.Merger.Merge(group)
	if err != nil {
		return nil, nil, fmt.Errorf("join blocks of partition %s from row %d: %w",
			b.Partition, b.Base, err)
	}
	return &b, stats, nil
}

func joinRuns(group []*log.Block) []log.EpochRun {
	var runs []log.EpochRun
	push := func(e log.Epoch, rows int) {
		if n := len(runs); n > 0 && runs[n-1].Epoch == e {
			runs[n-1].Rows += rows
			return
		}
		runs = append(runs, log.EpochRun{Epoch: e, Rows: rows})
	}
	for _, b := range group {
		if b.Epochs == nil {
			push(b.Epoch, b.Rows)
			continue
		}
		for _, r := range b.Epochs {
			push(r.Epoch, r.Rows)
		}
	}
	return runs
}

// copyBlock copies a block in its stored form, after checking it.
func (f *file) copyBlock(in interface {
	ReadAt([]byte, int64) (int, error)
}, m *blockMeta, w *fileWriter) error {
	n := len(m.sections) + auxSections
	stored := make([][]byte, n)
	for i := range n {
		s, at := m.section(i)
		buf := make([]byte, s.stored)
		if len(buf) > 0 {
			if _, err := in.ReadAt(buf, at); err != nil {
				return fmt.Errorf("read %s at %d: %w", f.path, at, err)
			}
		}
		if _, err := f.loadSection(s, buf, at); err != nil {
			return err
		}
		stored[i] = buf
	}
	c := *m
	w.stored(&c, stored)
	return w.err
}

// writeSpill writes the small tails into one file and puts the joined blocks into
// the tails, which frees the entries that the blocks came in.
func (j *sealJob) writeSpill() error {
	if len(j.spill) == 0 {
		return nil
	}
	w, err := j.s.newWriter(kindSpill, log.PartitionID{}, 0)
	if err != nil {
		return err
	}
	defer w.abort()
	joined := make([][]*log.Block, len(j.spill))
	for i, sp := range j.spill {
		jn := joiner{s: j.s, out: func(b *log.Block, stats []log.SectionStats) error {
			joined[i] = append(joined[i], b)
			w.block(b, stats, nil)
			return w.err
		}}
		for _, b := range sp.p.view.Load().tail[sp.first:sp.last] {
			if err := jn.add(b); err != nil {
				return err
			}
		}
		if err := jn.flush(); err != nil {
			return err
		}
	}
	f, err := j.s.finish(w, "spill-%016x", uint64(j.upTo))
	if err != nil {
		return err
	}
	spilled := &spill{f}
	j.s.spills = append(j.s.spills, spilled)
	for i, sp := range j.spill {
		sp.p.replaceTail(sp.first, sp.last, joined[i], spilled)
	}
	return nil
}

// replaceTail puts joined blocks in the place of tail[first:last].
func (p *partition) replaceTail(first, last int, joined []*log.Block, sp *spill) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := *p.view.Load()
	v.tail = slices.Concat(v.tail[:first], joined, v.tail[last:])
	v.spills = slices.Clone(v.spills[:first])
	for range joined {
		v.spills = append(v.spills, sp)
	}
	v.tailBytes = tailBytes(v.tail)
	p.view.Store(&v)
}

// dropSpills gives up the spill files that no tail needs any more.
func (s *Set) dropSpills() {
	used := map[*spill]bool{}
	for _, st := range *s.streams.Load() {
		for _, p := range *st.parts.Load() {
			for _, sp := range p.view.Load().spills {
				used[sp] = true
			}
		}
	}
	keep := s.spills[:0:0]
	for _, sp := range s.spills {
		if used[sp] {
			keep = append(keep, sp)
		} else {
			s.doomed = append(s.doomed, sp.file)
		}
	}
	s.spills = keep
}
