package exec

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// relation is the running side of a stream, table or materialized view. The loop
// owns it; readers use arrs, late (by copy) and cat, which change only by
// replacing the relation's view.
type relation struct {
	cat    *catalog.Relation
	pins   *state.Pins
	types  []types.Type // by ordinal
	layout []int        // ordinals of the row layout
	// missing are constants for columns that a row does not have, by ordinal.
	missing []*batch.Vector
	// converts are what values of former types go through, oldest first; retyped is the
	// schema version from which on rows have the types of today, 0: always.
	converts []conversion
	retyped  uint32
	cut      int  // rows of a batch at most
	timed    bool // the arrangement keeps rowtimes
	touched  bool // changes have rows that were given again as they were
	// arrs hold the rows of tables and views, by partition; nil for streams.
	arrs []*state.Arrangement
	// outs turn a table's changelog into weights, by partition; nil for others.
	outs   []*tableSink
	wm     *watermark
	lateMu sync.RWMutex
	late   []rejected // by partition; guarded by lateMu, written by the loop

	// indexes are those of a table, replaced as a whole.
	indexes atomic.Pointer[[]*index]

	delta   []*rows // changes of the epoch in progress
	caused  int64   // latest rowtime of their records; math.MinInt64: none
	scans   []*scan // of queries that run with the loop
	feeds   int     // asynchronous readers
	need    []bool  // columns that somebody reads, by ordinal
	counted stats
	// garbage: the last epoch closed versions that the next Commit may free.
	garbage bool
}

// stats are the running numbers of a relation, for system views.
type stats struct {
	Sum                   uint64 // rolling checksum of what a query wrote, see roll
	Rows, Bytes, LateRows int64
	LastClock             int64
}

func (e *Engine) newRelation(c *catalog.Relation) (*relation, error) {
	r, err := e.formOf(c, e.cfg.Catalog.Current())
	if err != nil {
		return nil, err
	}
	parts := max(c.Partitions, 1)
	r.wm = newWatermark(parts, c.GraceMicros)
	r.late = make([]rejected, parts)
	r.need = make([]bool, len(c.Columns))
	if c.Kind == catalog.KindStream {
		return r, nil
	}
	for p := range parts {
		a := e.newArrangement(r)
		r.arrs = append(r.arrs, a)
		if c.Query != 0 || c.Kind != catalog.KindTable {
			continue
		}
		r.outs = append(r.outs, &tableSink{rel: r, part: int32(p)})
	}
	return r, nil
}

// formOf makes a relation without rows and state: what is needed to read rows of it.
func (e *Engine) formOf(c *catalog.Relation, snap *catalog.Snapshot) (*relation, error) {
	r := &relation{cat: c, pins: e.points.pins, types: columnTypes(c), layout: layoutOf(c),
		cut: e.cfg.BatchRows, timed: c.Kind == catalog.KindTable, caused: math.MinInt64}
	for _, col := range c.Columns {
		r.missing = append(r.missing, missingColumn(col))
	}
	return r, e.conversions(r, e.envOver(snap))
}

func (e *Engine) newArrangement(r *relation) *state.Arrangement {
	return state.NewArrangement(e.memory.Account(), e.points.pins, r.storedTypes(), r.layoutKey())
}

// layoutTypes gives the types of the row layout.
func (r *relation) layoutTypes() []types.Type {
	ts := make([]types.Type, len(r.layout))
	for i, o := range r.layout {
		ts[i] = r.types[o]
	}
	return ts
}

// layoutKey gives the key's positions in the row layout.
func (r *relation) layoutKey() []int { return positions(r.layout, r.cat.Key) }

// positions maps ordinals to their places in layout.
func positions(layout, ordinals []int) []int {
	out := make([]int, len(ordinals))
	for i, k := range ordinals {
		for j, o := range layout {
			if o == k {
				out[i] = j
			}
		}
	}
	return out
}

func (r *relation) stream() log.StreamID { return log.StreamID(r.cat.OID) }

func (r *relation) partition(p int) log.PartitionID {
	return log.PartitionID{Stream: r.stream(), Part: uint32(p)}
}

// isStream tells whether rows are only ever appended and live in the log alone.
func (r *relation) isStream() bool { return r.cat.Kind == catalog.KindStream }

// ingest decodes an appended block into the epoch's delta.
func (r *relation) ingest(blk *log.Block, clock int64) error {
	if int(blk.Partition.Part) >= len(r.late) {
		return fmt.Errorf("partition %s is not in the catalog", blk.Partition)
	}
	r.counted.Rows += int64(blk.Rows)
	r.counted.Bytes += int64(blk.Bytes())
	r.counted.LastClock = clock
	r.caused = max(r.caused, blk.MaxTime)
	if r.isStream() {
		return r.ingestStream(blk, clock)
	}
	return r.ingestTable(blk)
}

func (r *relation) ingestStream(blk *log.Block, clock int64) error {
	if err := r.markLate(blk); err != nil {
		return err
	}
	r.wm.observe(blk.Partition.Part, blk.MaxTime, clock)
	if len(r.scans) == 0 && r.feeds == 0 {
		return nil
	}
	late := r.late[blk.Partition.Part].offsets
	return r.decodeBlock(blk, r.need, func(rs *rows) error {
		return r.pieces(late.hide(rs), func(rs *rows) error {
			r.delta = append(r.delta, rs)
			return nil
		})
	})
}

func (r *relation) ingestTable(blk *log.Block) error {
	p := int(blk.Partition.Part)
	if r.outs == nil {
		return fmt.Errorf("rows for %s, which a query fills", r.cat.Name)
	}
	return r.decodeBlock(blk, allColumns(len(r.types)), func(rs *rows) error {
		return r.pieces(rs, r.outs[p].replace)
	})
}

func allColumns(n int) []bool {
	need := make([]bool, n)
	for i := range need {
		need[i] = true
	}
	return need
}
