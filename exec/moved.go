package exec

import (
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql/batch"
)

// moves are the rows to which an UPDATE gives another key. Their old keys are
// deleted before any new row is written, whatever order they come in: another row
// of the statement may get the key that one leaves.
type moves struct {
	gone     []change        // deletions of the old keys
	from, to map[string]bool // old and new keys
	fresh    []*batch.Batch  // rows with new keys
}

// move notes the rows of one batch, old as they were and now as they will be, and
// refuses to give two rows of the statement the same key.
func (s *writer) move(old, now *batch.Batch) error {
	rows := movedKeys(old, now, s.enc.key)
	if len(rows) == 0 && len(s.moves.to) == 0 {
		return nil
	}
	if s.moves.to == nil {
		s.moves.from, s.moves.to = map[string]bool{}, map[string]bool{}
	}
	for key := range movedOld(old, rows, s.enc.key) {
		s.moves.from[key] = true
	}
	var was, is []byte
	for _, i := range rowsOf(now) {
		was, is = keyOf(was, old, s.enc.key, int(i)), keyOf(is, now, s.enc.key, int(i))
		_, stays := s.seen[string(is)] // a row of the statement that has the key
		stays = stays && !s.moves.from[string(is)]
		moved := string(was) != string(is)
		if s.moves.to[string(is)] || moved && stays {
			return s.duplicate(now, int(i))
		}
		if moved {
			s.moves.to[string(is)] = true
		}
	}
	if len(rows) == 0 {
		return nil
	}
	gone, fresh := *old, *now
	gone.Sel, fresh.Sel = rows, rows
	s.moves.gone = append(s.moves.gone, change{b: &gone, ops: repeat(codec.OpDelete, old.N)})
	s.moves.fresh = append(s.moves.fresh, &fresh)
	return nil
}

// settle puts the deletions before the rows that are written, and refuses new keys
// that rows beside the statement's have: only an INSERT may replace a row.
func (s *writer) settle() error {
	for _, b := range s.moves.fresh {
		if err := s.mustBeNew(b); err != nil {
			return err
		}
	}
	if len(s.moves.gone) > 0 {
		s.changes = append(s.moves.gone, s.changes...)
		s.moves.gone = nil
	}
	return nil
}
