package exec

import "context"

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
