package sqlerr

// nameDocs is the class 42: syntax, names, types.
var nameDocs = []Doc{
	{InsufficientPrivilege, "insufficient_privilege", "The role may not do this.",
		"The owner or a superuser can GRANT it.", `CREATE ROLE guest LOGIN;
\connect millrace guest
CREATE ROLE friend;`, ""},
	{SyntaxError, "syntax_error", "The statement cannot be read; the position tells where.",
		"", "SELECT a FROM WHERE b;", ""},
	{InvalidName, "invalid_name",
		"A name that cannot be one.", "", `SELECT * FROM millrace.changelog('a.');`, ""},
	{DuplicateColumn, "duplicate_column", "A column name is there twice.",
		"", "CREATE TABLE t (a int, a text);", ""},
	{AmbiguousColumn, "ambiguous_column", "Several relations of FROM have a column of that name.",
		"Write the relation's name or alias before it.",
		"SELECT n FROM (VALUES (1)) AS a (n), (VALUES (2)) AS b (n);", ""},
	{UndefinedColumn, "undefined_column", "There is no column of that name.",
		"The hint offers the nearest name.", `CREATE TABLE t (price int);
SELECT prize FROM t;`, ""},
	{UndefinedObject, "undefined_object",
		"There is no type, role, query, setting or constraint of that name.",
		"", "CREATE TABLE t (a integr);", ""},
	{DuplicateObject, "duplicate_object", "There is an object of that name already.",
		"", `CREATE TYPE mood AS ENUM ('ok');
CREATE TYPE mood AS ENUM ('sad');`, ""},
	{DuplicateAlias, "duplicate_alias", "A name stands twice in FROM or WITH.",
		"Give one of them another alias.",
		"SELECT 1 FROM (VALUES (1)) AS a, (VALUES (2)) AS a;", ""},
	{DuplicateFunction, "duplicate_function",
		"There is a function with that name and these parameters.",
		"CREATE OR REPLACE FUNCTION.", `CREATE FUNCTION f(a int) RETURNS int LANGUAGE SQL RETURN a;
CREATE FUNCTION f(b int) RETURNS int LANGUAGE SQL RETURN b;`, ""},
	{AmbiguousFunction, "ambiguous_function", "Several functions or operators fit equally well.",
		"Cast the arguments.", "SELECT '1' + '2';", ""},
	{GroupingError, "grouping_error",
		"A column is neither grouped by nor inside an aggregate, or an aggregate is where none may be.",
		"", `CREATE TABLE t (city text, n int);
SELECT city, sum(n) FROM t;`, ""},
	{DatatypeMismatch, "datatype_mismatch",
		"An expression has another type than the place needs.",
		"Cast it.", "SELECT 1 WHERE 'a'::text;", ""},
	{WrongObjectType, "wrong_object_type",
		"The object is of another kind than the statement is for.",
		"The hint names the statement that fits.", `CREATE STREAM s (a int);
UPDATE s SET a = 1;`, ""},
	{InvalidForeignKey, "invalid_foreign_key",
		"The columns that a foreign key names are no key of the other table.",
		"Make them UNIQUE, or name the primary key.", `CREATE TABLE p (id int PRIMARY KEY, n int);
CREATE TABLE c (p int REFERENCES p (n));`, ""},
	{CannotCoerce, "cannot_coerce", "There is no cast between the types.",
		"", "SELECT now()::int;", ""},
	{UndefinedFunction, "undefined_function", "There is no function or operator for these types.",
		"Cast the arguments; the hint offers a near name.", "SELECT uper('a');", ""},
	{ReservedName, "reserved_name", "The name is reserved for the system.",
		"", "CREATE SCHEMA pg_mine;", ""},
	{UndefinedTable, "undefined_table", "There is no stream, table or view of that name.",
		"The hint offers the nearest name.", `CREATE TABLE orders (id int);
SELECT * FROM ordrs;`, ""},
	{UndefinedParameter, "undefined_parameter", "A parameter $n without a value.",
		"", "SELECT $1;", ""},
	{DuplicateCursor, "duplicate_cursor", "There is a cursor of that name already.",
		"CLOSE it first.", `BEGIN;
DECLARE c CURSOR FOR SELECT 1;
DECLARE c CURSOR FOR SELECT 2;`, ""},
	{DuplicatePreparedStatement, "duplicate_prepared_statement",
		"There is a prepared statement of that name already.", "DEALLOCATE it first.",
		`PREPARE p AS SELECT 1;
PREPARE p AS SELECT 2;`, ""},
	{DuplicateSchema, "duplicate_schema", "There is a schema of that name already.",
		"", "CREATE SCHEMA public;", ""},
	{DuplicateTable, "duplicate_table", "There is a relation of that name already.",
		"CREATE OR REPLACE, or IF NOT EXISTS.", `CREATE TABLE t (a int);
CREATE STREAM t (a int);`, ""},
	{AmbiguousAlias, "ambiguous_alias",
		"A table name in an expression fits several relations of FROM.",
		"Give them aliases.", `CREATE SCHEMA other;
CREATE TABLE t (a int);
CREATE TABLE other.t (a int);
SELECT t.a FROM t, other.t;`, ""},
	{InvalidCursorDefinition, "invalid_cursor_definition",
		"DECLARE has options that exclude each other.", "Leave one of them out.",
		"DECLARE c SCROLL NO SCROLL CURSOR FOR SELECT 1;", ""},
	{InvalidColumnReference, "invalid_column_reference",
		"ORDER BY, DISTINCT ON, ON CONFLICT or LATERAL refer to what is not there.", "",
		"SELECT 1 AS a ORDER BY 2;", ""},
	{InvalidFunctionDefinition, "invalid_function_definition",
		"A function cannot be defined like this.",
		"", `CREATE FUNCTION f(a int) RETURNS int LANGUAGE SQL RETURN a;
CREATE OR REPLACE FUNCTION f(a int) RETURNS text LANGUAGE SQL RETURN 'a';`, ""},
	{InvalidTableDefinition, "invalid_table_definition",
		"A relation cannot be defined like this: two primary keys, a stream whose rows would change.",
		"", "CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY);", ""},
	{InvalidObjectDefinition, "invalid_object_definition",
		"An object would depend on itself or on chance.",
		"", `CREATE STREAM a (n int);
CREATE STREAM b AS SELECT n + 1 AS n FROM a;
INSERT INTO a SELECT n FROM b EMIT CHANGES;`, ""},
	{IndeterminateDatatype, "indeterminate_datatype",
		"The type of a parameter or an empty array cannot be told.",
		"Cast it: ARRAY[]::int[].", "SELECT ARRAY[];", ""},
	{InvalidRecursion, "invalid_recursion",
		"WITH RECURSIVE does not have the form first UNION [ALL] next.",
		"", "WITH RECURSIVE r AS (SELECT n FROM r) SELECT * FROM r;", ""},
	{WindowingError, "windowing_error", "A window function where none may be.",
		"Compute it in a subquery.", "SELECT 1 WHERE row_number() OVER () = 1;", ""},
	{GeneratedAlways, "generated_always", "A value for a column that is GENERATED ALWAYS.",
		"Leave the column out, or write DEFAULT.",
		`CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int);
INSERT INTO t (id, a) VALUES (1, 1);`, ""},
}
