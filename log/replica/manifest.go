package replica

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	iofs "io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/log/segment"
)

// The manifest file: a header of 16 bytes ("MLMF", version, length and CRC32C of
// what follows, little endian) and JSON.
const (
	manifestName    = "MANIFEST"
	manifestMagic   = 0x464d4c4d
	manifestVersion = 1
	manifestHeader  = 16
	// maxManifest bounds what is read: the window of writes has 8 MiB at most, the
	// rest is names.
	maxManifest = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// manifest is a checkpoint: all that a member needs, with the files that it names,
// to go on after an epoch. It is also Raft's snapshot.
type manifest struct {
	Epoch log.Epoch `json:"epoch"`
	Clock int64     `json:"clock"`
	// Index and Term are those of the entry that closed the epoch.
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	Sum   uint64 `json:"sum"`
	// Config are the members as of Index, from the entry at ConfigIndex.
	Config      raft.Configuration `json:"config"`
	ConfigIndex uint64             `json:"config_index"`
	Floor       log.Epoch          `json:"floor"`
	Writes      []byte             `json:"writes,omitempty"`
	// State is the machine's own.
	State    []byte            `json:"state,omitempty"`
	Segments *segment.Manifest `json:"segments"`
}

func (m *manifest) id() string { return fmt.Sprintf("%d-%d-%d", m.Term, m.Index, m.Epoch) }

func (m *manifest) meta(size int) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: m.id(), Index: m.Index, Term: m.Term,
		Configuration: m.Config, ConfigurationIndex: m.ConfigIndex, Size: int64(size),
	}
}

// encode gives the file's bytes; equal manifests have equal bytes.
func (m *manifest) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	le := binary.LittleEndian
	b := le.AppendUint32(make([]byte, 0, manifestHeader+len(body)), manifestMagic)
	b = le.AppendUint32(b, manifestVersion)
	b = le.AppendUint32(b, uint32(len(body)))
	b = le.AppendUint32(b, crc32.Checksum(body, castagnoli))
	return append(b, body...), nil
}

func decodeManifest(b []byte, file string) (*manifest, error) {
	bad := func(reason string) error { return &log.CorruptionError{File: file, Reason: reason} }
	le := binary.LittleEndian
	if len(b) < manifestHeader || le.Uint32(b) != manifestMagic {
		return nil, bad("not a manifest")
	}
	if v := le.Uint32(b[4:]); v != manifestVersion {
		return nil, bad(fmt.Sprintf("format version %d, this program reads %d", v, manifestVersion))
	}
	body := b[manifestHeader:]
	if int(le.Uint32(b[8:])) != len(body) || crc32.Checksum(body, castagnoli) != le.Uint32(b[12:]) {
		return nil, bad("checksum differs")
	}
	m := &manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, bad(err.Error())
	}
	if m.Segments == nil || m.Index == 0 {
		return nil, bad("incomplete")
	}
	return m, nil
}

// writeManifest replaces the manifest file.
func (r *Replica) writeManifest(b []byte) error {
	fs := r.cfg.FS
	name := fs.PathJoin(r.cfg.Dir, manifestName)
	temp := name + ".tmp"
	f, err := fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create %s: %w", temp, err)
	}
	// The file system may change what it is given to write.
	_, err = f.Write(append([]byte(nil), b...))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = fs.Rename(temp, name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return syncDir(fs, r.cfg.Dir)
}

// readManifest gives the manifest on disk, nil if there is none.
func (r *Replica) readManifest() (*manifest, []byte, error) {
	fs := r.cfg.FS
	name := fs.PathJoin(r.cfg.Dir, manifestName)
	f, err := fs.Open(name)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", name, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	m, err := decodeManifest(b, name)
	return m, b, err
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open directory %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// encodeWrites gives the window's batches: epoch, stream, count, hashes, each.
func encodeWrites(w *window) []byte {
	var b []byte
	for i := range w.batches {
		x := &w.batches[i]
		b = binary.AppendUvarint(b, uint64(x.epoch))
		b = binary.AppendUvarint(b, uint64(x.stream))
		b = binary.AppendUvarint(b, uint64(len(x.hashes)))
		for _, h := range x.hashes {
			b = binary.LittleEndian.AppendUint64(b, h)
		}
	}
	return b
}

func decodeWrites(b []byte, floor log.Epoch) (window, error) {
	w := window{floor: floor, oldFloor: floor}
	for len(b) > 0 {
		var v [3]uint64
		for i := range v {
			n := 0
			if v[i], n = binary.Uvarint(b); n <= 0 {
				return w, errors.New("window of writes is cut off")
			}
			b = b[n:]
		}
		if v[2] > uint64(len(b)/8) {
			return w, errors.New("window of writes is cut off")
		}
		x := writes{epoch: log.Epoch(v[0]), stream: log.StreamID(v[1])}
		for range v[2] {
			h := binary.LittleEndian.Uint64(b)
			x.hashes, x.whole = append(x.hashes, h), x.whole || h == 0
			b = b[8:]
		}
		w.push(x)
	}
	return w, nil
}
