package exec

import (
	"fmt"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/types"
)

// viewStats are the engine's own numbers, for system views and metrics.
type viewStats struct {
	e      *Engine
	robin  atomic.Uint32
	epochs atomic.Int64
	rowsIn atomic.Int64
	subs   map[*subscriber]bool // owned by the loop
	recent recentEpochs
	now    derived // of the epoch in progress
}

func newViewStats(e *Engine) *viewStats {
	return &viewStats{e: e, subs: map[*subscriber]bool{}}
}

// subscriptions lists the scans of running subscriptions; called by the loop.
func (v *viewStats) subscriptions() []*scan {
	var out []*scan
	for s := range v.subs {
		out = append(out, s.graph.scans...)
	}
	return out
}

// keptEpochs is how many epochs millrace.epochs shows.
const keptEpochs = 256

// epochInfo is a row of millrace.epochs.
type epochInfo struct {
	epoch       log.Epoch
	clock       int64
	rows, bytes int64
	commands    int
	index       uint64
	apply       int64 // microseconds from arrival to visibility
	derived     derived
}

// recentEpochs is a ring of the last epochs; owned by the loop.
type recentEpochs struct {
	ring [keptEpochs]epochInfo
	n    int
}

func (v *viewStats) epochDone(w epochWork) {
	rows := int64(0)
	for _, b := range w.in.Blocks {
		rows += int64(b.Rows)
	}
	v.epochs.Add(1)
	v.rowsIn.Add(rows)
	v.recent.ring[v.recent.n%keptEpochs] = epochInfo{
		w.in.Epoch, w.in.Clock, rows, int64(w.bytes), len(w.in.Commands), w.in.RaftIndex,
		v.e.stopwatch() - w.arrived, v.now,
	}
	v.now = derived{}
	v.recent.n++
}

// row is a row of a view by column name; columns that are not named are NULL.
type viewRow map[string]types.Datum

// registerViews gives the registry the providers of what only the engine knows.
func (e *Engine) registerViews() error {
	for name, fill := range map[string]func(ctx *system.Context, emit func(viewRow) error) error{
		"queries":           e.queryRows,
		"lag":               e.lagRows,
		"partitions":        e.partitionRows,
		"backfills":         e.backfillRows,
		"epochs":            e.epochRows,
		"late_rows":         e.lateRows,
		catalog.DeadLetters: e.letterRows,
		"row_errors":        e.rowErrorRows,
	} {
		if err := e.registerView(name, fill); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) registerView(name string,
	fill func(ctx *system.Context, emit func(viewRow) error) error,
) error {
	rel := e.cfg.System.Lookup(catalog.MillraceSchema, name)
	if rel == nil {
		return fmt.Errorf("there is no view millrace.%s", name)
	}
	return e.cfg.System.Register(name, system.ProviderFunc(
		func(ctx *system.Context, _ []system.Hint, emit func([]types.Datum) error) error {
			row := make([]types.Datum, len(rel.Columns))
			return fill(ctx, func(r viewRow) error {
				for i, c := range rel.Columns {
					row[i] = types.NullDatum
					if d, ok := r[c.Name]; ok {
						row[i] = d
					}
				}
				return emit(row)
			})
		}))
}

// collect runs fn on the loop's goroutine and emits the rows that it made
// afterwards, so that a slow reader does not hold the loop.
func (e *Engine) collect(emit func(viewRow) error, fn func(add func(viewRow))) error {
	var rows []viewRow
	if err := e.between(e.ctx, func() error {
		fn(func(r viewRow) { rows = append(rows, r) })
		return nil
	}); err != nil {
		return err
	}
	for _, r := range rows {
		if err := emit(r); err != nil {
			return err
		}
	}
	return nil
}

// StateName is how system views spell a query's state.
func StateName(s catalog.QueryState) string {
	switch s {
	case catalog.QueryBackfilling:
		return "BACKFILLING"
	case catalog.QueryRunning:
		return "RUNNING"
	case catalog.QueryPaused:
		return "PAUSED"
	}
	return "FAILED"
}

func (e *Engine) queryRows(ctx *system.Context, emit func(viewRow) error) error {
	return e.collect(emit, func(add func(viewRow)) {
		for _, q := range e.order {
			r := viewRow{
				"oid":  types.IntDatum(int64(q.cat.OID)),
				"name": types.TextDatum(q.cat.Name),
				"sql":  types.TextDatum(q.cat.SQL), "statement": types.TextDatum(q.cat.Statement),
				"state":           types.TextDatum(StateName(q.shownState())),
				"rows_in":         types.IntDatum(q.rowsIn),
				"rows_out":        types.IntDatum(q.rowsOut),
				"rows_per_second": types.FloatDatum(q.speed.perSecond(e.cfg.Clock.NowMicros())),
				"on_error":        types.TextDatum(q.cat.OnError),
				"applied_epoch":   types.IntDatum(int64(q.complete())),
				"created_epoch":   types.IntDatum(int64(q.cat.Created)),
				"active_epoch":    types.IntDatum(int64(q.cat.Active)),
				"sources":         sourceNames(ctx, q.cat.Sources),
			}
			if t := ctx.Snapshot.Relation(q.cat.Target); t != nil {
				r["target"] = types.TextDatum(t.Name)
			}
			if q.failed != nil {
				r["error"] = types.TextDatum(q.failed.Message)
				r["sqlstate"] = types.TextDatum(string(q.failed.Code))
			}
			if q.graph != nil && q.back == nil && q.lag == nil {
				r["memory_bytes"] = types.IntDatum(q.graph.usage().Bytes)
				r["spilled_bytes"] = types.IntDatum(q.graph.spilled())
			}
			add(r)
		}
	})
}

// instant shows a time; NULL when there was none.
func instant(micros int64) types.Datum {
	if micros == noWatermark || micros == 0 {
		return types.NullDatum
	}
	return types.IntDatum(micros)
}

func textArray(items []string) types.Datum {
	ds := make([]types.Datum, len(items))
	for i, s := range items {
		ds[i] = types.TextDatum(s)
	}
	return types.ArrayOfDatums(types.Of(types.Text), ds)
}

func sourceNames(ctx *system.Context, oids []catalog.OID) types.Datum {
	var names []string
	for _, o := range oids {
		if r := ctx.Snapshot.Relation(o); r != nil {
			names = append(names, r.Name)
		}
	}
	return textArray(names)
}

// lagRows shows for each query and source partition how far the query is behind.
// Queries of the common epoch have no lag by construction; a back-filling one
// stands at its point.
func (e *Engine) lagRows(_ *system.Context, emit func(viewRow) error) error {
	return e.collect(emit, func(add func(viewRow)) {
		for _, q := range e.order {
			for _, r := range q.rels {
				for p := range r.late {
					add(e.lagRow(q, r, p))
				}
			}
		}
	})
}

func (e *Engine) lagRow(q *query, r *relation, p int) viewRow {
	now := e.points.pins.Published()
	_, end, err := e.log.Bounds(r.partition(p), log.Epoch(now))
	row := viewRow{
		"query": types.TextDatum(q.cat.Name), "source": types.TextDatum(r.cat.Name),
		"partition":  types.IntDatum(int64(p)),
		"end_offset": types.IntDatum(int64(end)), "position": types.IntDatum(int64(end)),
		"lag_rows": types.IntDatum(0), "lag_ms": types.IntDatum(0),
	}
	at := uint64(now)
	if q.back != nil {
		at = q.back.at.Load()
	} else if !q.runs() {
		at = uint64(q.complete())
	}
	if err != nil || at >= now {
		return row
	}
	position, err := log.Offset(0), error(nil)
	if at > 0 {
		_, position, err = e.log.Bounds(r.partition(p), log.Epoch(at))
	}
	if err == nil && position < end {
		row["position"] = types.IntDatum(int64(position))
		row["lag_rows"] = types.IntDatum(int64(end - position))
		if q.back != nil {
			lag := e.cfg.Clock.NowMicros() - q.back.started
			row["lag_ms"] = types.IntDatum(max(lag, 0) / 1000)
		} else if q.lag != nil {
			lag := e.cfg.Clock.NowMicros() - q.lag.since
			row["lag_ms"] = types.IntDatum(max(lag, 0) / 1000)
		}
	}
	return row
}

func (e *Engine) partitionRows(_ *system.Context, emit func(viewRow) error) error {
	return e.collect(emit, func(add func(viewRow)) {
		for _, r := range e.relationsInOrder() {
			for p := range r.late {
				s, err := e.log.Stats(r.partition(p))
				if err != nil {
					continue
				}
				add(viewRow{
					"schema":       types.TextDatum(r.cat.Schema),
					"relation":     types.TextDatum(r.cat.Name),
					"oid":          types.IntDatum(int64(r.cat.OID)),
					"partition":    types.IntDatum(int64(p)),
					"begin_offset": types.IntDatum(int64(s.Begin)),
					"end_offset":   types.IntDatum(int64(s.End)),
					"rows":         types.IntDatum(int64(s.End - s.Begin)),
					"bytes":        types.IntDatum(s.SealedBytes),
					"tail_bytes":   types.IntDatum(s.TailBytes),
					"segments":     types.IntDatum(int64(s.Segments)),
					"min_rowtime":  instant(s.MinTime),
					"max_rowtime":  instant(s.MaxTime),
					"watermark":    instant(r.wm.Value),
					"pinned_by":    textArray(s.Pins),
				})
			}
		}
	})
}

func (e *Engine) backfillRows(_ *system.Context, emit func(viewRow) error) error {
	return e.collect(emit, func(add func(viewRow)) {
		for _, q := range e.order {
			if q.back == nil {
				continue
			}
			done, total := q.back.read.Load(), q.back.total.Load()
			r := viewRow{
				"query":      types.TextDatum(q.cat.Name),
				"target":     types.TextDatum(q.target.rel.cat.Name),
				"rows_done":  types.IntDatum(done),
				"rows_total": types.IntDatum(total),
				"started":    types.IntDatum(q.back.started),
			}
			if total > 0 {
				r["percent"] = types.FloatDatum(100 * float64(done) / float64(total))
			}
			if took := e.cfg.Clock.NowMicros() - q.back.started; took > 0 && done > 0 {
				rate := float64(done) / float64(took) * 1e6
				r["rows_per_second"] = types.FloatDatum(rate)
				left := types.IntervalValue{Micros: int64(float64(total-done) / rate * 1e6)}
				r["eta"] = types.IntervalDatum(left)
			}
			add(r)
		}
	})
}

func (e *Engine) epochRows(_ *system.Context, emit func(viewRow) error) error {
	return e.collect(emit, func(add func(viewRow)) {
		ring := &e.views.recent
		for i := max(0, ring.n-keptEpochs); i < ring.n; i++ {
			x := &ring.ring[i%keptEpochs]
			r := viewRow{
				"epoch":      types.IntDatum(int64(x.epoch)),
				"committed":  types.IntDatum(x.clock),
				"raft_index": types.IntDatum(int64(x.index)),
				"rows":       types.IntDatum(x.rows), "bytes": types.IntDatum(x.bytes),
				"commands":     types.IntDatum(int64(x.commands)),
				"derived_rows": types.IntDatum(x.derived.rows),
				"checksum":     types.NullDatum, "apply_us": types.NullDatum,
			}
			if x.derived.some {
				r["checksum"] = types.TextDatum(x.derived.text())
			}
			if e.cfg.Stopwatch != nil {
				r["apply_us"] = types.IntDatum(x.apply)
			}
			add(r)
		}
	})
}

func (e *Engine) rowErrorRows(_ *system.Context, emit func(viewRow) error) error {
	return e.collect(emit, func(add func(viewRow)) {
		for _, q := range e.order {
			q.errorMu.Lock()
			for _, x := range q.errors {
				add(viewRow{
					"epoch": types.IntDatum(int64(x.after)), "query": types.TextDatum(q.cat.Name),
					"sqlstate":   types.TextDatum(string(x.err.Code)),
					"error":      types.TextDatum(x.err.Message),
					"expression": types.TextDatum(x.call),
					"value":      types.TextDatum(x.input),
				})
			}
			q.errorMu.Unlock()
		}
	})
}
