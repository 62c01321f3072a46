package plpgsql

import (
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// Program is a whole block as DO has it.
type Program struct {
	Source string
	Body   *Block
	// Vars are all variables, by number. The block cannot call itself, so that each of
	// them exists once.
	Vars []*Var
	// Found is the variable FOUND.
	Found *Var
	// ColumnsFirst and VariablesFirst say what a name means that is both a column and a
	// variable, by #variable_conflict; neither: that is an error.
	ColumnsFirst, VariablesFirst bool
}

// Var is a variable.
type Var struct {
	Num      int
	Name     string
	Line     int
	At       int // offset of the name
	Type     Type
	Constant bool
	NotNull  bool
	Default  *Fragment // nil: NULL
	// Cursor is the query of a bound cursor variable; nil for others.
	Cursor *Cursor
}

// Cursor is what DECLARE says of a bound cursor.
type Cursor struct {
	Args     []*Var
	Query    *Fragment
	Scroll   bool
	NoScroll bool
}

// TypeKind says how a type was written.
type TypeKind uint8

// The ways to write a type.
const (
	Plain     TypeKind = iota // by name: SQL
	LikeVar                   // variable%TYPE: Var
	LikeField                 // record.field%TYPE, column%TYPE: Name
	RowOf                     // table%ROWTYPE: Name
	Record                    // record: whatever is assigned
	RefCursor                 // refcursor, or a bound cursor
	Implicit                  // of the expression that is first assigned
)

// Type is the type of a variable.
type Type struct {
	Kind TypeKind
	SQL  *sql.TypeName
	Var  *Var
	Name sql.Name
	At   int
}

// Fragment is SQL within a block.
type Fragment struct {
	// Text is what SQL's parser was given; its offset p is offset At+p of the block. An
	// expression has SELECT put before it, so that At may be before the block.
	Text  string
	At    int
	Shown string // as messages show it
	// Assigned says that it is the value of an assignment, all of which is in Shown.
	Assigned bool
	Stmt     sql.Statement
	// Names are the variables that it can see.
	Names *Names
}

// Stmt is a statement of a block.
type Stmt interface {
	// Line counts from 1.
	Line() int
	// What names the statement in an error's context, as PostgreSQL does.
	What() string
}

// at is the line of a statement.
type at struct{ line int }

// Line implements Stmt.
func (a at) Line() int { return a.line }

type (
	// Block is DECLARE ... BEGIN ... EXCEPTION ... END.
	Block struct {
		at
		Label    string
		Decls    []*Var
		Body     []Stmt
		Handlers []*Handler
		// State and Message are the variables SQLSTATE and SQLERRM of the handlers.
		State, Message *Var
	}

	// Handler is WHEN condition [OR ...] THEN.
	Handler struct {
		Others bool
		Codes  []sqlerr.Code
		Body   []Stmt
	}

	// Assign is target := value.
	Assign struct {
		at
		Target Target
		Value  *Fragment
	}

	// Target is what takes a value: a variable, or a part of it.
	Target struct {
		Var  *Var
		Path []Step
	}

	// Step is .Field, or [Index].
	Step struct {
		Field string
		Index *Fragment
	}

	// Into is INTO [STRICT] targets. A single record takes the whole row.
	Into struct {
		Strict  bool
		Targets []Target
	}

	// SQL is an SQL statement.
	SQL struct {
		at
		Query *Fragment
		Into  *Into
	}

	// Perform is PERFORM query.
	Perform struct {
		at
		Query *Fragment
	}

	// Execute is EXECUTE text [INTO ...] [USING ...].
	Execute struct {
		at
		Text  *Fragment
		Into  *Into
		Using []*Fragment
	}

	// Branch is a condition and what it leads to.
	Branch struct {
		Line int
		Cond *Fragment
		Body []Stmt
	}

	// If is IF ... ELSIF ... ELSE ... END IF.
	If struct {
		at
		Branches []Branch
		Else     []Stmt
	}

	// Case is CASE. Subject is compared through the variable Var, which the conditions of
	// Branches name; nil for a searched CASE.
	Case struct {
		at
		Subject  *Fragment
		Var      *Var
		Branches []Branch
		Else     []Stmt
		HasElse  bool
	}

	// Exit is EXIT or CONTINUE.
	Exit struct {
		at
		Continue bool
		Label    string
		When     *Fragment
	}

	// Return is RETURN.
	Return struct{ at }

	// Commit is COMMIT or ROLLBACK.
	Commit struct {
		at
		Rollback, Chain bool
	}

	// Assert is ASSERT condition [, message].
	Assert struct {
		at
		Cond, Message *Fragment
	}
)

type (
	// Loop is what all loops have.
	Loop struct {
		at
		Label string
		Body  []Stmt
	}

	// Endless is LOOP.
	Endless struct{ Loop }

	// While is WHILE condition LOOP.
	While struct {
		Loop
		Cond *Fragment
	}

	// Count is FOR i IN [REVERSE] a..b [BY c] LOOP.
	Count struct {
		Loop
		Var            *Var
		Reverse        bool
		From, To, Step *Fragment // Step nil: 1
	}

	// Rows is FOR target IN query LOOP, or IN EXECUTE text [USING ...] LOOP.
	Rows struct {
		Loop
		Targets []Target
		Query   *Fragment // nil: Text
		Text    *Fragment
		Using   []*Fragment
	}

	// CursorRows is FOR record IN cursor [(arguments)] LOOP.
	CursorRows struct {
		Loop
		Var    *Var
		Cursor *Var
		Args   []*Fragment
	}

	// Foreach is FOREACH target [SLICE n] IN ARRAY array LOOP.
	Foreach struct {
		Loop
		Target Target
		Slice  int
		Array  *Fragment
	}
)

type (
	// Raise is RAISE.
	Raise struct {
		at
		// Level is EXCEPTION, WARNING, NOTICE, INFO, LOG or DEBUG; "" is a bare RAISE,
		// which raises the error at hand again.
		Level     string
		Format    string
		HasFormat bool
		Args      []*Fragment
		Condition string // its name, or the SQLSTATE; "" where there is none
		Code      sqlerr.Code
		Options   []RaiseOption
	}

	// RaiseOption is option = value of USING.
	RaiseOption struct {
		Name  string // upper case
		Value *Fragment
	}

	// Diagnostics is GET [CURRENT | STACKED] DIAGNOSTICS.
	Diagnostics struct {
		at
		Stacked bool
		Items   []DiagnosticItem
	}

	// DiagnosticItem is target = name.
	DiagnosticItem struct {
		Target Target
		Name   string // lower case
	}

	// Open is OPEN cursor.
	Open struct {
		at
		Cursor   *Var
		Scroll   bool
		NoScroll bool
		Query    *Fragment // of an unbound cursor; or
		Text     *Fragment // of EXECUTE
		Using    []*Fragment
		Args     []*Fragment // of a bound one
	}

	// Fetch is FETCH or MOVE.
	Fetch struct {
		at
		Move   bool
		Cursor *Var
		Dir    sql.FetchDir
		All    bool
		Count  *Fragment // nil: Fixed
		Fixed  int64
		Into   *Into
	}

	// Close is CLOSE cursor.
	Close struct {
		at
		Cursor *Var
	}
)
