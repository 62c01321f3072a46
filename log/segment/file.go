package segment

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"

	"github.com/millracedb/millrace/log"
)

// errRemoved: the file was replaced or dropped; the newest view knows better.
var errRemoved = errors.New("segment: file was removed")

// file is a sealed or spill file: its index in memory, its blocks on disk.
type file struct {
	fs         vfs.FS
	path, name string
	size       int64
	metrics    *Metrics

	base, end        log.Offset
	firstEpoch       log.Epoch
	lastEpoch        log.Epoch
	minTime, maxTime int64
	rows             int64
	blocks           []*blockMeta

	mu      sync.Mutex
	removed bool             // guarded by mu
	damaged map[int64]string // places of damaged sections and why; guarded by mu
	hurt    atomic.Bool      // damaged is not empty
}

func (f *file) setBlocks(blocks []*blockMeta) {
	f.blocks = blocks
	if len(blocks) == 0 {
		return
	}
	first, last := blocks[0], blocks[len(blocks)-1]
	f.base, f.end = first.Base, last.End()
	f.firstEpoch, f.lastEpoch = first.Epoch, last.LastEpoch
	f.minTime, f.maxTime = first.MinTime, first.MaxTime
	for _, b := range blocks {
		f.rows += int64(b.Rows)
		f.minTime, f.maxTime = min(f.minTime, b.MinTime), max(f.maxTime, b.MaxTime)
	}
}

func (f *file) corrupt(at int64, format string, args ...any) error {
	return &log.CorruptionError{File: f.path, Offset: at, Reason: fmt.Sprintf(format, args...)}
}

// openFile reads and checks the footer of a file. Its name must fit its bytes.
func (s *Set) openFile(ref FileRef) (*file, error) {
	f := &file{fs: s.opts.FS, path: s.opts.FS.PathJoin(s.opts.Dir, ref.Name), name: ref.Name,
		metrics: &s.metrics}
	in, err := f.fs.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.path, err)
	}
	err = f.readFooter(in, ref)
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *file) readFooter(in vfs.File, ref FileRef) error {
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("stat %s: %w", f.path, err)
	}
	f.size = info.Size()
	if f.size != ref.Size || f.size < headerBytes+trailerBytes {
		return f.corrupt(f.size, "length %d, want %d", f.size, ref.Size)
	}
	le := binary.LittleEndian
	var head [headerBytes]byte
	var tail [trailerBytes]byte
	if _, err := in.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	if _, err := in.ReadAt(tail[:], f.size-trailerBytes); err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	if le.Uint32(head[:]) != fileMagic ||
		crc32.Checksum(head[:headerBytes-4], castagnoli) != le.Uint32(head[headerBytes-4:]) {
		return f.corrupt(0, "header is not that of a segment file")
	}
	if le.Uint32(tail[20:]) != trailerMagic {
		return f.corrupt(f.size-trailerBytes, "trailer is not that of a segment file")
	}
	if v := le.Uint16(head[4:]); v != fileVersion {
		return f.corrupt(4, "format version %d, this program reads %d", v, fileVersion)
	}
	if v := le.Uint32(tail[16:]); v != fileVersion {
		return f.corrupt(f.size-8, "format version %d in the trailer, %d in the header", v, fileVersion)
	}
	at, n := int64(le.Uint64(tail[:])), int64(le.Uint32(tail[8:]))
	if at < headerBytes || n < 8 || at+n != f.size-trailerBytes {
		return f.corrupt(f.size-trailerBytes, "footer at %d with %d bytes", at, n)
	}
	footer := make([]byte, n)
	if _, err := in.ReadAt(footer, at); err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	if crc32.Checksum(footer, castagnoli) != le.Uint32(tail[12:]) {
		return f.corrupt(at, "checksum of the footer differs")
	}
	if want := fmt.Sprintf("-%016x.seg", xxh3.Hash(footer)); len(f.name) < len(want) ||
		f.name[len(f.name)-len(want):] != want {
		return f.corrupt(at, "name does not fit the footer")
	}
	return f.decodeFooter(footer, at)
}

func (f *file) decodeFooter(footer []byte, at int64) error {
	n := int(binary.LittleEndian.Uint32(footer))
	if n > len(footer)/metaFixed {
		return f.corrupt(at, "%d blocks in a footer of %d bytes", n, len(footer))
	}
	blocks := make([]*blockMeta, 0, n)
	rest := footer[8:]
	for range n {
		m, next, err := decodeMeta(rest)
		if err != nil {
			return f.corrupt(at+int64(len(footer)-len(rest)), "%v", err)
		}
		if m.at < headerBytes || m.at+m.storedBytes() > at {
			return f.corrupt(at+int64(len(footer)-len(rest)), "block outside of the file")
		}
		blocks, rest = append(blocks, m), next
	}
	f.setBlocks(blocks)
	return nil
}

// open opens the file for reading; it stays readable if it is removed meanwhile.
func (f *file) open() (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.removed {
		return nil, errRemoved
	}
	in, err := f.fs.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.path, err)
	}
	return in, nil
}

// remove deletes the file; readers that have it open go on.
func (f *file) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.removed {
		return nil
	}
	f.removed = true
	return f.fs.Remove(f.path)
}

// read calls fn for the blocks with rows in [from, to) and gives the offset it came
// to.
func (f *file) read(ctx context.Context, from, to log.Offset, columns []int, key *uint64,
	fn func(*log.Block) error) (log.Offset, error) {
	in, err := f.open()
	if err != nil {
		return from, err
	}
	defer in.Close()
	i := sort.Search(len(f.blocks), func(i int) bool { return f.blocks[i].End() > from })
	for ; i < len(f.blocks) && f.blocks[i].Base < to; i++ {
		if err := ctx.Err(); err != nil {
			return from, err
		}
		skip := f.blocks[i].Rows == 0 // compaction has left nothing
		if key != nil && !skip {
			may, err := f.mayHold(in, f.blocks[i], *key)
			if err != nil {
				return from, err
			}
			skip = !may
		}
		if skip {
			from = f.blocks[i].End()
			continue
		}
		b, err := f.readBlock(in, f.blocks[i], columns)
		if err != nil {
			return from, err
		}
		if err := fn(b); err != nil {
			return from, err
		}
		from = b.End()
	}
	return from, nil
}

// mayHold asks the bloom of a block.
func (f *file) mayHold(in io.ReaderAt, m *blockMeta, key uint64) (bool, error) {
	if m.bloom.raw == 0 {
		return true, nil
	}
	want := make([]bool, len(m.sections)+auxSections)
	want[len(want)-1] = true
	raw, err := f.readSections(in, m, want)
	if err != nil {
		return false, err
	}
	return mayHold(raw[len(want)-1], key), nil
}

// readBlock reads the wanted sections of a block. Sections that lie side by side
// are read with one call.
func (f *file) readBlock(in vfs.File, m *blockMeta, columns []int) (*log.Block, error) {
	b := m.Block
	b.Sections = make([][]byte, len(m.sections))
	want := make([]bool, len(m.sections)+2)
	for i := range m.sections {
		want[i] = columns == nil
	}
	for _, c := range columns {
		if c < 0 || c >= len(m.sections) {
			continue // a column that the schema of this block does not have yet
		}
		want[c] = true
	}
	want[len(m.sections)] = m.runs.raw > 0
	want[len(m.sections)+1] = m.offsets.raw > 0
	raw, err := f.readSections(in, m, want)
	if err != nil {
		return nil, err
	}
	copy(b.Sections, raw)
	if r := raw[len(m.sections)]; r != nil {
		if b.Epochs, err = decodeRuns(r, b.Epoch, b.Rows); err != nil {
			return nil, f.corrupt(m.at, "%v", err)
		}
	}
	if o := raw[len(m.sections)+1]; o != nil {
		if b.Offsets, err = decodeOffsets(o, b.Base, b.Rows); err != nil {
			return nil, f.corrupt(m.at, "%v", err)
		}
	}
	return &b, nil
}

func (f *file) readSections(in io.ReaderAt, m *blockMeta, want []bool) ([][]byte, error) {
	raw := make([][]byte, len(want))
	for i := 0; i < len(want); i++ {
		if !want[i] {
			continue
		}
		j := i
		_, at := m.section(i)
		n := int64(0)
		for ; j < len(want) && want[j]; j++ {
			s, _ := m.section(j)
			n += int64(pad8(int(s.stored)))
		}
		buf := make([]byte, n)
		if _, err := in.ReadAt(buf, at); err != nil {
			return nil, fmt.Errorf("read %s at %d: %w", f.path, at, err)
		}
		for ; i < j; i++ {
			s, _ := m.section(i)
			var err error
			if raw[i], err = f.loadSection(s, buf[:s.stored:s.stored], at); err != nil {
				return nil, err
			}
			step := pad8(int(s.stored))
			buf, at = buf[step:], at+int64(step)
		}
	}
	return raw, nil
}

// loadSection checks and unpacks a section. A damaged one stays damaged: it is
// remembered, so that what is read later does not depend on the disk's mood.
func (f *file) loadSection(s *sectionMeta, stored []byte, at int64) ([]byte, error) {
	raw, err := load(s, stored)
	if err == nil && !f.hurt.Load() {
		return raw, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if reason, ok := f.damaged[at]; ok {
		return nil, f.corrupt(at, "%s", reason)
	}
	if err == nil {
		return raw, nil
	}
	if f.damaged == nil {
		f.damaged = map[int64]string{}
	}
	f.damaged[at] = err.Error()
	f.hurt.Store(true)
	if f.metrics != nil {
		f.metrics.Quarantined.Add(1)
	}
	return nil, f.corrupt(at, "%v", err)
}

// endAt gives the offset after the last row of epochs up to e, which must be below
// the file's last epoch.
func (f *file) endAt(e log.Epoch) log.Offset {
	i := sort.Search(len(f.blocks), func(i int) bool { return f.blocks[i].LastEpoch > e })
	if i == len(f.blocks) {
		return f.end
	}
	m := f.blocks[i]
	if m.Epoch > e {
		return m.Base
	}
	in, err := f.open()
	if err != nil {
		return m.Base // dropped under the reader: nothing of it can be read anyway
	}
	defer in.Close()
	b, err := f.readBlock(in, m, []int{})
	if err != nil {
		return m.Base // the damage is reported by whoever reads the rows
	}
	return rowAfterEpoch(b, e)
}
