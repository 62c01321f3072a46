package sqlerr

// serverDocs are the classes 53 to XX: limits, states of objects, the server.
var serverDocs = []Doc{
	{DiskFull, "disk_full",
		"Less room is left on the disk than the reserve: writes are refused, reads go on.",
		"Free space in the data directory.", "", "exec/errors_test.go"},
	{OutOfMemory, "out_of_memory",
		"The state of continuous queries exceeds the memory budget: the heaviest query ends.",
		"Raise --memory, or let the query keep less: a shorter window, a WITHIN, fewer columns.",
		"", "exec/errors_test.go"},
	{TooManyConnections, "too_many_connections", "There are as many sessions as max_connections.",
		"Close sessions, or use a pool.", "", "pgwire/conn_test.go"},
	{ConfigurationLimitExceeded, "configuration_limit_exceeded",
		"A transaction is larger than max_transaction_bytes.",
		"Commit in smaller pieces, or raise the setting.",
		`CREATE STREAM s (t text);
SET max_transaction_bytes = 65536;
BEGIN;
INSERT INTO s SELECT repeat('x', 1000) FROM generate_series(1, 1000);`, ""},
	{ProgramLimitExceeded, "program_limit_exceeded", "A value would be too large.",
		"", "SELECT repeat('x', 2000000000);", ""},
	{StatementTooComplex, "statement_too_complex", "The statement is nested too deeply.",
		"Split it, or load data with COPY.", "", "sql/parse/limits_test.go"},
	{TooManyColumns, "too_many_columns",
		"A relation or result has at most 1600 columns, CUBE 12.",
		"", "SELECT 1 GROUP BY CUBE (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);", ""},
	{ObjectNotInPrerequisiteState, "object_not_in_prerequisite_state",
		"The object is in a state that does not allow this.", "",
		`CREATE TABLE t (a int);
CREATE VIEW v AS SELECT a FROM t;
INSERT INTO v VALUES (1);`, ""},
	{ObjectInUse, "object_in_use",
		"The transaction reads or checks the table still, and cannot change it.",
		"Close the cursor, or COMMIT, before.", `CREATE TABLE t (id int PRIMARY KEY);
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t;
DROP TABLE t;`, ""},
	{CantChangeRuntimeParam, "cant_change_runtime_param",
		"The setting describes the server and cannot be changed.",
		"", "SET server_version = '16';", ""},
	{QueryCanceled, "query_canceled",
		"The statement was cancelled, by its client or by statement_timeout.",
		"", `CREATE STREAM s (a int);
SET statement_timeout = '20ms';
SELECT * FROM s EMIT CHANGES;`, ""},
	{AdminShutdown, "admin_shutdown", "The server is stopping.", "Connect again.",
		"", "pgwire/conn_test.go"},
	{CannotConnectNow, "cannot_connect_now",
		"The server is starting or stopping, or there is no leader.",
		"Retry.", "", "exec/errors_test.go"},
	{IdleSessionTimeout, "idle_session_timeout",
		"The session was idle for longer than the setting of that name, or a subscriber reads too slowly.",
		"Connect again; read faster, or raise subscriber_buffer.", "", "testdata/pgwire/cancel.test"},
	{RaiseException, "raise_exception", "RAISE in a DO block, without a code of its own.",
		"", "DO $$ BEGIN RAISE EXCEPTION 'no flights on %', date '2026-05-01'; END $$;", ""},
	{NoDataFound, "no_data_found", "SELECT INTO STRICT found no row.",
		"", "DO $$ DECLARE a int; BEGIN SELECT 1 INTO STRICT a WHERE false; END $$;", ""},
	{TooManyRows, "too_many_rows", "SELECT INTO STRICT found several rows.", "Add LIMIT 1.",
		`DO $$ DECLARE a int; BEGIN SELECT n INTO STRICT a FROM generate_series(1, 2) AS n; END $$;`,
		""},
	{AssertFailure, "assert_failure", "The condition of ASSERT in a DO block is not true.",
		"", "DO $$ BEGIN ASSERT 1 > 2, 'one is not more than two'; END $$;", ""},
	{InternalError, "internal_error", "A defect of Millrace. The session lives on.",
		"Report it with the statement.", "", "sql/sqlerr/error_test.go"},
	{DataCorrupted, "data_corrupted", "A checksum on disk does not fit.",
		"The detail names file and offset; restore from a backup or another node.",
		"", "exec/errors_test.go"},
}
