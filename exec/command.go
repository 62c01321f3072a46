package exec

import (
	"context"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// Command commits a change of the catalog and returns when its effect is
// readable: continuous queries that it creates have read all history. If one of
// them fails before that, its error is returned and the object stays, in state
// FAILED, for the user to look at and drop.
func (e *Engine) Command(ctx context.Context, c catalog.Command) (CommandOutput, log.Epoch, error) {
	b, err := catalog.EncodeCommand(c)
	if err != nil {
		return CommandOutput{}, 0, err
	}
	res, err := e.log.Propose(ctx, &log.Txn{Command: b, Writes: e.emptied(c)})
	if err != nil {
		return CommandOutput{}, 0, translate(err)
	}
	out, err := decodeOutput(res.Output)
	if err != nil {
		return out, 0, err
	}
	if err := e.points.wait(ctx, res.Epoch); err != nil {
		return out, 0, translate(err)
	}
	for _, oid := range out.Queries {
		if err := e.waitQuery(ctx, oid); err != nil {
			return out, res.Epoch, err
		}
	}
	return out, res.Epoch, nil
}

// emptied announces the tables that a command empties, and the foreign keys to them: who
// has referred to a row meanwhile must not commit.
func (e *Engine) emptied(c catalog.Command) []log.Key {
	t, ok := c.(*catalog.Truncate)
	if !ok {
		return nil
	}
	return emptiedKeys(e.cfg.Catalog.Current(), t.OIDs, t.Cascade)
}

func emptiedKeys(snap *catalog.Snapshot, oids []catalog.OID, cascade bool) []log.Key {
	var out []log.Key
	seen := map[catalog.OID]bool{}
	for todo := slices.Clone(oids); len(todo) > 0; todo = todo[1:] {
		oid := todo[0]
		if seen[oid] {
			continue
		}
		seen[oid] = true
		out = append(out, log.Key{Stream: log.StreamID(oid)})
		for _, child := range snap.Referring(oid) {
			out = append(out, log.Key{Stream: log.StreamID(child.OID) | log.Shared})
			if cascade {
				todo = append(todo, child.OID)
			}
		}
	}
	return out
}

// waitQuery returns when a query takes part in the common epoch, and what it
// made of history can be read.
func (e *Engine) waitQuery(ctx context.Context, oid catalog.OID) error {
	q := e.query(oid)
	if q == nil {
		return nil // dropped meanwhile
	}
	select {
	case <-q.ready:
	case <-ctx.Done():
		return translate(ctx.Err())
	case <-e.ctx.Done():
		return translate(log.ErrStopped)
	}
	var failed *sqlerr.Error
	var at log.Epoch
	err := e.between(ctx, func() error {
		failed, at = q.failed, log.Epoch(e.points.pins.Published())
		return nil
	})
	if err != nil {
		return translate(err)
	}
	if failed != nil {
		return failed
	}
	return e.points.wait(ctx, at)
}

func (e *Engine) truncateNow(ctx context.Context, rd *Read, w *plan.Write) (WriteResult, error) {
	c := &catalog.Truncate{OIDs: []catalog.OID{w.Rel.OID}}
	if rd.Txn != nil {
		_, err := rd.Txn.Change(ctx, c)
		return WriteResult{}, err
	}
	_, epoch, err := e.Command(ctx, c)
	return WriteResult{Epoch: epoch}, err
}

// KeyOf gives the key columns of a relation, for codec.Merger. It is called by
// the log's background work, for any epoch that is sealed.
func (e *Engine) KeyOf(s log.StreamID, _ uint32) ([]int, []types.Type) {
	r := e.cfg.Catalog.Current().Relation(catalog.OID(s))
	if r == nil {
		return nil, nil
	}
	return keyTypes(r)
}

// Halt makes the engine drop the epochs that are still handed over: the node
// closes.
func (e *Engine) Halt() {
	e.stop()
	e.intake.close()
}
