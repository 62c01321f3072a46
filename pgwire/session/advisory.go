package session

import (
	"sync"

	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// advisoryLocks are the locks of pg_advisory_lock and its like. They hold among
// the sessions of one node.
type advisoryLocks struct {
	mu    sync.Mutex
	held  map[advisoryKey]map[int32]*advisoryCount // by holder
	waits map[int32]advisoryWant                   // what each waiting session wants
	freed chan struct{}                            // closed and replaced when a lock is given back
}

type advisoryKey struct{ hi, lo int64 }

// advisoryWant is a lock in one of its two modes.
type advisoryWant struct {
	key    advisoryKey
	shared bool
}

// advisoryCount is how often one session holds a lock, in both modes.
type advisoryCount struct{ exclusive, shared int }

func (c *advisoryCount) of(shared bool) *int {
	if shared {
		return &c.shared
	}
	return &c.exclusive
}

// blockers lists the sessions that keep pid from a lock.
func (l *advisoryLocks) blockers(w advisoryWant, pid int32) []int32 {
	var out []int32
	for holder, c := range l.held[w.key] {
		if holder != pid && (!w.shared || c.exclusive > 0) {
			out = append(out, holder)
		}
	}
	return out
}

// try takes a lock; wait is what to wait for when somebody else has it. With block
// the session is going to wait: it is refused when the others wait for it in turn.
func (l *advisoryLocks) try(w advisoryWant, pid int32, block bool) (ok bool, wait <-chan struct{},
	err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waits, pid)
	in := l.blockers(w, pid)
	if len(in) == 0 {
		l.take(w, pid)
		return true, nil, nil
	}
	if !block {
		return false, nil, nil
	}
	if l.waitFor(in, pid, map[int32]bool{}) {
		return false, nil, sqlerr.New(sqlerr.SerializationFailure, "deadlock detected").
			WithHint("Each of the sessions waits for an advisory lock that another one holds: " +
				"take them in the same order everywhere.")
	}
	if l.waits == nil {
		l.waits = map[int32]advisoryWant{}
	}
	l.waits[pid] = w
	if l.freed == nil {
		l.freed = make(chan struct{})
	}
	return false, l.freed, nil
}

// waitFor tells whether one of some sessions waits, over others, for pid.
func (l *advisoryLocks) waitFor(of []int32, pid int32, seen map[int32]bool) bool {
	for _, p := range of {
		if p == pid {
			return true
		}
		w, waiting := l.waits[p]
		if !waiting || seen[p] {
			continue
		}
		seen[p] = true
		if l.waitFor(l.blockers(w, p), pid, seen) {
			return true
		}
	}
	return false
}

func (l *advisoryLocks) take(w advisoryWant, pid int32) {
	if l.held == nil {
		l.held = map[advisoryKey]map[int32]*advisoryCount{}
	}
	if l.held[w.key] == nil {
		l.held[w.key] = map[int32]*advisoryCount{}
	}
	c := l.held[w.key][pid]
	if c == nil {
		c = &advisoryCount{}
		l.held[w.key][pid] = c
	}
	*c.of(w.shared)++
}

func (l *advisoryLocks) release(w advisoryWant, pid int32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.held[w.key][pid]
	if c == nil || *c.of(w.shared) == 0 {
		return false
	}
	*c.of(w.shared)--
	if *c == (advisoryCount{}) {
		l.forget(w.key, pid)
	}
	l.wake()
	return true
}

// releaseAll gives back all locks of a session but those to keep.
func (l *advisoryLocks) releaseAll(pid int32, keep []advisoryWant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waits, pid)
	for k, holders := range l.held {
		if holders[pid] != nil {
			l.forget(k, pid)
		}
	}
	for _, w := range keep {
		l.take(w, pid)
	}
	l.wake()
}

// stopWaiting is for a session that gave up.
func (l *advisoryLocks) stopWaiting(pid int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waits, pid)
}

func (l *advisoryLocks) forget(k advisoryKey, pid int32) {
	delete(l.held[k], pid)
	if len(l.held[k]) == 0 {
		delete(l.held, k)
	}
}

func (l *advisoryLocks) wake() {
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}

// each calls f with every lock that is held or wanted.
func (l *advisoryLocks) each(f func(w advisoryWant, pid int32, granted bool) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, holders := range l.held {
		for pid, c := range holders {
			for _, shared := range []bool{false, true} {
				if *c.of(shared) == 0 {
					continue
				}
				if err := f(advisoryWant{k, shared}, pid, true); err != nil {
					return err
				}
			}
		}
	}
	for pid, w := range l.waits {
		if err := f(w, pid, false); err != nil {
			return err
		}
	}
	return nil
}

// pairKey marks a key of two integers.
const pairKey = 1 << 40

func keyOfArgs(a []types.Datum) advisoryKey {
	if len(a) == 2 {
		return advisoryKey{a[0].I + pairKey, a[1].I}
	}
	return advisoryKey{0, a[0].I}
}

// lockAdvisory takes a lock of the session, or of the transaction; wait says whether
// it waits for one that somebody else has.
func lockAdvisory(transaction, wait, shared bool) sessionFunc {
	return func(x *scope, a []types.Datum) (types.Datum, error) {
		s := x.session
		w := advisoryWant{keyOfArgs(a), shared}
		for {
			ok, freed, err := s.host.locks.try(w, s.pid, wait)
			if err != nil {
				return types.NullDatum, err
			}
			if ok && transaction {
				s.txnLocks = append(s.txnLocks, w)
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
				s.host.locks.stopWaiting(s.pid)
				return types.NullDatum, sqlerr.New(sqlerr.QueryCanceled,
					"canceling statement due to user request")
			}
		}
	}
}

func unlockAdvisory(shared bool) sessionFunc {
	return func(x *scope, a []types.Datum) (types.Datum, error) {
		w := advisoryWant{keyOfArgs(a), shared}
		return types.BoolDatum(x.session.host.locks.release(w, x.session.pid)), nil
	}
}

func unlockAllAdvisory(x *scope, _ []types.Datum) (types.Datum, error) {
	x.session.host.locks.releaseAll(x.session.pid, x.session.txnLocks)
	return types.TextDatum(""), nil
}

// releaseTxnLocks gives back the locks of the transaction that ended.
func (s *Session) releaseTxnLocks() {
	for _, w := range s.txnLocks {
		s.host.locks.release(w, s.pid)
	}
	s.txnLocks = nil
}
