package exec

import (
	"context"
	"errors"

	"github.com/millracedb/millrace/log"
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
