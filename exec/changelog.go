package exec

import (
	"cmp"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// The columns of millrace.changelog, by number.
const (
	logPart = iota
	logOff
	logEpoch
	logRowTime
	logOp
	logKey
	logValue
	logWindowStart
	logWindowEnd
)

// changelogReader shows the log of a relation as rows.
type changelogReader struct {
	b      *builder
	rel    *relation
	out    op.Sink
	batch  *batch.Batch
	want   []int // columns asked for
	key    []int // ordinals shown in the key object
	value  []int
	start  int // ordinals of the window's bounds, or -1
	end    int
	env    *types.Env
	json   []byte
	isKeys bool // op says upsert instead of insert
}

func (b *builder) changelog(out op.Sink, n *plan.Changelog) error {
	rel, changed, err := b.e.sourceOf(b.rd, n.Rel)
	if err != nil {
		return err
	}
	if changed != nil {
		return sqlerr.Unsupported("changelog() of what the transaction created or altered",
			"The log has it after COMMIT.")
	}
	r := &changelogReader{
		b: b, rel: rel, out: out, batch: batch.New(plan.Types(n), 64), want: n.Columns,
		start: -1, end: -1, env: &types.Env{Zone: b.one.Env.Zone},
		isKeys: rel.cat.Kind != catalog.KindStream,
	}
	r.split()
	b.sources = append(b.sources, r.read)
	return nil
}

// split sorts the visible columns into key, value and window bounds.
func (r *changelogReader) split() {
	c := r.rel.cat
	keys := c.Key
	if c.Windowed && len(keys) >= 2 {
		r.start, r.end = keys[len(keys)-2], keys[len(keys)-1]
		keys = keys[:len(keys)-2]
	}
	isKey := map[int]bool{r.start: true, r.end: true}
	for _, k := range keys {
		isKey[k] = true
		if !c.Columns[k].Hidden {
			r.key = append(r.key, k)
		}
	}
	for _, o := range r.rel.layout {
		if !isKey[o] && !c.Columns[o].Hidden {
			r.value = append(r.value, o)
		}
	}
	r.sortNames(r.key)
	r.sortNames(r.value)
}

// sortNames puts columns into the order of jsonb's canonical form: shorter names
// first, then bytewise.
func (r *changelogReader) sortNames(columns []int) {
	slices.SortFunc(columns, func(a, b int) int {
		x, y := r.rel.cat.Columns[a].Name, r.rel.cat.Columns[b].Name
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
}

func (r *changelogReader) read() error {
	need := allColumns(len(r.rel.types))
	for p := range r.rel.late {
		err := r.b.e.scanLog(r.b.ctx, r.rel, p, r.b.rd.Point.at(r.rel), need, r.add)
		if err != nil {
			return err
		}
	}
	return r.flush()
}

func (r *changelogReader) flush() error {
	if r.batch.N == 0 {
		return nil
	}
	err := r.out.Push(r.batch)
	r.batch.Reset()
	return err
}

// add shows a batch of the log.
func (r *changelogReader) add(rs *rows) error {
	var epochs batch.Vector
	rs.epochColumn(&epochs)
	for _, i := range rowsOf(rs.b) {
		row := int(i)
		deleted := rs.ops != nil && rs.ops[row] == byte(codec.OpDelete)
		for c, column := range r.want {
			r.batch.Cols[c].AppendDatum(r.datum(column, rs, &epochs, row, deleted))
		}
		r.batch.N++
		if r.batch.N == batch.MaxRows {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *changelogReader) datum(column int, rs *rows, epochs *batch.Vector, row int,
	deleted bool,
) types.Datum {
	switch column {
	case logPart:
		return types.IntDatum(int64(rs.part))
	case logOff:
		return types.IntDatum(int64(rs.offset(row)))
	case logEpoch:
		return epochs.Datum(row)
	case logRowTime:
		if rs.time != nil {
			return types.IntDatum(rs.time[row])
		}
		return types.IntDatum(rs.clock)
	case logOp:
		return types.TextDatum(r.opName(deleted))
	case logKey:
		return r.object(rs, row, r.key, len(r.key) == 0)
	case logValue:
		return r.object(rs, row, r.value, deleted)
	case logWindowStart:
		return bound(rs, row, r.start)
	case logWindowEnd:
		return bound(rs, row, r.end)
	}
	return types.NullDatum
}

func (r *changelogReader) opName(deleted bool) string {
	switch {
	case deleted:
		return "delete"
	case r.isKeys:
		return "upsert"
	}
	return "insert"
}

// object writes columns as a JSON object; null where there is nothing to show.
func (r *changelogReader) object(rs *rows, row int, columns []int, null bool) types.Datum {
	if null {
		return types.NullDatum
	}
	buf := append(r.json[:0], '{')
	for k, o := range columns {
		if k > 0 {
			buf = append(buf, ", "...)
		}
		buf = types.AppendJSONString(buf, r.rel.cat.Columns[o].Name)
		buf = append(buf, ": "...)
		v := rs.b.Cols[o]
		if v.IsNull(row) {
			buf = append(buf, "null"...)
			continue
		}
		buf = types.AppendJSONB(r.env, buf, r.rel.types[o], v.Datum(row))
	}
	r.json = append(buf, '}')
	return types.TextDatum(string(r.json))
}

// bound gives a window's bound as a timestamp; ksqlDB's are milliseconds.
func bound(rs *rows, row, column int) types.Datum {
	if column < 0 {
		return types.NullDatum
	}
	v := rs.b.Cols[column]
	d := v.Datum(row)
	if v.Type.Kind == types.Int8 && !d.Null {
		d.I *= 1000
	}
	return d
}
