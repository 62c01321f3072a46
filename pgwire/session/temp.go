package session

import (
	"context"
	"slices"

	"github.com/millracedb/millrace/catalog"
	"github.com/millracedb/millrace/sql"
)

// rememberTemp notes a table of CREATE TEMP TABLE: it is an ordinary table that
// goes with its session, or with the transaction where ON COMMIT says so.
func (s *Session) rememberTemp(st *statement) {
	var temp bool
	var end sql.OnCommit
	switch x := st.tree.(type) {
	case *sql.CreateTable:
		temp, end = x.Temp, x.OnCommit
	case *sql.CreateAs:
		temp, end = x.Temp, x.OnCommit
	}
	c, ok := st.plan.Command.(*catalog.CreateRelation)
	if !temp || !ok {
		return
	}
	name := catalog.QualifiedName{Schema: c.Relation.Schema, Name: c.Relation.Name}
	if s.block != noBlock && s.tempBefore == nil {
		s.tempBefore = s.copyTemp()
	}
	s.temp = append(s.temp, name)
	if end == sql.OnCommitDrop || end == sql.OnCommitDeleteRows {
		if s.atCommit == nil {
			s.atCommit = map[catalog.QualifiedName]sql.OnCommit{}
		}
		s.atCommit[name] = end
	}
}

// endTemp does what ON COMMIT says about temporary tables, after a commit.
func (s *Session) endTemp(ctx context.Context) error {
	if len(s.atCommit) == 0 {
		return nil
	}
	if s.block != noBlock && s.tempBefore == nil {
		s.tempBefore = s.copyTemp()
	}
	drop := &catalog.DropObjects{Kind: catalog.KindTable, IfExists: true, Cascade: true}
	empty := &catalog.Truncate{}
	for _, name := range s.temp {
		switch s.atCommit[name] {
		case sql.OnCommitDrop:
			drop.Names = append(drop.Names, name)
			delete(s.atCommit, name)
		case sql.OnCommitDeleteRows:
			if r := s.snapshot().Lookup(name.Schema, name.Name); r != nil && r.Query == 0 {
				empty.OIDs = append(empty.OIDs, r.OID)
			}
		}
	}
	s.temp = slices.DeleteFunc(s.temp, func(n catalog.QualifiedName) bool {
		return slices.Contains(drop.Names, n)
	})
	if len(drop.Names) > 0 {
		if _, err := s.apply(ctx, drop); err != nil {
			return err
		}
	}
	if len(empty.OIDs) > 0 {
		if _, err := s.apply(ctx, empty); err != nil {
			return err
		}
	}
	return nil
}

// dropTemp drops the session's temporary tables, the last first.
func (s *Session) dropTemp() {
	if len(s.temp) == 0 {
		return
	}
	names := slices.Clone(s.temp)
	slices.Reverse(names)
	if s.block != noBlock && s.tempBefore == nil {
		s.tempBefore = s.copyTemp()
	}
	s.temp, s.atCommit = nil, nil
	_, err := s.apply(context.WithoutCancel(s.ctx), &catalog.DropObjects{
		Kind: catalog.KindTable, Names: names, IfExists: true, Cascade: true})
	if err != nil {
		s.host.logger.Warn("temporary tables stay", "tables", names, "err", err)
	}
}
