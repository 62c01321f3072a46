package exec

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// TestTranslate: what happens below SQL reaches the user with a code and a way out.
func TestTranslate(t *testing.T) {
	damage := &log.CorruptionError{File: "p1.seg", Offset: 4096, Reason: "checksum"}
	for _, c := range []struct {
		err  error
		code sqlerr.Code
	}{
		{log.ErrConflict, sqlerr.SerializationFailure},
		{log.ErrDiskFull, sqlerr.DiskFull},
		{log.ErrTooLarge, sqlerr.ConfigurationLimitExceeded},
		{log.ErrNotLeader, sqlerr.CannotConnectNow},
		{log.ErrUnknownOutcome, sqlerr.TransactionResolutionUnknown},
		{log.ErrStopped, sqlerr.AdminShutdown},
		{damage, sqlerr.DataCorrupted},
		{state.ErrFull, sqlerr.OutOfMemory},
		{context.Canceled, sqlerr.QueryCanceled},
	} {
		e := sqlerr.As(translate(fmt.Errorf("append: %w", c.err)))
		if e.Code != c.code {
			t.Errorf("%v gives %s, want %s", c.err, e.Code, c.code)
		}
		if !errors.Is(e, c.err) {
			t.Errorf("%s has lost its cause", e.Code)
		}
		if e.Hint == "" && c.code != sqlerr.QueryCanceled && c.code != sqlerr.AdminShutdown {
			t.Errorf("%s names no way out", e.Code)
		}
	}
	if translate(nil) != nil {
		t.Error("no error is an error")
	}
}
