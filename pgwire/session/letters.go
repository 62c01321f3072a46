package session

import (
	"sync"

	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// keptLetters is how many bad rows a node keeps; the oldest go first. They are
// for looking at what was wrong, not for keeping.
const keptLetters = 10000

// maxLetterText bounds the text of a kept row.
const maxLetterText = 8 << 10

// deadLetters are the rows that COPY ... ON_ERROR 'dead_letter' could not read.
type deadLetters struct {
	mu   sync.Mutex
	ring []deadLetter
	next int // of ring, when it is full
}

type deadLetter struct {
	received int64
	target   string
	line     int
	code     sqlerr.Code
	message  string
	where    string
	row      string
}

func (d *deadLetters) add(now int64, target string, b *codec.BadRow) {
	row := b.Text
	if len(row) > maxLetterText {
		row = row[:maxLetterText]
	}
	x := deadLetter{now, target, b.Line, b.Err.Code, b.Err.Message, b.Err.Where, row}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.ring) < keptLetters {
		d.ring = append(d.ring, x)
		return
	}
	d.ring[d.next] = x
	d.next = (d.next + 1) % keptLetters
}

// list gives the kept rows, the oldest first.
func (d *deadLetters) list() []deadLetter {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append(append([]deadLetter(nil), d.ring[d.next:]...), d.ring[:d.next]...)
}
