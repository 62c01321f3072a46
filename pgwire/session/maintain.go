package session

import (
	"strings"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
	"github.com/millracedb/millrace/sql/sqlerr"
)

// mustExist demands that VACUUM, ANALYZE and LOCK name relations and columns that are
// there, though there is nothing to do for them.
func (s *Session) mustExist(names ...sql.MaintainedTable) error {
	for _, t := range names {
		rel := s.relationNamed(t.Name)
		if rel == nil {
			return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", t.Name)
		}
		for _, c := range t.Columns {
			if o := rel.ColumnIndex(c); o < 0 || rel.Columns[o].Hidden {
				return sqlerr.New(sqlerr.UndefinedColumn,
					"column \"%s\" of relation \"%s\" does not exist", c, rel.Name)
			}
		}
	}
	return nil
}

// relationNamed finds a relation as a statement names it, or nil.
func (s *Session) relationNamed(name sql.Name) *catalog.Relation {
	snap := s.snapshot()
	schema := name.Schema()
	if schema == "" {
		if rel := snap.Resolve(snap.NamedPath(s.settings.path, s.currentUser()), name.Last()); rel != nil {
			return rel
		}
		schema = "pg_catalog"
	}
	if rel := snap.Lookup(schema, name.Last()); rel != nil {
		return rel
	}
	return s.host.system.Lookup(schema, name.Last())
}

// maintainOptions are the options of VACUUM and ANALYZE that PostgreSQL knows.
var maintainOptions = map[string]string{
	"VACUUM": " full freeze verbose analyze disable_page_skipping skip_locked index_cleanup" +
		" process_toast truncate parallel ",
	"ANALYZE": " verbose skip_locked ",
}

func knownOptions(verb string, list []sql.Option) error {
	for _, o := range list {
		if !strings.Contains(maintainOptions[verb], " "+lower(o.Name)+" ") {
			return sqlerr.New(sqlerr.SyntaxError, "unrecognized %s option \"%s\"", verb, lower(o.Name)).
				At(o.Pos())
		}
	}
	return nil
}

// maintain runs VACUUM and ANALYZE, which have nothing to do here.
func (s *Session) maintain(verb string, m *sql.Maintained) error {
	if err := knownOptions(verb, m.Options); err != nil {
		return err
	}
	analyze := verb == "ANALYZE"
	for _, o := range m.Options {
		analyze = analyze || lower(o.Name) == "analyze"
	}
	for _, t := range m.Targets {
		if len(t.Columns) > 0 && !analyze {
			return sqlerr.New(sqlerr.FeatureNotSupported,
				"ANALYZE option must be specified when a column list is provided").
				WithHint("Write VACUUM (ANALYZE).")
		}
	}
	return s.mustExist(m.Targets...)
}

// lock runs LOCK TABLE: a transaction reads one epoch, so that nobody need wait for it.
func (s *Session) lock(x *sql.Lock) error {
	if s.block != explicitBlock {
		return needsBlock("LOCK TABLE")
	}
	for _, n := range x.Names {
		if err := s.mustExist(sql.MaintainedTable{Name: n}); err != nil {
			return err
		}
	}
	return nil
}
