package exec

import (
	"context"
	"errors"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner"
)

// Together waits until every query is in the common epoch.
func (e *Engine) Together(ctx context.Context) error {
	return e.betweenTogether(ctx, func() error {
		var rels []*relation
		for _, q := range e.order {
			if q.target != nil {
				rels = append(rels, q.target.rel)
			}
		}
		return e.together(rels)
	})
}

// HandOver does what the loop does for a checkpoint, and drops it.
func (e *Engine) HandOver(ctx context.Context) error {
	return e.between(ctx, func() error {
		at := e.points.pins.Published()
		cp := e.store.Begin(at)
		_, err := e.handOver(cp, log.Epoch(at), 1)
		return errors.Join(err, cp.Abort())
	})
}

// PlanHashes plans all continuous queries as a restart would.
func (e *Engine) PlanHashes() (map[string]uint64, error) {
	out := map[string]uint64{}
	for _, q := range e.cfg.Catalog.Current().Queries() {
		env := e.bindEnv()
		env.SearchPath = q.SearchPath
		p, err := planner.BuildContinuous(q, env)
		if err != nil {
			return nil, err
		}
		out[q.Name] = p.Hash
	}
	return out, nil
}

// Expire looks at all tables with a time to live, due or not.
func (e *Engine) Expire() { e.expire(map[catalog.OID]due{}) }

// NextLook is when a table is looked at again.
var NextLook = nextLook
