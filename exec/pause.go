package exec

import (
	"context"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
)

// pausedBytes is how much input a paused query may keep waiting in memory; beyond
// it RESUME is the only way on, and the query fails with a hint to create it anew.
const pausedBytes = 1 << 30

// pause stops a query; its input waits in a feed until RESUME.
func (e *Engine) pause(q *query, _ log.Epoch) {
	if !q.runs() {
		return
	}
	q.state = catalog.QueryPaused
	q.waiting = newFeed(q.graph, pausedBytes, false)
	e.feeds = append(e.feeds, q.waiting)
	for _, r := range q.rels {
		r.feeds++
	}
}

// resume runs what came while the query was paused, epoch by epoch, and lets the
// query join the common epoch.
func (e *Engine) resume(q *query) {
	f := q.waiting
	q.waiting, q.state = nil, catalog.QueryRunning
	if f == nil {
		return
	}
	f.close()
	for {
		d, ok, over := f.take(context.Background())
		if over {
			e.fail(q, errPausedTooLong(f.limit))
			break
		}
		if !ok {
			break
		}
		q.rowsIn += d.count()
		if err := q.graph.runDelta(e.pool, d); err != nil {
			e.fail(q, err)
			break
		}
	}
	e.endFeed(q.rels, f)
}
