package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"github.com/millracedb/millrace/log"
)

// The format of a file, see FORMAT.md.
const (
	fileMagic    = 0x47534c4d // "MLSG"
	trailerMagic = 0x46534c4d // "MLSF"
	fileVersion  = 1

	kindSealed = 1
	kindSpill  = 2

	headerBytes  = 32
	trailerBytes = 24
	metaFixed    = 88
	sectionFixed = 32
	blockPrefix  = 8

	codecRaw  = 0
	codecZstd = 1

	// auxSections follow the columns in each block's directory: the epoch runs, the
	// offsets of the rows and the bloom of the keys.
	auxSections = 3

	// maxSectionBytes bounds what a reader allocates for one section.
	maxSectionBytes = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func pad8(n int) int { return (n + 7) &^ 7 }

// sectionMeta describes one stored section.
type sectionMeta struct {
	stored, raw uint32
	crc         uint32 // of the stored bytes
	codec       uint32
	stats       log.SectionStats
}

// blockMeta describes a stored block. Its Block has no sections and no runs.
type blockMeta struct {
	log.Block
	at       int64 // of the first section in the file
	sections []sectionMeta
	runs     sectionMeta
	offsets  sectionMeta
	bloom    sectionMeta
}

// storedBytes is the length of all sections with their padding.
func (m *blockMeta) storedBytes() int64 {
	n := int64(0)
	for i := range m.sections {
		n += int64(pad8(int(m.sections[i].stored)))
	}
	return n + int64(pad8(int(m.runs.stored))+pad8(int(m.offsets.stored))+
		pad8(int(m.bloom.stored)))
}

// section gives the directory's entry i and its place in the file; the columns come
// first, then runs, offsets and bloom.
func (m *blockMeta) section(i int) (*sectionMeta, int64) {
	at := m.at
	for j := range m.sections {
		if j == i {
			return &m.sections[j], at
		}
		at += int64(pad8(int(m.sections[j].stored)))
	}
	aux := [auxSections]*sectionMeta{&m.runs, &m.offsets, &m.bloom}
	for j, s := range aux {
		if len(m.sections)+j == i {
			return s, at
		}
		at += int64(pad8(int(s.stored)))
	}
	return nil, at
}

// appendMeta encodes a block's header; it is in front of the block and, after the
// block's place in the file, in the footer.
func appendMeta(dst []byte, m *blockMeta) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(m.Partition.Stream))
	dst = le.AppendUint32(dst, m.Partition.Part)
	dst = le.AppendUint32(dst, m.Schema)
	dst = le.AppendUint32(dst, uint32(m.Flags))
	dst = le.AppendUint32(dst, uint32(m.Rows))
	dst = le.AppendUint32(dst, uint32(len(m.sections)))
	dst = le.AppendUint64(dst, uint64(m.Base))
	dst = le.AppendUint64(dst, uint64(m.End()))
	dst = le.AppendUint64(dst, uint64(m.MinTime))
	dst = le.AppendUint64(dst, uint64(m.MaxTime))
	dst = le.AppendUint64(dst, uint64(m.Epoch))
	dst = le.AppendUint64(dst, uint64(m.LastEpoch))
	dst = le.AppendUint64(dst, uint64(m.at))
	dst = le.AppendUint64(dst, 0)
	for i := range m.sections {
		dst = appendSection(dst, &m.sections[i])
	}
	dst = appendSection(dst, &m.runs)
	dst = appendSection(dst, &m.offsets)
	dst = appendSection(dst, &m.bloom)
	for i := range m.sections {
		dst = append(dst, m.sections[i].stats.Min...)
		dst = append(dst, m.sections[i].stats.Max...)
	}
	return append(dst, make([]byte, pad8(len(dst))-len(dst))...)
}

func appendSection(dst []byte, s *sectionMeta) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, s.stored)
	dst = le.AppendUint32(dst, s.raw)
	dst = le.AppendUint32(dst, s.crc)
	dst = le.AppendUint32(dst, s.codec)
	dst = le.AppendUint32(dst, bytesLen(s.stats.Min))
	dst = le.AppendUint32(dst, bytesLen(s.stats.Max))
	dst = le.AppendUint32(dst, uint32(s.stats.Nulls))
	return le.AppendUint32(dst, 0)
}

// bytesLen tells nil, which means that there is no bound, from empty.
func bytesLen(b []byte) uint32 {
	if b == nil {
		return 0
	}
	return uint32(len(b)) + 1
}

// decodeMeta decodes a block's header and gives the rest.
func decodeMeta(b []byte) (*blockMeta, []byte, error) {
	if len(b) < metaFixed {
		return nil, nil, fmt.Errorf("block header of %d bytes", len(b))
	}
	le := binary.LittleEndian
	m := &blockMeta{}
	m.Partition = log.PartitionID{Stream: log.StreamID(le.Uint32(b)), Part: le.Uint32(b[4:])}
	m.Schema, m.Flags = le.Uint32(b[8:]), log.BlockFlags(le.Uint32(b[12:]))
	m.Rows = int(le.Uint32(b[16:]))
	n := int(le.Uint32(b[20:]))
	m.Base, m.Next = log.Offset(le.Uint64(b[24:])), log.Offset(le.Uint64(b[32:]))
	m.MinTime, m.MaxTime = int64(le.Uint64(b[40:])), int64(le.Uint64(b[48:]))
	m.Epoch, m.LastEpoch = log.Epoch(le.Uint64(b[56:])), log.Epoch(le.Uint64(b[64:]))
	m.at = int64(le.Uint64(b[72:]))
	if m.Rows < 0 || m.Rows > log.MaxBlockRows || m.Base < 0 ||
		m.Next < m.Base+log.Offset(m.Rows) {
		return nil, nil, fmt.Errorf("block of %d rows from %d to %d", m.Rows, m.Base, m.Next)
	}
	if m.Next == m.Base+log.Offset(m.Rows) {
		m.Next = 0
	}
	if n > (len(b)-metaFixed)/sectionFixed-auxSections {
		return nil, nil, fmt.Errorf("%d sections in a block header of %d bytes", n, len(b))
	}
	m.sections = make([]sectionMeta, n)
	dir := b[metaFixed:]
	values := dir[(n+auxSections)*sectionFixed:]
	for i := 0; i < n+auxSections; i++ {
		s, _ := m.section(i)
		var err error
		if values, err = decodeSection(s, dir[i*sectionFixed:], values); err != nil {
			return nil, nil, fmt.Errorf("section %d: %w", i, err)
		}
		if i >= n && (s.stats.Min != nil || s.stats.Max != nil) {
			return nil, nil, fmt.Errorf("section %d: bounds of no column", i)
		}
	}
	used := len(b) - len(values)
	if pad8(used) > len(b) {
		return nil, nil, fmt.Errorf("block header is cut off")
	}
	return m, b[pad8(used):], nil
}

func decodeSection(s *sectionMeta, dir, values []byte) ([]byte, error) {
	le := binary.LittleEndian
	s.stored, s.raw, s.crc = le.Uint32(dir), le.Uint32(dir[4:]), le.Uint32(dir[8:])
	s.codec = le.Uint32(dir[12:])
	s.stats.Nulls = int(le.Uint32(dir[24:]))
	if s.stored > maxSectionBytes || s.raw > maxSectionBytes {
		return nil, fmt.Errorf("%d bytes", max(s.stored, s.raw))
	}
	for i, p := range []*[]byte{&s.stats.Min, &s.stats.Max} {
		n := int(le.Uint32(dir[16+4*i:]))
		if n == 0 {
			continue
		}
		if n--; n > len(values) {
			return nil, fmt.Errorf("bound of %d bytes", n)
		}
		*p, values = values[:n:n], values[n:]
	}
	return values, nil
}

// zstdCodec compresses sections. EncodeAll and DecodeAll are safe for concurrent
// use; one encoder at a time keeps sealing in the background. It is made at start,
// because its channels must not belong to one test's bubble of time.
var zstdCodec = newCodec()

func newCodec() *codec {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderMaxMemory(maxSectionBytes), zstd.IgnoreChecksum(true))
	if err != nil {
		panic(err) // the options are constants
	}
	c := &codec{enc, dec}
	// The first use makes the channels.
	if _, err := dec.DecodeAll(enc.EncodeAll(make([]byte, minZstd), nil), nil); err != nil {
		panic(err) // the input is a constant
	}
	return c
}

type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// minZstd is the size below which compression is not tried.
const minZstd = 64

// store gives the stored form of a section: compressed if that saves an eighth.
func store(raw []byte) ([]byte, sectionMeta) {
	m := sectionMeta{raw: uint32(len(raw)), codec: codecRaw}
	out := raw
	if len(raw) >= minZstd {
		z := zstdCodec.enc.EncodeAll(raw, make([]byte, 0, len(raw)/2))
		if len(z) < len(raw)-len(raw)/8 {
			out, m.codec = z, codecZstd
		}
	}
	m.stored, m.crc = uint32(len(out)), crc32.Checksum(out, castagnoli)
	return out, m
}

// load gives the section from its stored form, which it may alias.
func load(m *sectionMeta, stored []byte) ([]byte, error) {
	if crc32.Checksum(stored, castagnoli) != m.crc {
		return nil, fmt.Errorf("checksum differs")
	}
	switch m.codec {
	case codecRaw:
		if m.raw != m.stored {
			return nil, fmt.Errorf("length %d, want %d", m.stored, m.raw)
		}
		return stored, nil
	case codecZstd:
		raw, err := zstdCodec.dec.DecodeAll(stored, make([]byte, 0, m.raw))
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		if uint32(len(raw)) != m.raw {
			return nil, fmt.Errorf("length %d, want %d", len(raw), m.raw)
		}
		return raw, nil
	}
	return nil, fmt.Errorf("codec %d", m.codec)
}

// appendRuns encodes epoch runs: the distance of the epochs and the rows of each.
func appendRuns(dst []byte, first log.Epoch, runs []log.EpochRun) []byte {
	for _, r := range runs {
		dst = binary.AppendUvarint(dst, uint64(r.Epoch-first))
		dst = binary.AppendUvarint(dst, uint64(r.Rows))
		first = r.Epoch
	}
	return dst
}

func decodeRuns(b []byte, first log.Epoch, rows int) ([]log.EpochRun, error) {
	var runs []log.EpochRun
	sum := 0
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, fmt.Errorf("epoch runs are cut off")
		}
		r, k := binary.Uvarint(b[n:])
		if k <= 0 || r > uint64(rows) {
			return nil, fmt.Errorf("epoch runs are cut off")
		}
		b = b[n+k:]
		first += log.Epoch(d)
		sum += int(r)
		runs = append(runs, log.EpochRun{Epoch: first, Rows: int(r)})
	}
	if sum != rows {
		return nil, fmt.Errorf("epoch runs of %d rows in a block of %d", sum, rows)
	}
	return runs, nil
}

// appendOffsets encodes ascending offsets by their distances.
func appendOffsets(dst []byte, base log.Offset, offsets []log.Offset) []byte {
	for _, o := range offsets {
		dst = binary.AppendUvarint(dst, uint64(o-base))
		base = o
	}
	return dst
}

func decodeOffsets(b []byte, base log.Offset, rows int) ([]log.Offset, error) {
	offsets := make([]log.Offset, 0, rows)
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || len(offsets) == rows {
			return nil, fmt.Errorf("offsets of rows are malformed")
		}
		b = b[n:]
		base += log.Offset(d)
		offsets = append(offsets, base)
	}
	if len(offsets) != rows {
		return nil, fmt.Errorf("%d offsets in a block of %d rows", len(offsets), rows)
	}
	return offsets, nil
}
