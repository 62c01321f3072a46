package exec

import (
	"context"
	"math"
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/expr"
)

const (
	// expireRows is about how many rows one commit deletes: others write in between.
	expireRows = 1 << 16
	// expireAtLeast is how long at most a table is not looked at: rows may come with
	// a ROWTIME of long ago.
	expireAtLeast = 600 * 1_000_000
)

// due is when to look at a table with a time to live again.
type due struct{ ttl, at int64 }

// keepTTL lets the leader delete what outlived the "ttl" of its table. The deletions
// are entries of the log like any others, so that replicas, views and changelogs agree
// about them. Its goroutine ends with the engine.
func (e *Engine) keepTTL() {
	next := map[catalog.OID]due{}
	for {
		select {
		case <-e.cfg.Clock.After(tickMicros):
		case <-e.ctx.Done():
			return
		}
		if e.log.Leading() {
			e.expire(next)
		}
	}
}

// expire looks at the tables that are due. What fails is told, and tried again later.
func (e *Engine) expire(next map[catalog.OID]due) {
	e.cfg.Catalog.Current().EachRelation(func(r *catalog.Relation) {
		if r.TTLMicros <= 0 || r.Kind != catalog.KindTable || r.Query != 0 {
			return
		}
		now := e.cfg.Clock.NowMicros()
		if d, ok := next[r.OID]; ok && d.ttl == r.TTLMicros && now < d.at {
			return
		}
		oldest, err := e.expireTable(e.ctx, r, now)
		if err != nil {
			if e.ctx.Err() != nil {
				return
			}
			e.cfg.Logger.Warn("rows that outlived their ttl stay", "table", r.Name, "error", err)
			oldest = now
		}
		next[r.OID] = due{ttl: r.TTLMicros, at: nextLook(now, oldest, r.TTLMicros)}
	})
}

// nextLook is when the next row can be due, but neither so soon that scans of the table
// would be felt, nor ever so late that rows with a ROWTIME of the past stay for long.
func nextLook(now, oldest, ttl int64) int64 {
	pause := min(max(ttl/100, tickMicros), 60*tickMicros)
	return min(max(min(oldest, now)+ttl, now+pause), now+expireAtLeast)
}

// expireTable deletes the rows of a table that outlived its ttl, in several commits, and
// gives the ROWTIME of the oldest one that is left.
func (e *Engine) expireTable(ctx context.Context, rel *catalog.Relation, now int64) (
	oldest int64, err error,
) {
	for limit := now - rel.TTLMicros; ; {
		point := e.Pin()
		age, err := e.ages(ctx, rel.OID, point, limit)
		if err != nil || age.expired == 0 {
			point.Release()
			return age.kept, err
		}
		before := limit
		if age.expired > expireRows {
			share := float64(expireRows) / float64(age.expired)
			before = min(limit, age.oldest+int64(float64(limit-age.oldest)*share)+1)
		}
		err = e.expireBefore(ctx, rel.OID, point, before)
		point.Release()
		if err != nil {
			return 0, err
		}
	}
}

// ages is what the ROWTIMEs of a table say.
type ages struct {
	expired      int64 // rows before the limit
	oldest, kept int64 // the oldest row of all, and of those not before the limit
}

// ages reads the ROWTIMEs of a table, and nothing else of it.
func (e *Engine) ages(ctx context.Context, oid catalog.OID, point *ReadPoint, limit int64) (
	ages, error,
) {
	out := ages{oldest: math.MaxInt64, kept: math.MaxInt64}
	r := e.relation(oid)
	if r == nil || !r.timed {
		return out, nil
	}
	err := e.scanRelation(ctx, r, point.Epoch, make([]bool, len(r.types)), func(rs *rows) error {
		for _, i := range rowsOf(rs.b) {
			t := rs.time[i]
			out.oldest = min(out.oldest, t)
			if t < limit {
				out.expired++
			} else {
				out.kept = min(out.kept, t)
			}
		}
		return nil
	})
	return out, err
}

// expireBefore deletes the rows with a ROWTIME before a moment.
func (e *Engine) expireBefore(ctx context.Context, oid catalog.OID, point *ReadPoint,
	before int64,
) error {
	rel := point.Catalog.Relation(oid)
	if rel == nil {
		return nil
	}
	env := e.bindEnv()
	env.Snapshot = point.Catalog
	p, err := planner.Expire(rel, before, env)
	if err != nil {
		return err
	}
	_, err = e.Write(ctx, e.expiring(p, point), nil)
	return err
}

func (e *Engine) expiring(p *plan.Plan, point *ReadPoint) *Read {
	return &Read{Plan: p, Point: point,
		Env: &expr.Env{Now: point.Clock, Zone: time.UTC}}
}
