package log

import (
	"errors"
	"fmt"
)

// The errors of all parts of the log. Compare with errors.Is.
var (
	// ErrConflict: another transaction wrote a key that this one read or writes,
	// after its snapshot.
	ErrConflict = errors.New("log: conflict with a later write")
	// ErrNotLeader: this node does not lead the group; a retry finds who does.
	ErrNotLeader = errors.New("log: not the leader")
	// ErrUnknownOutcome: leadership was lost while the transaction was on its way;
	// it may have been committed or not, so it must not be repeated blindly.
	ErrUnknownOutcome = errors.New("log: outcome of the transaction is not known")
	// ErrTooLarge: the transaction is over its limit.
	ErrTooLarge = errors.New("log: transaction too large")
	// ErrDiskFull: the disk reserve is touched; reads go on.
	ErrDiskFull = errors.New("log: disk full")
	// ErrStopped: the replica is closing or has failed for good.
	ErrStopped = errors.New("log: stopped")
	// ErrOffsetOutOfRange: the offset is below the readable begin or above the end.
	ErrOffsetOutOfRange = errors.New("log: offset out of range")
	// ErrNoPartition: no such partition.
	ErrNoPartition = errors.New("log: no such partition")
)

// CorruptionError says that bytes on disk are not what was written. The part of
// the log that they belong to stops; the process goes on.
type CorruptionError struct {
	File   string
	Offset int64
	Reason string
}

// Error implements error.
func (e *CorruptionError) Error() string {
	return fmt.Sprintf("log: corrupt file %s at offset %d: %s", e.File, e.Offset, e.Reason)
}

// IsRetryable tells whether the same transaction may be proposed again.
func IsRetryable(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrNotLeader)
}
