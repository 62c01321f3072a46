package session

import (
	"context"
	"maps"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// blockKind says what a statement's work belongs to.
type blockKind uint8

const (
	// noBlock: each statement commits by itself.
	noBlock blockKind = iota
	// implicitBlock: the statements of one query text, or of a pipeline up to
	// Sync, commit together.
	implicitBlock
	// explicitBlock: BEGIN was given.
	explicitBlock
)

// savepoint is a point of the block to return to.
type savepoint struct {
	name     string
	mark     any
	settings *settingsCopy
	numbers  map[catalog.OID]ownSequence
	temp     *tempTables
	portals  map[string]*portal
}

// open gives the block its snapshot, at its first statement that needs one.
func (s *Session) open() *exec.Txn {
	if s.txn == nil {
		limit := s.settings.int(idxMaxTransaction)
		s.txn = s.host.engine.Begin(s.host.engine.Pin(), limit)
		s.txn.InUse = s.beingRead
	}
	return s.txn
}

// snapshot is the catalog that a statement would be planned on.
func (s *Session) snapshot() *catalog.Snapshot {
	if s.txn != nil {
		return s.txn.Point().Catalog
	}
	return s.host.engine.Catalog()
}

// commit ends the block and keeps its work. Cursors WITH HOLD keep their rows.
func (s *Session) commit(ctx context.Context) error {
	if err := s.holdCursors(ctx); err != nil {
		s.rollback()
		return err
	}
	s.closePortals(false)
	var err error
	if s.txn != nil {
		s.txn.CommitOnly = s.settings.values[idxWaitFor] == "commit"
		if err = s.finishDraft(ctx); err == nil {
			_, err = s.txn.Commit(ctx)
		}
	}
	if err != nil {
		s.rollback()
		return err
	}
	s.host.seqs.forget(s.numbers)
	s.leaveBlock()
	s.settings.commit()
	return s.endTemp(ctx)
}

// rollback ends the block, if there is one, and drops its work.
func (s *Session) rollback() {
	s.closePortals(false)
	if s.txn != nil {
		s.txn.Rollback()
	}
	s.restoreTemp(s.tempBefore)
	s.leaveBlock()
	s.settings.rollback()
}

func (s *Session) leaveBlock() {
	s.block, s.failed, s.txn, s.txnStart, s.savepoints = noBlock, false, nil, 0, nil
	s.numbers, s.tempBefore = nil, nil
	s.releaseTxnLocks()
}

// fail notes that a statement failed: an implicit block ends, an explicit one
// takes nothing more until its end.
func (s *Session) fail() {
	switch s.block {
	case explicitBlock:
		s.failed = true
	case implicitBlock:
		s.rollback()
	default:
		s.settings.rollback()
	}
}

func errFailedBlock() error {
	return sqlerr.New(sqlerr.InFailedSQLTransaction,
		"current transaction is aborted, commands ignored until end of transaction block")
}

// endsBlock tells whether a statement is allowed in a failed block.
func endsBlock(x sql.Statement) bool {
	switch x.(type) {
	case *sql.Commit, *sql.Rollback, *sql.RollbackTo:
		return true
	}
	return false
}

// control runs the statements of transactions; done is false for others.
func (s *Session) control(ctx context.Context, st *statement, sink Sink) (
	tag string, done bool, err error,
) {
	switch x := st.tree.(type) {
	case *sql.Begin:
		return sql.Tag(x), true, s.beginBlock(x, sink)
	case *sql.Commit:
		tag, err = s.commitBlock(ctx, x, sink)
	case *sql.Rollback:
		tag, err = s.rollbackBlock(x, sink)
	case *sql.Savepoint:
		tag, err = "SAVEPOINT", s.savepoint(x)
	case *sql.Release:
		tag, err = "RELEASE", s.release(x)
	case *sql.RollbackTo:
		tag, err = "ROLLBACK", s.rollbackTo(x)
	case *sql.SetTransaction:
		tag, err = "SET", s.setTransaction(x, sink)
	default:
		return "", false, nil
	}
	return tag, true, err
}

func (s *Session) beginBlock(x *sql.Begin, sink Sink) error {
	if s.block == explicitBlock {
		return s.notice(sink, warning(sqlerr.ActiveSQLTransaction,
			"there is already a transaction in progress"))
	}
	s.block = explicitBlock
	if s.txnStart == 0 {
		s.txnStart = s.host.clock.NowMicros()
	}
	return s.transactionModes(x.Modes)
}

// transactionModes sets what the block was begun with, for as long as it lasts.
func (s *Session) transactionModes(m sql.TxModes) error {
	level := s.settings.get("default_transaction_isolation")
	if m.Isolation != sql.IsolationDefault {
		level = lower(m.Isolation.String())
	}
	readOnly := s.settings.get("default_transaction_read_only")
	switch m.Access {
	case sql.ReadOnly:
		readOnly = "on"
	case sql.ReadWrite:
		readOnly = "off"
	}
	if level != s.settings.get("transaction_isolation") {
		if err := s.set("transaction_isolation", level, true); err != nil {
			return err
		}
	}
	if readOnly != s.settings.get("transaction_read_only") {
		return s.set("transaction_read_only", readOnly, true)
	}
	return nil
}

func (s *Session) commitBlock(ctx context.Context, x *sql.Commit, sink Sink) (string, error) {
	tag := "COMMIT"
	switch {
	case s.block != explicitBlock:
		err := s.notice(sink, warning(sqlerr.NoActiveSQLTransaction,
			"there is no transaction in progress"))
		if err != nil || s.block == noBlock {
			return tag, err
		}
		return tag, s.commit(ctx)
	case s.failed:
		tag = "ROLLBACK"
		s.rollback()
	default:
		if err := s.commit(ctx); err != nil {
			return tag, err
		}
	}
	return tag, s.chain(x.Chain)
}

func (s *Session) rollbackBlock(x *sql.Rollback, sink Sink) (string, error) {
	if s.block != explicitBlock {
		err := s.notice(sink, warning(sqlerr.NoActiveSQLTransaction,
			"there is no transaction in progress"))
		if s.block == implicitBlock {
			s.rollback()
		}
		return "ROLLBACK", err
	}
	s.rollback()
	return "ROLLBACK", s.chain(x.Chain)
}

// chain begins a new block after the end of one.
func (s *Session) chain(chain bool) error {
	if !chain {
		return nil
	}
	s.block, s.txnStart = explicitBlock, s.host.clock.NowMicros()
	return s.transactionModes(sql.TxModes{})
}

func needsBlock(what string) error {
	return sqlerr.New(sqlerr.NoActiveSQLTransaction,
		"%s can only be used in transaction blocks", what)
}

func (s *Session) savepoint(x *sql.Savepoint) error {
	if s.block != explicitBlock && s.doing == 0 {
		return needsBlock("SAVEPOINT")
	}
	p := s.mark()
	p.name = x.Name
	s.savepoints = append(s.savepoints, p)
	return nil
}

// mark remembers what the block is now: rows, catalog, settings, temporary tables.
func (s *Session) mark() savepoint {
	return savepoint{mark: s.open().Savepoint(), settings: s.settings.copy(),
		numbers: s.copyNumbers(), temp: s.copyTemp(), portals: maps.Clone(s.portals)}
}

// returnTo makes the block what it was at a mark, which stays usable.
func (s *Session) returnTo(p savepoint) {
	if s.settings.saved != nil {
		s.settings.restore(p.settings)
	}
	s.txn.RollbackTo(p.mark)
	s.restoreNumbers(p.numbers)
	s.restoreTemp(p.temp)
	for _, name := range slices.Sorted(maps.Keys(s.portals)) {
		if x := s.portals[name]; x.cursor != nil && p.portals[name] != x {
			s.closePortal(name) // it was declared after the mark
		}
	}
}

// findSavepoint gives the number of the latest savepoint of a name.
func (s *Session) findSavepoint(name, what string) (int, error) {
	if s.block != explicitBlock && s.doing == 0 {
		return 0, needsBlock(what)
	}
	for i := len(s.savepoints) - 1; i >= 0; i-- {
		if s.savepoints[i].name == name {
			return i, nil
		}
	}
	return 0, sqlerr.New(sqlerr.InvalidSavepointSpecification,
		"savepoint \"%s\" does not exist", name)
}

func (s *Session) release(x *sql.Release) error {
	i, err := s.findSavepoint(x.Name, "RELEASE SAVEPOINT")
	if err == nil {
		s.savepoints = s.savepoints[:i]
	}
	return err
}

func (s *Session) rollbackTo(x *sql.RollbackTo) error {
	i, err := s.findSavepoint(x.Name, "ROLLBACK TO SAVEPOINT")
	if err != nil {
		return err
	}
	s.returnTo(s.savepoints[i])
	s.savepoints, s.failed = s.savepoints[:i+1], false
	return nil
}

func (s *Session) setTransaction(x *sql.SetTransaction, sink Sink) error {
	if x.Snapshot != "" {
		return sqlerr.Unsupported("SET TRANSACTION SNAPSHOT",
			"Read at an epoch: SELECT ... FROM x AS OF EPOCH n.")
	}
	prefix, local := "transaction_", true
	if x.Session {
		prefix, local = "default_transaction_", false
	} else if s.block == noBlock {
		return s.notice(sink, warning(sqlerr.NoActiveSQLTransaction,
			"SET TRANSACTION can only be used in transaction blocks"))
	}
	if m := x.Modes.Isolation; m != sql.IsolationDefault {
		if err := s.set(prefix+"isolation", lower(m.String()), local); err != nil {
			return err
		}
	}
	if m := x.Modes.Access; m != sql.AccessDefault {
		return s.set(prefix+"read_only", onOff(m == sql.ReadOnly), local)
	}
	return nil
}

// mustWrite refuses a change in a read-only transaction.
func (s *Session) mustWrite(what string) error {
	name := "transaction_read_only"
	if s.block != explicitBlock {
		name = "default_transaction_read_only"
	}
	if s.settings.get(name) == "on" {
		return sqlerr.New(sqlerr.ReadOnlySQLTransaction,
			"cannot execute %s in a read-only transaction", what)
	}
	return nil
}
