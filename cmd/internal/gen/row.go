// Package gen makes deterministic data: Nexmark's auction site and a bank.
//
// It writes text rows (CSV or JSON lines); it neither reads a clock nor talks to a
// server. Invariant: an event is a function of the seed and its number alone, so
// that any range can be made anywhere, in any order, and is the same.
package gen

import (
	"strconv"
	"time"
)

// Format is how rows are written.
type Format uint8

// The formats. Values hold no character that either must quote.
const (
	CSV Format = iota
	JSON
)

// Table describes the rows of a generator's table.
type Table struct {
	Name    string
	Columns []string
	// Create is the statement that makes the stream.
	Create string
}

// row appends the fields of one row to buf.
type row struct {
	buf    []byte
	format Format
	names  []string
	field  int
}

func (r *row) begin(t *Table) {
	r.names, r.field = t.Columns, 0
	if r.format == JSON {
		r.buf = append(r.buf, '{')
	}
}

func (r *row) end() {
	if r.format == JSON {
		r.buf = append(r.buf, '}')
	}
	r.buf = append(r.buf, '\n')
}

func (r *row) next() {
	if r.field > 0 {
		r.buf = append(r.buf, ',')
	}
	if r.format == JSON {
		r.buf = append(r.buf, '"')
		r.buf = append(r.buf, r.names[r.field]...)
		r.buf = append(r.buf, '"', ':')
	}
	r.field++
}

func (r *row) int(v int64) {
	r.next()
	r.buf = strconv.AppendInt(r.buf, v, 10)
}

func (r *row) quote() {
	if r.format == JSON {
		r.buf = append(r.buf, '"')
	}
}

func (r *row) text(parts ...[]byte) {
	r.next()
	r.quote()
	for _, p := range parts {
		r.buf = append(r.buf, p...)
	}
	r.quote()
}

// time writes milliseconds since 1970 as a timestamp.
func (r *row) time(ms int64) {
	r.next()
	r.quote()
	r.buf = time.UnixMilli(ms).UTC().AppendFormat(r.buf, "2006-01-02 15:04:05.000")
	r.quote()
}

// Random is splitmix64, seeded per event.
type Random struct{ state uint64 }

// The odd multipliers spread seeds, events and purposes over all 64 bits.
const (
	golden    = 0x9E3779B97F4A7C15
	eventStep = 0xD1B54A32D192ED03
	saltStep  = 0x8CB92BA72F3D8DD7
)

func randomFor(seed uint64, event int64, salt uint64) Random {
	return Random{seed*golden + uint64(event)*eventStep + salt*saltStep}
}

// NewRandom makes a source of its own.
func NewRandom(seed uint64) *Random { return &Random{seed * golden} }

func (r *Random) bits() uint64 {
	r.state += golden
	z := r.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Below gives a number in [0, n).
func (r *Random) Below(n int64) int64 { return int64(r.bits() % uint64(n)) }

// oneIn is true once in n.
func (r *Random) oneIn(n int64) bool { return r.Below(n) == 0 }

// unit gives a number in [0, 1).
func (r *Random) unit() float64 { return float64(r.bits()>>11) / (1 << 53) }

// letters appends n letters, thirteen from each draw.
func (r *Random) letters(dst []byte, n int) []byte {
	var draw uint64
	for i := range n {
		if i%13 == 0 {
			draw = r.bits()
		}
		dst = append(dst, byte('a'+draw%26))
		draw /= 26
	}
	return dst
}

// word appends 3 to most letters; about one in thirteen is special.
func (r *Random) word(dst []byte, most int64, special byte) []byte {
	from := len(dst)
	dst = r.letters(dst, int(3+r.Below(most-2)))
	for i := from + 1; i < len(dst)-1; i++ {
		if r.oneIn(13) {
			dst[i] = special
		}
	}
	return dst
}
