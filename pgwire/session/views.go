package session

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/catalog/system"
	"github.com/millracedb/millrace/sql/types"
)

// row is a row of a system view by column name; columns that are not named are
// NULL.
type row map[string]types.Datum

func textValue(s string) types.Datum { return types.TextDatum(s) }

// register makes the node's sessions and statements visible.
func (h *Host) register() error {
	for name, fill := range map[string]func(ctx *system.Context, emit func(row) error) error{
		"sessions":                          h.sessionRows,
		"statements":                        h.statementRows,
		"pg_catalog.pg_stat_activity":       h.activityRows,
		"pg_catalog.pg_locks":               h.lockRows,
		"pg_catalog.pg_cursors":             h.cursorRows,
		"pg_catalog.pg_prepared_statements": h.preparedRows,
	} {
		if err := h.registerView(name, fill); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) registerView(name string, fill func(*system.Context, func(row) error) error) error {
	schema, table, ok := strings.Cut(name, ".")
	if !ok {
		schema, table = "millrace", name
	}
	rel := h.system.Lookup(schema, table)
	if rel == nil {
		return fmt.Errorf("session: no system view %s", name)
	}
	return h.system.Register(name, system.ProviderFunc(
		func(ctx *system.Context, _ []system.Hint, emit func([]types.Datum) error) error {
			out := make([]types.Datum, len(rel.Columns))
			return fill(ctx, func(r row) error {
				for i, c := range rel.Columns {
					d, ok := r[c.Name]
					if !ok {
						d = types.NullDatum
					}
					out[i] = d
				}
				return emit(out)
			})
		}))
}

// shown is what others see of a session.
type shown struct {
	state, text, app string
	start            int64
}

func (s *Session) shown() shown {
	s.info.Lock()
	defer s.info.Unlock()
	return shown{s.info.state, s.info.text, s.info.appName, s.info.stmtStart}
}

func (h *Host) sessionRows(_ *system.Context, emit func(row) error) error {
	for _, s := range h.all() {
		v := s.shown()
		r := row{
			"pid": types.IntDatum(int64(s.pid)), "user_name": textValue(s.user),
			"database": textValue(s.database), "application_name": textValue(v.app),
			"door": textValue(s.door), "state": textValue(v.state),
			"started":   types.IntDatum(s.started),
			"rows_sent": types.IntDatum(s.rowsSent.Load()), "buffered_bytes": types.IntDatum(s.buffered.Load()),
		}
		if s.address != "" {
			r["client_address"] = textValue(s.address)
		}
		if v.start != 0 {
			r["statement"], r["statement_start"] = textValue(v.text), types.IntDatum(v.start)
		}
		if err := emit(r); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) statementRows(_ *system.Context, emit func(row) error) error {
	for _, x := range h.stats.list() {
		x.mu.Lock()
		r := row{
			"fingerprint": textValue(x.form), "statement": textValue(x.example),
			"calls": types.IntDatum(x.calls), "errors": types.IntDatum(x.errors),
			"rows": types.IntDatum(x.rows), "total_ms": types.FloatDatum(float64(x.micros) / 1000),
			"mean_ms":   types.FloatDatum(float64(x.micros) / 1000 / float64(max(x.calls, 1))),
			"p99_ms":    types.FloatDatum(float64(x.p99()) / 1000),
			"max_ms":    types.FloatDatum(float64(x.longest) / 1000),
			"last_call": types.IntDatum(x.last),
		}
		x.mu.Unlock()
		if err := emit(r); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) activityRows(ctx *system.Context, emit func(row) error) error {
	for _, s := range h.all() {
		v := s.shown()
		state := v.state
		if state == "streaming" {
			state = "active"
		}
		r := row{
			"pid": types.IntDatum(int64(s.pid)), "datname": textValue(s.database),
			"usename": textValue(s.user), "application_name": textValue(v.app),
			"state": textValue(state), "backend_start": types.IntDatum(s.started),
			"backend_type": textValue("client backend"), "query": textValue(v.text),
			"datid": types.IntDatum(databaseOID), "usesysid": roleOID(ctx, s.user),
		}
		if v.start != 0 {
			r["query_start"], r["state_change"] = types.IntDatum(v.start), types.IntDatum(v.start)
			if strings.HasPrefix(state, "active") || strings.HasPrefix(state, "idle in") {
				r["xact_start"] = types.IntDatum(v.start)
			}
		}
		if state == "idle" {
			r["wait_event_type"], r["wait_event"] = textValue("Client"), textValue("ClientRead")
		}
		if err := emit(r); err != nil {
			return err
		}
	}
	return nil
}

// databaseOID is PostgreSQL's of the database postgres.
const databaseOID = 5

func roleOID(ctx *system.Context, name string) types.Datum {
	if ctx.Snapshot != nil {
		if r := ctx.Snapshot.Role(name); r != nil {
			return types.IntDatum(int64(r.OID))
		}
	}
	return types.NullDatum
}

// lockRows lists the advisory locks: there are no others.
func (h *Host) lockRows(_ *system.Context, emit func(row) error) error {
	var rows []row
	_ = h.locks.each(func(w advisoryWant, pid int32, granted bool) error {
		mode := "ExclusiveLock"
		if w.shared {
			mode = "ShareLock"
		}
		class, object, sub := w.key.lo>>32&math.MaxUint32, w.key.lo&math.MaxUint32, int64(1)
		if w.key.hi != 0 {
			class, object, sub = (w.key.hi-pairKey)&math.MaxUint32, w.key.lo&math.MaxUint32, 2
		}
		rows = append(rows, row{"locktype": textValue("advisory"), "mode": textValue(mode),
			"pid": types.IntDatum(int64(pid)), "granted": types.BoolDatum(granted),
			"classid": types.IntDatum(class), "objid": types.IntDatum(object),
			"objsubid": types.IntDatum(sub), "fastpath": types.BoolDatum(false),
			"database": types.IntDatum(int64(catalog.DatabaseOID))})
		return nil
	})
	for _, r := range rows {
		if err := emit(r); err != nil {
			return err
		}
	}
	return nil
}

// own gives the session that a system view is read by, for views of its own
// things.
func (h *Host) own(ctx *system.Context) *Session {
	for _, s := range h.all() {
		if s.reading.Load() == ctx {
			return s
		}
	}
	return nil
}

func (h *Host) cursorRows(ctx *system.Context, emit func(row) error) error {
	s := h.own(ctx)
	if s == nil {
		return nil
	}
	for _, name := range sortedKeys(s.portals) {
		p := s.portals[name]
		if p.name == "" || p.st == nil {
			continue
		}
		c := p.cursor
		err := emit(row{
			"name": textValue(p.name), "statement": textValue(p.st.source()),
			"is_holdable":   types.BoolDatum(c != nil && c.hold),
			"is_binary":     types.BoolDatum(len(p.formats) > 0 && p.formats[0] == 1),
			"is_scrollable": types.BoolDatum(c != nil && !c.forward),
			"creation_time": types.IntDatum(p.created),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) preparedRows(ctx *system.Context, emit func(row) error) error {
	s := h.own(ctx)
	if s == nil {
		return nil
	}
	for _, name := range sortedKeys(s.prepared) {
		p := s.prepared[name]
		if p.name == "" {
			continue
		}
		oids := types.ArrayValue{}
		ts := p.paramTypes()
		for _, t := range ts {
			oids.Elems = append(oids.Elems, types.IntDatum(int64(t.OID())))
		}
		if len(ts) > 0 {
			oids.Dims = []types.Dim{{Len: int32(len(ts)), Lower: 1}}
		}
		err := emit(row{
			"name": textValue(p.name), "statement": textValue(p.text),
			"prepare_time":    types.IntDatum(p.created),
			"parameter_types": types.ArrayDatum(types.Of(types.Regtype), oids),
			"from_sql":        types.BoolDatum(p.bySQL),
			"generic_plans":   types.IntDatum(0), "custom_plans": types.IntDatum(0),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// sizeOf gives the size of a stored relation, for system.Context.
func (h *Host) sizeOf(oid catalog.OID) (system.Stats, bool) {
	rows, bytes, ok := h.engine.Size(oid)
	return system.Stats{Rows: rows, Bytes: bytes}, ok
}
