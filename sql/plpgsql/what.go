package plpgsql

// What implements Stmt.
func (*Block) What() string   { return "statement block" }
func (*Assign) What() string  { return "assignment" }
func (*SQL) What() string     { return "SQL statement" }
func (*Perform) What() string { return "PERFORM" }
func (*Execute) What() string { return "EXECUTE" }
func (*If) What() string      { return "IF" }
func (*Case) What() string    { return "CASE" }
func (*Return) What() string  { return "RETURN" }
func (*Assert) What() string  { return "ASSERT" }
func (*Endless) What() string { return "LOOP" }
func (*While) What() string   { return "WHILE" }
func (*Count) What() string   { return "FOR with integer loop variable" }
func (*Foreach) What() string { return "FOREACH over array" }
func (*Raise) What() string   { return "RAISE" }
func (*Open) What() string    { return "OPEN" }
func (*Close) What() string   { return "CLOSE" }

func (*CursorRows) What() string { return "FOR over cursor" }

func (s *Rows) What() string {
	if s.Text != nil {
		return "FOR over EXECUTE statement"
	}
	return "FOR over SELECT rows"
}

func (s *Exit) What() string {
	if s.Continue {
		return "CONTINUE"
	}
	return "EXIT"
}

func (s *Commit) What() string {
	if s.Rollback {
		return "ROLLBACK"
	}
	return "COMMIT"
}

func (s *Diagnostics) What() string {
	if s.Stacked {
		return "GET STACKED DIAGNOSTICS"
	}
	return "GET DIAGNOSTICS"
}

func (s *Fetch) What() string {
	if s.Move {
		return "MOVE"
	}
	return "FETCH"
}
