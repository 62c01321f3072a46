package wal

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/hashicorp/raft"
)

// failing injects err into the kinds of operations while it is armed.
type failing struct {
	armed atomic.Bool
	err   error
	kinds []errorfs.OpKind
}

func (f *failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	for _, k := range f.kinds {
		if op.Kind == k && f.armed.Load() {
			return f.err
		}
	}
	return nil
}

func TestFailedSyncPoisons(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileSyncData, errorfs.OpFileWriteAt} {
		mem := vfs.NewMem()
		inj := &failing{err: syscall.EIO, kinds: []errorfs.OpKind{kind}}
		s := mustOpen(t, smallOptions(errorfs.Wrap(mem, inj)))
		must(t, s.StoreLogs(entriesOf(1, 1, 10)))
		inj.armed.Store(true)
		err := s.StoreLogs(entriesOf(2, 1, 10))
		if !errors.Is(err, ErrPoisoned) || !errors.Is(err, syscall.EIO) {
			t.Fatalf("failed write gives %v", err)
		}
		inj.armed.Store(false)
		for name, err := range map[string]error{
			"append":   s.StoreLogs(entriesOf(2, 1, 10)),
			"truncate": s.DeleteRange(1, 1),
			"vote":     s.SetUint64([]byte("CurrentTerm"), 5),
			"mark":     s.Mark(),
		} {
			if !errors.Is(err, ErrPoisoned) {
				t.Errorf("%s after a failed write gives %v", name, err)
			}
		}
		if last, _ := s.LastIndex(); last != 1 {
			t.Errorf("log ends at %d, want 1", last)
		}
		if !s.Stats().Poisoned {
			t.Error("Stats does not say that the store is poisoned")
		}
		must(t, s.Close())
		s = mustOpen(t, smallOptions(mem))
		var l raft.Log
		must(t, s.GetLog(1, &l))
		must(t, s.Close())
	}
}

func TestFailedVotePoisons(t *testing.T) {
	inj := &failing{err: syscall.EIO, kinds: []errorfs.OpKind{errorfs.OpFileSyncData}}
	s := mustOpen(t, smallOptions(errorfs.Wrap(vfs.NewMem(), inj)))
	defer s.Close()
	must(t, s.SetUint64([]byte("CurrentTerm"), 4))
	inj.armed.Store(true)
	if err := s.SetUint64([]byte("CurrentTerm"), 5); !errors.Is(err, ErrPoisoned) {
		t.Fatalf("failed vote gives %v", err)
	}
	if v, _ := s.GetUint64([]byte("CurrentTerm")); v != 4 {
		t.Fatalf("a term that is not durable shows: %d", v)
	}
}

func TestDiskFullOnWrite(t *testing.T) {
	mem := vfs.NewMem()
	inj := &failing{err: syscall.ENOSPC, kinds: []errorfs.OpKind{errorfs.OpFileWriteAt,
		errorfs.OpFileWrite}}
	s := mustOpen(t, smallOptions(errorfs.Wrap(mem, inj)))
	must(t, s.StoreLogs(entriesOf(1, 1, 10)))
	want := &model{entries: entriesOf(1, 1, 10)}
	for i := range 12 { // in the active segment, and where a new one begins
		size := 100
		if i%2 == 0 {
			size = 9000
		}
		next := entryOf(want.last()+1, 1, size)
		inj.armed.Store(true)
		if err := s.StoreLog(next); !errors.Is(err, ErrDiskFull) || errors.Is(err, ErrPoisoned) {
			t.Fatalf("write %d to a full disk gives %v", i, err)
		}
		inj.armed.Store(false)
		must(t, s.StoreLog(next))
		want = want.append(next)
	}
	if d := want.differs(s); d != "" {
		t.Fatal(d)
	}
	must(t, s.Close())
	s = mustOpen(t, smallOptions(mem))
	defer s.Close()
	if d := want.differs(s); d != "" {
		t.Fatal(d)
	}
}

func TestReserve(t *testing.T) {
	mem := vfs.NewMem()
	o := smallOptions(mem)
	o.ReserveBytes = 100 << 10
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 2 << 20})
	s := mustOpen(t, o)
	defer s.Close()
	if _, err := mem.Stat("log/RESERVE"); err != nil {
		t.Fatalf("no reserve file: %v", err)
	}
	must(t, s.StoreLogs(entriesOf(1, 1, 10)))
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 99 << 10, TotalBytes: 2 << 20})
	if err := s.Full(); !IsDiskFull(err) {
		t.Fatalf("Full gives %v", err)
	}
	if err := s.StoreLogs(entriesOf(2, 1, 10)); !IsDiskFull(err) {
		t.Fatalf("write below the reserve gives %v", err)
	}
	noop := &raft.Log{Index: 2, Term: 2, Type: raft.LogNoop}
	must(t, s.StoreLog(noop)) // a leader must still be elected, to run what frees space
	must(t, s.ReleaseReserve())
	if _, err := mem.Stat("log/RESERVE"); err == nil {
		t.Fatal("the reserve file is still there")
	}
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 2 << 20})
	must(t, s.StoreLogs(entriesOf(3, 2, 10)))
	if s.Stats().DiskFullRefusals != 1 {
		t.Fatalf("%d refusals counted, want 1", s.Stats().DiskFullRefusals)
	}
}

// closedLog writes a log of several segments with all kinds of frames and closes it.
func closedLog(t *testing.T, fs vfs.FS) (Options, *model) {
	t.Helper()
	o := smallOptions(fs)
	s := mustOpen(t, o)
	m := &model{stable: 9}
	must(t, s.SetUint64([]byte("k"), 9))
	add := func(logs ...*raft.Log) {
		must(t, s.StoreLogs(logs))
		m = m.append(logs...)
	}
	for range 8 {
		add(entriesOf(m.last()+1, 1, 700, 900, 1000, 100, 50)...)
	}
	must(t, s.DeleteRange(1, 12))
	m = m.cutTo(12)
	must(t, s.DeleteRange(35, m.last()))
	m = m.cutFrom(35)
	for range 4 {
		add(entriesOf(m.last()+1, 2, 700, 900, 1000, 100, 50)...)
	}
	must(t, s.Close())
	return o, m
}

func fileBytes(t *testing.T, mem *vfs.MemFS, path string) []byte {
	t.Helper()
	b, err := mem.UnsafeGetFileDataBuffer(path)
	must(t, err)
	return b
}

// TestBitFlips: one flipped bit anywhere is harmless or found, never served and never a reason to
// shorten the log.
func TestBitFlips(t *testing.T) {
	rng, _ := seedOf(t)
	mem := vfs.NewMem()
	o, m := closedLog(t, mem)
	names, err := mem.List("log")
	must(t, err)
	found, harmless := 0, 0
	for range 4000 {
		copied := vfs.NewMem()
		if _, err := vfs.Clone(mem, copied, "log", "log"); err != nil {
			t.Fatal(err)
		}
		name := names[rng.IntN(len(names))]
		b := fileBytes(t, copied, "log/"+name)
		if len(b) == 0 {
			continue
		}
		at := rng.IntN(len(b))
		b[at] ^= 1 << rng.IntN(8)
		o.FS = copied
		o.Opener = nil
		s, err := Open(o)
		if err != nil {
			if !IsCorruption(err) {
				t.Fatalf("%s byte %d: %v", name, at, err)
			}
			found++
			continue
		}
		if d := m.differs(s); d != "" {
			t.Fatalf("%s byte %d of %d flipped: %s", name, at, len(b), d)
		}
		harmless++
		must(t, s.Close())
	}
	t.Logf("%d flips found, %d harmless", found, harmless)
	if found < 500 {
		t.Fatalf("only %d of the flips were found", found)
	}
}

// TestZeroedAndCutFiles does the same with pages of zeros, with files cut off and missing files.
func TestZeroedAndCutFiles(t *testing.T) {
	rng, _ := seedOf(t)
	mem := vfs.NewMem()
	o, m := closedLog(t, mem)
	names, err := mem.List("log")
	must(t, err)
	found := 0
	for range 1000 {
		copied := vfs.NewMem()
		name := names[rng.IntN(len(names))]
		path := "log/" + name
		if _, err := vfs.Clone(mem, copied, "log", "log"); err != nil {
			t.Fatal(err)
		}
		what := damage(t, rng, copied, path)
		o.FS, o.Opener = copied, nil
		s, err := Open(o)
		if err != nil {
			if !IsCorruption(err) {
				t.Fatalf("%s %s: %v", path, what, err)
			}
			found++
			continue
		}
		if d := m.differs(s); d != "" {
			t.Fatalf("%s %s: %s", path, what, d)
		}
		must(t, s.Close())
	}
	t.Logf("%d of 1000 damages found", found)
	if found < 300 {
		t.Fatalf("only %d damages were found", found)
	}
}

func damage(t *testing.T, rng *rand.Rand, mem *vfs.MemFS, path string) string {
	t.Helper()
	b := fileBytes(t, mem, path)
	switch rng.IntN(3) {
	case 0:
		if len(b) > 0 {
			at := rng.IntN(len(b)) &^ 511
			clear(b[at:min(at+512, len(b))])
		}
		return "sector zeroed"
	case 1:
		f, err := mem.Create(path, vfs.WriteCategoryUnspecified)
		must(t, err)
		if len(b) > 0 {
			_, err = f.Write(append([]byte(nil), b[:rng.IntN(len(b))]...))
			must(t, err)
		}
		must(t, f.Close())
		return "cut off"
	}
	must(t, mem.Remove(path))
	return "removed"
}

// TestDamageWhileRunning flips bytes under an open store: GetLog says so and serves nothing.
func TestDamageWhileRunning(t *testing.T) {
	mem := vfs.NewMem()
	o := smallOptions(mem)
	o.TailBytes = 1
	told := 0
	o.OnCorruption = func(err error) {
		if IsCorruption(err) {
			told++
		}
	}
	s := mustOpen(t, o)
	defer s.Close()
	must(t, s.StoreLogs(entriesOf(1, 1, 200, 200, 200)))
	b := fileBytes(t, mem, "log/"+segmentName(1))
	b[fileHeader+frameHeader+frameHeader+100] ^= 4 // behind the link, inside entry 1
	var l raft.Log
	err := s.GetLog(1, &l)
	var c *CorruptionError
	if !errors.As(err, &c) || c.Offset != fileHeader+frameHeader || l.Data != nil {
		t.Fatalf("damaged entry gives %v, %+v", err, l)
	}
	must(t, s.GetLog(2, &l))
	if told != 1 {
		t.Fatalf("OnCorruption was told %d times", told)
	}
}

func TestMissingStableFile(t *testing.T) {
	mem := vfs.NewMem()
	o, _ := closedLog(t, mem)
	must(t, mem.Remove("log/STABLE"))
	if _, err := Open(o); !IsCorruption(err) {
		t.Fatalf("without its stable file the store gives %v", err)
	}
}

func TestLocked(t *testing.T) {
	o := smallOptions(vfs.NewMem())
	s := mustOpen(t, o)
	defer s.Close()
	if _, err := Open(o); err == nil {
		t.Fatal("a second store was opened on the same directory")
	}
}

func TestPendingSync(t *testing.T) {
	var clock atomic.Int64
	clock.Store(1e9)
	o := smallOptions(vfs.NewMem())
	o.Now = func() time.Time { return time.Unix(0, clock.Load()) }
	o.Opener = slowOpener{before: func() { clock.Add(3e9) }}
	s := mustOpen(t, o)
	defer s.Close()
	var seen time.Duration
	o.Opener.(slowOpener).hook(func() { seen = s.PendingSync() })
	must(t, s.StoreLogs(entriesOf(1, 1, 1)))
	if seen != 3*time.Second {
		t.Fatalf("a write waiting for 3 s shows as %v", seen)
	}
	if d := s.PendingSync(); d != 0 {
		t.Fatalf("no write is under way, PendingSync is %v", d)
	}
	if h := s.Stats().FsyncLatency; h.SumNs < 3e9 || h.Buckets[22] != 1 {
		t.Fatalf("latency histogram %+v", h)
	}
}

// slowOpener lets a test act while a write is under way.
type slowOpener struct{ before func() }

var slowHook func()

func (o slowOpener) hook(f func()) { slowHook = f }

func (o slowOpener) OpenLog(fs vfs.FS, path string) (File, error) {
	f, err := Plain{}.OpenLog(fs, path)
	return slowFile{File: f, o: o}, err
}

type slowFile struct {
	File
	o slowOpener
}

func (f slowFile) AppendAt(bufs [][]byte, off int64) error {
	if slowHook != nil {
		f.o.before()
		slowHook()
	}
	return f.File.AppendAt(bufs, off)
}
