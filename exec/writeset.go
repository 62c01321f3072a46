package exec

import (
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// change is a batch of rows that a statement wants to write, in row layout.
type change struct {
	b *batch.Batch
	// time are explicit rowtimes, microseconds; nil: from the time column or the
	// epoch's clock.
	time []int64
	ops  []byte // by physical row; nil: insert (streams) or upsert (tables)
}

// encoder cuts changes of one relation into blocks by partition.
type encoder struct {
	rel    *catalog.Relation
	types  []types.Type
	layout []int
	key    []int // positions in the layout
	time   int   // position of the time column, or -1
	// text computes the time of a column that holds it as text; nil for others.
	text  *expr.Program
	err   error // why the times cannot be computed
	robin func() uint32
	now   func() int64

	hashes []uint64
	buf    []byte
	route  [][]uint16
}

func (e *Engine) newEncoder(rel *catalog.Relation) *encoder {
	layout := layoutOf(rel)
	x := &encoder{
		rel: rel, types: columnTypes(rel), layout: layout,
		key: positions(layout, rel.Key), time: -1,
		robin: e.nextPartition, now: e.cfg.Clock.NowMicros,
		route: make([][]uint16, max(rel.Partitions, 1)),
	}
	if r := e.relation(rel.OID); r != nil && r.full() {
		x.err = errTargetFull(rel)
		return x
	}
	if rel.TimeColumn >= 0 {
		x.time = positions(layout, []int{rel.TimeColumn})[0]
		if x.types[rel.TimeColumn].Phys() == types.PhysBytes {
			x.text, x.err = e.textTime(rel)
		}
	}
	return x
}

// textTime compiles the event time of a relation that holds it as text.
func (e *Engine) textTime(rel *catalog.Relation) (*expr.Program, error) {
	t, err := planner.RowTime(rel, &planner.Env{
		Snapshot: e.cfg.Catalog.Current(), System: e.cfg.System,
		User: catalog.Superuser, Database: "millrace",
	})
	if err != nil || t == nil {
		return nil, err
	}
	return expr.Compile([]expr.Expr{t})
}

// nextPartition spreads rows without a key, batch by batch.
func (e *Engine) nextPartition() uint32 { return uint32(e.views.robin.Add(1)) }

// blocks encodes a change.
func (x *encoder) blocks(c change) ([]*log.Block, error) {
	rows := rowsOf(c.b)
	if len(rows) == 0 {
		return nil, nil
	}
	times, err := c.time, x.err
	if times == nil && x.time >= 0 && err == nil {
		times, err = x.times(c.b)
	}
	if err != nil {
		return nil, err
	}
	n := len(x.route)
	if n == 1 {
		return []*log.Block{x.block(0, c, times, rows)}, nil
	}
	if len(x.key) == 0 {
		return []*log.Block{x.block(int(x.robin())%n, c, times, rows)}, nil
	}
	keys := make([]*batch.Vector, len(x.key))
	for i, k := range x.key {
		keys[i] = c.b.Cols[k]
	}
	x.hashes, x.buf = hashRows(keys, rows, x.hashes, x.buf)
	for p := range x.route {
		x.route[p] = x.route[p][:0]
	}
	for k, i := range rows {
		p := x.hashes[k] % uint64(n)
		x.route[p] = append(x.route[p], i)
	}
	var out []*log.Block
	for p, rs := range x.route {
		if len(rs) > 0 {
			out = append(out, x.block(p, c, times, rs))
		}
	}
	return out, nil
}

// times reads event times from the time column: timestamps, text, or milliseconds
// in integers as ksqlDB has them. A row without one takes the present.
func (x *encoder) times(b *batch.Batch) ([]int64, error) {
	v, n := b.Cols[x.time], b.N
	if x.text != nil {
		got, err := x.text.Eval(&expr.Env{Zone: time.UTC}, b)
		if err != nil {
			return nil, err
		}
		return timesOf(got[0], n, x.now()), nil
	}
	out := make([]int64, n)
	unit := int64(1)
	switch v.Type.Kind {
	case types.Int8, types.Int4:
		unit = 1000
	case types.Date:
		unit = 86_400_000_000
	}
	for i := range out {
		if v.IsNull(i) {
			out[i] = x.now()
			continue
		}
		out[i] = v.I64[v.Row(i)] * unit
	}
	return out, nil
}

// block encodes the listed rows for a partition.
func (x *encoder) block(part int, c change, times []int64, rows []uint16) *log.Block {
	b := c.b
	whole := b.Sel == nil && len(rows) == b.N
	var h codec.Header
	switch {
	case times != nil && whole:
		h.Time = times[:b.N]
	case times != nil:
		h.Time = gather(make([]int64, 0, len(rows)), times, rows)
	}
	switch {
	case c.ops != nil:
		h.Ops = gather(make([]byte, 0, len(rows)), c.ops, rows)
	case x.rel.Kind != catalog.KindStream:
		h.Ops = make([]byte, len(rows))
		for i := range h.Ops {
			h.Ops[i] = byte(codec.OpUpsert)
		}
	}
	if !whole {
		out := batch.New(b.Types(), len(rows))
		plain := *b
		plain.W = nil
		appendRows(out, &plain, rows)
		b = out
	}
	cols := make([]*batch.Vector, len(x.types))
	for i, o := range x.layout {
		cols[o] = b.Cols[i]
	}
	for o, v := range cols {
		if v == nil {
			cols[o] = nullColumn(x.types[o])
		}
	}
	p := log.PartitionID{Stream: log.StreamID(x.rel.OID), Part: uint32(part)}
	return codec.NewBlock(p, x.rel.SchemaVersion, h, cols, len(rows))
}

// keys gives the conflict keys of a change: the key hash of each row.
func (x *encoder) keys(b *batch.Batch) []log.Key {
	if len(x.key) == 0 {
		return nil
	}
	cols := make([]*batch.Vector, len(x.key))
	for i, k := range x.key {
		cols[i] = b.Cols[k]
	}
	out := make([]log.Key, 0, b.Rows())
	for _, i := range rowsOf(b) {
		var h uint64
		h, x.buf = codec.HashKey(cols, int(i), x.buf)
		out = append(out, log.Key{Stream: log.StreamID(x.rel.OID), Hash: h})
	}
	return out
}
