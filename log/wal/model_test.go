package wal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// model is what a store must hold: a boundary and the entries behind it.
type model struct {
	boundary, boundTerm uint64
	entries             []*raft.Log // boundary+1, boundary+2, ...
	stable              uint64      // the value under one key
}

func (m *model) last() uint64 { return m.boundary + uint64(len(m.entries)) }

func (m *model) clone() *model {
	c := *m
	c.entries = slices.Clone(m.entries)
	return &c
}

func (m *model) append(logs ...*raft.Log) *model {
	c := m.clone()
	if first := logs[0].Index; first != c.last()+1 {
		c.boundary, c.boundTerm, c.entries = first-1, 0, nil
	}
	c.entries = append(c.entries, logs...)
	return c
}

func (m *model) cutFrom(lo uint64) *model {
	c := m.clone()
	c.entries = c.entries[:lo-c.boundary-1]
	return c
}

func (m *model) cutTo(hi uint64) *model {
	c := m.clone()
	n := hi - c.boundary
	c.boundTerm = c.entries[n-1].Term
	c.entries = c.entries[n:]
	c.boundary = hi
	return c
}

func (m *model) install(index, term uint64) *model {
	if index > m.boundary && index <= m.last() && m.entries[index-m.boundary-1].Term == term {
		return m
	}
	if index == m.boundary && term == m.boundTerm {
		return m
	}
	return &model{boundary: index, boundTerm: term, stable: m.stable}
}

// differs says how the store differs from the model, "" if it does not.
func (m *model) differs(s *Store) string {
	last, _ := s.LastIndex()
	first, _ := s.FirstIndex()
	wantFirst := m.boundary + 1
	if len(m.entries) == 0 {
		wantFirst = 0
	}
	if last != m.last() || first != wantFirst {
		return fmt.Sprintf("log is %d..%d, want %d..%d", first, last, wantFirst, m.last())
	}
	if s.boundary != m.boundary || s.boundTerm != m.boundTerm {
		return fmt.Sprintf("boundary is %d/%d, want %d/%d", s.boundary, s.boundTerm,
			m.boundary, m.boundTerm)
	}
	for _, want := range m.entries {
		var got raft.Log
		if err := s.GetLog(want.Index, &got); err != nil {
			return fmt.Sprintf("entry %d: %v", want.Index, err)
		}
		if d := diffLog(&got, want); d != "" {
			return d
		}
	}
	if v, err := s.GetUint64([]byte("k")); err != nil || v != m.stable {
		return fmt.Sprintf("stable value is %d (%v), want %d", v, err, m.stable)
	}
	return ""
}

func diffLog(got, want *raft.Log) string {
	switch {
	case got.Index != want.Index || got.Term != want.Term || got.Type != want.Type:
		return fmt.Sprintf("entry %d/%d type %d, want %d/%d type %d", got.Index, got.Term,
			got.Type, want.Index, want.Term, want.Type)
	case !bytes.Equal(got.Data, want.Data) || !bytes.Equal(got.Extensions, want.Extensions):
		return fmt.Sprintf("entry %d has other bytes", got.Index)
	case !got.AppendedAt.Equal(want.AppendedAt):
		return fmt.Sprintf("entry %d was appended at %v, want %v", got.Index, got.AppendedAt,
			want.AppendedAt)
	}
	return ""
}

// entryOf makes an entry whose bytes tell index and term.
func entryOf(index, term uint64, size int) *raft.Log {
	d := make([]byte, size)
	for i := range d {
		d[i] = byte(index + 3*term + uint64(i))
	}
	return &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: d}
}

func entriesOf(first, term uint64, sizes ...int) []*raft.Log {
	out := make([]*raft.Log, len(sizes))
	for i, n := range sizes {
		out[i] = entryOf(first+uint64(i), term, n)
	}
	return out
}

func smallOptions(fs vfs.FS) Options {
	return Options{FS: fs, Dir: "log", SegmentBytes: 16 << 10, TailBytes: 2 << 10,
		inlineRecycle: true}
}

func mustOpen(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func seedOf(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1)), seed
}
