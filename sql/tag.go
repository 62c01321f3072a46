package sql

// Tag returns the words by which the protocol tells a client that a statement is done, as
// PostgreSQL has them, without row counts: "INSERT", "CREATE TABLE", "CLOSE CURSOR ALL".
//
//tidy:long one case per kind of statement
func Tag(s Statement) string {
	switch s := s.(type) {
	case *SelectStmt:
		return "SELECT"
	case *Insert:
		return "INSERT"
	case *Update:
		return "UPDATE"
	case *Delete:
		return "DELETE"
	case *Merge:
		return "MERGE"
	case *Truncate:
		return "TRUNCATE TABLE"
	case *Copy:
		return "COPY"
	case *CreateStream:
		return "CREATE STREAM"
	case *CreateTable:
		return "CREATE TABLE"
	case *CreateAs:
		return "CREATE " + s.Kind.String()
	case *CreateMaterializedView:
		return "CREATE MATERIALIZED VIEW"
	case *CreateView:
		return "CREATE VIEW"
	case *CreateIndex:
		return "CREATE INDEX"
	case *CreateSchema:
		return "CREATE SCHEMA"
	case *CreateType:
		return "CREATE TYPE"
	case *CreateDomain:
		return "CREATE DOMAIN"
	case *CreateSequence:
		return "CREATE SEQUENCE"
	case *CreateFunction:
		if s.Procedure {
			return "CREATE PROCEDURE"
		}
		return "CREATE FUNCTION"
	case *CreateRole:
		return "CREATE ROLE"
	case *CreateDatabase:
		return "CREATE DATABASE"
	case *CreateExtension:
		return "CREATE EXTENSION"
	case *Drop:
		return "DROP " + s.Kind.String()
	case *Alter:
		return "ALTER " + s.Kind.String()
	case *Rename:
		return "ALTER " + s.Kind.String()
	case *AlterEnum:
		return "ALTER TYPE"
	case *AlterSequence:
		return "ALTER SEQUENCE"
	case *AlterRole:
		return "ALTER ROLE"
	case *AlterSystem:
		return "ALTER SYSTEM"
	case *Explain:
		return "EXPLAIN"
	case *Grant:
		if s.Roles != nil {
			return "GRANT ROLE"
		}
		return "GRANT"
	case *Revoke:
		if s.Roles != nil {
			return "REVOKE ROLE"
		}
		return "REVOKE"
	}
	return utilityTag(s)
}

// utilityTag has the tags of statements about sessions and operations.
//
//tidy:long one case per kind of statement
func utilityTag(s Statement) string {
	switch s := s.(type) {
	case *Begin:
		if s.Start {
			return "START TRANSACTION"
		}
		return "BEGIN"
	case *Commit:
		return "COMMIT"
	case *Rollback, *RollbackTo:
		return "ROLLBACK"
	case *Savepoint:
		return "SAVEPOINT"
	case *Release:
		return "RELEASE"
	case *SetVar, *SetTransaction, *Unset:
		return "SET"
	case *SetConstraints:
		return "SET CONSTRAINTS"
	case *DropOwned:
		return "DROP OWNED"
	case *ReassignOwned:
		return "REASSIGN OWNED"
	case *ResetVar:
		return "RESET"
	case *ShowVar, *ShowObjects, *ShowCreate:
		return "SHOW"
	case *Discard:
		return "DISCARD " + s.What.String()
	case *Prepare:
		return "PREPARE"
	case *Execute:
		return "EXECUTE"
	case *Deallocate:
		if s.All {
			return "DEALLOCATE ALL"
		}
		return "DEALLOCATE"
	case *DeclareCursor:
		return "DECLARE CURSOR"
	case *Fetch:
		return "FETCH"
	case *Move:
		return "MOVE"
	case *CloseCursor:
		if s.All {
			return "CLOSE CURSOR ALL"
		}
		return "CLOSE CURSOR"
	case *Define:
		return "DEFINE"
	case *Undefine:
		return "UNDEFINE"
	case *Listen:
		return "LISTEN"
	case *Notify:
		return "NOTIFY"
	case *Unlisten:
		return "UNLISTEN"
	case *Describe:
		return "DESCRIBE"
	case *PrintStream:
		return "PRINT"
	case *Pause:
		return "PAUSE"
	case *Resume:
		return "RESUME"
	case *Terminate:
		return "TERMINATE"
	case *Comment:
		return "COMMENT"
	case *Lock:
		return "LOCK TABLE"
	case *Analyze:
		return "ANALYZE"
	case *Vacuum:
		return "VACUUM"
	case *Reindex:
		return "REINDEX"
	case *Checkpoint:
		return "CHECKPOINT"
	case *Flush:
		return "FLUSH"
	case *RefreshView:
		return "REFRESH MATERIALIZED VIEW"
	case *Do:
		return "DO"
	case *CallProc:
		return "CALL"
	case *RunScript:
		return "RUN SCRIPT"
	}
	return "ASSERT"
}
