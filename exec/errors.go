package exec

import (
	"context"
	"errors"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// translate turns the log's errors into what a user sees. It is the only place
// that does. Others pass through.
func translate(err error) error {
	var corrupt *log.CorruptionError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, log.ErrConflict):
		return sqlerr.Wrap(err, sqlerr.SerializationFailure,
			"could not serialize access due to concurrent update").
			WithHint("Retry the transaction.")
	case errors.Is(err, log.ErrDiskFull):
		return sqlerr.Wrap(err, sqlerr.DiskFull, "the disk is full").
			WithHint("Free space in the data directory; reads go on, writes are refused.")
	case errors.Is(err, log.ErrTooLarge):
		return sqlerr.Wrap(err, sqlerr.ConfigurationLimitExceeded, "the transaction is too large").
			WithHint("Commit in smaller pieces, or raise max_transaction_bytes.")
	case errors.Is(err, log.ErrNotLeader):
		return sqlerr.Wrap(err, sqlerr.CannotConnectNow, "no leader takes writes at the moment").
			WithHint("Retry; a new leader is usually elected within seconds.")
	case errors.Is(err, log.ErrUnknownOutcome):
		return sqlerr.Wrap(err, sqlerr.TransactionResolutionUnknown,
			"the leader was lost while the transaction was on its way").
			WithHint("It may have been committed: read before writing again.")
	case errors.Is(err, log.ErrStopped):
		return sqlerr.Wrap(err, sqlerr.AdminShutdown,
			"terminating connection due to administrator command")
	case errors.As(err, &corrupt):
		return sqlerr.Wrap(err, sqlerr.DataCorrupted, "damaged data on disk").
			WithDetail("File %s, offset %d: %s.", corrupt.File, corrupt.Offset, corrupt.Reason).
			WithHint("Other data stays readable; restore the file from a backup or a replica.")
	case errors.Is(err, state.ErrFull):
		return errStateFull(err)
	case errors.Is(err, state.ErrCorrupt):
		return sqlerr.Wrap(err, sqlerr.DataCorrupted, "damaged state on disk").
			WithDetail("%v.", err).
			WithHint("Restart the node: it starts from its checkpoint and the log.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return sqlerr.Wrap(err, sqlerr.QueryCanceled, "canceling statement due to user request")
	}
	return err
}

func errPausedTooLong(limit int) error {
	return sqlerr.New(sqlerr.ConfigurationLimitExceeded,
		"the query was paused while more than %d bytes of input came", limit).
		WithHint("Drop the query and create it anew; it reads all history.")
}
