package exec

import (
	"context"
	"fmt"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/log"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/types"
)

// view shows the rows of tables as a statement leaves them: those of the snapshot, over
// them what its transaction wrote, and over that what it wrote itself.
type view struct {
	e   *Engine
	ctx context.Context
	rd  *Read
	own map[catalog.OID]*overlay // of the statement; a missing one wrote nothing
}

// lookup says by what rows of a table are looked for.
type lookup struct {
	rel  *catalog.Relation
	name string  // the same for equal lookups of one table
	by   *values // what is compared with the keys
	// index has by's values in an order of its own: from[i] is that of its i-th one. 0:
	// there is none; primary: the table's key instead.
	index   catalog.OID
	from    []int
	primary bool
}

// byIndex looks rows up by the values of a unique index.
func byIndex(rel *catalog.Relation, u *plan.Index, v *values) *lookup {
	from := make([]int, len(u.Columns))
	for i := range from {
		from[i] = i
	}
	return &lookup{rel: rel, name: fmt.Sprint("index ", u.OID), by: v, index: u.OID, from: from}
}

// byColumns looks rows up by columns, given as positions in the row layout.
func byColumns(rel *catalog.Relation, cols []int, over *plan.IndexOver) *lookup {
	l := &lookup{rel: rel, name: fmt.Sprint("columns ", cols), by: &values{cols: cols}}
	key := positions(layoutOf(rel), rel.Key)
	if from := orderOf(key, cols); from != nil {
		l.primary, l.from = true, from
	} else if over != nil {
		l.index, l.from = over.OID, over.From
	}
	return l
}

// orderOf gives for each of a its place in b, where both have the same elements.
func orderOf(a, b []int) []int {
	if len(a) != len(b) || len(a) == 0 {
		return nil
	}
	out := make([]int, 0, len(a))
	for _, x := range a {
		at := -1
		for i, y := range b {
			if x == y {
				at = i
			}
		}
		if at < 0 {
			return nil
		}
		out = append(out, at)
	}
	return out
}

// keySet are keys without doubles, in the order in which they came.
type keySet struct {
	at   map[string]int
	rows [][]types.Datum
	buf  []byte
}

// add gives the place of the values of a row.
func (s *keySet) add(cols []*batch.Vector, row int) int {
	s.buf = encodeKey(s.buf, cols, row)
	if i, ok := s.at[string(s.buf)]; ok {
		return i
	}
	if s.at == nil {
		s.at = map[string]int{}
	}
	values := make([]types.Datum, len(cols))
	for i, c := range cols {
		values[i] = c.Datum(row)
	}
	s.at[string(s.buf)] = len(s.rows)
	s.rows = append(s.rows, values)
	return len(s.rows) - 1
}

func encodeKey(buf []byte, cols []*batch.Vector, row int) []byte {
	buf = buf[:0]
	for _, c := range cols {
		buf = codec.AppendKey(buf, c, row)
	}
	return buf
}

// match is a row that was found: by which key, its own key, and its row layout.
type match struct {
	key int
	pk  string
	row []types.Datum
}

// find calls fn with the rows that have one of the keys.
func (v *view) find(l *lookup, keys *keySet, fn func(m match) error) error {
	if len(keys.rows) == 0 {
		return nil
	}
	own, txn := v.own[l.rel.OID], v.written(l.rel.OID)
	var err error
	if txn == nil || !txn.truncated {
		err = v.stored(l, keys, func(m match) error {
			if own.has(m.pk) || txn.has(m.pk) {
				return nil
			}
			return fn(m)
		})
	}
	if err != nil {
		return err
	}
	err = txn.find(l, keys, func(m match) error {
		if own.has(m.pk) {
			return nil
		}
		return fn(m)
	})
	if err != nil {
		return err
	}
	return own.find(l, keys, fn)
}

// written is what the transaction wrote to a relation, or nil.
func (v *view) written(oid catalog.OID) *overlay {
	if v.rd.Txn == nil {
		return nil
	}
	return v.rd.Txn.rels[oid]
}

// has tells whether a row was written; nil wrote none.
func (o *overlay) has(pk string) bool {
	if o == nil {
		return false
	}
	_, ok := o.entries[pk]
	return ok
}

// stored finds rows of the snapshot.
func (v *view) stored(l *lookup, keys *keySet, fn func(m match) error) error {
	r, changed, err := v.e.sourceOf(v.rd, l.rel)
	switch {
	case err != nil:
		return err
	case changed != nil:
		return v.storedInShadow(changed, l, keys, fn)
	}
	epoch := v.rd.Point.at(r)
	if l.primary {
		return v.storedByKey(r, epoch, l, keys, fn)
	}
	if x := r.index(l.index, epoch); x != nil {
		return v.storedByIndex(r, epoch, x, l, keys, fn)
	}
	return v.storedByScan(r, epoch, l, keys, fn)
}

// reader reads rows by their key.
type reader struct {
	r     *relation
	epoch log.Epoch
	out   *batch.Batch
	key   []int
}

func (v *view) reader(r *relation, epoch log.Epoch) *reader {
	return &reader{r: r, epoch: epoch, out: batch.New(r.storedTypes(), 1), key: r.layoutKey()}
}

// row gives the row with a key; ok is false when there is none.
func (d *reader) row(key []types.Datum) (m match, ok bool, err error) {
	d.out.Reset()
	if err := d.r.lookup(d.epoch, key, d.out); err != nil {
		return m, false, translate(err)
	}
	if d.out.N == 0 {
		return m, false, nil
	}
	lay, _ := d.r.unstored(d.out)
	return match{pk: string(keyOf(nil, lay, d.key, 0)), row: datums(lay, 0)}, true, nil
}

func ordered(values []types.Datum, from []int) []types.Datum {
	out := make([]types.Datum, len(from))
	for i, k := range from {
		out[i] = values[k]
	}
	return out
}

func (v *view) storedByKey(r *relation, epoch log.Epoch, l *lookup, keys *keySet,
	fn func(m match) error) error {
	d := v.reader(r, epoch)
	for i, values := range keys.rows {
		m, ok, err := d.row(ordered(values, l.from))
		if err != nil {
			return err
		}
		if m.key = i; !ok {
			continue
		}
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) storedByIndex(r *relation, epoch log.Epoch, x *index, l *lookup, keys *keySet,
	fn func(m match) error) error {
	d := v.reader(r, epoch)
	found := batch.New(x.arr.Types(), 4)
	for i, values := range keys.rows {
		found.Reset()
		if err := x.lookup(epoch, ordered(values, l.from), found); err != nil {
			return translate(err)
		}
		for k := range found.N {
			m, ok, err := d.row(x.keyOf(found, k))
			if err != nil {
				return err
			}
			if m.key = i; !ok {
				continue
			}
			if err := fn(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// storedByScan goes through the whole table.
func (v *view) storedByScan(r *relation, epoch log.Epoch, l *lookup, keys *keySet,
	fn func(m match) error) error {
	return v.matching(r, l, keys, fn, func(need []bool, fn func(*rows) error) error {
		return v.e.scanRelation(v.ctx, r, epoch, need, fn)
	})
}

// matching finds among all rows of a relation those that have one of the keys.
func (v *view) matching(r *relation, l *lookup, keys *keySet, fn func(m match) error,
	scan func(need []bool, fn func(*rows) error) error) error {
	need := make([]bool, len(r.types))
	for _, o := range r.layout {
		need[o] = true
	}
	env, key := *v.rd.Env, r.layoutKey()
	var buf []byte
	return scan(need, func(rs *rows) error {
		lay := layoutBatch(rs.b, r.layout)
		cols, sel, err := l.by.of(&env, lay)
		if err != nil {
			return err
		}
		for _, row := range sel {
			buf = encodeKey(buf, cols, int(row))
			i, ok := keys.at[string(buf)]
			if !ok {
				continue
			}
			m := match{key: i, pk: string(keyOf(nil, lay, key, int(row))), row: datums(lay, int(row))}
			if err := fn(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// postings are the places of an overlay's rows by their values. A row that was written
// again has its older places still, which are checked when they are used.
type postings struct {
	upTo int // of overlay.changed
	at   map[string][]int
	now  []string // by place: the values now
}

// find finds live rows of an overlay; nil has none.
func (o *overlay) find(l *lookup, keys *keySet, fn func(m match) error) error {
	if o == nil || len(o.rows) == 0 {
		return nil
	}
	p, err := o.postings(l)
	if err != nil {
		return err
	}
	key := make([]string, len(keys.rows)) // by place in keys
	for k, i := range keys.at {
		key[i] = k
	}
	for i, k := range key {
		seen := -1
		for _, at := range p.at[k] {
			if p.now[at] != k || at <= seen {
				continue
			}
			seen = at
			m := match{key: i, pk: o.keyAt(at), row: o.rows[at].row}
			if err := fn(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyAt gives the canonical key of a row.
func (o *overlay) keyAt(at int) string {
	b := batch.New(o.enc.layoutTypes(), 1)
	b.AppendDatums(o.rows[at].row, 1)
	return string(keyOf(nil, b, o.enc.key, 0))
}

func (o *overlay) postings(l *lookup) (*postings, error) {
	if o.found == nil {
		o.found = map[string]*postings{}
	}
	p := o.found[l.name]
	if p == nil {
		p = &postings{at: map[string][]int{}}
		o.found[l.name] = p
	}
	for len(p.now) < len(o.rows) {
		p.now = append(p.now, "")
	}
	ts := o.enc.layoutTypes()
	for p.upTo < len(o.changed) {
		part := o.changed[p.upTo:min(p.upTo+batch.MaxRows, len(o.changed))]
		p.upTo += len(part)
		b := batch.New(ts, len(part))
		var places []int
		for _, at := range part {
			if p.now[at] = ""; !o.rows[at].deleted {
				b.AppendDatums(o.rows[at].row, 1)
				places = append(places, at)
			}
		}
		cols, sel, err := l.by.of(indexEnv(), b)
		if err != nil {
			return nil, err
		}
		for _, row := range sel {
			k, at := string(encodeKey(nil, cols, int(row))), places[row]
			p.now[at] = k
			p.at[k] = insertPlace(p.at[k], at)
		}
	}
	return p, nil
}

// insertPlace adds a place to an ascending list, once.
func insertPlace(list []int, at int) []int {
	i := len(list)
	for i > 0 && list[i-1] > at {
		i--
	}
	if i > 0 && list[i-1] == at {
		return list
	}
	list = append(list, 0)
	copy(list[i+1:], list[i:])
	list[i] = at
	return list
}
