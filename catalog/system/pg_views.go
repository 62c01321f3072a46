package system

import (
	"time"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// eachOfKind calls f with the relations, virtual ones too, that have one of some
// relkinds and that hints on their schema and name let through.
func (s *scan) eachOfKind(kinds, schema, name string, f func(*classRow) error) error {
	return s.world().eachClass(func(c *classRow) error {
		for i := range len(kinds) {
			if c.relkind == kinds[i] && s.wantsName(schema, c.schema) && s.wantsName(name, c.name) {
				return f(c)
			}
		}
		return nil
	})
}

func pgTables(s *scan) error {
	w := s.world()
	out := s.columns("schemaname tablename tableowner hasindexes hasrules hastriggers rowsecurity")
	return s.eachOfKind("r", "schemaname", "tablename", func(c *classRow) error {
		return out.write(text(c.schema), text(c.name), text(c.owner), boolean(w.indexes(c)),
			boolean(false), boolean(false), boolean(false))
	})
}

func pgViews(s *scan) error {
	out := s.columns("schemaname viewname viewowner definition")
	return s.eachOfKind("v", "schemaname", "viewname", func(c *classRow) error {
		return out.write(text(c.schema), text(c.name), text(c.owner),
			orNull(viewDefinition(s.ctx, c.relation)))
	})
}

// viewDefinition writes a view's SELECT as pg_get_viewdef does, "" for virtual
// relations.
func viewDefinition(ctx *Context, r *catalog.Relation) string {
	switch {
	case r == nil || r.Definition == "":
		return ""
	case ctx.ViewText != nil:
		return " " + ctx.ViewText(r) + ";"
	}
	return " " + r.Definition + ";"
}

func pgMatviews(s *scan) error {
	w := s.world()
	out := s.columns("schemaname matviewname matviewowner hasindexes ispopulated definition")
	return s.eachOfKind("m", "schemaname", "matviewname", func(c *classRow) error {
		return out.write(text(c.schema), text(c.name), text(c.owner), boolean(w.indexes(c)),
			boolean(true), orNull(viewDefinition(s.ctx, c.relation)))
	})
}

func pgIndexes(s *scan) error {
	w := s.world()
	out := s.columns("schemaname tablename indexname indexdef")
	return w.eachUserClass(func(c *classRow) error {
		if c.relkind != 'i' {
			return nil
		}
		t := w.s.Relation(c.table)
		return out.write(text(t.Schema), text(t.Name), text(c.name), text(w.indexDefinition(c)))
	})
}

func pgSequence(s *scan) error {
	out := s.columns("seqrelid seqtypid seqstart seqincrement seqmax seqmin seqcache seqcycle")
	return eachSequence(s, func(r *catalog.Relation) error {
		q := r.Sequence
		return out.write(oidDatum(r.OID), oidDatum(catalog.OID(types.Of(types.Int8).OID())),
			long(q.First()), long(q.Increment), long(q.Max), long(q.Min), long(1), boolean(q.Cycle))
	})
}

func eachSequence(s *scan, f func(r *catalog.Relation) error) error {
	for _, r := range s.snapshot().Relations() {
		if r.Sequence != nil {
			if err := f(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func pgSequences(s *scan) error {
	out := s.columns(`schemaname sequencename sequenceowner data_type start_value min_value
		max_value increment_by cycle cache_size last_value`)
	return eachSequence(s, func(r *catalog.Relation) error {
		q := r.Sequence
		last := types.NullDatum
		if at := s.ctx.SequenceLast; at != nil {
			if v, ok := at(r); ok {
				last = long(v)
			}
		}
		return out.write(text(r.Schema), text(r.Name), text(r.Owner),
			oidDatum(catalog.OID(types.Of(types.Int8).OID())), long(q.First()), long(q.Min),
			long(q.Max), long(q.Increment), boolean(q.Cycle), long(1), last)
	})
}

// pgStatTables serves pg_stat_all_tables and pg_stat_user_tables: the counters
// that Millrace does not keep are 0.
func pgStatTables(s *scan) error {
	out := s.columns(`relid schemaname relname seq_scan seq_tup_read idx_scan idx_tup_fetch
		n_tup_ins n_tup_upd n_tup_del n_tup_hot_upd n_live_tup n_dead_tup n_mod_since_analyze
		n_ins_since_vacuum vacuum_count autovacuum_count analyze_count autoanalyze_count`)
	zero := long(0)
	return s.eachOfKind("rm", "schemaname", "relname", func(c *classRow) error {
		system := catalog.IsSystemSchema(c.schema)
		if system && s.rel.Name == "pg_stat_user_tables" ||
			!system && s.rel.Name == "pg_stat_sys_tables" {
			return nil
		}
		rows, _ := s.size(c)
		return out.write(oidDatum(c.oid), text(c.schema), text(c.name), zero, zero, zero, zero,
			zero, zero, zero, zero, long(int64(max(rows, 0))), zero, zero, zero, zero, zero, zero,
			zero)
	})
}

// pgStatIndexes serves pg_stat_all_indexes and pg_stat_user_indexes.
func pgStatIndexes(s *scan) error {
	w := s.world()
	out := s.columns(`relid indexrelid schemaname relname indexrelname idx_scan idx_tup_read
		idx_tup_fetch`)
	return w.eachUserClass(func(c *classRow) error {
		if c.relkind != 'i' {
			return nil
		}
		return out.write(oidDatum(c.table), oidDatum(c.oid), text(c.schema),
			text(w.s.Relation(c.table).Name), text(c.name), long(0), long(0), long(0))
	})
}

func pgStatDatabase(s *scan) error {
	out := s.columns("datid datname")
	for _, db := range databases(s.ctx) {
		if err := out.write(oidDatum(db.oid), text(db.name)); err != nil {
			return err
		}
	}
	return nil
}

func pgTimezoneNames(s *scan) error {
	out := s.columns("name abbrev utc_offset is_dst")
	return eachZone(s.ctx.Now, func(name string) bool { return s.wantsName("name", name) },
		func(ds ...types.Datum) error { return out.write(ds...) })
}

// eachZone calls f with the name, abbreviation, displacement and summer time of each time
// zone at a time.
func eachZone(micros int64, wants func(string) bool, f func(...types.Datum) error) error {
	now := time.UnixMicro(micros)
	for _, name := range types.ZoneNames() {
		if !wants(name) {
			continue
		}
		zone, err := types.LoadZone(name)
		if err != nil {
			continue // a name that this system has no rules for
		}
		local := now.In(zone)
		abbrev, offset := local.Zone()
		err = f(text(name), text(abbrev), secondsInterval(offset), boolean(local.IsDST()))
		if err != nil {
			return err
		}
	}
	return nil
}

// secondsInterval gives an interval of some seconds.
func secondsInterval(seconds int) types.Datum {
	const micros = 1_000_000
	return types.IntervalDatum(types.IntervalValue{Micros: int64(seconds) * micros})
}
