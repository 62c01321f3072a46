package exec

import (
	"slices"

	"strings"

	"github.com/millracedb/millrace/exec/codec"
	"github.com/millracedb/millrace/planner/plan"
	"github.com/millracedb/millrace/sql/batch"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/sqlerr"
	"github.com/millracedb/millrace/sql/types"
)

// check tests new rows against NOT NULL and CHECK.
func (s *writer) check(b *batch.Batch) error {
	for i, c := range s.w.Checks {
		if c.Pred == nil {
			if row := firstNull(b, c.Ordinal); row >= 0 {
				if c.Domain != "" {
					return expr.DomainNull(c.Domain)
				}
				return s.notNull(c, b, row)
			}
			continue
		}
		v, err := s.checks[i].Eval(s.rd.Env, b)
		if err != nil {
			return err
		}
		for _, row := range rowsOf(b) {
			r := int(row)
			if !v[0].IsNull(r) && !v[0].Bool[v[0].Row(r)] {
				if c.Domain != "" {
					return expr.DomainViolation(c.Domain, c.Name)
				}
				e := sqlerr.New(sqlerr.CheckViolation,
					"new row for relation %q violates check constraint %q", s.w.Rel.Name, c.Name).
					WithDetail("Failing row contains (%s).", s.rowText(b, r))
				e.Schema, e.Table, e.Constraint = s.w.Rel.Schema, s.w.Rel.Name, c.Name
				return e
			}
		}
	}
	return nil
}

func firstNull(b *batch.Batch, column int) int {
	v := b.Cols[column]
	if v.Valid == nil {
		return -1
	}
	for _, i := range rowsOf(b) {
		if v.IsNull(int(i)) {
			return int(i)
		}
	}
	return -1
}

func (s *writer) notNull(c plan.RowCheck, b *batch.Batch, row int) error {
	e := sqlerr.New(sqlerr.NotNullViolation,
		"null value in column %q of relation %q violates not-null constraint",
		c.Column, s.w.Rel.Name).
		WithDetail("Failing row contains (%s).", s.rowText(b, row))
	e.Schema, e.Table, e.Column = s.w.Rel.Schema, s.w.Rel.Name, c.Column
	return e
}

// rowText shows a row in an error as PostgreSQL does.
func (s *writer) rowText(b *batch.Batch, row int) string {
	var parts []string
	for i, v := range b.Cols {
		if i == s.rowID {
			continue
		}
		parts = append(parts, s.text(v, row))
	}
	return strings.Join(parts, ", ")
}

func (s *writer) text(v *batch.Vector, row int) string {
	if v.IsNull(row) {
		return "null"
	}
	env := types.FormatEnv{Zone: s.rd.Env.Zone}
	return string(types.AppendText(&env, nil, v.Type, v.Datum(row)))
}

func (s *writer) duplicate(b *batch.Batch, row int) error {
	var names, values []string
	for _, k := range s.enc.key {
		names = append(names, s.w.Rel.Columns[s.enc.layout[k]].Name)
		values = append(values, s.text(b.Cols[k], row))
	}
	e := sqlerr.New(sqlerr.UniqueViolation,
		"duplicate key value violates unique constraint %q", s.w.Rel.PrimaryKey()).
		WithDetail("Key (%s)=(%s) already exists.",
			strings.Join(names, ", "), strings.Join(values, ", "))
	e.Schema, e.Table = s.w.Rel.Schema, s.w.Rel.Name
	e.Constraint = s.w.Rel.PrimaryKey()
	return e
}

// existing finds the row with the key of b's row: written by this statement, by
// its transaction, or in the snapshot. nil: there is none.
func (s *writer) existing(key string, b *batch.Batch, row int) ([]types.Datum, error) {
	if r := s.seen[key]; r != nil {
		return r.live(), nil
	}
	if s.rd.Txn != nil {
		if o := s.rd.Txn.rels[s.w.Rel.OID]; o != nil {
			if at, ok := o.entries[key]; ok {
				return o.rows[at].live(), nil
			}
			if o.truncated {
				return nil, nil
			}
		}
	}
	k := make([]types.Datum, len(s.enc.key))
	for i, c := range s.enc.key {
		k[i] = b.Cols[c].Datum(row)
	}
	return s.e.lookupRow(s.rd, s.w.Rel, k)
}

func (r *overlayRow) live() []types.Datum {
	if r.deleted {
		return nil
	}
	return r.row
}

// mustBeNew refuses rows whose key a row has that the statement does not write.
func (s *writer) mustBeNew(b *batch.Batch) error {
	var buf []byte
	for _, i := range rowsOf(b) {
		buf = keyOf(buf, b, s.enc.key, int(i))
		old, err := s.existing(string(buf), b, int(i))
		if err != nil {
			return err
		}
		if old != nil {
			return s.duplicate(b, int(i))
		}
	}
	return nil
}

// insertDecided inserts rows one by one, because what happens depends on the row
// that has the key, or the values of the unique index that ON CONFLICT names.
func (s *writer) insertDecided(c change) error {
	if s.seen == nil {
		s.seen = map[string]*overlayRow{}
	}
	if err := s.arbitrate(c.b); err != nil {
		return err
	}
	out := change{b: batch.New(c.b.Types(), c.b.Rows())}
	for _, i := range rowsOf(c.b) {
		row, err := s.insertOne(c.b, int(i))
		if err != nil {
			return err
		}
		if row == nil {
			continue
		}
		out.b.AppendDatums(row, 1)
		if c.time != nil {
			out.time = append(out.time, c.time[i])
		}
	}
	s.rows += int64(out.b.N)
	if out.b.N == 0 {
		return nil
	}
	out.ops = repeat(codec.OpUpsert, out.b.N)
	s.changes = append(s.changes, out)
	return s.returning(out.b)
}

// insertOne gives the row that an INSERT of a row writes, or nil.
func (s *writer) insertOne(b *batch.Batch, i int) ([]types.Datum, error) {
	key := string(keyOf(nil, b, s.enc.key, i))
	row := datums(b, i)
	old, err := s.existing(key, b, i)
	if err != nil {
		return nil, err
	}
	if s.arbiter != nil {
		other, err := s.arbiter.row(i)
		if err != nil {
			return nil, err
		}
		switch {
		case other != nil:
			return s.updateOther(b, i, other, row)
		case old != nil:
			return nil, s.duplicate(b, i)
		}
		s.arbiter.taken(i)
	}
	if old != nil {
		if row, err = s.resolve(b, i, key, old, row); err != nil || row == nil {
			return nil, err
		}
		s.loseRow(old, row)
	}
	s.seen[key] = &overlayRow{row: row}
	return row, nil
}

func (s *writer) loseRow(old, now []types.Datum) {
	if len(s.w.Referring) > 0 {
		s.gone = append(s.gone, replaced{old, now})
	}
}

// resolve applies ON CONFLICT to a row whose key exists: the row to write, or nil.
func (s *writer) resolve(b *batch.Batch, i int, key string, old, row []types.Datum) (
	[]types.Datum, error,
) {
	k := s.w.Conflict
	switch k.Action {
	case plan.Fail:
		return nil, s.duplicate(b, i)
	case plan.DoNothing:
		if k.Arbiter >= 0 {
			return nil, s.duplicate(b, i)
		}
		return nil, nil
	case plan.Upsert:
		return row, nil
	}
	if _, mine := s.seen[key]; mine {
		return nil, errSecondTime()
	}
	both := batch.New(append(slices.Clone(b.Types()), b.Types()...), 1)
	both.AppendDatums(append(slices.Clone(old), row...), 1)
	if k.Where != nil {
		cond, err := s.onConflict[len(k.Set)].Eval(s.rd.Env, both)
		if err != nil || !cond[0].Datum(0).Bool() {
			return nil, err
		}
	}
	out := make([]types.Datum, len(row))
	for c := range k.Set {
		v, err := s.onConflict[c].Eval(s.rd.Env, both)
		if err != nil {
			return nil, err
		}
		out[c] = v[0].Datum(0)
	}
	return out, s.checkRow(b.Types(), out)
}

func errSecondTime() *sqlerr.Error {
	return sqlerr.New(sqlerr.CardinalityViolation,
		"ON CONFLICT DO UPDATE command cannot affect row a second time").
		WithHint("Ensure that no rows proposed for insertion within the same command " +
			"have duplicate constrained values.")
}

func (s *writer) checkRow(ts []types.Type, row []types.Datum) error {
	b := batch.New(ts, 1)
	b.AppendDatums(row, 1)
	return s.check(b)
}

// returning evaluates RETURNING over new rows and keeps the result until the
// commit.
func (s *writer) returning(b *batch.Batch) error {
	if s.ret == nil {
		return nil
	}
	cols, err := s.ret.Eval(s.rd.Env, b)
	if err != nil {
		return err
	}
	s.returned = append(s.returned, copyBatch(&batch.Batch{N: b.N, Sel: b.Sel, Cols: cols}))
	return nil
}

func (s *writer) flushReturning(out func(*batch.Batch) error) error {
	if out == nil {
		return nil
	}
	for _, b := range s.returned {
		if err := out(b); err != nil {
			return err
		}
	}
	return nil
}
