package wal

import (
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// File is an open segment. One goroutine writes at a time; ReadAt may run beside it.
type File interface {
	io.ReaderAt
	io.Closer
	// AppendAt writes the buffers one after the other at off and returns when they are durable.
	// It must not change or keep them.
	AppendAt(bufs [][]byte, off int64) error
	// Sync makes all that the operating system holds of the file durable.
	Sync() error
}

// Opener opens an existing segment file of fs for reading and durable writing. It is a seam
// because vfs.FS cannot say O_DSYNC.
type Opener interface {
	OpenLog(fs vfs.FS, path string) (File, error)
}

// DefaultOpener is DSync for the bare operating system's file system and Plain for every other,
// so that wrappers which inject faults or watch latencies see every write.
func DefaultOpener(fs vfs.FS) Opener {
	if fs == vfs.Default && dsyncSupported {
		return DSync{}
	}
	return Plain{}
}

// Plain writes through vfs.File: one WriteAt, one SyncData.
type Plain struct{}

// OpenLog implements Opener.
func (Plain) OpenLog(fs vfs.FS, path string) (File, error) {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return &plainFile{File: f}, nil
}

// plainFile joins the buffers before writing: vfs.File.WriteAt takes one slice and may change it.
type plainFile struct {
	vfs.File
	buf []byte
}

func (f *plainFile) AppendAt(bufs [][]byte, off int64) error {
	f.buf = f.buf[:0]
	for _, b := range bufs {
		f.buf = append(f.buf, b...)
	}
	if _, err := f.File.WriteAt(f.buf, off); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (f *plainFile) Sync() error { return f.File.Sync() }
