package replica

import (
	"encoding/hex"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/segment"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the files in testdata")

func sampleManifest() *manifest {
	var w window
	w.add(4, []log.Key{{Stream: 7, Hash: 11}, {Stream: 7, Hash: 0}, {Stream: 8, Hash: 12}})
	return &manifest{
		Epoch: 5, Clock: 1_700_000_000_000_000, Index: 9, Term: 2, Sum: 0xabc, ConfigIndex: 1,
		Config: raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "host:1"}}},
		Floor:  3, Writes: encodeWrites(&w), State: []byte("catalog"),
		Segments: &segment.Manifest{Epoch: 5, Streams: []segment.StreamManifest{{
			Spec: log.StreamSpec{Stream: 7, Partitions: 1, Keyed: true}, Created: 1,
			Parts: []segment.PartManifest{{Begin: 1, Tail: 3, End: 4, LastEpoch: 5,
				Files: []segment.FileRef{{Name: "a.seg", Size: 100}}}},
		}}},
	}
}

func TestManifestGolden(t *testing.T) {
	b, err := sampleManifest().encode()
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../testdata/log/manifest-v1.hex"
	got := hex.Dump(b)
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
	m, err := decodeManifest(b, "x")
	if err != nil || !reflect.DeepEqual(m, sampleManifest()) {
		t.Fatalf("got %+v, %v", m, err)
	}
}

func TestManifestDamage(t *testing.T) {
	b, err := sampleManifest().encode()
	if err != nil {
		t.Fatal(err)
	}
	var damage *log.CorruptionError
	for i := range b {
		b[i] ^= 1
		if _, err := decodeManifest(b, "x"); !errors.As(err, &damage) {
			t.Fatalf("byte %d: %v", i, err)
		}
		b[i] ^= 1
		if _, err := decodeManifest(b[:i], "x"); !errors.As(err, &damage) {
			t.Fatalf("cut to %d: %v", i, err)
		}
	}
}

// A replica refuses to start from a damaged manifest, or without one of its files.
func TestStartRefusesDamage(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	cfg.SealBytes = 10
	r, _ := openTest(t, cfg)
	command(t, r, "create 7 1")
	propose(t, r, rows(7, 0, "a long row for a file"))
	checkpoint(t, r)
	ref := r.snaps.current.m.Segments.Files()[0]
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	path := "node/segments/" + ref.Name
	if err := cfg.FS.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if r, err := Open(cfg, newTestMachine()); err == nil {
		_ = r.Close()
		t.Fatal("started without a file")
	}
	if err := cfg.FS.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	m := cfg.FS.(*vfs.MemFS)
	f, err := m.OpenReadWrite("node/MANIFEST", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("?"), 40); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var damage *log.CorruptionError
	if _, err := Open(cfg, newTestMachine()); !errors.As(err, &damage) {
		t.Fatalf("started from a damaged manifest: %v", err)
	}
}

// A crash after a leader's manifest was written and before the log was made to fit
// it leaves an older log behind: it is given up, and writing goes on.
func TestManifestAheadOfLog(t *testing.T) {
	fs := vfs.NewCrashableMem()
	cfg := testConfig(fs)
	cfg.SealBytes = 10
	r, _ := openTest(t, cfg)
	command(t, r, "create 7 1")
	old := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100,
		RNG: rand.New(rand.NewPCG(1, 1))})
	for range 10 {
		propose(t, r, rows(7, 0, "a long row for a file"))
	}
	checkpoint(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"node/MANIFEST", "node/segments"} {
		if ok, err := vfs.Clone(fs, old, path, path); err != nil || !ok {
			t.Fatalf("copy %s: %v, %v", path, ok, err)
		}
	}
	cfg.FS = old
	for life := range 2 {
		r, _ = openTest(t, cfg)
		if got := propose(t, r, rows(7, 0, "more")); got.Epoch != log.Epoch(12+life) {
			t.Fatalf("epoch %d", got.Epoch)
		}
		if n := len(readAll(t, r, 7, 0)); n != 11+life {
			t.Fatalf("%d rows", n)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
