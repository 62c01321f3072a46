package wal

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

const goldenDir = "../../testdata/log/wal"

// goldenStore writes one frame of each kind.
func goldenStore(t *testing.T, mem *vfs.MemFS) {
	t.Helper()
	o := smallOptions(mem)
	o.SegmentBytes = 4 << 10
	o.Spares = -1
	s := mustOpen(t, o)
	must(t, s.SetUint64([]byte("CurrentTerm"), 3))
	must(t, s.Set([]byte("LastVoteCand"), []byte("n1")))
	must(t, s.StageCommitIndex(1))
	must(t, s.StoreLogs([]*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: []byte("members")},
		{Index: 2, Term: 1, Type: raft.LogNoop},
		{Index: 3, Term: 1, Type: raft.LogCommand, Data: []byte("rows"), Extensions: []byte("ext"),
			AppendedAt: time.Unix(1700000000, 5)},
	}))
	must(t, s.DeleteRange(3, 3))
	other := []byte("other rows")
	must(t, s.StoreLog(&raft.Log{Index: 3, Term: 2, Type: raft.LogCommand, Data: other}))
	must(t, s.Mark())
	must(t, s.DeleteRange(1, 1))
	must(t, s.StoreLog(entryOf(4, 2, 3600)))
	_, err := s.Install(10, 3)
	must(t, err)
	must(t, s.StoreLog(&raft.Log{Index: 11, Term: 3, Type: raft.LogCommand, Data: []byte("end")}))
	must(t, s.Close())
}

// hexDump prints bytes 16 to a line and leaves out lines of zeros.
func hexDump(b []byte) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		line := b[at:min(at+16, len(b))]
		if bytes.Count(line, []byte{0}) != len(line) {
			fmt.Fprintf(&out, "%06x  %s\n", at, hex.EncodeToString(line))
		}
	}
	fmt.Fprintf(&out, "%06x  end\n", len(b))
	return out.String()
}

func parseHexDump(t *testing.T, text string) []byte {
	t.Helper()
	var out []byte
	for line := range strings.Lines(text) {
		var at int
		var digits string
		if _, err := fmt.Sscanf(line, "%x %s", &at, &digits); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, make([]byte, at-len(out))...)
		if digits == "end" {
			return out
		}
		b, err := hex.DecodeString(digits)
		must(t, err)
		out = append(out, b...)
	}
	t.Fatal("the dump has no end")
	return nil
}

// TestGolden: the bytes of version 1 stay as they are, and can be read for ever.
func TestGolden(t *testing.T) {
	mem := vfs.NewMem()
	goldenStore(t, mem)
	old := vfs.NewMem()
	must(t, old.MkdirAll("log", 0o700))
	for _, name := range []string{"STABLE", segmentName(2)} {
		path := goldenDir + "/v1/" + name + ".hex"
		got := hexDump(fileBytes(t, mem, "log/"+name))
		if *rewrite {
			must(t, os.MkdirAll(goldenDir+"/v1", 0o755))
			must(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		must(t, err)
		if got != string(want) {
			t.Errorf("%s is written in another way than the golden file says", name)
		}
		f, err := old.Create("log/"+name, vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = f.Write(parseHexDump(t, string(want)))
		must(t, err)
		must(t, f.Close())
	}
	o := smallOptions(old)
	s := mustOpen(t, o)
	defer s.Close()
	var l raft.Log
	must(t, s.GetLog(11, &l))
	if string(l.Data) != "end" || l.Term != 3 {
		t.Errorf("entry 11 of the golden log is %+v", l)
	}
	if v, _ := s.Get([]byte("LastVoteCand")); string(v) != "n1" {
		t.Errorf("vote of the golden log is %q", v)
	}
	if s.boundary != 10 || s.boundTerm != 3 {
		t.Errorf("boundary of the golden log is %d/%d", s.boundary, s.boundTerm)
	}
}

// TestDump prints a log with all kinds of frames and a damaged one.
func TestDump(t *testing.T) {
	mem := vfs.NewMem()
	o := smallOptions(mem)
	s := mustOpen(t, o)
	must(t, s.StoreLogs(entriesOf(1, 1, 8, 8)))
	must(t, s.DeleteRange(2, 2))
	_, err := s.Install(5, 2)
	must(t, err)
	must(t, s.StoreLogs(entriesOf(6, 2, 8)))
	must(t, s.Mark())
	must(t, s.Close())
	dump := func() string {
		var out strings.Builder
		must(t, Dump(mem, "log", func(r Record) error {
			if r.Err != nil {
				fmt.Fprintf(&out, "%d %v\n", r.Offset, r.Err)
				return nil
			}
			fmt.Fprintf(&out, "%d epoch=%d %s type=%d %d/%d commit=%d durable=%d data=%d\n", r.Offset,
				r.Epoch, r.Kind, r.Type, r.Index, r.Term, r.Commit, r.Durable, len(r.Data))
			return nil
		}))
		return out.String()
	}
	got := "sound\n" + dump()
	fileBytes(t, mem, "log/"+segmentName(1))[310] ^= 1
	got += "\none bit of the truncation flipped\n" + dump()
	path := goldenDir + "/dump.txt"
	if *rewrite {
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("dump is\n%swant\n%s", got, want)
	}
}
