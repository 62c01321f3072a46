//go:build !linux

package wal

import "github.com/cockroachdb/pebble/v2/vfs"

const dsyncSupported = false

// DSync is Plain where O_DSYNC with vectored writes is not to be had.
type DSync struct{}

// OpenLog implements Opener.
func (DSync) OpenLog(fs vfs.FS, path string) (File, error) { return Plain{}.OpenLog(fs, path) }
