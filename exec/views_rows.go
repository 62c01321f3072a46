package exec

import (
	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// lateRows shows the rejected rows of all streams, read back from the log.
func (e *Engine) lateRows(_ *system.Context, emit func(viewRow) error) error {
	var streams []*relation
	if err := e.between(e.ctx, func() error {
		for _, r := range e.relationsInOrder() {
			if r.isStream() {
				streams = append(streams, r)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, r := range streams {
		for p := range r.late {
			if err := e.lateRowsOf(r, p, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) lateRowsOf(r *relation, p int, emit func(viewRow) error) error {
	late := r.rejected(p)
	begin, _, err := e.log.Bounds(r.partition(p), log.Epoch(e.points.pins.Published()))
	if err != nil {
		return err
	}
	shown := &changelogReader{rel: r, env: &types.Env{}, start: -1, end: -1}
	shown.split()
	columns := append(shown.key, shown.value...)
	shown.sortNames(columns)
	next := len(late.offsets) - len(late.offsets.within(begin, 1<<62))
	for next < len(late.offsets) {
		from, to := late.offsets.run(next)
		err := e.readRange(e.ctx, r, p, from, to, allColumns(len(r.types)), func(rs *rows) error {
			for ; next < len(late.offsets); next++ {
				i := int(late.offsets[next] - rs.base)
				if i >= rs.b.N {
					return nil
				}
				if err := emit(lateRow(r, p, late, next, rs, i, shown.object(rs, i, columns, false))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if next < len(late.offsets) && late.offsets[next] == from {
			return nil // dropped by retention meanwhile
		}
	}
	return nil
}

// run gives a range of offsets that holds the listed ones from the n-th on, as
// far as they lie close together: what is worth reading at once.
func (o offsets) run(n int) (from, to log.Offset) {
	const gap = 1 << 16 // rows of a sealed block
	from, to = o[n], o[n]+1
	for _, next := range o[n+1:] {
		if next-to > gap {
			break
		}
		to = next + 1
	}
	return from, to
}

func lateRow(r *relation, p int, late rejected, n int, rs *rows, i int,
	value types.Datum,
) viewRow {
	m := late.mark(n)
	return viewRow{
		"epoch":      types.IntDatum(int64(m.Epoch)),
		"source":     types.TextDatum(r.cat.Name),
		"partition":  types.IntDatum(int64(p)),
		"row_offset": types.IntDatum(int64(late.offsets[n])),
		"rowtime":    types.IntDatum(rs.timeOf(i)),
		"watermark":  types.IntDatum(m.Watermark),
		"value":      value,
	}
}

// letterRows shows what the stream of dead letters holds.
func (e *Engine) letterRows(ctx *system.Context, emit func(viewRow) error) error {
	c := ctx.Snapshot.Lookup(catalog.MillraceSchema, catalog.DeadLetters)
	if c == nil {
		return nil // none ever came
	}
	r := e.relation(c.OID)
	if r == nil {
		return gone(c)
	}
	epoch := log.Epoch(e.points.pins.Published())
	need := allColumns(len(r.types))
	return e.scanLog(e.ctx, r, 0, epoch, need, func(rs *rows) error {
		var epochs batch.Vector
		rs.epochColumn(&epochs)
		for _, i := range rowsOf(rs.b) {
			row := viewRow{"epoch": epochs.Datum(int(i))}
			for o, col := range r.cat.Columns {
				row[col.Name] = rs.b.Cols[o].Datum(int(i))
			}
			if err := emit(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// Size gives the rows that a stored relation shows, and the bytes that it takes:
// in files and in memory. ok is false for relations without rows of their own.
func (e *Engine) Size(oid catalog.OID) (rows, bytes int64, ok bool) {
	r := e.relation(oid)
	if r == nil {
		return 0, 0, false
	}
	rows, err := e.countRows(r, log.Epoch(e.points.pins.Published()))
	if err != nil {
		return 0, 0, false
	}
	for p := range r.late {
		if s, err := e.log.Stats(r.partition(p)); err == nil {
			bytes += s.SealedBytes + s.TailBytes
		}
		if r.isStream() {
			rows -= int64(len(r.rejected(p).offsets))
		}
	}
	for _, a := range r.arrangements() {
		bytes += a.Bytes()
	}
	return rows, bytes, true
}

// speedWindow is how far back the speed of a query is measured.
const speedWindow = 10_000_000

// speed measures rows per second by the clocks of epochs. Owned by the loop.
type speed struct {
	ring [11]speedMark // one a second
	n    int
}

type speedMark struct{ clock, rows int64 }

// observe notes how many rows were read up to a time.
func (s *speed) observe(clock, rows int64) {
	if s.n > 0 {
		last := &s.ring[(s.n-1)%len(s.ring)]
		if clock-last.clock < speedWindow/int64(len(s.ring)-1) {
			last.rows = rows
			return
		}
	}
	s.ring[s.n%len(s.ring)] = speedMark{clock, rows}
	s.n++
}

// perSecond gives the speed over the last ten seconds.
func (s *speed) perSecond(now int64) float64 {
	if s.n == 0 {
		return 0
	}
	newest := s.ring[(s.n-1)%len(s.ring)]
	for i := max(0, s.n-len(s.ring)); i < s.n; i++ {
		m := s.ring[i%len(s.ring)]
		if now-m.clock <= speedWindow && now > m.clock {
			return float64(newest.rows-m.rows) / float64(now-m.clock) * 1e6
		}
	}
	return 0
}
