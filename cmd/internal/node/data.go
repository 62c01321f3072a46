package node

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// dataLock keeps a second process out of a data directory.
type dataLock struct{ c io.Closer }

func lockData(fs vfs.FS, dir string) (*dataLock, error) {
	c, err := fs.Lock(fs.PathJoin(dir, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("data directory %s is in use by another process (%w): "+
			"stop it, or choose another --data", dir, err)
	}
	return &dataLock{c}, nil
}

func (l *dataLock) close() error { return l.c.Close() }

// nodeIDFile holds the node's name.
const nodeIDFile = "NODE_ID"

// nodeID gives the name kept in the data directory. A new directory gets want, or
// a random name. A node cannot change its name: Raft knows it by it.
func nodeID(fs vfs.FS, dir, want string, random func() uint64) (string, error) {
	name := fs.PathJoin(dir, nodeIDFile)
	kept, err := readFile(fs, name)
	switch {
	case err == nil:
		kept = strings.TrimSpace(kept)
		if want != "" && want != kept {
			return "", fmt.Errorf("--node-id %s: the data directory belongs to node %s", want, kept)
		}
		return kept, nil
	case !errors.Is(err, iofs.ErrNotExist):
		return "", fmt.Errorf("read the node's name: %w", err)
	}
	if want == "" {
		want = fmt.Sprintf("n%08x", uint32(random()))
	}
	return want, writeFile(fs, dir, nodeIDFile, want+"\n")
}

func readFile(fs vfs.FS, name string) (string, error) {
	f, err := fs.Open(name)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(f)
	return string(b), errors.Join(err, f.Close())
}

// writeFile makes a small file durable: written beside, synced, renamed.
func writeFile(fs vfs.FS, dir, name, text string) error {
	tmp := fs.PathJoin(dir, name+".tmp")
	f, err := fs.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(tmp, fs.PathJoin(dir, name)); err != nil {
		return err
	}
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
