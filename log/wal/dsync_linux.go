package wal

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

const dsyncSupported = true

// maxVectors is IOV_MAX of Linux.
const maxVectors = 1024

// DSync opens real files with O_DSYNC: the write itself returns when the data is durable, which on
// pre-written files costs one flush and no journal entry (0.15 ms at 4 KiB where write plus
// fdatasync on a growing file costs 0.25 ms). The buffers go to the kernel without being joined.
type DSync struct{}

// OpenLog implements Opener; fs must be the operating system's.
func (DSync) OpenLog(_ vfs.FS, path string) (File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_DSYNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &dsyncFile{fd: fd, path: path}, nil
}

type dsyncFile struct {
	fd   int
	path string
	iov  [][]byte // scratch, so that advancing after a short write leaves the caller's slice alone
}

func (f *dsyncFile) AppendAt(bufs [][]byte, off int64) error {
	f.iov = append(f.iov[:0], bufs...)
	iov := f.iov
	for len(iov) > 0 {
		n, err := unix.Pwritev(f.fd, iov[:min(len(iov), maxVectors)], off)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
		if n == 0 {
			return fmt.Errorf("write %s: %w", f.path, io.ErrShortWrite)
		}
		off += int64(n)
		iov = advance(iov, n)
	}
	clear(f.iov)
	return nil
}

// advance drops the first n bytes of the buffers.
func advance(iov [][]byte, n int) [][]byte {
	for len(iov) > 0 && n >= len(iov[0]) {
		n -= len(iov[0])
		iov = iov[1:]
	}
	if n > 0 {
		iov[0] = iov[0][n:]
	}
	return iov
}

func (f *dsyncFile) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Pread(f.fd, p[done:], off+int64(done))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return done, fmt.Errorf("read %s: %w", f.path, err)
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

func (f *dsyncFile) Sync() error  { return unix.Fdatasync(f.fd) }
func (f *dsyncFile) Close() error { return unix.Close(f.fd) }
