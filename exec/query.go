package exec

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// query is a running continuous query. While it reads history a goroutine of
// its own drives it (backfill.go); once activated it runs with the loop.
type query struct {
	// oid and failing (on a row error) do not change; cat is the loop's.
	oid     catalog.OID
	failing bool

	cat    *catalog.Query
	plan   *plan.Continuous
	graph  *graph
	target *target
	rels   []*relation // sources

	state  catalog.QueryState
	failed *sqlerr.Error
	// back is set while history is read.
	back *backfill
	// lag is set while the query is outside the common epoch.
	lag  *laggard
	name string // does not change
	// took is how long the last epoch took, microseconds.
	took atomic.Int64
	// waiting holds the input of a paused query.
	waiting *feed
	// missed is what a paused query over streams has missed.
	missed *missed
	// rebuilt: the target has rows of an older form of the query, whose plan
	// changed or that CREATE OR REPLACE put aside: what the query makes of history
	// replaces them.
	rebuilt bool
	// continues: a stream's query was replaced. Its rows stay, and those of the
	// query are what its sources bring from its creation on.
	continues bool
	errors    []rowError // the latest
	// ready is closed when the query became active, failed or was dropped.
	ready chan struct{}
	// unask ends a proposal to record a failure that is not through yet.
	unask context.CancelFunc
	// at is the epoch up to which the query has run.
	at        log.Epoch
	rowsIn    int64
	rowsOut   int64
	speed     speed
	isReady   bool
	errorMu   sync.Mutex // shards of a query report errors side by side
	rowErrors int64      // guarded by errorMu, as errors
}

// newQuery plans a query and builds its graph; sources and target exist.
func (e *Engine) newQuery(c *catalog.Query, snap *catalog.Snapshot) (*query, error) {
	q := &query{
		oid: c.OID, failing: c.OnError == "fail", cat: c, state: c.State,
		ready: make(chan struct{}),
	}
	if err := e.buildQuery(q, snap); err != nil {
		return q, err
	}
	return q, nil
}

func (e *Engine) buildQuery(q *query, snap *catalog.Snapshot) error {
	p, err := planner.BuildContinuous(q.cat, &planner.Env{
		Snapshot: snap, System: e.cfg.System, SearchPath: q.cat.SearchPath,
		User: catalog.Superuser, Database: "millrace",
	})
	if err != nil {
		return err
	}
	q.plan, q.name = p, q.cat.Name
	rel := e.rels[p.Target.OID]
	if rel == nil {
		return fmt.Errorf("target %s of query %s does not run", p.Target.Name, q.cat.Name)
	}
	q.target = newTarget(rel, p, max(p.Target.Partitions, 1))
	if q.cat.Owns && q.cat.Active == 0 && rel.cat.Created < q.cat.Created {
		q.rebuilt, q.continues = !rel.isStream(), rel.isStream()
	}
	b := newBuilder(e, graphOptions{onRowError: q.rowError})
	if q.graph, err = b.continuous(p, q.target); err != nil {
		return err
	}
	q.rels = q.graph.sources()
	return nil
}

// rowError is the policy for rows that fail: the value becomes NULL and is
// counted, or the query fails.
func (q *query) rowError(f *expr.RowFailure) error {
	if q.failing {
		return f.Err
	}
	e := rowError{q.at, f.Err, f.Call(), rowArray(f.Input, f.Row)}
	q.errorMu.Lock()
	defer q.errorMu.Unlock()
	q.rowErrors++
	if len(q.errors) == keptErrors {
		q.errors = q.errors[1:]
	}
	q.errors = append(q.errors, e)
	return nil
}

// keptErrors is how many row errors of a query millrace.row_errors shows.
const keptErrors = 100

// rowError is a row that could not be computed.
type rowError struct {
	after log.Epoch // the last epoch that the query had run
	err   *sqlerr.Error
	call  string // what failed, with the values of its arguments
	input string // JSON array: the row that the expression is computed from
}

// rowArray writes a row as a JSON array.
func rowArray(b *batch.Batch, row int) string {
	buf := []byte{'['}
	for i, v := range b.Cols {
		if i > 0 {
			buf = append(buf, ", "...)
		}
		if v == nil || v.IsNull(row) {
			buf = append(buf, "null"...)
			continue
		}
		buf = types.AppendJSONB(nil, buf, v.Type, v.Datum(row))
	}
	return string(append(buf, ']'))
}

// shownState is the state that system views show: a running query that reads history
// anew is not running yet.
func (q *query) shownState() catalog.QueryState {
	if q.back != nil && q.cat.State == catalog.QueryPaused {
		return catalog.QueryPaused
	}
	if q.back != nil && q.state == catalog.QueryRunning {
		return catalog.QueryBackfilling
	}
	return q.state
}

// runs tells whether the query takes part in the loop's epochs.
func (q *query) runs() bool {
	return q.state == catalog.QueryRunning && q.back == nil && q.lag == nil
}

func (q *query) finish(e *Engine, epoch log.Epoch, clock, caused int64) error {
	for _, p := range q.target.parts {
		q.rowsOut += int64(p.rows)
	}
	return q.target.finish(e, epoch, clock, caused)
}

// caused gives the rowtime of what takes rows out in an epoch: the latest of the
// records that came, the clock where rows went without one (TRUNCATE);
// math.MinInt64 when nothing came, and time alone takes them out.
func (q *query) caused(clock int64) int64 {
	at := int64(math.MinInt64)
	for _, r := range q.rels {
		switch {
		case r.caused != math.MinInt64:
			at = max(at, r.caused)
		case len(r.delta) > 0:
			at = max(at, clock)
		}
	}
	return at
}

// sources gives the relations that the graph reads, without repetition.
func (g *graph) sources() []*relation {
	var out []*relation
	seen := map[*relation]bool{}
	for _, s := range g.scans {
		if !seen[s.live] {
			seen[s.live] = true
			out = append(out, s.live)
		}
	}
	return out
}

// fail stops a query for good; the others live. The leader records it in the
// catalog.
func (e *Engine) fail(q *query, err error) {
	q.state, q.failed = catalog.QueryFailed, sqlerr.As(translate(err))
	e.cfg.Logger.Error("continuous query failed",
		"query", q.cat.Name, "code", string(q.failed.Code), "error", q.failed.Message)
	if q.graph != nil {
		q.graph.close()
		q.graph = nil
	}
	q.markReady()
	if e.log != nil && q.cat.State != catalog.QueryFailed {
		ctx, cancel := context.WithCancel(e.ctx)
		q.stopAsking()
		q.unask = cancel
		e.proposeFailed(ctx, q.oid, q.cat.Turn, q.failed)
	}
}

// proposeFailed asks to record why a query failed in a turn.
func (e *Engine) proposeFailed(ctx context.Context, oid catalog.OID, turn uint64,
	cause *sqlerr.Error,
) {
	e.proposeState(ctx, &catalog.SetQueryState{
		OID: oid, Turn: &turn, State: catalog.QueryFailed,
		Error: cause.Message, SQLState: string(cause.Code),
	})
}

// stopAsking ends what the query still wants of the catalog.
func (q *query) stopAsking() {
	if q.unask != nil {
		q.unask()
		q.unask = nil
	}
}

func (q *query) markReady() {
	if !q.isReady {
		q.isReady = true
		close(q.ready)
	}
}

// proposeState asks for a change of a query's state through the log, without
// waiting: the loop must not wait for an epoch that it has to run itself. Every
// node would ask for the same; the one that leads does, and each that leads after it,
// until ctx ends. The command has the turn that the query is in, so that it is void
// once somebody has changed the state: a failure that was found anew after a restart
// does not undo a RESUME.
func (e *Engine) proposeState(ctx context.Context, cmd *catalog.SetQueryState) {
	b, err := catalog.EncodeCommand(cmd)
	if err != nil {
		e.cfg.Logger.Error("encode command", "error", err)
		return
	}
	e.background.Go(func() {
		for e.log.AwaitLead(ctx) == nil {
			_, err := e.log.Propose(ctx, &log.Txn{Command: b})
			var refused *sqlerr.Error
			switch {
			case err == nil, errors.As(err, &refused), ctx.Err() != nil,
				errors.Is(err, log.ErrStopped):
				return
			}
			e.cfg.Logger.Warn("query state not recorded; it will be tried again",
				"query", cmd.OID, "error", err)
			if !errors.Is(err, log.ErrNotLeader) && !errors.Is(err, log.ErrUnknownOutcome) {
				select {
				case <-e.cfg.Clock.After(retryMicros):
				case <-ctx.Done():
				}
			}
		}
	})
}

// retryMicros is how long a proposal waits that was refused for lack of disk space.
const retryMicros = 1_000_000
