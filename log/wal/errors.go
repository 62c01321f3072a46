package wal

import (
	"errors"
	"fmt"
)

var (
	// ErrDiskFull is returned before anything is written when the free space of the disk is
	// below Options.ReserveBytes, or when the disk refused to give more space. The store stays
	// usable: the same write succeeds once space is free again.
	ErrDiskFull = errors.New("disk is full")

	// ErrPoisoned is returned by every write after one write or sync has failed. What the disk
	// holds is then not known (a later sync may claim success for lost pages), so only closing
	// the store and recovering from the files can go on.
	ErrPoisoned = errors.New("log store stopped after a failed write")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("log store is closed")

	// ErrGap is returned by StoreLogs for entries that do not follow the last one.
	ErrGap = errors.New("entries do not follow the end of the log")
)

// CorruptionError says that bytes which had been made durable are not there any more. The store
// refuses to open, or to serve the entry; it never shortens the log over it.
type CorruptionError struct {
	File   string
	Offset int64
	Reason string
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("log file %s is damaged at offset %d: %s", e.File, e.Offset, e.Reason)
}

// IsCorruption says whether err comes from damaged bytes.
func IsCorruption(err error) bool {
	var c *CorruptionError
	return errors.As(err, &c)
}

// IsDiskFull says whether err means that the disk is full.
func IsDiskFull(err error) bool { return errors.Is(err, ErrDiskFull) }
