// Package durable makes directories that survive a power cut: a directory exists
// for sure only when its parent was synced after it was made. It knows nothing of
// what is kept in them.
//
// Invariant: when MkdirAll has returned, every directory of the path that it made
// is synced into its parent.
package durable

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MkdirAll makes a directory and its missing parents, each synced into its own
// parent. What exists already is not touched.
func MkdirAll(fs vfs.FS, dir string) error {
	var missing []string
	for d := dir; ; {
		if _, err := fs.Stat(d); err == nil {
			break
		}
		missing = append(missing, d)
		up := fs.PathDir(d)
		if up == d {
			break
		}
		d = up
	}
	if len(missing) == 0 {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory %s: %w", dir, err)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := syncDir(fs, fs.PathDir(missing[i])); err != nil {
			return fmt.Errorf("sync the parent of directory %s: %w", missing[i], err)
		}
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
