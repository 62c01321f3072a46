package sqlerr

// stateDocs are the classes 24 to 40: transactions, cursors, roles, conflicts.
var stateDocs = []Doc{
	{InvalidCursorState, "invalid_cursor_state",
		"The cursor stands on no row of the table, before the first or behind the last one.",
		"FETCH a row before.", `CREATE TABLE t (id int PRIMARY KEY);
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t;
DELETE FROM t WHERE CURRENT OF c;`, ""},
	{ActiveSQLTransaction, "active_sql_transaction",
		"The statement cannot run inside a transaction block.",
		"Send COMMIT first.", `BEGIN;
VACUUM;`, ""},
	{ReadOnlySQLTransaction, "read_only_sql_transaction",
		"A write in a transaction that is READ ONLY.",
		"", `CREATE TABLE t (a int);
BEGIN READ ONLY;
INSERT INTO t VALUES (1);`, ""},
	{NoActiveSQLTransaction, "no_active_sql_transaction",
		"The statement needs a transaction block.",
		"Send BEGIN first.", "SAVEPOINT s;", ""},
	{InFailedSQLTransaction, "in_failed_sql_transaction",
		"A statement of the block has failed; it takes nothing more.",
		"Send ROLLBACK, or ROLLBACK TO a savepoint.", `BEGIN;
SELECT 1 / 0;
SELECT 1;`, ""},
	{IdleInTransactionSessionTimeout, "idle_in_transaction_session_timeout",
		"The session was idle in a transaction for longer than the setting of that name.",
		"Connect again.", "", "testdata/pgwire/cancel.test"},
	{InvalidSQLStatementName, "invalid_sql_statement_name",
		"There is no prepared statement of that name.",
		"", "EXECUTE nothing;", ""},
	{InvalidAuthorizationSpecification, "invalid_authorization_specification",
		"The role does not exist or may not log in.", "CREATE ROLE ... LOGIN.",
		`\connect millrace nobody`, ""},
	{InvalidPassword, "invalid_password", "The password is wrong or missing.", "",
		`CREATE ROLE secretive LOGIN PASSWORD 'secret';
\connect millrace secretive`, ""},
	{DependentObjectsStillExist, "dependent_objects_still_exist",
		"Something depends on what is to be dropped.", "Drop that first, or use CASCADE.",
		`CREATE STREAM s (a int);
CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM s;
DROP STREAM s;`, ""},
	{InvalidTransactionTermination, "invalid_transaction_termination",
		"COMMIT or ROLLBACK in a DO that is part of a transaction block, or has a handler around.",
		"Send DO outside of a block.", `BEGIN;
DO $$ BEGIN COMMIT; END $$;`, ""},
	{InvalidCursorName, "invalid_cursor_name", "There is no cursor of that name, or no longer.",
		"Cursors end with their transaction unless they are declared WITH HOLD.",
		"FETCH 1 FROM nothing;", ""},
	{InvalidSavepointSpecification, "invalid_savepoint_specification",
		"There is no savepoint of that name.",
		"", `BEGIN;
ROLLBACK TO nothing;`, ""},
	{InvalidCatalogName, "invalid_catalog_name", "There is one database: millrace.",
		"Connect to millrace; use schemas to keep things apart.", `\connect nothing millrace`, ""},
	{InvalidSchemaName, "invalid_schema_name", "There is no schema of that name.",
		"CREATE SCHEMA.", "CREATE TABLE nothing.t (a int);", ""},
	{SerializationFailure, "serialization_failure",
		"Another transaction has changed the same rows or objects and was first.",
		"Repeat the transaction.", `CREATE TABLE t (id int PRIMARY KEY, n int);
INSERT INTO t VALUES (1, 0);
BEGIN;
UPDATE t SET n = 1;
\connect millrace millrace
UPDATE t SET n = 2;
\connect
COMMIT;`, ""},
}
