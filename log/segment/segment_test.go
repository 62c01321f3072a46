package segment

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millracedb/millrace/log"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the files in testdata")

// testMerger joins blocks whose sections have rows of 8 bytes: section 0 is the
// operation (1: delete), section 1 the key, the others values.
type testMerger struct{}

func (testMerger) Merge(blocks []*log.Block) ([][]byte, []log.SectionStats, error) {
	out := make([][]byte, len(blocks[0].Sections))
	stats := make([]log.SectionStats, len(out))
	for _, b := range blocks {
		for i, s := range b.Sections {
			if len(s) != 8*b.Rows {
				return nil, nil, fmt.Errorf("section of %d bytes in %d rows", len(s), b.Rows)
			}
			out[i] = append(out[i], s...)
		}
	}
	for i, s := range out {
		stats[i] = bounds(s)
	}
	return out, stats, nil
}

func bounds(s []byte) log.SectionStats {
	var st log.SectionStats
	for ; len(s) > 0; s = s[8:] {
		if st.Min == nil || string(s[:8]) < string(st.Min) {
			st.Min = slices.Clone(s[:8])
		}
		if st.Max == nil || string(s[:8]) > string(st.Max) {
			st.Max = slices.Clone(s[:8])
		}
	}
	return st
}

func (testMerger) Keys(b *log.Block) ([]uint64, []bool, error) {
	hashes, deletes := make([]uint64, b.Rows), make([]bool, b.Rows)
	for i := range b.Rows {
		hashes[i] = binary.BigEndian.Uint64(b.Sections[1][8*i:]) * 0x9e3779b97f4a7c15
		deletes[i] = binary.BigEndian.Uint64(b.Sections[0][8*i:]) == 1
	}
	return hashes, deletes, nil
}

// lab is a set under test and what must be in it.
type lab struct {
	t     testing.TB
	fs    vfs.FS
	set   *Set
	opts  Options
	epoch log.Epoch
	want  map[log.PartitionID][]row
	begin map[log.PartitionID]log.Offset
}

type row struct {
	epoch log.Epoch
	key   uint64
}

func newLab(t testing.TB, fs vfs.FS, opts Options) *lab {
	t.Helper()
	opts.FS, opts.Dir = fs, "segments"
	if opts.Merger == nil {
		opts.Merger = testMerger{}
	}
	l := &lab{t: t, fs: fs, opts: opts, want: map[log.PartitionID][]row{},
		begin: map[log.PartitionID]log.Offset{}}
	l.open()
	return l
}

func (l *lab) open() {
	l.t.Helper()
	var err error
	if l.set, err = Open(l.opts); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) create(stream log.StreamID, parts uint32, keyed bool) {
	l.epoch++
	l.set.Create(log.StreamSpec{Stream: stream, Partitions: parts, Keyed: keyed}, l.epoch)
}

// add appends one epoch with the keys to a partition.
func (l *lab) add(stream log.StreamID, part uint32, keys ...uint64) {
	l.t.Helper()
	l.epoch++
	l.addTo(stream, part, keys...)
}

func (l *lab) addTo(stream log.StreamID, part uint32, keys ...uint64) {
	l.t.Helper()
	id := log.PartitionID{Stream: stream, Part: part}
	b := &log.Block{Partition: id, Rows: len(keys), Sections: make([][]byte, 3),
		MinTime: int64(l.epoch) * 1000, MaxTime: int64(l.epoch)*1000 + 10}
	for _, k := range keys {
		b.Sections[0] = binary.BigEndian.AppendUint64(b.Sections[0], 0)
		b.Sections[1] = binary.BigEndian.AppendUint64(b.Sections[1], k)
		b.Sections[2] = binary.BigEndian.AppendUint64(b.Sections[2], uint64(l.epoch))
		l.want[id] = append(l.want[id], row{l.epoch, k})
	}
	if err := l.set.Append(b, l.epoch, 0); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) seal() *Manifest {
	l.t.Helper()
	m, err := l.set.Seal(context.Background(), l.epoch)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.set.Commit(m); err != nil {
		l.t.Fatal(err)
	}
	return m
}

// reopen opens the set anew from a manifest, through its encoding.
func (l *lab) reopen(m *Manifest) {
	l.t.Helper()
	enc, err := json.Marshal(m)
	if err != nil {
		l.t.Fatal(err)
	}
	var back Manifest
	if err := json.Unmarshal(enc, &back); err != nil {
		l.t.Fatal(err)
	}
	l.open()
	if err := l.set.Restore(context.Background(), &back); err != nil {
		l.t.Fatal(err)
	}
}

// check compares all partitions with what was appended, as of some epochs.
func (l *lab) check() {
	l.t.Helper()
	for id, want := range l.want {
		l.checkPart(id, want)
	}
}

func (l *lab) checkPart(id log.PartitionID, want []row) {
	l.t.Helper()
	begin, end, err := l.set.Bounds(id, ^log.Epoch(0))
	if err != nil || begin != l.begin[id] || end != log.Offset(len(want)) {
		l.t.Fatalf("partition %s: bounds %d to %d, %v; want %d to %d", id, begin, end, err,
			l.begin[id], len(want))
	}
	at := begin
	err = l.set.Read(context.Background(), id, begin, end, nil, func(b *log.Block) error {
		for i := range b.Rows {
			o := b.OffsetOf(i)
			if o < at {
				continue
			}
			if o != at {
				return fmt.Errorf("row %d after row %d", o, at-1)
			}
			got := row{log.Epoch(binary.BigEndian.Uint64(b.Sections[2][8*i:])),
				binary.BigEndian.Uint64(b.Sections[1][8*i:])}
			if got != want[o] {
				return fmt.Errorf("row %d is %v, want %v", o, got, want[o])
			}
			at++
		}
		return nil
	})
	if err != nil || at != end {
		l.t.Fatalf("partition %s: read to %d: %v", id, at, err)
	}
	for e := log.Epoch(0); e <= l.epoch+1; e += 1 + l.epoch/16 {
		wantEnd := 0
		for wantEnd < len(want) && want[wantEnd].epoch <= e {
			wantEnd++
		}
		wantAt := max(log.Offset(wantEnd), l.begin[id])
		if got, err := l.set.OffsetAtEpoch(id, e); err != nil || got != wantAt {
			l.t.Fatalf("partition %s: epochs after %d begin at %d, %v; want %d", id, e, got, err, wantAt)
		}
	}
}

func keys(from, n uint64) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = from + uint64(i)
	}
	return out
}

func TestSealAndReopen(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 1 << 10})
	l.create(1, 2, false)
	l.create(2, 1, true)
	m := l.seal()
	l.reopen(m)
	for i := range uint64(60) {
		l.add(1, uint32(i%2), keys(100*i, 1+i%20)...)
		l.add(2, 0, i)
		l.check()
		if i%7 == 6 {
			m = l.seal()
			l.check()
			l.reopen(m)
			l.check()
		}
	}
	st, err := l.set.Stats(log.PartitionID{Stream: 1})
	if err != nil || st.SealedRows == 0 || st.Segments > 4 || st.End != 300 {
		t.Errorf("stats %+v, %v", st, err)
	}
	if n := len(m.Spills); n > maxSpills {
		t.Errorf("%d spill files", n)
	}
}

// The rows after the manifest's epoch are lost with the tail; those before are not
// doubled when they come again.
func TestSealOfAnOlderEpoch(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 1 << 10})
	l.create(1, 1, false)
	for i := range uint64(200) {
		l.add(1, 0, i)
	}
	id := log.PartitionID{Stream: 1}
	cut := l.epoch - 50
	m, err := l.set.Seal(context.Background(), cut)
	if err != nil {
		t.Fatal(err)
	}
	l.check()
	l.reopen(m)
	old := l.want[id]
	l.want[id], l.epoch = old[:150], cut
	l.check()
	b := &log.Block{Partition: id, Rows: 1, Epoch: cut, Sections: make([][]byte, 3)}
	if err := l.set.AppendDerived(b); err != nil {
		t.Fatal(err)
	}
	l.check()
	for i := uint64(150); i < 200; i++ {
		l.add(1, 0, i)
	}
	l.check()
}

func TestTruncateDropTrim(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 1 << 10})
	l.create(1, 1, false)
	l.create(2, 1, false)
	a, b := log.PartitionID{Stream: 1}, log.PartitionID{Stream: 2}
	for i := range uint64(300) {
		l.add(1, 0, i)
		l.add(2, 0, i)
	}
	l.seal()
	before := l.epoch
	l.epoch++
	l.set.Truncate(1, l.epoch)
	l.begin[a] = 300
	l.check()
	if begin, end, err := l.set.Bounds(a, before); begin != 0 || end != 300 || err != nil {
		t.Fatalf("before the truncation: %d to %d, %v", begin, end, err)
	}
	release := l.set.Pin(a, 250, "reader")
	var m *Manifest
	l.seal()
	if st, err := l.set.Stats(a); err != nil || st.Segments != 1 || st.Pins[0] != "reader" {
		t.Fatalf("a pinned file was dropped: %+v, %v", st, err)
	}
	release()
	m = l.seal()
	l.reopen(m)
	l.check()
	if st, err := l.set.Stats(a); err != nil || st.Segments != 0 || st.End != 300 {
		t.Fatalf("stats %+v, %v", st, err)
	}
	err := l.set.Read(context.Background(), a, 10, 20, nil, func(*log.Block) error { return nil })
	if !errors.Is(err, log.ErrOffsetOutOfRange) {
		t.Fatalf("rows before the begin: %v", err)
	}
	l.add(1, 0, 7)
	l.epoch++
	l.set.Trim(log.Trim{Partition: b, Begin: 100}, l.epoch)
	l.begin[b] = 100
	l.check()
	l.epoch++
	l.set.Drop(2, l.epoch)
	if l.set.Exists(b) || !l.set.Exists(a) {
		t.Fatal("a dropped stream exists")
	}
	if _, end, err := l.set.Bounds(b, before); err != nil || end != 300 {
		t.Fatalf("a reader before the drop: %d, %v", end, err)
	}
	m = l.seal()
	if _, _, err := l.set.Bounds(b, before); !errors.Is(err, log.ErrNoPartition) {
		t.Fatalf("after the manifest: %v", err)
	}
	delete(l.want, b)
	l.reopen(m)
	l.check()
	names, err := l.fs.List("segments")
	if err != nil || len(names) != len(m.Files()) {
		t.Fatalf("files %v, manifest %v, %v", names, m.Files(), err)
	}
}

func TestManySmallSealsKeepFewFiles(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 4 << 10, FileBytes: 64 << 10})
	l.create(1, 3, false)
	var m *Manifest
	for i := range uint64(300) {
		for p := range uint32(3) {
			l.add(1, p, keys(1000*i, 30)...)
		}
		m = l.seal()
	}
	l.check()
	for _, p := range m.Streams[0].Parts {
		if len(p.Files) > 10 {
			t.Errorf("%d files: %v", len(p.Files), p.Files)
		}
	}
	if len(m.Spills) > maxSpills {
		t.Errorf("%d spill files", len(m.Spills))
	}
	l.reopen(m)
	l.check()
	written := l.set.Metrics().SealedBytes.Load()
	t.Logf("%d files in the manifest, %d bytes written since the start", len(m.Files()), written)
}

// The same rows make the same bytes, under the same names.
func TestDeterministicBytes(t *testing.T) {
	build := func() (string, *Manifest) {
		l := newLab(t, vfs.NewMem(), Options{SealBytes: 4 << 10})
		l.create(1, 2, true)
		for i := range uint64(40) {
			l.add(1, uint32(i%2), keys(i, 50)...)
		}
		m := l.seal()
		var all strings.Builder
		for _, f := range m.Files() {
			in, err := l.set.OpenForShipping(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, f.Size)
			if _, err := in.ReadAt(buf, 0); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&all, "%s\n%s", f.Name, hex.Dump(buf))
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
		}
		return all.String(), m
	}
	a, m := build()
	b, _ := build()
	if a != b || len(m.Files()) < 2 {
		t.Fatal("two runs differ")
	}
}

func TestGolden(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 100})
	l.create(1, 1, true)
	l.add(1, 0, 5, 6)
	l.add(1, 0, keys(7, 20)...)
	m := l.seal()
	ref := m.Streams[0].Parts[0].Files[0]
	in, err := l.set.OpenForShipping(ref.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	buf := make([]byte, ref.Size)
	if _, err := in.ReadAt(buf, 0); err != nil {
		t.Fatal(err)
	}
	got := ref.Name + "\n" + hex.Dump(buf)
	const file = "../../testdata/log/segment-v1.hex"
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Fatalf("the format changed; a new version is needed\n%s", got)
	}
}

// TestDamageIsFound flips every byte of a file. Only two kinds of bytes may go
// unnoticed, because no read depends on them: the copy of the block's header that
// is there for rescue, and the zeros that align sections. Even then no answer
// changes.
func TestDamageIsFound(t *testing.T) {
	fs := vfs.NewMem()
	l := newLab(t, fs, Options{SealBytes: 4 << 10})
	l.create(1, 1, false)
	for i := range uint64(20) {
		l.add(1, 0, keys(i, 40)...)
	}
	m := l.seal()
	ref := m.Streams[0].Parts[0].Files[0]
	path := fs.PathJoin("segments", ref.Name)
	raw := fileBytes(t, fs, path)
	rescueEnd := int64(headerBytes) + 8 + int64(binary.LittleEndian.Uint32(raw[headerBytes:]))
	padding := 0
	for at := range ref.Size {
		flip(t, fs, path, at)
		if !l.findsDamage(m) {
			l.check()
			if at < headerBytes || at >= rescueEnd {
				padding++
				if raw[at] != 0 {
					t.Errorf("a flip of byte %d of %d, which is %#x, was not found", at, ref.Size, raw[at])
				}
			}
		}
		flip(t, fs, path, at)
	}
	if padding > 32 {
		t.Errorf("flips of %d bytes that are not the rescue copy were not found", padding)
	}
	l.reopen(m)
	l.check()
}

func fileBytes(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (l *lab) findsDamage(m *Manifest) bool {
	l.t.Helper()
	l.open()
	err := l.set.Restore(context.Background(), m)
	if err == nil {
		id := log.PartitionID{Stream: 1}
		for range 2 {
			err = l.set.Read(context.Background(), id, 0, 800, nil, func(*log.Block) error { return nil })
		}
	}
	var damage *log.CorruptionError
	if err != nil && (!errors.As(err, &damage) || damage.File == "" || damage.Reason == "") {
		l.t.Fatalf("got %v", err)
	}
	return err != nil
}

func flip(t *testing.T, fs vfs.FS, path string, at int64) {
	t.Helper()
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReadColumnsAndTimes(t *testing.T) {
	l := newLab(t, vfs.NewMem(), Options{SealBytes: 1 << 10})
	l.create(1, 1, false)
	for i := range uint64(100) {
		l.add(1, 0, keys(i, 10)...)
	}
	l.seal()
	id := log.PartitionID{Stream: 1}
	seen := 0
	err := l.set.Read(context.Background(), id, 5, 900, []int{1, 9}, func(b *log.Block) error {
		if b.Sections[0] != nil || b.Sections[1] == nil || b.Sections[2] != nil {
			t.Errorf("sections %v", b.Sections)
		}
		seen += b.Rows
		return nil
	})
	if err != nil || seen != 1000 {
		t.Errorf("%d rows, %v", seen, err)
	}
	if o, err := l.set.OffsetAtTime(id, 1<<60); o != 1000 || err != nil {
		t.Errorf("after the end: %d, %v", o, err)
	}
	if o, err := l.set.OffsetAtTime(id, 0); o != 0 || err != nil {
		t.Errorf("before the begin: %d, %v", o, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = l.set.Read(ctx, id, 0, 10, nil, func(*log.Block) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
