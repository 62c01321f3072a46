package wal

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

func TestAppendReadReopen(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts func(t *testing.T) Options
	}{
		{"memory", func(*testing.T) Options { return smallOptions(vfs.NewMem()) }},
		{"disk, O_DSYNC", func(t *testing.T) Options {
			o := smallOptions(vfs.Default)
			o.Dir = t.TempDir() + "/log"
			return o
		}},
		{"disk, plain", func(t *testing.T) Options {
			o := smallOptions(vfs.Default)
			o.Dir, o.Opener = t.TempDir()+"/log", Plain{}
			return o
		}},
	} {
		t.Run(tc.name, func(t *testing.T) { appendReadReopen(t, tc.opts(t)) })
	}
}

func appendReadReopen(t *testing.T, o Options) {
	s := mustOpen(t, o)
	m := &model{}
	check := func() {
		t.Helper()
		if d := m.differs(s); d != "" {
			t.Fatal(d)
		}
	}
	check()
	store := func(logs ...*raft.Log) {
		t.Helper()
		must(t, s.StoreLogs(logs))
		m = m.append(logs...)
		check()
	}
	store(entriesOf(1, 1, 10, 0, 100, 5000)...)
	l := entryOf(5, 1, 20)
	l.Type, l.Extensions, l.AppendedAt = raft.LogConfiguration, []byte("ext"), time.Unix(7, 9)
	store(l)
	store(entriesOf(6, 2, 12000, 1)...)  // begins a segment
	store(entriesOf(8, 2, 40000, 30)...) // larger than a segment
	store(entriesOf(10, 2, 3, 3, 3)...)
	must(t, s.SetUint64([]byte("k"), 77))
	m.stable = 77
	must(t, s.DeleteRange(9, 12))
	m = m.cutFrom(9)
	check()
	store(entriesOf(9, 3, 1000, 1000)...)
	for range 2 {
		must(t, s.Close())
		s = mustOpen(t, o)
		check()
	}
	must(t, s.DeleteRange(1, 6))
	m = m.cutTo(6)
	check()
	if err := s.GetLog(5, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatalf("a dropped entry gives %v", err)
	}
	store(entriesOf(11, 3, 1)...)
	must(t, s.Close())
	s = mustOpen(t, o)
	check()
	must(t, s.Close())
}

func TestRefusesGapsAndMiddles(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMem()))
	defer s.Close()
	must(t, s.StoreLogs(entriesOf(1, 1, 1, 1, 1, 1)))
	for _, first := range []uint64{1, 4, 6} {
		if err := s.StoreLogs(entriesOf(first, 1, 1)); !errors.Is(err, ErrGap) {
			t.Errorf("entry %d behind 4: %v", first, err)
		}
	}
	if err := s.StoreLogs([]*raft.Log{entryOf(5, 1, 1), entryOf(7, 1, 1)}); !errors.Is(err, ErrGap) {
		t.Errorf("gap within a batch: %v", err)
	}
	if err := s.DeleteRange(2, 3); err == nil {
		t.Error("entries were dropped from the middle")
	}
	// An emptied log goes on anywhere behind its boundary, as Raft's own compaction may want.
	must(t, s.DeleteRange(1, 4))
	must(t, s.StoreLogs(entriesOf(5, 1, 1)))
}

func TestCommitIndex(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, smallOptions(fs))
	must(t, s.StageCommitIndex(2))
	if c, _ := s.GetCommitIndex(); c != 0 {
		t.Fatalf("staged commit index shows as %d before a write", c)
	}
	must(t, s.StoreLogs(entriesOf(1, 1, 1, 1, 1)))
	must(t, s.StageCommitIndex(3))
	must(t, s.Close())
	s = mustOpen(t, smallOptions(fs))
	defer s.Close()
	if c, _ := s.GetCommitIndex(); c != 2 {
		t.Fatalf("commit index %d after reopening, want 2", c)
	}
}

// TestInstall is rules 6 and 7 of InstallSnapshot.
func TestInstall(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, smallOptions(fs))
	must(t, s.StoreLogs(entriesOf(1, 1, 5, 5, 5, 5, 5, 5)))
	kept, err := s.Install(4, 1)
	if err != nil || !kept {
		t.Fatalf("entry 4/1 is there, kept = %v (%v)", kept, err)
	}
	if last, _ := s.LastIndex(); last != 6 {
		t.Fatalf("log ends at %d, want 6", last)
	}
	kept, err = s.Install(4, 2)
	if err != nil || kept {
		t.Fatalf("entry 4 has another term, kept = %v (%v)", kept, err)
	}
	var l raft.Log
	for _, tc := range []struct{ index, term uint64 }{{4, 2}, {5, 0}, {6, 0}} {
		if err := s.GetLog(tc.index, &l); err != nil || l.Term != tc.term || l.Type != BoundaryType {
			t.Fatalf("entry %d: %+v (%v), want term %d", tc.index, l, err, tc.term)
		}
	}
	if err := s.StoreLogs(entriesOf(7, 3, 1)); !errors.Is(err, ErrGap) {
		t.Fatalf("append behind vanished entries: %v", err)
	}
	must(t, s.DeleteRange(5, 6)) // what Raft does on finding the conflict
	must(t, s.StoreLogs(entriesOf(5, 3, 1, 1, 1)))
	want := &model{boundary: 4, boundTerm: 2, entries: entriesOf(5, 3, 1, 1, 1)}
	if d := want.differs(s); d != "" {
		t.Fatal(d)
	}
	must(t, s.Close())
	s = mustOpen(t, smallOptions(fs))
	if d := want.differs(s); d != "" {
		t.Fatal(d)
	}
	if _, err := s.Install(100, 9); err != nil {
		t.Fatal(err)
	}
	must(t, s.Close())
	s = mustOpen(t, smallOptions(fs))
	defer s.Close()
	if last, _ := s.LastIndex(); last != 100 {
		t.Fatalf("log ends at %d, want the boundary 100", last)
	}
	must(t, s.StoreLogs(entriesOf(101, 9, 1)))
}

func TestRecyclesSegments(t *testing.T) {
	s := mustOpen(t, smallOptions(vfs.NewMem()))
	defer s.Close()
	last := uint64(0)
	for range 200 {
		must(t, s.StoreLogs(entriesOf(last+1, 1, 500, 500, 500, 500)))
		last += 4
		if last > 8 {
			must(t, s.DeleteRange(1, last-8))
		}
	}
	st := s.Stats()
	if st.Recycled < 20 || st.Prewritten > 6 || st.Growing > 1 || st.Segments > 2 {
		t.Fatalf("recycled %d, prewritten %d, growing %d, segments %d", st.Recycled,
			st.Prewritten, st.Growing, st.Segments)
	}
	if names, _ := s.fs.List("log"); len(names) > 8 {
		t.Fatalf("files pile up: %v", names)
	}
}

func TestBackgroundRecycler(t *testing.T) {
	o := smallOptions(vfs.NewMem())
	o.inlineRecycle = false
	s := mustOpen(t, o)
	last := uint64(0)
	for range 300 {
		must(t, s.StoreLogs(entriesOf(last+1, 1, 500, 500, 500, 500)))
		last += 4
		if last > 8 {
			must(t, s.DeleteRange(1, last-8))
		}
	}
	want := &model{boundary: last - 8, boundTerm: 1}
	for i := last - 7; i <= last; i++ {
		want.entries = append(want.entries, entryOf(i, 1, 500))
	}
	if d := want.differs(s); d != "" {
		t.Fatal(d)
	}
	must(t, s.Close())
	s = mustOpen(t, o)
	defer s.Close()
	if d := want.differs(s); d != "" {
		t.Fatal(d)
	}
}
