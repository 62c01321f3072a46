package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"

	"github.com/millracedb/millrace/log"
)

// writeChunk is how much is collected before a write: large enough that the call
// does not matter, small enough to stay in the cache.
const writeChunk = 256 << 10

// fileWriter writes one file under a temporary name. Its bytes depend on the blocks
// alone, and its name on its bytes, so that replicas that seal the same rows at the
// same places have the same files.
type fileWriter struct {
	fs   vfs.FS
	dir  string
	temp string
	out  vfs.File
	buf  []byte
	at   int64 // bytes written and in buf
	meta []*blockMeta
	err  error
}

func (s *Set) newWriter(kind uint16, id log.PartitionID, base log.Offset) (*fileWriter, error) {
	s.nextID++
	w := &fileWriter{fs: s.opts.FS, dir: s.opts.Dir}
	w.temp = w.fs.PathJoin(w.dir, fmt.Sprintf("%d.tmp", s.nextID))
	var err error
	if w.out, err = w.fs.Create(w.temp, vfs.WriteCategoryUnspecified); err != nil {
		return nil, fmt.Errorf("create %s: %w", w.temp, err)
	}
	h := make([]byte, 0, headerBytes)
	le := binary.LittleEndian
	h = le.AppendUint32(h, fileMagic)
	h = le.AppendUint16(h, fileVersion)
	h = le.AppendUint16(h, kind)
	h = le.AppendUint32(h, uint32(id.Stream))
	h = le.AppendUint32(h, id.Part)
	h = le.AppendUint64(h, uint64(base))
	h = le.AppendUint32(h, 0)
	h = le.AppendUint32(h, crc32.Checksum(h, castagnoli))
	w.write(h)
	return w, nil
}

// write copies p into the buffer: the file system may change what it is given.
func (w *fileWriter) write(p []byte) {
	w.buf = append(w.buf, p...)
	w.at += int64(len(p))
	if len(w.buf) >= writeChunk {
		w.flush()
	}
}

func (w *fileWriter) pad() {
	if n := pad8(int(w.at&7)) - int(w.at&7); n > 0 {
		w.write(make([]byte, n))
	}
}

func (w *fileWriter) flush() {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.out.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

// block writes a block with its sections in memory.
func (w *fileWriter) block(b *log.Block, stats []log.SectionStats, keys []uint64) {
	m := &blockMeta{Block: *b, sections: make([]sectionMeta, len(b.Sections))}
	m.Sections, m.Epochs, m.Offsets = nil, nil, nil
	stored := make([][]byte, len(b.Sections)+auxSections)
	for i, s := range b.Sections {
		stored[i], m.sections[i] = store(s)
		if i < len(stats) {
			m.sections[i].stats = stats[i]
		}
	}
	n := len(b.Sections)
	stored[n], m.runs = store(appendRuns(nil, b.Epoch, b.Epochs))
	stored[n+1], m.offsets = store(appendOffsets(nil, b.Base, b.Offsets))
	if keys != nil {
		stored[n+2], m.bloom = store(makeBloom(keys))
	}
	w.stored(m, stored)
}

// stored writes a block whose sections have their stored form.
func (w *fileWriter) stored(m *blockMeta, sections [][]byte) {
	head := appendMeta(nil, m)
	m.at = w.at + blockPrefix + int64(len(head))
	head = appendMeta(head[:0], m)
	p := make([]byte, 0, blockPrefix)
	p = binary.LittleEndian.AppendUint32(p, uint32(len(head)))
	p = binary.LittleEndian.AppendUint32(p, crc32.Checksum(head, castagnoli))
	w.write(p)
	w.write(head)
	for _, s := range sections {
		w.write(s)
		w.pad()
	}
	w.meta = append(w.meta, m)
}

// finish writes the footer, makes the file durable and gives it its name. The
// directory is synced by the caller, once for all files.
func (s *Set) finish(w *fileWriter, format string, args ...any) (*file, error) {
	le := binary.LittleEndian
	footer := le.AppendUint32(nil, uint32(len(w.meta)))
	footer = le.AppendUint32(footer, 0)
	for _, m := range w.meta {
		footer = appendMeta(footer, m)
	}
	at := w.at
	w.write(footer)
	t := le.AppendUint64(nil, uint64(at))
	t = le.AppendUint32(t, uint32(len(footer)))
	t = le.AppendUint32(t, crc32.Checksum(footer, castagnoli))
	t = le.AppendUint32(t, fileVersion)
	w.write(le.AppendUint32(t, trailerMagic))
	w.flush()
	if w.err == nil {
		w.err = w.out.Sync()
	}
	err := errors.Join(w.err, w.out.Close())
	w.out = nil
	name := fmt.Sprintf(format, args...) + fmt.Sprintf("-%016x.seg", xxh3.Hash(footer))
	if err == nil {
		err = w.fs.Rename(w.temp, w.fs.PathJoin(w.dir, name))
	}
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, errors.Join(err, w.fs.Remove(w.temp)))
	}
	s.unsynced = true
	s.metrics.FilesWritten.Add(1)
	f := &file{fs: w.fs, path: w.fs.PathJoin(w.dir, name), name: name, size: w.at,
		metrics: &s.metrics}
	f.setBlocks(w.meta)
	return f, nil
}

// abort removes an unfinished file.
func (w *fileWriter) abort() {
	if w.out != nil {
		_ = w.out.Close() // the file is thrown away
		_ = w.fs.Remove(w.temp)
		w.out = nil
	}
}
