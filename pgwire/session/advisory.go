package session

import (
	"sync"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// advisoryLocks are the locks of pg_advisory_lock and its like. They hold among
// the sessions of one node, and all are exclusive.
type advisoryLocks struct {
	mu    sync.Mutex
	held  map[advisoryKey]*advisoryLock
	freed chan struct{} // closed and replaced when a lock is given back
}

type advisoryKey struct{ hi, lo int64 }

type advisoryLock struct {
	pid   int32
	count int
}

// try takes a lock; wait is what to wait for when somebody else has it.
func (l *advisoryLocks) try(k advisoryKey, pid int32) (ok bool, wait <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[advisoryKey]*advisoryLock{}
	}
	h := l.held[k]
	switch {
	case h == nil:
		l.held[k] = &advisoryLock{pid, 1}
		return true, nil
	case h.pid == pid:
		h.count++
		return true, nil
	}
	if l.freed == nil {
		l.freed = make(chan struct{})
	}
	return false, l.freed
}

func (l *advisoryLocks) release(k advisoryKey, pid int32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[k]
	if h == nil || h.pid != pid {
		return false
	}
	if h.count--; h.count == 0 {
		delete(l.held, k)
		l.wake()
	}
	return true
}

func (l *advisoryLocks) releaseAll(pid int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, h := range l.held {
		if h.pid == pid {
			delete(l.held, k)
		}
	}
	l.wake()
}

func (l *advisoryLocks) wake() {
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}

func keyOfArgs(a []types.Datum) advisoryKey {
	if len(a) == 2 {
		return advisoryKey{a[0].I + 1<<40, a[1].I}
	}
	return advisoryKey{0, a[0].I}
}

// lockAdvisory takes a lock of the session, or of the transaction; wait says whether
// it waits for one that somebody else has.
func lockAdvisory(transaction, wait bool) sessionFunc {
	return func(x *scope, a []types.Datum) (types.Datum, error) {
		s := x.session
		for {
			ok, freed := s.host.locks.try(keyOfArgs(a), s.pid)
			if ok && transaction {
				s.txnLocks = append(s.txnLocks, keyOfArgs(a))
			}
			if !wait {
				return types.BoolDatum(ok), nil
			}
			if ok {
				return types.TextDatum(""), nil
			}
			select {
			case <-freed:
			case <-s.stmtCtx.Done():
				return types.NullDatum, sqlerr.New(sqlerr.QueryCanceled,
					"canceling statement due to user request")
			}
		}
	}
}

func unlockAdvisory(x *scope, a []types.Datum) (types.Datum, error) {
	return types.BoolDatum(x.session.host.locks.release(keyOfArgs(a), x.session.pid)), nil
}

func unlockAllAdvisory(x *scope, _ []types.Datum) (types.Datum, error) {
	x.session.host.locks.releaseAll(x.session.pid)
	return types.TextDatum(""), nil
}

// releaseTxnLocks gives back the locks of the transaction that ended.
func (s *Session) releaseTxnLocks() {
	for _, k := range s.txnLocks {
		s.host.locks.release(k, s.pid)
	}
	s.txnLocks = nil
}
