package exec

import (
	"context"
	"errors"

	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
)

// parts is one run of a plan.Together.
type parts struct {
	writers []*writer
	rules   *rules
	result  []*batch.Batch
	rows    int64
}

// writeTogether runs the writes of a plan.Together over one snapshot and commits them as
// one transaction, or adds them to the block. None sees what another one writes; they
// read each other's RETURNING rows.
func (e *Engine) writeTogether(ctx context.Context, rd *Read, out func(*batch.Batch) error) (
	WriteResult, error,
) {
	if rd.Txn != nil {
		p, err := e.runParts(ctx, rd)
		if err != nil {
			return WriteResult{}, err
		}
		if err := p.rules.addToBlock(rd.Txn); err != nil {
			return WriteResult{}, err
		}
		return WriteResult{Rows: p.rows}, p.flush(out)
	}
	own := *rd
	for attempt := 0; ; attempt++ {
		res, err := e.togetherOnce(ctx, &own, out)
		if attempt > 0 {
			own.Point.Release()
		}
		if !errors.Is(err, log.ErrConflict) || attempt == maxRetries {
			return res, err
		}
		own.Point = e.Pin()
		env := *rd.Env
		own.Env = &env
	}
}

func (e *Engine) togetherOnce(ctx context.Context, rd *Read, out func(*batch.Batch) error) (
	WriteResult, error,
) {
	p, err := e.runParts(ctx, rd)
	if err != nil {
		return WriteResult{}, err
	}
	res := WriteResult{Rows: p.rows}
	if res.Epoch, err = p.rules.commit(ctx); err != nil {
		return WriteResult{}, err
	}
	return res, p.flush(out)
}

// runParts computes what the parts write, and the result.
func (e *Engine) runParts(ctx context.Context, rd *Read) (*parts, error) {
	w := rd.Plan.Write
	own := *rd
	own.work = map[int]*workTable{}
	seen := map[string]map[string]*overlayRow{} // of the Strict parts, by relation
	out := &parts{}
	for _, part := range w.Parts {
		p := *rd.Plan
		p.Write = part.Write
		sub := own
		sub.Plan = &p
		s := e.newWriter(&sub)
		if name := part.Write.Rel.Schema + "." + part.Write.Rel.Name; part.Write.Strict &&
			part.Write.Kind != plan.Insert {
			if seen[name] == nil {
				seen[name] = map[string]*overlayRow{}
			}
			s.seen = seen[name]
		}
		if err := s.run(ctx); err != nil {
			return nil, err
		}
		if part.ID != 0 {
			own.work[part.ID] = &workTable{rows: s.returned}
		}
		out.writers = append(out.writers, s)
		if w.Sum && part.ID == 0 {
			out.rows += s.rows
		}
	}
	var err error
	if out.rules, err = e.keepRules(ctx, rd, out.writers); err != nil {
		return nil, err
	}
	if w.Query != nil {
		err := e.runNode(ctx, &own, w.Query, func(b *batch.Batch) error {
			b = unweighted(copyBatch(b))
			out.result = append(out.result, b)
			out.rows += int64(b.Rows())
			return nil
		})
		return out, err
	}
	if n := len(out.writers); n > 0 && !w.Sum { // none: MERGE ... DO NOTHING
		out.rows, out.result = out.writers[n-1].rows, out.writers[n-1].returned
	}
	return out, nil
}

// flush gives the rows of the result, after the commit.
func (p *parts) flush(out func(*batch.Batch) error) error {
	if out == nil {
		return nil
	}
	for _, b := range p.result {
		if err := out(b); err != nil {
			return err
		}
	}
	return nil
}
