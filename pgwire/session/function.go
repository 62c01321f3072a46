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
		"pg_cancel_backend":         cancelBackend,
		"pg_terminate_backend":      terminateBackend,
		"pg_sleep":                  sleep,
		"pg_notify":                 refuseNotify,
		"pg_reload_conf":            constant(types.BoolDatum(true)),
		"pg_postmaster_start_time":  startTime,
		"pg_conf_load_time":         startTime,
		"pg_blocking_pids":          noPIDs,
		"inet_server_port":          constant(types.NullDatum),
		"inet_client_port":          constant(types.NullDatum),
		"inet_server_addr":          constant(types.NullDatum),
		"inet_client_addr":          clientAddress,
		"txid_current":              transactionID,
		"txid_current_if_assigned":  transactionID,
		"pg_current_xact_id":        transactionID,
		"current_query":             currentQuery,
		"nextval":                   nextval,
		"currval":                   currval,
		"lastval":                   lastval,
		"setval":                    setval,
		"pg_advisory_lock":          lockAdvisory(false, true),
		"pg_advisory_lock_shared":   lockAdvisory(false, true),
		"pg_advisory_xact_lock":     lockAdvisory(true, true),
		"pg_try_advisory_lock":      lockAdvisory(false, false),
		"pg_try_advisory_xact_lock": lockAdvisory(true, false),
		"pg_advisory_unlock":        unlockAdvisory,
		"pg_advisory_unlock_all":    unlockAllAdvisory,
		"pg_client_encoding":        constant(types.TextDatum("UTF8")),
		"getdatabaseencoding":       constant(types.TextDatum("UTF8")),
		"pg_my_temp_schema":         constant(types.IntDatum(0)),
		"pg_is_other_temp_schema":   constant(types.BoolDatum(false)),
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
	secs := a[0].F
	if !(secs > 0) {
		return types.TextDatum(""), nil
	}
	micros := int64(math.Min(secs, 1e9) * 1e6)
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

func currentQuery(x *scope, _ []types.Datum) (types.Datum, error) {
	x.session.info.Lock()
	defer x.session.info.Unlock()
	return types.TextDatum(x.session.info.text), nil
}
