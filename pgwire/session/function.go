package session

import (
	"math"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// sessionFunc answers a function about sessions.
type sessionFunc func(x *scope, args []types.Datum) (types.Datum, error)

// sessionFuncs are the functions that the session answers; the rest of
// expr.Session.Describe is the catalog's.
var sessionFuncs map[string]sessionFunc

func init() {
	sessionFuncs = map[string]sessionFunc{
		"pg_cancel_backend":                cancelBackend,
		"pg_terminate_backend":             terminateBackend,
		"pg_sleep":                         sleep,
		"pg_notify":                        refuseNotify,
		"pg_reload_conf":                   constant(types.BoolDatum(true)),
		"pg_postmaster_start_time":         startTime,
		"pg_conf_load_time":                startTime,
		"pg_blocking_pids":                 noPIDs,
		"inet_server_port":                 constant(types.NullDatum),
		"inet_client_port":                 constant(types.NullDatum),
		"inet_server_addr":                 constant(types.NullDatum),
		"inet_client_addr":                 clientAddress,
		"pg_sleep_for":                     sleepFor,
		"pg_sleep_until":                   sleepUntil,
		"pg_current_xact_id_if_assigned":   transactionID,
		"pg_safe_snapshot_blocking_pids":   noPIDs,
		"pg_trigger_depth":                 constant(types.IntDatum(0)),
		"pg_jit_available":                 constant(types.BoolDatum(false)),
		"pg_current_logfile":               constant(types.NullDatum),
		"pg_notification_queue_usage":      constant(types.FloatDatum(0)),
		"pg_is_wal_replay_paused":          constant(types.BoolDatum(false)),
		"pg_last_xact_replay_timestamp":    constant(types.NullDatum),
		"pg_export_snapshot":               refuseExport,
		"txid_status":                      transactionStatus,
		"pg_rotate_logfile":                constant(types.BoolDatum(false)),
		"txid_current":                     transactionID,
		"txid_current_if_assigned":         transactionID,
		"pg_current_xact_id":               transactionID,
		"current_query":                    currentQuery,
		"nextval":                          nextval,
		"currval":                          currval,
		"lastval":                          lastval,
		"setval":                           setval,
		"pg_sequence_last_value":           sequenceLastValue,
		"sequence_next":                    sequenceNext,
		"pg_advisory_lock":                 lockAdvisory(false, true, false),
		"pg_advisory_lock_shared":          lockAdvisory(false, true, true),
		"pg_advisory_xact_lock":            lockAdvisory(true, true, false),
		"pg_advisory_xact_lock_shared":     lockAdvisory(true, true, true),
		"pg_try_advisory_lock":             lockAdvisory(false, false, false),
		"pg_try_advisory_lock_shared":      lockAdvisory(false, false, true),
		"pg_try_advisory_xact_lock":        lockAdvisory(true, false, false),
		"pg_try_advisory_xact_lock_shared": lockAdvisory(true, false, true),
		"pg_advisory_unlock":               unlockAdvisory(false),
		"pg_advisory_unlock_shared":        unlockAdvisory(true),
		"pg_advisory_unlock_all":           unlockAllAdvisory,
		"pg_client_encoding":               constant(types.TextDatum("UTF8")),
		"getdatabaseencoding":              constant(types.TextDatum("UTF8")),
		"pg_my_temp_schema":                constant(types.IntDatum(0)),
		"pg_is_other_temp_schema":          constant(types.BoolDatum(false)),
	}
}

func refuseNotify(*scope, []types.Datum) (types.Datum, error) {
	return types.NullDatum, errNotify("pg_notify")
}

// startTime is when this node's sessions began to be served.
func startTime(x *scope, _ []types.Datum) (types.Datum, error) {
	return types.IntDatum(x.session.host.started), nil
}

func constant(d types.Datum) sessionFunc {
	return func(*scope, []types.Datum) (types.Datum, error) { return d, nil }
}

func cancelBackend(x *scope, a []types.Datum) (types.Datum, error) {
	s := x.session.host.session(int32(a[0].I))
	if s != nil {
		s.Cancel()
	}
	return types.BoolDatum(s != nil), nil
}

func terminateBackend(x *scope, a []types.Datum) (types.Datum, error) {
	s := x.session.host.session(int32(a[0].I))
	if s != nil {
		s.Terminate()
	}
	return types.BoolDatum(s != nil), nil
}

// sleep waits with the statement.
func sleep(x *scope, a []types.Datum) (types.Datum, error) {
	return sleepMicros(x, a[0].F*1e6)
}

func sleepFor(x *scope, a []types.Datum) (types.Datum, error) {
	us, ok := a[0].Interval().FixedMicros()
	if !ok {
		us = math.MaxInt64
	}
	return sleepMicros(x, float64(us))
}

func sleepUntil(x *scope, a []types.Datum) (types.Datum, error) {
	return sleepMicros(x, float64(a[0].I)-float64(x.session.host.clock.NowMicros()))
}

func sleepMicros(x *scope, long float64) (types.Datum, error) {
	if !(long > 0) {
		return types.TextDatum(""), nil
	}
	micros := int64(math.Min(long, 1e15))
	ctx := x.session.stmtCtx
	select {
	case <-x.session.host.clock.After(micros):
		return types.TextDatum(""), nil
	case <-ctx.Done():
		return types.NullDatum, sqlerr.New(sqlerr.QueryCanceled,
			"canceling statement due to user request")
	}
}

func noPIDs(*scope, []types.Datum) (types.Datum, error) {
	return types.ArrayDatum(types.Of(types.Int4), types.ArrayValue{}), nil
}

func clientAddress(x *scope, _ []types.Datum) (types.Datum, error) {
	if x.session.address == "" {
		return types.NullDatum, nil
	}
	return types.TextDatum(x.session.address), nil
}

// transactionID is the epoch that is read: transactions have no numbers before
// they commit.
func transactionID(x *scope, _ []types.Datum) (types.Datum, error) {
	return types.IntDatum(int64(x.point.Epoch)), nil
}

// transactionStatus is that of an epoch: they have a number only when committed.
func transactionStatus(x *scope, a []types.Datum) (types.Datum, error) {
	if a[0].I > int64(x.point.Epoch) {
		return types.NullDatum, sqlerr.New(sqlerr.InvalidParameterValue,
			"transaction ID %d is in the future", a[0].I)
	}
	return types.TextDatum("committed"), nil
}

func refuseExport(*scope, []types.Datum) (types.Datum, error) {
	return types.NullDatum, sqlerr.Unsupported("pg_export_snapshot",
		"A read may name its epoch: SELECT ... AS OF EPOCH n.")
}

func currentQuery(x *scope, _ []types.Datum) (types.Datum, error) {
	x.session.info.Lock()
	defer x.session.info.Unlock()
	return types.TextDatum(x.session.info.text), nil
}
