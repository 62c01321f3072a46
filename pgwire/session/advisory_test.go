package session

import (
	"testing"

	"github.com/millracedb/millrace/sql/sqlerr"
)

// TestAdvisoryLocks takes locks of two keys in both modes as three sessions.
func TestAdvisoryLocks(t *testing.T) {
	var l advisoryLocks
	a, b := advisoryKey{0, 1}, advisoryKey{0, 2}
	try := func(w advisoryWant, pid int32, want bool) {
		t.Helper()
		if ok, _, err := l.try(w, pid, false); ok != want || err != nil {
			t.Errorf("session %d, key %v, shared %v: got %v, %v", pid, w.key, w.shared, ok, err)
		}
	}
	try(advisoryWant{a, true}, 1, true)
	try(advisoryWant{a, true}, 2, true)
	try(advisoryWant{a, false}, 3, false)
	try(advisoryWant{a, false}, 1, false) // the other one still shares it
	if l.release(advisoryWant{a, false}, 2) {
		t.Error("released in a mode in which it was not held")
	}
	l.releaseAll(2, nil)
	try(advisoryWant{a, false}, 1, true)
	try(advisoryWant{a, true}, 3, false)
	l.releaseAll(1, []advisoryWant{{a, true}}) // the lock of a transaction stays
	try(advisoryWant{a, true}, 3, true)
	l.releaseAll(1, nil)
	l.releaseAll(3, nil)

	try(advisoryWant{a, false}, 1, true)
	try(advisoryWant{b, false}, 2, true)
	if ok, wait, err := l.try(advisoryWant{b, false}, 1, true); ok || wait == nil || err != nil {
		t.Fatal("no wait for a lock that is held", ok, err)
	}
	if _, _, err := l.try(advisoryWant{a, false}, 2, true); !sqlerr.Is(err, sqlerr.SerializationFailure) {
		t.Error("two sessions wait for each other:", err)
	}
	held := 0
	_ = l.each(func(advisoryWant, int32, bool) error { held++; return nil })
	if held != 3 {
		t.Errorf("%d locks held or wanted, want 3", held)
	}
}
