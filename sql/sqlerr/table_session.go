package sqlerr

// sessionDocs are the classes 00 to 21: notices, connections, features.
var sessionDocs = []Doc{
	{SuccessfulCompletion, "successful_completion",
		"A notice: the statement did what it says, and there is something to know.",
		"SET client_min_messages = warning hides notices.",
		"DROP TABLE IF EXISTS nothing;", ""},
	{Warning, "warning", "A warning: the statement was run, and something is probably not as meant.",
		"", `CREATE TABLE t (id int PRIMARY KEY);
BEGIN;
INSERT INTO t VALUES (1);
TRUNCATE t;
ROLLBACK;`, ""},
	{TransactionResolutionUnknown, "transaction_resolution_unknown",
		"The leader was lost while a commit was on its way: it may be committed or not.",
		"Read whether the effect is there, then repeat if it is not.", "", "exec/errors_test.go"},
	{ProtocolViolation, "protocol_violation", "The client sent a message that the protocol does not allow.",
		"It is a defect of the client or its driver.", "", "testdata/pgwire/errors_frames.test"},
	{FeatureNotSupported, "feature_not_supported",
		"PostgreSQL or ksqlDB knows this, Millrace does not.",
		"The hint names another way.", "CREATE DATABASE other;", ""},
	{InvalidGrantOperation, "invalid_grant_operation",
		"A privilege or membership that cannot be granted, such as a role to itself.",
		"", `CREATE TABLE t (id int);
GRANT EXECUTE ON t TO millrace;`, ""},
	{CardinalityViolation, "cardinality_violation",
		"A subquery that stands for one value gave several rows.",
		"Add LIMIT 1 or an aggregate, or use IN or ANY.",
		"SELECT (SELECT n FROM generate_series(1, 2) AS n);", ""},
}

// valueDocs are the classes 22 and 23: values that cannot be, and constraints.
var valueDocs = []Doc{
	{DataException, "data_exception", "A value does not fit the function, in a way that has no code of its own.",
		"", "SELECT array_append('{{1}}'::int[], 2);", ""},
	{StringDataRightTruncation, "string_data_right_truncation",
		"A text is longer than its column allows.", "Shorten it with left(), or declare the column as text.",
		`CREATE TABLE t (code varchar(3));
INSERT INTO t VALUES ('ABCD');`, ""},
	{NumericValueOutOfRange, "numeric_value_out_of_range",
		"A number does not fit its type.", "Cast to a wider type before computing.",
		"SELECT 2147483647 + 1;", ""},
	{NullValueNotAllowed, "null_value_not_allowed", "NULL where the function needs a value.",
		"", "SELECT format('%I', NULL);", ""},
	{InvalidDatetimeFormat, "invalid_datetime_format", "A text is no date or time.",
		"Write ISO 8601, or use to_timestamp with a pattern.", "SELECT date 'someday';", ""},
	{DatetimeFieldOverflow, "datetime_field_overflow", "A field of a date or time is out of range.",
		"", "SELECT date '2026-02-30';", ""},
	{InvalidTimeZoneDisplacement, "invalid_time_zone_displacement_value",
		"An offset from UTC is too large.", "", "SELECT timestamptz '2026-05-01 00:00+99';", ""},
	{IntervalFieldOverflow, "interval_field_overflow", "A part of an interval is too large.",
		"", "SELECT interval '99999999999999 days';", ""},
	{SubstringError, "substring_error", "substring was given a negative length.",
		"", "SELECT substring('abc', 1, -1);", ""},
	{DivisionByZero, "division_by_zero", "A division by zero.",
		"Divide by nullif(x, 0) to get NULL instead.", "SELECT 1 / 0;", ""},
	{InvalidPrecedingOrFollowingSize, "invalid_preceding_or_following_size",
		"The frame of a window function begins or ends a negative distance away.",
		"", "SELECT sum(n) OVER (ORDER BY n ROWS -1 PRECEDING) FROM generate_series(1, 2) AS n;", ""},
	{InvalidArgumentForNtile, "invalid_argument_for_ntile", "ntile needs a positive number of buckets.",
		"", "SELECT ntile(0) OVER ();", ""},
	{InvalidArgumentForNthValue, "invalid_argument_for_nth_value", "nth_value counts from 1.",
		"", "SELECT nth_value(1, 0) OVER ();", ""},
	{InvalidRegularExpression, "invalid_regular_expression", "A regular expression cannot be read.",
		"", "SELECT 'a' ~ '(';", ""},
	{InvalidArgumentForLogarithm, "invalid_argument_for_logarithm",
		"The logarithm of zero or of a negative number.", "", "SELECT ln(0);", ""},
	{InvalidArgumentForPowerFunction, "invalid_argument_for_power_function",
		"The root of a negative number, or a power that is not a real number.", "",
		"SELECT sqrt(-1);", ""},
	{InvalidArgumentForWidthBucket, "invalid_argument_for_width_bucket_function",
		"width_bucket was given bounds that are equal, or no buckets.", "",
		"SELECT width_bucket(5, 1, 1, 4);", ""},
	{InvalidRowCountInLimit, "invalid_row_count_in_limit_clause", "LIMIT must not be negative.",
		"", "SELECT 1 LIMIT -1;", ""},
	{InvalidRowCountInOffset, "invalid_row_count_in_result_offset_clause", "OFFSET must not be negative.",
		"", "SELECT 1 OFFSET -1;", ""},
	{CharacterNotInRepertoire, "character_not_in_repertoire",
		"Bytes that are not UTF-8.", "Convert the data, or use bytea.",
		`SELECT convert_from('\xff', 'UTF8');`, ""},
	{InvalidParameterValue, "invalid_parameter_value",
		"An option, a setting or an argument has a value that is not allowed.",
		"The hint names the allowed ones.", "CREATE STREAM s (a int) WITH (colour = 'red');", ""},
	{InvalidEscapeSequence, "invalid_escape_sequence", "A pattern ends in its escape character.",
		"", `SELECT 'ab' LIKE 'a\';`, ""},
	{ArraySubscriptError, "array_subscript_error", "Bounds or dimensions of an array do not go together.",
		"", "SELECT '[3:1]={1}'::int[];", ""},
	{InvalidTextRepresentation, "invalid_text_representation",
		"A text cannot be read as the type that is wanted.", "", "SELECT 'x'::int;", ""},
	{InvalidBinaryRepresentation, "invalid_binary_representation",
		"A value in binary form has the wrong length or contents.",
		"It is a defect of the client or its driver.", "", "testdata/pgwire/errors_rows.test"},
	{BadCopyFileFormat, "bad_copy_file_format", "A row of COPY has too few or too many columns.",
		"The context tells line and column; ON_ERROR 'dead_letter' loads the other rows.",
		`CREATE TABLE t (a int, b int);
COPY t FROM STDIN;
1
\.`, ""},
	{UntranslatableCharacter, "untranslatable_character", "JSON text with a null character, which text cannot hold.",
		"", `SELECT '"\u0000"'::jsonb;`, ""},
	{NotNullViolation, "not_null_violation", "NULL for a column that is NOT NULL.",
		"", `CREATE TABLE t (a int NOT NULL);
INSERT INTO t VALUES (NULL);`, ""},
	{UniqueViolation, "unique_violation", "A row with the key is there already.",
		"Use ON CONFLICT, or leave on_conflict = 'error' out: INSERT then replaces.",
		`CREATE TABLE t (id int PRIMARY KEY) WITH (on_conflict = 'error');
INSERT INTO t VALUES (1);
INSERT INTO t VALUES (1);`, ""},
	{CheckViolation, "check_violation", "A row breaks a CHECK constraint.",
		"", `CREATE TABLE t (n int CHECK (n > 0));
INSERT INTO t VALUES (0);`, ""},
}
